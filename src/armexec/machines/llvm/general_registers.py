"""General registers of the translating machine: what a block has read and written of them.

A register is in an alloca, and so is each flag of PSTATE, which is read in the same way.
"""

from __future__ import annotations

from armexec.cpu.registers import VIEWS, X30, RegisterSet
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.values import ShapedValue, Value, const, emit

__all__ = ["GeneralFile", "GeneralRegisters"]


class GeneralFile:
    """The part of the machine that has general registers.

    `full` and `low`: values that the block knows, whole and the lower 32 bits; `dirty`, `reads` and `loaded` as in
    `VectorFile`. `link_written`: whether the block has written X30. `written`: what has been written since somebody
    emptied it, by number.
    """

    builder: Builder
    dirty: RegisterSet
    reads: RegisterSet
    loaded: RegisterSet
    full: dict[int, Value]
    low: dict[int, Value]
    link_written: bool
    written: dict[int, Value]

    def read_register(self, number: int) -> Value:
        """A register's whole value, from its alloca if the block doesn't know it."""
        value = self.full.get(number)
        if value is None:
            low = self.low.get(number)
            if low is not None:
                # The lower half alone is known only after a 32-bit write, which clears the upper.
                value = low.zero_extend(64)
            else:
                self.loaded |= 1 << number
                view = VIEWS[number]
                value = emit(self.builder, view.bits, f"load {view.type}, ptr {view.variable}")
            self.full[number] = value
        return value


class GeneralRegisters:
    """`X` of the machine, or `XSP`, whose register 31 is the stack pointer."""

    __slots__ = ("machine", "sp")

    def __init__(self, machine: GeneralFile, *, sp: bool) -> None:
        self.machine = machine
        self.sp = sp

    def __getitem__(self, key: tuple[int, int]) -> Value:
        size, number = key
        m = self.machine
        if number == 31 and not self.sp:
            return const(m.builder, size, 0)
        if not m.dirty >> number & 1:
            m.reads |= 1 << number
        if size == 64:
            return m.read_register(number)
        low = m.low.get(number)
        if low is None:
            low = m.low[number] = m.read_register(number).bits(0, size)
        return low

    def __setitem__(self, key: tuple[int, int], value: Value) -> None:
        size, number = key
        if value.width != size:
            raise TypeError(f"{value.width} bits into a register of {size}")
        m = self.machine
        if number == 31 and not self.sp:
            return
        if value.__class__ is ShapedValue:
            # What is known of a general register outlives the block.
            value = value.plain()
        m.dirty |= 1 << number
        m.written[number] = value
        if number == X30:
            m.link_written = True
        if size == 64:
            m.full[number] = value
            m.low.pop(number, None)
        else:
            m.low[number] = value
            m.full.pop(number, None)
