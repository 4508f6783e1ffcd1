"""The ends of blocks as IR text: where control goes on, calls, returns, and what is put into the state there."""

from __future__ import annotations

from armexec.cpu.registers import GENERAL, PARTIAL, STATE, RegisterSet, bit, has, members, register_type, wider_views
from armexec.machines.llvm.knowledge import Knowledge
from armexec.machines.llvm.machine import NAMES, place_label
from armexec.machines.llvm.values import Value
from armexec.machines.traps import TrapKind
from armexec.translate.ir.deopt_exits import DeoptimizationExits
from armexec.translate.ir.lift import LiftedBlock
from armexec.translate.ir.liveness import Signature, unwound
from armexec.translate.ir.state_access import load_state, store_state
from armexec.translate.ir.unit_functions import UnitFunctions

__all__ = ["METADATA", "BlockEnds"]

_STATE = bit(STATE)
METADATA = 1 << 30
_ROUNDS = ((50, 8), (120, 4))
"""How many rounds between branches a loop is to go of at most so many lines; longer ones two."""


class BlockEnds(DeoptimizationExits):
    """Writes the ends of a function's blocks: branches, calls, and returns."""

    def __init__(self, unit: UnitFunctions, signature: Signature) -> None:
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
        elif kind == "synchronize":
            target = block.source.target
            assert target is not None
            self.flush_for(start, (target,))
            self.leave_changed(target, self.signature.dirty_out[start])
            self.go_or_leave(start, target)
        elif kind in ("call", "call_to"):
            live = live_in.get(block.source.end, 0)
            if block.source.end not in self.function.blocks and self.uses_state:
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
        # Of a ufunc's element, the few rounds have branches of their own to be predicted by.
        wants = block.exits or m.counts or self.unit.is_tested_later
        loop = self.unrolled(start) if wants and start in targets else ""
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
        b.branch(leaves, other, stays, weights=f"!{METADATA - 1}")
        m.helpers[f"!{METADATA - 1}"] = f'!{METADATA - 1} = !{{!"branch_weights", i32 1, i32 1000}}'
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

    def leave_changed(self, target: int, dirty: RegisterSet) -> None:
        """Where the code may have been changed, go on at an address in what is there now."""
        m = self.m
        b = m.builder
        valid = b.line("load atomic i8, ptr @valid acquire, align 1")
        changed, same = b.block("changed"), b.block("unchanged")
        b.branch(b.line(f"icmp eq i8 {valid}, 0"), changed, same)
        known, kept = m.knowledge(), m.dirty
        b.start(changed)
        self.flush_to_state(dirty)
        b.state.store("pc", m.address(target).text)
        b.ret("i1", "true")
        self.go_another_way(known, kept)
        b.start(same)

    def unrolled(self, start: int) -> str:
        """Metadata that asks LLVM to unroll a loop of one block: by itself it doesn't if there are calls, even cold."""
        b = self.m.builder
        policy = self.unit.policy
        if not policy.unrolling or len(b.out) > policy.max_unrolled:
            return ""
        rounds = next((rounds for lines, rounds in _ROUNDS if len(b.out) <= lines), 2)
        # Numbers that a module's debug locations don't reach.
        loop, count = f"!{METADATA + 1 + (start - self.base) // 4}", f"!{METADATA - policy.max_call_targets - rounds}"
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
        b.clobber(callee.modified & GENERAL)
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
        b.clobber(GENERAL)
        if self.unit.may_change:
            self.leave_changed(after, 0)
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
        name = f"!{METADATA - len(call_targets)}"
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
        # Also after what doesn't return by itself: what it calls may.
        if self.uses_state:
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
        if block.region is not None and not self.unit.is_tested_later:
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
