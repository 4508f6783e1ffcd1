"""Deoptimization exits: the ways out of a function into nonspeculative code, where a result is a NaN.

Nonspeculative code is of another mode: it deals with NaNs where they come up, and so needn't be left. What is executed
again there begins where its effects do: at the start of a segment of a block, or of a region that changes nothing but
registers (`analysis/reexecution_regions.py`). The registers go through the state structure; nonspeculative code runs to
the end of this function, whose results are then taken from there.
"""

from __future__ import annotations

from collections.abc import Callable

from armexec.cpu.registers import (
    COUNTER,
    NZCV,
    STATE,
    VECTOR_VIEWS,
    bit,
    covered,
    d,
    has,
    members,
    register_type,
    zero,
)
from armexec.machines.llvm.knowledge import Exit
from armexec.machines.llvm.machine import NAMES, LlvmMachine
from armexec.machines.llvm.shapes import FLOATS, Shapes
from armexec.machines.llvm.values import Value
from armexec.machines.traps import TrapKind
from armexec.translate.analysis.reexecution_regions import ReexecutionRegion
from armexec.translate.ir.lift import LiftedBlock, LiftedFunction
from armexec.translate.ir.liveness import Signature
from armexec.translate.ir.state_access import load_state, store_state, widest
from armexec.translate.ir.unit_functions import UnitFunctions

__all__ = ["DeoptimizationExits"]

_STATE = bit(STATE)
_NAN = "0x7FF800007FC07E00"
"""A NaN in D0, S0 and H0."""


