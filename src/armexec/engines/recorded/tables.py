"""What the layouts of a recording say, as arrays: where each result of a block is, and what it is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from armexec.translate.observed.records import V0_NUMBER, Layout

__all__ = ["Array", "Spread", "Tables", "joined", "spread"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


class Spread(NamedTuple):
    """Things that are several in each of some rows: the `row` of each, and its number `within` the row."""

    row: Array
    within: Array


def spread(counts: Array) -> Spread:
    """The things of rows that have so many of them."""
    row = np.repeat(np.arange(len(counts)), counts)
    begins = np.cumsum(counts) - counts
    return Spread(row, np.arange(len(row)) - begins[row])


def joined(arrays: Sequence[Array], kind: Any) -> Array:
    """Arrays one after the other."""
    return np.concatenate(arrays) if arrays else np.zeros(0, kind)


class Tables:
    """The layouts as arrays. `begin`: the first instruction of each, in `pc` and `word`, and `count` how many it has.

    `words`, `writes` and `accesses` count, from the beginning of a layout, the units of its record, the registers that
    are written, and the accesses; each layout has one entry more than it has instructions: `total(layout, executed)` is
    its place. The arrays `write_...` and `access_...` have the details of all registers and accesses: the number of the
    instruction within its layout, and the place in the record. `sp_place`: the place of the stack pointer in the record
    of a layout that leaves by its last instruction; -1 without one.
    """

    def __init__(self, layouts: Sequence[Layout]) -> None:
        counts = [len(layout.words) for layout in layouts]
        self.count = np.array(counts, np.int64)
        self.begin = np.cumsum(self.count) - self.count
        self.start = np.array([layout.start for layout in layouts], np.uint64)
        found = spread(self.count)
        self.pc = self.start[found.row] + (4 * found.within).astype(np.uint64)
        self.word = np.array([word for layout in layouts for word in layout.words], np.uint32)
        words, writes, accesses = [], [], []
        write_rows: list[tuple[int, int, int]] = []
        access_rows: list[tuple[int, int, bool, int]] = []
        self.write_begin = np.zeros(len(layouts), np.int64)
        self.access_begin = np.zeros(len(layouts), np.int64)
        for number, layout in enumerate(layouts):
            self.write_begin[number], self.access_begin[number] = len(write_rows), len(access_rows)
            place, first_write, first_access = 0, len(write_rows), len(access_rows)
            for index, slots in enumerate(layout.slots):
                words.append(place)
                writes.append(len(write_rows) - first_write)
                accesses.append(len(access_rows) - first_access)
                for slot in slots.accesses:
                    access_rows.append((index, place, slot.is_write, slot.size))
                    place += slot.words
                for register in slots.registers:
                    write_rows.append((index, place, register))
                    place += 1 + (register >= V0_NUMBER)
                place += slots.sp
            words.append(place)
            writes.append(len(write_rows) - first_write)
            accesses.append(len(access_rows) - first_access)
        self.sp_place = np.array([_sp_place(layout) for layout in layouts], np.int64)
        self.words, self.writes, self.accesses = (np.array(of, np.int64) for of in (words, writes, accesses))
        rows = np.array(write_rows, np.int64).reshape(-1, 3)
        self.write_index, self.write_place, self.write_register = rows.T
        rows = np.array(access_rows, np.int64).reshape(-1, 4)
        self.access_index, self.access_place, self.access_is_write, self.access_size = rows.T

    def total(self, layout: Array, executed: Array) -> Array:
        """The places of counts."""
        return self.begin[layout] + layout + executed


def _sp_place(layout: Layout) -> int:
    return sum(slots.words for slots in layout.slots) - 1 if layout.slots and layout.slots[-1].sp else -1
