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
    PARTIAL,
    SP,
    STATE,
    VECTOR_VIEWS,
    X0,
    X30,
    RegisterSet,
    bit,
    covered,
    d,
    has,
    members,
    q,
    register_type,
    state_place,
    x,
    zero,
)
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.machine import LlvmMachine
from armexec.machines.llvm.values import address_of
from armexec.machines.traps import EXIT
from armexec.translate.analysis.call_targets import likely_targets
from armexec.translate.cfg.discovery import ControlFlowGraph
from armexec.translate.codegen.llvm import exact_attributes, host_features, host_machine
from armexec.translate.compiled_unit import BASELINE_ONLY, END, CompiledUnit, Function
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.function import FunctionWriter, calling_convention
from armexec.translate.ir.lift import LiftedFunction, lift
from armexec.translate.ir.liveness import Signature, analyze
from armexec.translate.support.host_environment import pinned
from armexec.translate.support.runtime_ir import declarations, dispatcher, resumption
from armexec.translate.unit_registry import Argument, Convention, Form, Shape, UnitRegistry

__all__ = ["UnitPlan"]

_FRESH = "fpcr"
"""The first of the system registers in the state structure, which are zero when a call from Python begins."""

_RESULTS = bit(X0, d(0))
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
    careful = mode.nan == "immediate" or registry.optimized is not None
    return LlvmMachine(
        OFFSETS,
        code.base,
        host=host_features(),
        strict=mode.is_strict,
        careful=careful,
        max_deferred_stores=policy.max_deferred_stores if policy.deferred_stores else 0,
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
        found = registry.partition.journal
        before = len(found)
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
        base = registry.code.base
        self._found = tuple(address - base for address in found[before:])

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
            self._found,
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
            self.consulted.add(address)
            root = self.root if address == self.entry else None
            if root is None and (total > most or fetch(address) is None or address in registry.states):
                continue
            graph = root or registry.graph(address)
            if graph.is_fragment and root is None:
                # What is in fragments is reached through the dispatcher, and translated when it is.
                continue
            form = self.forms[address] = (address, self._returns_all(address, returns_all))
            export = registry.exports.get(form)
            if export is not None:
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
            if self.forms[address] in registry.seen and not _is_short_leaf(registry, address)
        }
        demanded = {
            address: ALL if self.forms[address][1] else _RESULTS | _PRESERVED
            for address in self.exported | {a for a in self.functions if self.forms[a][1]}
        }
        for address in (self.entry, *self.others):
            if address in self.functions or address in self.external:
                demanded[address] = demanded.get(address, 0) | (ALL if self.shape is None else _RESULTS)
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
        writer.leaves_loops = self.registry.optimized is not None and policy.osr
        out = [
            "define void @begin() nounwind {",
            "ret void",
            "}",
            "@image = external global i8, align 16",
            declarations(),
        ]
        # A function of the register convention that returns as it should needs no dispatcher.
        signature = signatures.get(entry)
        if signature is None or any(s.uses_state or s.checked for s in signatures.values()):
            out.append(dispatcher(table_size=code.code_size // 4))
        if any(function.has_exits for function in self.functions.values()):
            out.append(resumption(table_size=code.code_size // 4))
        for address in self.functions:
            out += writer.write(address)
        for address in self.external:
            out.append(writer.write_declaration(address))
        for address in self.wrapped:
            out += writer.write_wrapper(address)
        if self.shape is not None:
            out += _entry_stub(writer, entry, self.shape, strict=self.registry.mode.is_strict)
        helpers: dict[str, str] = {}
        for function in self.functions.values():
            helpers |= function.machine.helpers
        out += helpers.values()
        # A frame that is larger than the guard page below the thread's stack must not reach over it.
        out.append('attributes #0 = { null_pointer_is_valid nounwind "probe-stack"="inline-asm" }')
        out.append(exact_attributes())
        if self.registry.optimized is not None:
            stub = [] if self.shape is None else _replaceable_stub(writer.name(entry), self.shape)
            out += [BASELINE_ONLY, "@running = external global i8", *stub, END]
        return "\n".join([*out, ""])


def _entry_stub(writer: FunctionWriter, entry: int, shape: Shape, *, strict: bool) -> list[str]:
    """A C function that takes the arguments, runs the guest function on a state of the pool, and returns X0 or V0.

    It is called with the GIL held, gives it up around the guest, and on a trap leaves a Python exception set.
    A `float` comes and goes as a `double`, which Python's numbers are: it is converted in the guest's environment.
    """
    signature = writer.signatures.get(entry)
    b = Builder(OFFSETS, writer.base)
    name = writer.name(entry)
    parameters = ", ".join(f"{_c_type(a)} %p{i}" for i, a in enumerate(shape.arguments))
    result = _result_type(shape)
    nothing = "0.0" if result in ("float", "double") else "0"
    b.append(f"define {result} @entry{name}({parameters}) #0 {{")
    b.append("%thread = call ptr @PyEval_SaveThread()")
    b.append("%state = call ptr @start()")
    b.append("%none = icmp eq ptr %state, null")
    b.branch("%none", "full", "try")
    b.start("full")
    b.append("call void @PyEval_RestoreThread(ptr %thread)")
    b.append("%error = call ptr @PyErr_NoMemory()")
    b.ret(result, nothing)
    b.start("try")
    jumped = b.line(f"call i32 @_setjmp(ptr {b.state.pointer('jump_buffer')}) returns_twice")
    b.branch(b.line(f"icmp ne i32 {jumped}, 0"), "trap", "go")
    b.start("trap")
    b.append("call void @PyEval_RestoreThread(ptr %thread)")
    b.append("%zero = call i64 @raise(ptr %state)")
    b.ret(result, nothing)
    b.start("go")
    b.state.store("entry", address_of(b, entry).text)
    values: dict[int, str] = {SP: b.state.load("stack_top"), X30: str(EXIT)}
    _set_arguments(b, shape, values)
    # A function of the register convention that isn't strict sees no other code, but it may read system registers.
    uses_state = signature is None or signature.uses_state
    fresh = b.state.pointer(_FRESH)
    size = OFFSETS["exclusive_value"] - OFFSETS[_FRESH]
    b.append(f"call void @llvm.memset.p0.i64(ptr {fresh}, i8 0, i64 {size}, i1 false)")
    if uses_state or (signature is not None and signature.checked):
        _fill_state(b, values)
        # What is done here shows in FPSR, if it is ever looked at.
        mode = "1" if strict else b.line("load atomic i64, ptr @strict_images monotonic, align 8")
        b.state.store("strict", mode)
    wanted = d(0) if shape.float_result else X0
    if uses_state:
        b.state.store("pc", address_of(b, entry).text)
        b.append("call void @dispatch(ptr %state)")
        found = _load_value(b, wanted)
    else:
        found = _call_closed(b, writer, entry, values, wanted)
    returned = b.line(pinned(result, _returned(b, found, shape.float_result)))
    b.append("call void @finish(ptr %state)")
    b.append("call void @PyEval_RestoreThread(ptr %thread)")
    b.ret(result, returned)
    b.append("}")
    return b.out


def _replaceable_stub(name: str, shape: Shape) -> list[str]:
    """The entry stub through a cell, so that code compiled quickly at first can give way to better code."""
    result = _result_type(shape)
    parameters = ", ".join(f"{_c_type(a)} %p{i}" for i, a in enumerate(shape.arguments))
    return [
        "@entry_cell = external global ptr, align 8",
        f"define {result} @enter{name}({parameters}) #0 {{",
        "%host = load atomic ptr, ptr @entry_cell acquire, align 8",
        f"%result = musttail call {result} %host({parameters})",
        f"ret {result} %result",
        "}",
    ]


def _c_type(argument: Argument) -> str:
    if not argument.is_float or argument.bits == 16:
        return f"i{argument.bits}"
    return "double"


def _result_type(shape: Shape) -> str:
    return _c_type(Argument(0, shape.float_result, is_float=True)) if shape.float_result else "i64"


def _set_arguments(b: Builder, shape: Shape, values: dict[int, str]) -> None:
    """Set the registers of the arguments, V registers in all views."""
    for i, argument in enumerate(shape.arguments):
        kind = _c_type(argument)
        text = b.line(pinned(kind, f"%p{i}"))
        if not argument.is_float:
            if argument.bits < 64:
                text = b.line(f"{'sext' if argument.signed else 'zext'} {kind} {text} to i64")
            values[x(argument.n)] = text
            continue
        if argument.bits == 32:
            kind, text = "float", b.line(f"fptrunc double {text} to float")
        elif argument.bits == 16:
            kind, text = "i32", b.line(f"zext i16 {text} to i32")
        lanes = 128 // max(argument.bits, 32)
        whole = b.line(f"insertelement <{lanes} x {kind}> zeroinitializer, {kind} {text}, i64 0")
        for width, (first, _, view) in VECTOR_VIEWS.items():
            shape_of = view if width == 128 else f"<{128 // width} x {view}>"
            text = b.line(f"bitcast <{lanes} x {kind}> {whole} to {shape_of}")
            if width < 128:
                text = b.line(f"extractelement {shape_of} {text}, i64 0")
            values[first + argument.n] = text


def _returned(b: Builder, value: str, float_result: int) -> str:
    """The result as C has it, of the value of X0 or D0."""
    if float_result in (0, 64):
        return value
    kind = "i16" if float_result == 16 else "float"
    lanes = 64 // float_result
    text = b.line(f"extractelement <{lanes} x {kind}> {b.line(f'bitcast double {value} to <{lanes} x {kind}>')}, i64 0")
    return text if float_result == 16 else b.line(f"fpext float {text} to double")


def _load_value(b: Builder, number: int) -> str:
    """Take a register from the state."""
    pointer = b.line(f"getelementptr i8, ptr %state, i64 {state_place(number)[0]}")
    return b.load(register_type(number), pointer, align=8)


def _store_values(b: Builder, values: dict[int, str]) -> None:
    """Put registers into the state."""
    for n, value in values.items():
        if not has(PARTIAL, n):
            offset, kind = state_place(n)
            pointer = b.line(f"getelementptr i8, ptr %state, i64 {offset}")
            b.store(kind, value, pointer, align=8)


def _fill_state(b: Builder, values: dict[int, str]) -> None:
    """All registers zero but these."""
    b.append(f"call void @llvm.memset.p0.i64(ptr %state, i8 0, i64 {OFFSETS[_FRESH]}, i1 false)")
    _store_values(b, values)


def _index(registers: RegisterSet, number: int) -> int:
    """Where a register stands in the order of a set."""
    return (registers & bit(number) - 1).bit_count()


def _call_closed(b: Builder, writer: FunctionWriter, entry: int, values: dict[int, str], wanted: int) -> str:
    """Call it; the register `wanted` then."""
    signature = writer.signatures[entry]
    arguments = []
    for n in members(signature.inputs):
        if n == STATE:
            arguments.append("ptr %state")
        else:
            arguments.append(f"{register_type(n)} {values.get(n, zero(n))}")
    kind = writer.result_type(signature)
    results = b.call(f"{writer.convention}{kind}", f"@f{writer.name(entry)}", *arguments)
    first = values.get(wanted, zero(wanted))
    if has(signature.outputs, wanted):
        first = b.line(f"extractvalue {kind} {results}, {_index(signature.outputs, wanted)}")
    elif wanted == d(0) and has(signature.outputs, q(0)):
        # The returns-all form, which has all of V0.
        whole = b.line(f"extractvalue {kind} {results}, {_index(signature.outputs, q(0))}")
        pair = b.line(f"bitcast <2 x i64> {whole} to <2 x double>")
        first = b.line(f"extractelement <2 x double> {pair}, i64 0")
    type_ = register_type(wanted)
    if not signature.checked:
        b.jump("done")
        b.start("done")
        return b.line(f"phi {type_} [{first}, %go]")
    code = b.line(f"extractvalue {kind} {results}, {signature.outputs.bit_count()}")
    b.branch(code, "elsewhere", "done")
    b.start("elsewhere")
    # All registers are in the state by now.
    b.append("call void @dispatch(ptr %state)")
    second = _load_value(b, wanted)
    b.jump("done")
    b.start("done")
    return b.line(f"phi {type_} [{first}, %go], [{second}, %elsewhere]")
