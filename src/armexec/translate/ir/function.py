"""One guest function as LLVM functions: its blocks joined, calls, returns, and the way in through the state structure.

`@f<offset>` takes and returns registers (a function of the register convention); `@s<offset>` takes the state structure
(any function): `i1 @s(ptr %state, i64 %pc, i64 %link)`. `%pc` is the guest address entered, of which a fragment has
several; `%link` where the call goes on, which a jump out of a function passes on, whatever X30 is by then. Both give a
bit that says, when set, that control goes on somewhere else than after the call: all registers are then in the state,
with the pc, and every caller returns at once, down to the dispatcher at the bottom.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from armexec.cpu.registers import PARTIAL, STATE, X30, RegisterSet, bit, has, members, register_type, wider_views
from armexec.machines.llvm.knowledge import Knowledge
from armexec.machines.llvm.machine import (
    NAMES,
    LlvmMachine,
    place_label,
)
from armexec.machines.llvm.values import Value
from armexec.machines.traps import TrapKind
from armexec.translate.compiled_unit import BASELINE_ONLY, END
from armexec.translate.guest_state import OFFSETS
from armexec.translate.ir.deopt_exits import DeoptimizationExits
from armexec.translate.ir.lift import LiftedBlock
from armexec.translate.ir.liveness import Signature, unwound
from armexec.translate.ir.narrow_registers import narrowed
from armexec.translate.ir.state_access import load_state, store_state
from armexec.translate.policy import DEFAULT, Policy

__all__ = ["ATTRIBUTES", "FunctionWriter", "calling_convention"]

ATTRIBUTES = "#0"
_STATE = bit(STATE)
_METADATA = 1 << 30
_ROUNDS = ((50, 8), (120, 4))
"""How many rounds between branches a loop is to go of at most so many lines; longer ones two."""


def calling_convention(machine: str) -> str:
    """LLVM's convention that keeps the most arguments and results in registers on a host."""
    return "x86_regcallcc " if machine in ("x86_64", "AMD64") else ""


class FunctionWriter:
    """Writes the functions of a unit whose signatures are known.

    `base`: the address that offsets count from. `exported`: the functions of the register convention that other units
    are to call; `outlined`: those that are not to be inlined; `crowded`: those into which nothing is to be.
    `leaves_loops`: at the first tier, loops that are entries go on in better code when there is some.
    """

    def __init__(
        self,
        signatures: dict[int, Signature],
        base: int,
        convention: str,
        exported: Collection[int] = (),
        outlined: Collection[int] = (),
        crowded: Collection[int] = (),
        *,
        policy: Policy = DEFAULT,
    ) -> None:
        self.signatures = signatures
        self.outlined = outlined
        self.crowded = crowded
        self.exported = exported
        self.leaves_loops = False
        self.policy = policy
        self.base = base
        self.convention = convention

    def name(self, entry: int) -> str:
        return f"{entry - self.base:x}"

    def result_type(self, signature: Signature) -> str:
        parts = [register_type(n) for n in members(signature.outputs)]
        if signature.checked:
            parts.append("i1")
        return "{" + ", ".join(parts) + "}" if parts else "void"

    def arguments(self, signature: Signature) -> list[str]:
        """The types and names of the parameters of a function of the register convention."""
        return ["ptr %state" if n == STATE else f"{register_type(n)} %a{n}" for n in members(signature.inputs)]

    def write(self, entry: int) -> list[str]:
        """The function's text."""
        return _Writer(self, self.signatures[entry]).write()

    def write_declaration(self, entry: int) -> str:
        """The text that declares a function of the register convention of another unit."""
        signature = self.signatures[entry]
        types = ", ".join("ptr" if n == STATE else register_type(n) for n in members(signature.inputs))
        return f"declare {self.convention}{self.result_type(signature)} @f{self.name(entry)}({types}) {ATTRIBUTES}"

    def write_wrapper(self, entry: int) -> list[str]:
        """The way through the state structure into a function of the register convention whose demanded results are all
        it modifies.
        """
        signature = self.signatures[entry]
        m = LlvmMachine(OFFSETS, self.base)
        b = m.builder
        b.append(f"define i1 @s{self.name(entry)}(ptr noalias %state, i64 %pc, i64 %link) {ATTRIBUTES} {{")
        link = load_state(m, X30)
        results, code = self.emit_call(m, signature, lambda n: load_state(m, n))
        if code is not None:
            # The callee has put its results into the state itself. Entered in its middle, where X30 needn't hold the
            # return address, it may well have come back to where the call goes on.
            b.branch(code.text, "out", "in")
            b.start("out")
            astray = b.line(f"icmp ne i64 {b.state.load('pc')}, %link")
            b.ret("i1", astray)
            b.start("in")
        for number, value in results.items():
            store_state(m, number, value)
        b.state.store("pc", link.text)
        elsewhere = m.emit(1, f"icmp ne i64 {link.text}, %link")
        b.ret("i1", elsewhere.text)
        b.append("}")
        return b.out

    def emit_call(
        self, m: LlvmMachine, signature: Signature, argument: Callable[[int], Value], caller: int = 0
    ) -> tuple[dict[int, Value], Value | None]:
        """Call a function of the register convention: its results by register, and the bit that says that control goes
        on elsewhere.
        """
        values = [
            "ptr %state" if n == STATE else f"{register_type(n)} {argument(n).text}" for n in members(signature.inputs)
        ]
        kind = self.result_type(signature)
        text = f"call {self.convention}{kind} @f{self.name(signature.function.graph.entry)}({', '.join(values)})"
        if caller in self.crowded:
            text += " noinline"
        if kind == "void":
            m.builder.append(text)
            return {}, None
        call = m.emit(0, text).text
        results = {}
        for index, n in enumerate(members(signature.outputs)):
            results[n] = m.emit(1 if register_type(n) == "i1" else 64, f"extractvalue {kind} {call}, {index}")
        code = m.emit(1, f"extractvalue {kind} {call}, {len(results)}") if signature.checked else None
        return results, code


