"""What was recorded, in pieces that are expanded one at a time."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from armexec.engines.recorded.ends import parts
from armexec.engines.recorded.tables import Array, Tables, spread
from armexec.translate.observed.records import V0_NUMBER

__all__ = ["Accesses", "Piece", "Writes"]


class Writes(NamedTuple):
    """Registers that were written: when, which (a number of `REGISTER_NAMES`), and the value with its high 64 bits."""

    time: Array
    register: Array
    value: Array
    high: Array


class Accesses(NamedTuple):
    """Accesses to memory: when, and where; the old and new values, with the high 64 bits of each."""

    time: Array
    address: Array
    size: Array
    is_write: Array
    old: Array
    old_high: Array
    new: Array
    new_high: Array


class Piece:
    """Some blocks that were executed. `first` is the time of the first instruction, `rows` how many there are."""

    def __init__(self, tables: Tables, first: int, headers: Array, data: Array) -> None:
        self.tables = tables
        self.first = first
        self.headers = headers
        self.layout, self.executed = parts(headers)
        self._totals = tables.total(self.layout, self.executed)
        self.rows = int(self.executed.sum())
        self._data = data

    @property
    def times(self) -> Array:
        """The time of the first instruction of each block."""
        return self.first + np.cumsum(self.executed) - self.executed

    @property
    def words(self) -> int:
        """How many units of the second stream it has."""
        return int(self.tables.words[self._totals].sum())

    @cached_property
    def _places(self) -> Array:
        """Where the record of each block begins."""
        sizes = self.tables.words[self._totals]
        return np.cumsum(sizes) - sizes

    def instructions(self) -> Array:
        """The instructions, as places in the tables' `pc` and `word`."""
        found = spread(self.executed)
        return self.tables.begin[self.layout][found.row] + found.within

    def writes(self) -> Writes:
        """The registers that were written, in order."""
        tables = self.tables
        found = spread(tables.writes[self._totals])
        slot = tables.write_begin[self.layout][found.row] + found.within
        place = self._places[found.row] + tables.write_place[slot]
        register = tables.write_register[slot]
        value = self._data[place]
        high = np.zeros(len(value), np.uint64)
        wide = register >= V0_NUMBER
        high[wide] = self._data[place[wide] + 1]
        return Writes(self.times[found.row] + tables.write_index[slot], register.astype(np.uint8), value, high)

    @cached_property
    def sp(self) -> Array:
        """The stack pointer after each block that leaves by more than a branch; 0 after others."""
        found = np.zeros(len(self.layout), np.uint64)
        place = self.tables.sp_place[self.layout]
        leaves = np.flatnonzero((place >= 0) & (self.executed == self.tables.count[self.layout]))
        found[leaves] = self._data[self._places[leaves] + place[leaves]]
        return found

    def accesses(self) -> Accesses:
        """The accesses to memory, in order."""
        tables = self.tables
        found = spread(tables.accesses[self._totals])
        slot = tables.access_begin[self.layout][found.row] + found.within
        place = self._places[found.row] + tables.access_place[slot]
        size, is_write = tables.access_size[slot], tables.access_is_write[slot].astype(bool)
        wide = size > 8
        old, old_high = self._value(place + 1, wide)
        # A read has one value, which is new and old.
        new, new_high = self._value(place + 1 + is_write * (1 + wide), wide)
        time = self.times[found.row] + tables.access_index[slot]
        return Accesses(time, self._data[place], size.astype(np.uint8), is_write, old, old_high, new, new_high)

    def _value(self, place: Array, wide: Array) -> tuple[Array, Array]:
        high = np.zeros(len(place), np.uint64)
        high[wide] = self._data[place[wide] + 1]
        return self._data[place], high
