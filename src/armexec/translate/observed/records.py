"""What is recorded of executed instructions: two streams, of blocks and of their results.

The first stream has 8 bytes for each block that was executed: its number, and how many of its instructions. The second
has the results of these instructions one after the other, in units of 8 bytes: for each access to memory the address
and then the value that was read, or the old and the new value that were written; then the registers that were written;
then, of calls, returns and what else may go to any address, the stack pointer. Values of more than 8 bytes take 16. So
what a block's results mean is known from its number (`Layout`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from armexec.cpu.registers import NZCV, SP, VECTOR_VIEWS, RegisterSet, members
from armexec.isa import decode

__all__ = [
    "NZCV_NUMBER",
    "REGISTER_NAMES",
    "SP_NUMBER",
    "V0_NUMBER",
    "AccessSlot",
    "Control",
    "Layout",
    "Layouts",
    "Slots",
    "register_slots",
    "written_by",
]

REGISTER_NAMES = (*(f"x{n}" for n in range(31)), "sp", "nzcv", *(f"v{n}" for n in range(32)))
"""The registers that are recorded. Their places here are their numbers in records."""
SP_NUMBER, NZCV_NUMBER, V0_NUMBER = 31, 32, 33
_V0 = VECTOR_VIEWS[128].first


class AccessSlot(NamedTuple):
    """An access of up to 16 bytes."""

    is_write: bool
    size: int

    @property
    def words(self) -> int:
        """How many units of 8 bytes its record takes."""
        value = 1 if self.size <= 8 else 2
        return 1 + (2 * value if self.is_write else value)


class Slots(NamedTuple):
    """What is recorded of an instruction: its accesses, the numbers of the registers that it writes, and whether the
    stack pointer is."""

    accesses: tuple[AccessSlot, ...] = ()
    registers: tuple[int, ...] = ()
    sp: bool = False

    @property
    def words(self) -> int:
        """How many units of 8 bytes its record takes."""
        registers = sum(1 + (n >= V0_NUMBER) for n in self.registers)
        return sum(slot.words for slot in self.accesses) + registers + self.sp


class Layout(NamedTuple):
    """Instructions that follow each other in memory from `start` on: their words, and what is recorded of each."""

    start: int
    words: tuple[int, ...]
    slots: tuple[Slots, ...]


class Layouts:
    """All layouts of a recording, by their numbers. The same one has the same number."""

    def __init__(self) -> None:
        self.known: list[Layout] = []
        self._numbers: dict[Layout, int] = {}

    def number(self, start: int, words: Sequence[int], slots: Sequence[Slots]) -> int:
        """The number of a layout."""
        layout = Layout(start, tuple(words), tuple(slots))
        number = self._numbers.get(layout)
        if number is None:
            number = self._numbers[layout] = len(self.known)
            self.known.append(layout)
        return number


class Control(ctypes.Structure):
    """Where host code records: the next entry of each stream."""

    _fields_ = (("header", ctypes.c_uint64), ("data", ctypes.c_uint64))


def register_slots(written: RegisterSet) -> tuple[int, ...]:
    """The numbers in records of registers that are written, in order."""
    found = []
    for n in members(written & ~NZCV):
        if n <= SP:
            found.append(n)
        elif _V0 <= n < _V0 + 32:
            found.append(V0_NUMBER + n - _V0)
    if written & NZCV:
        found.append(NZCV_NUMBER)
    return tuple(sorted(found))


@lru_cache(1 << 14)
def written_by(word: int) -> tuple[int, ...]:
    """The numbers in records of the registers that an instruction writes, in order."""
    decoded = decode(word)
    found = []
    for kind, n in decoded.effects.writes if decoded is not None else ():
        if kind == "x":
            found.append(n)
        elif kind == "v":
            found.append(V0_NUMBER + n)
        elif kind in ("sp", "nzcv"):
            found.append(SP_NUMBER if kind == "sp" else NZCV_NUMBER)
    return tuple(sorted(found))
