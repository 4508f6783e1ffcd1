"""Rows of a trace: what an instruction was, and what it has read and written."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from armexec.debugger.guest_threads import PROCESS
from armexec.debugger.places import Place, Places
from armexec.engines.recorded.pieces import Accesses, Piece, Writes
from armexec.isa import decode
from armexec.tracing.turns import Turns
from armexec.translate.observed.records import REGISTER_NAMES, V0_NUMBER

__all__ = ["Row", "RowAccess", "Rows"]

_SCALARS = {16: ("h", "<e"), 32: ("s", "<f"), 64: ("d", "<d")}
_TEXT = 36


class RowAccess(NamedTuple):
    """An access to memory of `size` bytes. `old` and `new`: what was there before and after."""

    is_write: bool
    address: int
    size: int
    old: int
    new: int

    def __str__(self) -> str:
        return f"[0x{self.address:x}] {'←' if self.is_write else '→'} {_number(self.new)}"


@dataclass(frozen=True)
class Row:
    """An instruction that was executed as the number `time`. `registers` has what it wrote, by name, 128 bits for V
    registers, and `memory` its accesses in order. `text` is the instruction's, and `thread` the number of the thread
    that has executed it."""

    time: int
    pc: int
    word: int
    text: str
    place: Place
    registers: Mapping[str, int]
    memory: Sequence[RowAccess]
    thread: int = PROCESS

    @property
    def changes(self) -> str:
        """What it has written and read, in a line."""
        decoded = decode(self.word)
        sizes = (
            {f"{kind}{n}" if kind in "xv" else kind: bits for (kind, n), bits in decoded.effects.writes.items()}
            if decoded
            else {}
        )
        written = [_written(name, value, sizes.get(name, 128)) for name, value in self.registers.items()]
        return ", ".join([*written, *map(str, self.memory)])

    def __str__(self) -> str:
        return f"{self.time:>6}  {self.pc:x}  {self.text:<{_TEXT}} {self.changes}".rstrip()


def _written(name: str, value: int, bits: int) -> str:
    if name == "nzcv":
        return f"nzcv = {''.join(flag if value >> 3 - n & 1 else '' for n, flag in enumerate('NZCV')) or '-'}"
    if name[0] == "v" and bits in _SCALARS and not value >> bits:
        letter, form = _SCALARS[bits]
        (number,) = struct.unpack(form, value.to_bytes(bits // 8, "little"))
        return f"{letter}{name[1:]} = {number!r}"
    if name[0] == "x" and bits <= 32:
        name = f"w{name[1:]}"
    return f"{name} = {_number(value)}"


def _number(value: int) -> str:
    return f"{value}" if value < 1 << 16 else f"0x{value:x}"


class Rows:
    """Makes the rows of pieces. What the words of a pc mean is found once."""

    def __init__(self, places: Places, turns: Turns) -> None:
        self._places = places
        self._turns = turns
        self._texts: dict[tuple[int, int], tuple[str, Place]] = {}

    def of(self, piece: Piece, first: int = 0, last: int | None = None) -> Iterator[Row]:
        """The rows of a piece whose times are from `first` on and before `last`."""
        tables = piece.tables
        instructions = piece.instructions()
        pcs, words = tables.pc[instructions].tolist(), tables.word[instructions].tolist()
        begin = max(first - piece.first, 0)
        end = piece.rows if last is None else min(last - piece.first, piece.rows)
        writes, accesses = piece.writes(), piece.accesses()
        next_write, next_access = _cursor(writes.time), _cursor(accesses.time)
        threads = self._turns.at(np.arange(piece.first + begin, piece.first + end)).tolist()
        for index in range(begin, end):
            time = piece.first + index
            registers = dict(map(_register(writes), next_write(time)))
            memory = tuple(map(_access(accesses), next_access(time)))
            text, place = self.known(pcs[index], words[index])
            yield Row(time, pcs[index], words[index], text, place, registers, memory, threads[index - begin])

    def known(self, pc: int, word: int) -> tuple[str, Place]:
        """The text of an instruction, and where it is."""
        found = self._texts.get((pc, word))
        if found is None:
            text = self._places.instruction_of(pc, word).text
            found = self._texts[pc, word] = text, self._places.place(pc)
        return found


def _cursor(times: Any) -> Callable[[int], range]:
    """What gives the places of a time."""

    def at(time: int) -> range:
        begin, end = times.searchsorted([time, time + 1])
        return range(int(begin), int(end))

    return at


def _register(writes: Writes) -> Callable[[int], tuple[str, int]]:
    def register(index: int) -> tuple[str, int]:
        number = int(writes.register[index])
        high = int(writes.high[index]) << 64 if number >= V0_NUMBER else 0
        return REGISTER_NAMES[number], int(writes.value[index]) | high

    return register


def _access(accesses: Accesses) -> Callable[[int], RowAccess]:
    def access(index: int) -> RowAccess:
        old = int(accesses.old[index]) | int(accesses.old_high[index]) << 64
        new = int(accesses.new[index]) | int(accesses.new_high[index]) << 64
        return RowAccess(
            bool(accesses.is_write[index]), int(accesses.address[index]), int(accesses.size[index]), old, new
        )

    return access