class _Writer(DeoptimizationExits):
    def __init__(self, unit: FunctionWriter, signature: Signature) -> None:
        self.unit = unit
        self.base = unit.base
        self.signature = signature
        self.function = signature.function
        self.m = signature.function.machine
        self.uses_state = signature.uses_state
        self.result_type = unit.result_type(signature)
        self.touched = 0
        self.regions = {b.region.header: b.region for b in signature.function.blocks.values() if b.region is not None}
        self.edges: dict[str, list[str]] = {}
        graph = self.function.graph
        self.loops = set(graph.loops) & set(graph.entries) if unit.leaves_loops else set()

    def place(self, kind: str, *addresses: int) -> str:
        """The label of what the function has once for an address, or for a way from one to another."""
        return place_label(kind, *(address - self.base for address in addresses))

    def label(self, address: int, source: int | None = None) -> str:
        """Where a block begins, coming from the block at `source`, None from outside of the function."""
        there = self.function.blocks[address].region
        here = None if source is None else self.function.blocks[source].region
        label = self.place("block" if there is None or here is there else "keep", address)
        if address in self.loops:
            label = self.place("loop", address)
        if source is None or here is None or here is there:
            return label
        edge = self.place("edge", source, address)
        if edge not in self.edges:
            b = self.m.builder
            out, b.out = b.out, []
            live = here.tested(self.signature.live_in[address])
            self.test_unchecked(here, live, self.register_text)
            self.edges[edge] = [f"{edge}:", *b.out, f"br label %{label}"]
            b.out = out
        return edge

    def way_out(self, start: int) -> list[str]:
        """Before a loop's first block: on to better code, if that is entered here by now."""
        m, block = self.m, self.place("block", start)
        b = m.builder
        m.begin()
        place = b.line(f"getelementptr ptr, ptr @table, i64 {(start - self.base) // 4}")
        host = b.line(f"load atomic ptr, ptr {place} acquire, align 8")
        b.append("store atomic i8 1, ptr @running monotonic, align 1")
        own = b.line(f"icmp eq ptr {host}, @s{self.unit.name(self.function.graph.entry)}")
        optimized, unused = b.block("better"), b.block("unused")
        b.branch(own, block, optimized)
        b.start(optimized)
        self.store_needed(self.signature.live_in[start], self.value)
        pc = m.address(start).text
        code = b.line(f"musttail call i1 {host}(ptr %state, i64 {pc}, i64 %link)")
        b.ret("i1", code)
        b.start(unused)
        return [f"{self.place('loop', start)}:", BASELINE_ONLY, *b.out, END, f"br label %{block}", f"{block}:"]

    def write(self) -> list[str]:
        body: list[str] = []
        for start, block in self.function.blocks.items():
            self.m.resume(block.out, block.knowledge, block.dirty)
            self.finish(start, block)
            body += self.way_out(start) if start in self.loops else [f"{self.place('block', start)}:"]
            body += block.out
            for exit_ in block.exits:
                body += self.deoptimize(start, block, exit_)
        for edge in self.edges.values():
            body += edge
        for region in self.regions.values():
            body += self.enter_region(region)
        if self.function.has_exits:
            body += self.resume()
        lines = [*self.prologue(), *body, "}"]
        policy = self.unit.policy
        narrows = policy.narrow_registers and self.function.graph.loops and len(lines) < policy.max_narrowed
        return narrowed(lines) if narrows else lines

    def prologue(self) -> list[str]:
        entry, signature, m = self.function.graph.entry, self.signature, self.m
        m.begin()
        b = m.builder
        out = b.out
        name = self.unit.name(entry)
        if self.uses_state:
            out.append(f"define i1 @s{name}(ptr noalias %state, i64 %pc, i64 %link) {ATTRIBUTES} {{")
        else:
            parameters = ", ".join(self.unit.arguments(signature))
            linkage = "" if entry in self.unit.exported else "internal "
            kind = self.result_type
            attributes = f"{ATTRIBUTES} noinline" if entry in self.unit.outlined else ATTRIBUTES
            out.append(f"define {linkage}{self.unit.convention}{kind} @f{name}({parameters}) {attributes} {{")
        out.append("%failed = alloca i1")
        out.append(f"%alignment = add i64 0, {0 if signature.is_aligned else 15}")
        if self.function.has_exits:
            out.append("%resumed = alloca i64")
        registers = signature.inputs
        for live in signature.live_in.values():
            registers |= live
        for block in self.function.blocks.values():
            registers |= block.dirty
        registers |= self.touched
        out += [f"{NAMES[n]} = alloca {register_type(n)}" for n in members(registers & ~_STATE)]
        for region in self.regions.values():
            out += [f"{self.saved(n, region)} = alloca {register_type(n)}" for n in members(self.saved_by(region))]
        entries = self.function.graph.entries or (entry,)
        if not self.uses_state:
            for n in members(signature.inputs & ~_STATE):
                b.store(register_type(n), f"%a{n}", NAMES[n])
            if has(signature.inputs, X30):
                out.append(f"%link = add i64 %a{X30}, 0")
        elif len(entries) > 1:
            offset = m.emit(64, f"sub i64 %pc, {m.address(self.base).text}")
            b.switch(offset.text, "wrong", ((at - self.base, self.place("entry", at)) for at in entries))
            b.start("wrong")
            m.trap(TrapKind.EXECUTE, Value(b, 64, "%pc"))
            b.unreachable()
            for at in entries:
                b.start(self.place("entry", at))
                self.load_for(at)
                b.jump(self.label(at))
            return out
        else:
            self.load_for(entry)
        b.jump(self.label(entry))
        return out

    def load_for(self, address: int) -> None:
        """Take from the state what the block at an address needs."""
        for n in members(self.signature.live_in[address] & ~_STATE):
            value = load_state(self.m, n)
            self.m.builder.store(register_type(n), value.text, NAMES[n])

    # -- the ends of blocks -------------------------------------------------------------------------------------
    def value(self, number: int) -> Value:
        """A register at the end of the block."""
        self.touched |= bit(number)
        return self.m.register(number)

    def flush_to_state(self, registers: int) -> None:
        for n in members(registers & ~_STATE):
            store_state(self.m, n, self.value(n))

    def unwind(self, code: str = "true") -> None:
        """Return with everything in the state."""
        b = self.m.builder
        if self.uses_state:
            b.ret("i1", code)
            return
        count = self.signature.outputs.bit_count()
        value = self.m.emit(0, f"insertvalue {self.result_type} zeroinitializer, i1 true, {count}")
        b.ret(self.result_type, value.text)

    def finish(self, start: int, block: LiftedBlock) -> None:
        m = self.m
        b = m.builder
        live_in = self.signature.live_in
        kind = block.kind
        if kind == "trap":
            b.unreachable()
        elif kind == "goto":
            target = block.source.target
            assert target is not None
            self.flush_for(start, (target,))
            self.go_or_leave(start, target)
        elif kind == "branch":
            self.finish_branch(start, block)
        elif kind == "switch":
            self.finish_switch(start, block)
        elif kind in ("call", "call_to"):
            live = live_in.get(block.source.end, 0)
            if block.source.end in self.function.graph.outside:
                # All that changed is put into the state there.
                live = self.signature.dirty_out[start]
            self.finish_call(start, block, live)
        elif kind == "jump":
            self.finish_jump(start, block)
        else:
            self.finish_return(start, block)

    def flush_for(self, start: int, targets: tuple[int, ...]) -> None:
        live = 0
        region = self.function.blocks[start].region
        for target in targets:
            if target in self.function.blocks:
                wanted = self.signature.live_in.get(target, 0)
                live |= wanted if region is None or target in region.blocks else region.tested(wanted)
        self.m.flush(live)

    def go(self, source: int, target: int) -> None:
        self.m.builder.jump(self.label(target, source))

    def finish_branch(self, start: int, block: LiftedBlock) -> None:
        m = self.m
        b = m.builder
        terminator = block.terminator
        target = block.source.target
        assert target is not None
        targets: tuple[int, ...] = (target, block.source.end)
        if terminator[0] == "goto":
            targets = (terminator[1],)
        outside = [t for t in targets if t not in self.function.blocks]
        self.flush_for(start, targets)
        if terminator[0] == "goto":
            self.go_or_leave(start, targets[0])
            return
        condition: Value = terminator[1]
        labels = [self.label(t, start) if t not in outside else b.block("out") for t in targets]
        loop = self.unrolled(start) if block.exits and start in targets else ""
        b.branch(condition.text, labels[0], labels[1], loop=loop)
        known = m.knowledge()
        for target, label in zip(targets, labels, strict=True):
            if target in outside:
                b.start(label)
                self.go_another_way(known, m.dirty)
                self.leave(start, m.address(target))

    def go_another_way(self, known: Knowledge, dirty: RegisterSet) -> None:
        """Write another way out of a block: what was computed on the one before isn't there."""
        m = self.m
        out = m.builder.out
        m.start(known)
        m.builder.out, m.dirty = out, dirty

    def finish_switch(self, start: int, block: LiftedBlock) -> None:
        """Go on in code of another mode where FPCR, which has just been written, asks for that."""
        m = self.m
        b = m.builder
        _, value, target = block.terminator
        other = b.block("other")
        if m.strict:
            # As long as nobody reads FPSR, code for an FPCR of zero is the faster one.
            readers = b.line("load atomic i64, ptr @strict_images monotonic, align 8")
            leaves = b.line(f"icmp eq i64 {b.line(f'or i64 {readers}, {value.text}')}, 0")
        else:
            leaves = b.line(f"icmp ne i64 {value.text}, 0")
        known = m.knowledge()
        stays = b.block("same")
        b.branch(leaves, other, stays, weights=f"!{_METADATA - 1}")
        m.helpers[f"!{_METADATA - 1}"] = f'!{_METADATA - 1} = !{{!"branch_weights", i32 1, i32 1000}}'
        b.start(other)
        self.go_another_way(known, m.dirty)
        self.flush_to_state(self.signature.dirty_out[start])
        b.state.store("pc", m.address(target).text)
        b.state.store("strict", str(int(not m.strict)))
        b.ret("i1", "true")
        self.go_another_way(known, m.dirty)
        b.start(stays)
        self.flush_for(start, (target,))
        self.go_or_leave(start, target)

    def unrolled(self, start: int) -> str:
        """Metadata that asks LLVM to unroll a loop of one block: by itself it doesn't if there are calls, even cold."""
        b = self.m.builder
        policy = self.unit.policy
        if not policy.unrolling or len(b.out) > policy.max_unrolled:
            return ""
        rounds = next((rounds for lines, rounds in _ROUNDS if len(b.out) <= lines), 2)
        # Numbers that a module's debug locations don't reach.
        loop, count = f"!{_METADATA + 1 + (start - self.base) // 4}", f"!{_METADATA - policy.max_call_targets - rounds}"
        self.m.helpers[count] = f'{count} = !{{!"llvm.loop.unroll.count", i32 {rounds}}}'
        self.m.helpers[loop] = f"{loop} = distinct !{{{loop}, {count}}}"
        return loop

    def go_or_leave(self, start: int, target: int) -> None:
        if target in self.function.blocks:
            self.go(start, target)
        else:
            self.leave(start, self.m.address(target))

    def leave(self, start: int, target: Value) -> None:
        """Jump to an address that isn't part of this function (functions of the state convention only)."""
        self.flush_to_state(self.signature.dirty_out[start])
        self.jump_outside(target)

    def jump_outside(self, target: Value) -> None:
        """Jump with everything in the state."""
        m = self.m
        b = m.builder
        if target.constant is None and target.address is None:
            # To where the call goes on: a return by another register (`mov x9, x30` ... `br x9`).
            back = m.emit(1, f"icmp eq i64 {target.text}, %link")
            return_, jump = b.block("return"), b.block("jump")
            b.branch(back.text, return_, jump)
            b.start(return_)
            b.state.store("pc", target.text)
            b.ret("i1", "false")
            b.start(jump)
        callee = b.call("ptr", "@lookup", "ptr %state", f"i64 {target.text}")
        code = m.emit(1, f"musttail call i1 {callee}(ptr %state, i64 {target.text}, i64 %link)")
        b.ret("i1", code.text)

    def finish_call(self, start: int, block: LiftedBlock, live: int) -> None:
        unit = self.unit
        after = block.source.end
        if block.kind == "call_to":
            if self.signature.call_targets.get(start) and after in self.function.blocks:
                self.call_likely_targets(start, block, live)
            else:
                self.call_open(start, block, live, "")
            return
        callee = unit.signatures.get(block.terminator_target)
        if callee is None or callee.uses_state:
            function = f"@s{unit.name(block.terminator_target)}" if callee is not None else ""
            self.call_open(start, block, live, function)
            return
        # What the callee doesn't change stays where it is.
        self.call_closed(start, block, live, callee)
        self.continue_at(start, after, callee.modified & ~PARTIAL | self.signature.dirty_out.get(start, 0))

    def call_closed(self, start: int, block: LiftedBlock, live: int, callee: Signature) -> None:
        """Call a function with registers as arguments, and put its results where they are kept."""
        m = self.m
        b = m.builder
        results, code = self.unit.emit_call(m, callee, self.value, self.function.graph.entry)
        m.flush(live & ~callee.modified)
        for n in members(live & callee.modified & ~callee.outputs & PARTIAL):
            # A fixed function returns a wider view.
            wider = next((r for r in wider_views(n) if r in results), None)
            if wider is not None:
                results[n] = m.narrow(results[wider], wider, n)
        for n, value in results.items():
            self.touched |= bit(n)
            b.store(register_type(n), value.text, NAMES[n])
        if code is not None:
            unwind, returned = b.block("unwind"), b.block("returned")
            b.branch(code.text, unwind, returned)
            b.start(unwind)
            self.flush_to_state(self.signature.dirty_out[start] & unwound(self.signature, callee))
            self.unwind()
            b.start(returned)

    def call_open(self, start: int, block: LiftedBlock, live: int, function: str) -> None:
        """Call what takes the state structure: `function`, or what is found at the address."""
        m = self.m
        b = m.builder
        after = block.source.end
        self.flush_to_state(self.signature.dirty_out[start])
        target = m.address(block.terminator_target) if block.kind == "call" else block.terminator[1]
        if not function:
            function = b.call("ptr", "@lookup", "ptr %state", f"i64 {target.text}")
        link = m.address(after).text
        code = b.call("i1", function, "ptr %state", f"i64 {target.text}", f"i64 {link}")
        unwind, returned = b.block("unwind"), b.block("returned")
        b.branch(code, unwind, returned)
        b.start(unwind)
        b.ret("i1", "true")
        b.start(returned)
        for r in members(live & ~_STATE):
            self.touched |= bit(r)
            value = load_state(m, r)
            b.store(register_type(r), value.text, NAMES[r])
        self.continue_at(start, after, 0)

    def call_likely_targets(self, start: int, block: LiftedBlock, live: int) -> None:
        """Call a function whose address is in a register: directly, where it is one of those that it may be."""
        m, call_targets = self.m, self.signature.call_targets[start]
        b = m.builder
        wanted = self.signature.dirty_out[start]
        for likely in call_targets:
            wanted |= likely.inputs
        # On each way the same values are used, so they are made before.
        for n in members(wanted & ~_STATE):
            self.value(n)
        m.flush(live)
        target: Value = block.terminator[1]
        offset = m.emit(64, f"sub i64 {target.text}, {m.address(self.base).text}")
        targets = {likely.function.graph.entry - self.base: b.block("guessed") for likely in call_targets}
        other = b.block("unguessed")
        weights = ", ".join(["i32 1", *["i32 1000"] * len(call_targets)])
        name = f"!{_METADATA - len(call_targets)}"
        m.helpers[name] = f'{name} = !{{!"branch_weights", {weights}}}'
        b.switch(offset.text, other, targets.items(), weights=name)
        known, dirty = m.knowledge(), m.dirty
        for likely, label in zip(call_targets, targets.values(), strict=True):
            self.go_another_way(known, 0)
            b.start(label)
            self.call_closed(start, block, live, likely)
            self.go(start, block.source.end)
        self.go_another_way(known, dirty)
        b.start(other)
        self.call_open(start, block, live, "")

    def continue_at(self, start: int, address: int, changed: int) -> None:
        """Go on after a call that ends the block at `start`; `changed`: registers newer here than in the state."""
        m = self.m
        b = m.builder
        if address in self.function.blocks:
            self.go(start, address)
            return
        m.full, m.low, m.vectors, m.dirty = {}, {}, {}, 0
        m.NZCV = m.stored_flags()
        if address in self.function.graph.outside:
            self.flush_to_state(changed)
            self.jump_outside(m.address(address))
        else:
            m.pc = address
            m.trap(TrapKind.EXECUTE, m.address(address))
            b.unreachable()

    def finish_jump(self, start: int, block: LiftedBlock) -> None:
        m = self.m
        b = m.builder
        target: Value = block.terminator[1]
        if not block.source.targets:
            self.leave(start, target)
            return
        self.flush_for(start, block.source.targets)
        base = m.address(self.base)
        offset = m.emit(64, f"sub i64 {target.text}, {base.text}")
        elsewhere = b.block("elsewhere")
        inside = [to for to in dict.fromkeys(block.source.targets) if to in self.function.blocks]
        b.switch(offset.text, elsewhere, ((to - self.base, self.label(to, start)) for to in inside))
        b.start(elsewhere)
        if self.uses_state:
            self.leave(start, target)
            return
        live = 0
        for to in block.source.targets:
            live |= self.signature.live_in[to]
        self.flush_to_state(live & self.signature.modified | self.signature.dirty_out[start])
        b.state.store("pc", target.text)
        self.unwind()

    def finish_return(self, start: int, block: LiftedBlock) -> None:
        m = self.m
        b = m.builder
        signature = self.signature
        target: Value = block.terminator[1]
        kept = signature.kept_at_return(start)
        if block.region is not None:
            wanted = block.region.tested(kept if self.uses_state else kept | signature.outputs)
            self.test_unchecked(block.region, wanted, lambda n: self.value(n).text)
        if self.uses_state:
            self.flush_to_state(kept)
            b.state.store("pc", target.text)
            elsewhere = m.emit(1, f"icmp ne i64 {target.text}, %link")
            self.own_block()
            b.ret("i1", elsewhere.text)
            return
        outputs = {n: self.value(n) for n in members(signature.outputs)}
        if not signature.returns_as_called:
            elsewhere = m.emit(1, f"icmp ne i64 {target.text}, %link")
            unwind, back = b.block("unwind"), b.block("back")
            b.branch(elsewhere.text, unwind, back)
            b.start(unwind)
            self.flush_to_state(kept)
            for register, value in outputs.items():
                if not has(kept, register):
                    store_state(m, register, value)
            b.state.store("pc", target.text)
            self.unwind()
            b.start(back)
        self.return_values(outputs)

    def own_block(self) -> None:
        """Begin a block for what the quick instruction selection doesn't know: it gives up the block that it is in."""
        b = self.m.builder
        own = b.block("own")
        b.jump(own)
        b.start(own)

    def return_values(self, outputs: dict[int, Value]) -> None:
        """Return from a function of the register convention to where it was called."""
        m = self.m
        b = m.builder
        if self.result_type == "void":
            b.ret()
            return
        self.own_block()
        result = "poison"
        for index, (register, value) in enumerate(outputs.items()):
            result = m.emit(
                0, f"insertvalue {self.result_type} {result}, {register_type(register)} {value.text}, {index}"
            ).text
        if self.signature.checked:
            result = m.emit(0, f"insertvalue {self.result_type} {result}, i1 false, {len(outputs)}").text
        b.ret(self.result_type, result)
