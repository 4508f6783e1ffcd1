"""Blocks that record what they do: see `records`.

At its start a block writes its entry of the first stream. Each instruction then stores its results at places of the
second that are known beforehand. Whoever runs blocks has them execute no more instructions than there is room for: an
instruction takes `MOST` bytes at most. A block that is left before its end corrects its entry. The
code of an instruction makes its stores when all of its accesses are known to be allowed, so that what they overwrite is
recorded once. Atomic and exclusive accesses, and `dc zva`, are left to the interpreter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from armexec.cpu.registers import FLAGS, SP, RegisterSet, q
from armexec.isa import Decoded
from armexec.isa.transfers import Transfer, transfer
from armexec.machines.llvm.builder import Host
from armexec.machines.llvm.memory import Memory
from armexec.machines.llvm.values import Value
from armexec.memory.guest.page_table import READ, WRITE
from armexec.translate.observed.block import BlockText, BlockWriter
from armexec.translate.observed.machine import ObservedMachine
from armexec.translate.observed.records import (
    NZCV_NUMBER,
    V0_NUMBER,
    AccessSlot,
    Control,
    Layouts,
    Slots,
    register_slots,
)

__all__ = ["MOST", "traced_block_text"]

MOST = 256
"""Maximum bytes of the second stream that an instruction takes."""
_ENTRY = 8
_UNTAGGED = (1 << 56) - 1


def traced_block_text(
    name: str,
    blocks: Mapping[int, Sequence[Decoded]],
    host: Host,
    *,
    keep: bool,
    layouts: Layouts,
    values: bool,
) -> BlockText:
    """The function of some blocks that record what they do; see `block_text`. It needs `@control`, a `Control`.

    `values`: without it, the second stream has stack pointers only.
    """
    machine = TracedMachine(host) if values else ObservedMachine(host)
    return TracedWriter(machine, keep=keep, layouts=layouts).write(name, blocks)


class TracedMachine(ObservedMachine):
    """Notes the accesses of an instruction: in `accesses` the slot, the address, and the value or the values."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.accesses: list[tuple[AccessSlot, Value, tuple[Value, ...]]] = []
        self._pending: list[tuple[Value, Value, bool]] = []

    def start_instruction(self, pc: int, executed: int) -> None:
        super().start_instruction(pc, executed)
        self.accesses = []
        self._pending = []

    def make_stores(self) -> None:
        """Make the stores of the instruction, which is complete."""
        for address, value, release in self._pending:
            self._wanted = value.width // 8, READ | WRITE
            Memory.store(self, address, value, release=release)
        self._pending = []

    # -- accesses -----------------------------------------------------------------------------------------------------
    def load(self, address: Value, bits: int, *, acquire: bool = False, simd: bool = False) -> Value:
        value = super().load(address, bits, acquire=acquire, simd=simd)
        self.accesses.append((AccessSlot(False, bits // 8), address, (value,)))
        return value

    def store(self, address: Value, value: Value, *, release: bool = False) -> None:
        bits = value.width
        self._wanted = bits // 8, READ | WRITE
        old = self.emit(bits, f"load i{bits}, ptr {self._pointer(address)}, align 1")
        self.accesses.append((AccessSlot(True, bits // 8), address, (old, value)))
        self._pending.append((address, value, release))

    # -- what is the interpreter's ------------------------------------------------------------------------------------
    def load_exclusive(self, address: Value, bits: int, *, acquire: bool = False) -> Value:
        self.terminator = ("trap",)
        return self.const(bits, 0)

    def store_exclusive(self, address: Value, value: Value, *, release: bool = False) -> Value:
        self.terminator = ("trap",)
        return self.const(32, 0)

    def atomic(self, operation: str, address: Value, operand: Value, *, acquire: bool, release: bool) -> Value:
        self.terminator = ("trap",)
        return self.const(operand.width, 0)

    def compare_and_swap(self, address: Value, expected: Value, new: Value, *, acquire: bool, release: bool) -> Value:
        self.terminator = ("trap",)
        return self.const(expected.width, 0)

    def zero_cache_block(self, address: Value) -> None:
        self.terminator = ("trap",)


class TracedWriter(BlockWriter):
    """Writes a function that records what it does."""

    def __init__(self, machine: ObservedMachine, *, keep: bool, layouts: Layouts) -> None:
        super().__init__(machine, keep=keep)
        self._layouts = layouts
        self._data = ""
        self._slots: list[Slots] = []
        self._words = 0
        self._begin = 0
        self._blocks: dict[int, tuple[str, str, int, list[Slots]]] = {}
        """By the starts of blocks: the places in the streams, the number, and what is recorded."""
        self._entry = ""

    def _cursor(self, field: str) -> str:
        return f"getelementptr (i8, ptr @control, i64 {getattr(Control, field).offset})"

    def entered(self) -> None:
        b = self.m.builder
        for field in ("header", "data"):
            b.append(f"%{field} = alloca ptr")
            b.store("ptr", b.load("ptr", self._cursor(field)), f"%{field}")

    def exited(self) -> None:
        b = self.m.builder
        for field in ("header", "data"):
            b.store("ptr", b.load("ptr", f"%{field}"), self._cursor(field))

    def begun(self, start: int) -> None:
        b = self.m.builder
        self._entry, self._data = (b.load("ptr", f"%{field}") for field in ("header", "data"))
        self._slots, self._words = [], 0
        self._begin = len(b.out)

    def executed(self, decoded: Decoded, registers: RegisterSet) -> None:
        m = self.m
        leaves = transfer(decoded.word) is not Transfer.DIRECT
        slots = self._values(m, registers) if isinstance(m, TracedMachine) else Slots()
        if leaves:
            self._record(64, m.register(SP))
        self._slots.append(slots._replace(sp=leaves))
        assert 8 * self._slots[-1].words <= MOST

    def _values(self, m: TracedMachine, registers: RegisterSet) -> Slots:
        """Record the accesses and the registers of an instruction."""
        for slot, address, values in m.accesses:
            # An access that is made is within user space: its tag is the highest byte (`machines/addresses.py`).
            self._record(64, address & _UNTAGGED)
            for value in values:
                self._record(64 if slot.size <= 8 else 128, value)
        m.make_stores()
        numbers = register_slots(registers)
        for number in numbers:
            if number == NZCV_NUMBER:
                self._record(64, self._flags())
            elif number >= V0_NUMBER:
                place = self._place(2)
                m.builder.store("<2 x i64>", m.register(q(number - V0_NUMBER)).text, place, 8)
            else:
                self._record(64, m.register(number))
        return Slots(tuple(slot for slot, _, _ in m.accesses), numbers)

    def _flags(self) -> Value:
        n, z, c, v = (self.m.register(number).zero_extend(64) for number in FLAGS.values())
        return n << 3 | z << 2 | c << 1 | v

    def _record(self, width: int, value: Value) -> None:
        text = value.zero_extend(width).text
        self.m.builder.store(f"i{width}", text, self._place(width // 64), 8)

    def _place(self, words: int) -> str:
        """A pointer to the next units of the second stream."""
        place = self.m.builder.line(f"getelementptr i8, ptr {self._data}, i64 {8 * self._words}")
        self._words += words
        return place

    def written(self, start: int, instructions: Sequence[Decoded]) -> None:
        b = self.m.builder
        number = self._layouts.number(start, [decoded.word for decoded in instructions], self._slots)
        self._blocks[start] = self._entry, self._data, number, self._slots
        rest, b.out[self._begin :] = b.out[self._begin :], []
        b.store("i64", str(len(instructions) << 32 | number), self._entry)
        b.store("ptr", b.line(f"getelementptr i8, ptr {self._entry}, i64 {_ENTRY}"), "%header")
        if self._words:
            b.store("ptr", b.line(f"getelementptr i8, ptr {self._data}, i64 {8 * self._words}"), "%data")
        b.out += rest

    def left(self, start: int, count: Value) -> None:
        m = self.m
        b = m.builder
        entry, data, number, slots = self._blocks[start]
        ends = [0]
        for slot in slots:
            ends.append(ends[-1] + 8 * slot.words)
        ways = ", ".join(f"[{ends[executed]}, %{label}]" for executed, label in m.leaves_of[start])
        b.store("ptr", b.line(f"getelementptr i8, ptr {data}, i64 {b.line(f'phi i64 {ways}')}"), "%data")
        b.store("i64", (count << 32 | number).text, entry)
        # What was left before its first instruction has no entry.
        size = m.select(count == 0, m.const(64, 0), m.const(64, _ENTRY))
        b.store("ptr", b.line(f"getelementptr i8, ptr {entry}, i64 {size.text}"), "%header")
