"""A module of translated functions: what is translated with what, analysis, text.

Each function of an image is translated a few times at most. First it is internal to the unit of whoever reaches it,
where it may be inlined. The second time it is exported, and from then on declared by the units that call it. Its
results are fixed by then: what the AAPCS64 lets a caller rely on, or, where a caller needs more than that, all it
changes (the returns-all form, also used by functions called through the state structure). Short leaves are always
copied.
"""

from __future__ import annotations

import zlib
from collections.abc import Container, Mapping, Sequence

from armexec.cpu.registers import (
    ALL,
    COUNTER,
    SP,
    X0,
    bit,
    covered,
    d,
    x,
)
from armexec.machines.llvm.machine import LlvmMachine
from armexec.resource_limits.deadlines import check_deadline
from armexec.translate.analysis.call_targets import likely_targets
from armexec.translate.array_loops.element import is_plain_element
from armexec.translate.array_loops.loop_stub import write_loop_stub
from armexec.translate.cfg.discovery import ControlFlowGraph
from armexec.translate.codegen.llvm import exact_attributes, host_features, host_machine
from armexec.translate.compiled_unit import BASELINE_ONLY, END, CompiledUnit, Function
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.entry_stub import write_entry_stub, write_replaceable_stub
from armexec.translate.ir.function import FunctionWriter
from armexec.translate.ir.guest_call import results
from armexec.translate.ir.lift import LiftedFunction, lift
from armexec.translate.ir.liveness import Signature, analyze
from armexec.translate.ir.unit_functions import calling_convention
from armexec.translate.support.runtime_ir import declarations, dispatcher, resumption
from armexec.translate.unit_registry import Convention, Form, Shape, UnitRegistry

__all__ = ["UnitPlan"]

_RESULTS = bit(X0, d(0), COUNTER)
_PRESERVED = bit(SP, *(x(n) for n in range(19, 30)), *(d(n) for n in range(8, 16)))


def _external(convention: Convention, entry: int, machine: LlvmMachine) -> Signature:
    """The signature of a function of another unit."""
    function = LiftedFunction(ControlFlowGraph(entry, {}, frozenset(), frozenset()), machine, {}, False, False)
    return Signature(function, **convention._asdict(), demanded=convention.outputs, is_external=True)


def _is_short_leaf(registry: UnitRegistry, address: int) -> bool:
    graph = registry.partition.graph(address)
    return not graph.calls and graph.size <= registry.policy.max_copied_leaf


def _machine(registry: UnitRegistry) -> LlvmMachine:
    """To translate one function on."""
    code = registry.code
    # Code of the first tier is left in the middle of loops, where all has to be sure.
    mode, policy = registry.mode, registry.policy
    speculates = mode.nan == "deferred" and registry.optimized is None
    return LlvmMachine(
        OFFSETS,
        code.base,
        host=host_features(),
        strict=mode.is_strict,
        speculates=speculates,
        max_deferred_stores=policy.max_deferred_stores if policy.deferred_stores else 0,
        system_calls=True,
        counts=mode.counted,
        sandbox=code.memory is not None,
    )