class DeoptimizationExits:
    """A part of the writer of a function."""

    m: LlvmMachine
    unit: UnitFunctions
    function: LiftedFunction
    signature: Signature
    base: int
    uses_state: bool
    touched: int

    def value(self, number: int) -> Value:
        raise NotImplementedError

    def unwind(self, code: str = "true") -> None:
        raise NotImplementedError

    def return_values(self, outputs: dict[int, Value]) -> None:
        raise NotImplementedError

    def place(self, kind: str, *addresses: int) -> str:
        raise NotImplementedError

    def saved(self, number: int, region: ReexecutionRegion) -> str:
        """Where a register is kept as it was at the start of a part that may be run again."""
        return f"{NAMES[number]}.kept.x{region.header - self.base:x}"

    def saved_by(self, region: ReexecutionRegion) -> int:
        """The registers that a part changes, and needs to be run again."""
        changed = 0
        for start in region.blocks & self.function.blocks.keys():
            changed |= self.function.blocks[start].dirty
        return changed & self.signature.live_in[region.header] & ~_STATE

    def register_text(self, number: int) -> str:
        """A register, from where it is kept between blocks."""
        return self.m.builder.line(f"load {register_type(number)}, ptr {NAMES[number]}")

    def unchecked_condition(self, region: ReexecutionRegion, wanted: int, text_of: Callable[[int], str]) -> str:
        """Whether one of the registers `wanted` of those that a part doesn't test is a NaN; empty if there are none."""
        m = self.m
        numbers = []
        for number, sizes in region.unchecked.items():
            size = next((bits for bits, view in VECTOR_VIEWS.items() if has(wanted, view.first + number)), None)
            if size is None:
                continue
            first, _, kind = VECTOR_VIEWS[size]
            self.touched |= bit(first + number)
            shapes = Shapes(m.builder, size, {kind: text_of(first + number)})
            for esize in sizes:
                wide = f"<{size // esize} x {FLOATS[esize]}>" if esize < size else FLOATS[esize]
                numbers.append((wide, shapes.get(wide)))
        return m.guards.any_nan(numbers) if numbers else ""

    def test_unchecked(self, region: ReexecutionRegion, wanted: int, text_of: Callable[[int], str]) -> None:
        """Leave the part if one of the registers `wanted` of those that it doesn't test is a NaN."""
        m = self.m
        b = m.builder
        condition = self.unchecked_condition(region, wanted, text_of)
        if condition:
            tested = b.block("tested")
            b.branch(condition, self.place("rerun", region.header), tested)
            b.start(tested)

    def needed_at(self, address: int) -> int:
        """The registers that nonspeculative code needs in the state to go on at a block."""
        needed = self.signature.live_in[address]
        # Of a function of the state convention, the rest is there.
        return needed & covered(self.signature.dirty_in[address]) if self.uses_state else needed

    def enter_region(self, region: ReexecutionRegion) -> list[str]:
        """Keep what a part needs to be run again; and leave it, to run it again in nonspeculative code."""
        m = self.m
        b = m.builder
        m.begin()
        b.start(self.place("keep", region.header))
        saved = self.saved_by(region)
        for n in members(saved):
            value = m.emit(64, f"load {register_type(n)}, ptr {NAMES[n]}")
            b.store(register_type(n), value.text, self.saved(n, region))
        b.jump(self.place("block", region.header))
        b.start(self.place("rerun", region.header))
        needed = self.needed_at(region.header)

        def value_of(n: int) -> Value:
            if has(saved, n):
                return m.emit(1 if has(NZCV, n) else 64, f"load {register_type(n)}, ptr {self.saved(n, region)}")
            return self.value(n)

        self.leave_with(needed, value_of, region.header)
        return b.out

    def store_needed(self, needed: int, value_of: Callable[[int], Value]) -> None:
        """Put registers into the state, V registers in the widest view that is needed."""
        for n in widest(needed):
            store_state(self.m, n, value_of(n))

    def leave_with(self, needed: int, value_of: Callable[[int], Value], address: int) -> None:
        """Put registers into the state, and go on at an address in nonspeculative code."""
        m = self.m
        b = m.builder
        if self.unit.is_tested_later:
            outputs = members(self.signature.outputs)
            self.return_values({n: Value(b, 64, _NAN if n == d(0) else zero(n)) for n in outputs})
            return
        self.store_needed(needed, value_of)
        b.store("i64", m.address(address).text, "%resumed")
        b.jump("resume")

    def deoptimize(self, start: int, block: LiftedBlock, exit_: Exit) -> list[str]:
        """Put into the state what nonspeculative code needs to run a segment of a block again, and all that follows."""
        m, signature = self.m, self.signature
        b = m.builder
        segment = block.segments[exit_.segment]
        m.begin()
        dirty = signature.dirty_in.get(start, 0)
        if segment.knowledge is not None:
            full, low, _, _ = segment.knowledge
            assert exit_.flags is not None
            m.resume([], (dict(full), dict(low), exit_.flags, exit_.vectors), 0)
            for earlier in block.segments[: exit_.segment]:
                dirty |= earlier.writes
        b.start(exit_.label)
        b.mark(segment.pc)
        needed = block.live_at(exit_.segment, signature.live_out[start])
        if self.uses_state:
            # The rest is in the state.
            needed &= covered(dirty)
        uncounted = (block.source.end - segment.pc) // 4

        def value_of(n: int) -> Value:
            # The rest of the block is counted where it is executed.
            return self.value(n) + uncounted if n == COUNTER else self.value(n)

        self.leave_with(needed, value_of, segment.pc)
        return b.out

    def resume(self) -> list[str]:
        """Run nonspeculative code to the function's end, and return what it returns."""
        m = self.m
        b = m.builder
        m.begin()
        b.start("resume")
        b.append("%at = load i64, ptr %resumed")
        code = b.call("i1", "@resume", "ptr %state", "i64 %at", "i64 %link")
        if self.uses_state:
            b.ret("i1", code)
            return b.out
        b.branch(code, "astray", "resumed_well")
        b.start("astray")
        if self.signature.checked:
            self.unwind()
        else:
            m.trap(TrapKind.EXECUTE, Value(b, 64, "%at"))
            b.unreachable()
        b.start("resumed_well")
        self.return_values({n: load_state(m, n) for n in members(self.signature.outputs)})
        return b.out