class UnitPlan:
    """The text of a unit, and what is to be remembered when it has become code.

    With `shape`, the function at `entry` is to be called from Python (`Unit.entry_stub`); without, from other
    translated code, through the state structure. Then so are those of `others` for which there is room; None: some that
    other units had no room for. `consulted`: the addresses of which it was asked whether they have
    been translated. `is_movable`: the text is the same wherever the image is mapped.
    """

    def __init__(
        self, registry: UnitRegistry, entry: int, shape: Shape | None, others: Sequence[int] | None = None
    ) -> None:
        self.registry = registry
        self.consulted: set[int] = set()
        # Another graph may begin where a fragment does, so it is held on to.
        self.root = registry.graph(entry) if shape is None else None
        self.entry = entry if self.root is None else self.root.entry
        self.shape = shape
        if others is None:
            others = registry.take_left_out(entry) if shape is None else ()
        self.others = others
        # The functions of which callers here need more than their exported narrow form returns.
        returns_all: set[int] = set()
        while True:
            self._collect(returns_all)
            if not (more := self._analyze()):
                break
            returns_all |= more
        self.text = self._write()

    @property
    def is_movable(self) -> bool:
        movable = self.registry.code.movable
        blocks = [block for function in self.functions.values() for block in function.graph.blocks.values()]
        return all(movable(at) for block in blocks for at in range(block.start, block.end, 4))

    @property
    def size(self) -> int:
        """How many instructions of the guest it has."""
        return sum(function.graph.size for function in self.functions.values())

    def close(self) -> None:
        """Drop what it has made: machines and their values refer to each other, and would stay for a while."""
        for function in self.functions.values():
            function.machine.__dict__.clear()
        self.functions.clear()

    def compiled(self, data: bytes) -> CompiledUnit:
        """What it is when compiled: `data` is the object file."""
        base = self.registry.code.base
        functions = []
        undefined_reasons: dict[int, str] = {}
        for address, function in self.functions.items():
            undefined_reasons |= {pc - base: why for pc, why in function.machine.undefined_reasons.items()}
            signature = self.signatures[address]
            if signature.uses_state:
                entries = tuple(start - base for start in function.graph.entries or (address,))
                functions.append(Function(address - base, entries))
                continue
            convention = None
            if address in self.exported:
                convention = Convention(signature.inputs, signature.outputs, signature.modified, signature.checked)
            functions.append(Function(address - base, (), self.forms[address][1], convention))
        return CompiledUnit(
            data,
            zlib.compress(self.text.encode(), 1),
            self.size,
            self.entry - base,
            tuple(address - base for address in self.wrapped),
            tuple(functions),
            tuple((address - base, self.forms[address][1]) for address in self.external),
            undefined_reasons,
            tuple(sorted(address - base for address in self.consulted)),
        )

    @property
    def entered(self) -> list[int]:
        """The functions that are to be entered through the state structure."""
        if self.shape is not None:
            return []
        return [address for address in (self.entry, *self.others) if address in self.functions]

    @property
    def wrapped(self) -> list[int]:
        """Those of them that are closed."""
        found = [self.entry, *self.others] if self.shape is None else []
        return [address for address in found if address in self.signatures and not self.signatures[address].uses_state]

    @property
    def _is_loop(self) -> bool:
        return self.shape is not None and self.shape.loop is not None

    def _returns_all(self, address: int, returns_all: set[int]) -> bool:
        return self.shape is None or address in returns_all

    def _collect(self, returns_all: set[int]) -> None:
        """The function and its callees, lifted, up to the size of a unit, and the exported ones among them."""
        registry, fetch = self.registry, self.registry.code.fetch
        machine = _machine(registry)
        self.functions: dict[int, LiftedFunction] = {}
        self.forms: dict[int, Form] = {}
        self.external: dict[int, Signature] = {}
        # By function, by the block that ends with a call to a register.
        self.call_targets: dict[int, dict[int, list[int]]] = {}
        # The functions that only a guess may have brought here, with their sizes.
        self.speculative: dict[int, int] = {}
        todo = [*reversed(self.others), self.entry]
        policy = registry.policy
        most = policy.max_unit if registry.optimized is None else policy.max_first_tier_unit
        total = 0
        while todo:
            address = todo.pop()
            if address in self.functions or address in self.external:
                continue
            check_deadline()
            self.consulted.add(address)
            root = self.root if address == self.entry else None
            # What is asked for is translated whatever leads to it already, so that it is the same each time.
            is_there = address in registry.states and address != self.entry
            is_replaced = address in registry.code.redirected and address != self.entry
            if root is None and (is_replaced or total > most or fetch(address) is None or is_there):
                continue
            graph = root or registry.graph(address)
            if graph.is_fragment and root is None:
                # What is in fragments is reached through the dispatcher, and translated when it is.
                continue
            form = self.forms[address] = (address, self._returns_all(address, returns_all))
            export = registry.exports.get(form)
            # The loop of a ufunc is faster with the function in it.
            if export is not None and not (self._is_loop and address == self.entry):
                self.external[address] = _external(export.convention, address, machine)
                continue
            machine = _machine(registry)
            self.functions[address] = lift(graph, machine, policy)
            total += graph.size
            todo += sorted(graph.calls, reverse=True)
            call_targets = self.call_targets[address] = self._call_targets(self.functions[address])
            todo += dict.fromkeys(target for targets in call_targets.values() for target in targets)

    def _call_targets(self, function: LiftedFunction) -> dict[int, list[int]]:
        """Where the calls to registers of a function may go, by the blocks that they end."""
        registry, policy = self.registry, self.registry.policy
        call_targets: dict[int, list[int]] = {}
        if not policy.call_targets:
            return call_targets
        for start, block in function.blocks.items():
            if block.kind != "call_to":
                continue
            sizes = {}
            for address in likely_targets(block.source, registry.code, policy.max_call_targets):
                if address in registry.code.redirected:
                    continue
                graph = registry.partition.graph(address)
                size = registry.reach(graph.entry, policy.max_call_target)
                if not graph.is_fragment and size <= policy.max_call_target:
                    sizes[graph.entry] = size
            found = call_targets[start] = []
            for entry in sorted(sizes, key=sizes.__getitem__):
                if entry not in self.speculative:
                    if sum(self.speculative.values()) + sizes[entry] > policy.max_call_targets_in_unit:
                        break
                    self.speculative[entry] = sizes[entry]
                found.append(entry)
        return call_targets

    def _analyze(self) -> set[int]:
        """Find the signatures; the fixed functions that return too little."""
        registry = self.registry
        self.exported = {
            address
            for address in self.functions
            if self.forms[address] in registry.seen
            and not _is_short_leaf(registry, address)
            and not (self._is_loop and address == self.entry)
        }
        demanded = {
            address: ALL if self.forms[address][1] else _RESULTS | _PRESERVED
            for address in self.exported | {a for a in self.functions if self.forms[a][1]}
        }
        for address in (self.entry, *self.others):
            if address in self.functions or address in self.external:
                demanded[address] = demanded.get(address, 0) | (
                    ALL if self.shape is None else results(self.shape) | _RESULTS
                )
        # The stack pointer that Python's calls begin with is aligned.
        entered = self.exported.union(self.entered)
        self.signatures = analyze(
            self.functions,
            demanded,
            self.external,
            self.call_targets,
            entered,
            callee_saved=registry.policy.callee_saved,
        )
        return {
            address
            for address, signature in self.signatures.items()
            if signature.is_external and signature.demanded & signature.modified & ~covered(signature.outputs)
        }

    def _outlined(self) -> tuple[set[int], set[int]]:
        """The functions that are not to be inlined, and those into which nothing is to be.

        LLVM inlines whatever is called in one place only, and optimizes all of it again at each level: the time would
        grow with the square of a chain of calls. And a function of many calls would become a large one.
        """
        policy = self.registry.policy
        if not policy.inlining:
            return set(self.functions), set()
        outlined: set[int] = set()
        crowded: set[int] = set()
        sizes: dict[int, int] = {}
        todo = [(address, False) for address in self.functions]
        while todo:
            address, is_done = todo.pop()
            callees = [a for a in self.functions[address].graph.calls if a in self.functions]
            if is_done:
                # Of a function that calls itself, the size isn't known yet.
                inlined = sum(sizes[callee] for callee in callees if callee not in outlined)
                sizes[address] = self.functions[address].graph.size + inlined
                if sizes[address] > policy.max_inlined:
                    outlined.add(address)
                if self._with_calls(address, sizes, outlined) > policy.max_inlined_into:
                    crowded.add(address)
            elif address not in sizes:
                sizes[address] = 0
                todo.append((address, True))
                todo += [(callee, False) for callee in callees if callee not in sizes]
        return outlined, crowded

    def _with_calls(self, address: int, sizes: Mapping[int, int], outlined: Container[int]) -> int:
        """The size of a function if all that may be inlined at its calls is."""
        graph = self.functions[address].graph
        targets = [block.target for block in graph.blocks.values() if block.kind == "call"]
        return graph.size + sum(sizes.get(t, 0) for t in targets if t is not None and t not in outlined)

    def _write(self) -> str:
        code, signatures, entry = self.registry.code, self.signatures, self.entry
        policy = self.registry.policy
        self.exported = {address for address in self.exported if not signatures[address].uses_state}
        convention = calling_convention(host_machine())
        writer = FunctionWriter(signatures, code.base, convention, self.exported, *self._outlined(), policy=policy)
        writer.may_change = code.valid is not None
        writer.leaves_loops = self.registry.optimized is not None and policy.osr
        is_plain = self._is_loop and is_plain_element(signatures.get(entry), self.shape)
        writer.is_tested_later = is_plain
        out = [
            "define void @begin() nounwind {",
            "ret void",
            "}",
            "@image = external global i8, align 16",
            # Its size isn't known, so that nothing is concluded from it.
            "@memory = external global [0 x i8]",
            declarations(),
        ]
        if writer.may_change:
            out.append("@valid = external global i8")
        # A function of the register convention that returns as it should needs no dispatcher.
        signature = signatures.get(entry)
        if is_plain or signature is None or any(s.uses_state or s.checked for s in signatures.values()):
            out.append(dispatcher(table_size=code.code_size // 4))
        if any(function.has_exits for function in self.functions.values()):
            out.append(resumption(table_size=code.code_size // 4))
        for address in self.functions:
            check_deadline()
            out += writer.write(address)
        for address in self.external:
            out.append(writer.write_declaration(address))
        for address in self.wrapped:
            out += writer.write_wrapper(address)
        if self.shape is not None:
            write_stub = write_loop_stub if self._is_loop else write_entry_stub
            out += write_stub(
                writer,
                entry,
                self.shape,
                strict=self.registry.mode.is_strict,
                is_replaced=entry in code.redirected,
                sandbox=code.memory is not None,
            )
        helpers: dict[str, str] = {}
        for function in self.functions.values():
            helpers |= function.machine.helpers
        out += helpers.values()
        # A frame that is larger than the guard page below the thread's stack must not reach over it.
        out.append('attributes #0 = { null_pointer_is_valid nounwind "probe-stack"="inline-asm" }')
        out.append(exact_attributes())
        if self.registry.optimized is not None:
            stub = [] if self.shape is None else write_replaceable_stub(writer.name(entry), self.shape)
            out += [BASELINE_ONLY, "@running = external global i8", *stub, END]
        return "\n".join([*out, ""])
