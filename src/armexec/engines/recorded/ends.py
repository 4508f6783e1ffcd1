"""Where the blocks of a recording begin and end, while more of them become known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from armexec.engines.recorded.tables import Array
from armexec.isa.transfers import Transfer, transfer
from armexec.translate.observed.records import Layouts

__all__ = ["Ends", "Leaves", "leaves", "parts"]


def parts(headers: Array) -> tuple[Array, Array]:
    """The layouts of entries of the first stream, and how many instructions of each were executed."""
    return (headers & np.uint64(0xFFFF_FFFF)).astype(np.int64), (headers >> np.uint64(32)).astype(np.int64)


class Ends:
    """By the numbers of layouts: `start` and `end`, addresses, `count`, instructions, and `kind`, how they leave.

    `calls`: the ends of those that leave by a call.
    """

    def __init__(self, layouts: Layouts) -> None:
        self._layouts = layouts
        self.start = self.end = np.zeros(0, np.uint64)
        self.count = self.kind = np.zeros(0, np.int64)
        self.calls: set[int] = set()

    def update(self) -> None:
        """Take in what has become known."""
        new = self._layouts.known[len(self.start) :]
        if new:
            counts = [len(layout.words) for layout in new]
            kinds = [transfer(layout.words[-1]) if layout.words else Transfer.DIRECT for layout in new]
            starts = np.array([layout.start for layout in new], np.uint64)
            ends = starts + 4 * np.array(counts, np.uint64)
            self.start, self.end = np.concatenate([self.start, starts]), np.concatenate([self.end, ends])
            self.count = np.concatenate([self.count, np.array(counts, np.int64)])
            self.kind = np.concatenate([self.kind, np.array(kinds, np.int64)])
            self.calls.update(end for end, kind in zip(ends.tolist(), kinds, strict=True) if kind is Transfer.CALL)


class Leaves(NamedTuple):
    """Where blocks have left for somewhere else than on. `time` is how many instructions were executed by then, `pc` is
    the instruction's, and `sp` the stack pointer then."""

    time: Array
    kind: Array
    pc: Array
    target: Array
    sp: Array

    def each(self) -> Iterator[tuple[int, int, int, int, int]]:
        """One after the other."""
        return zip(*(column.tolist() for column in self), strict=True)


def leaves(ends: Ends, layout: Array, executed: Array, sp: Array, target: Array, times: Array) -> Leaves:
    """Where blocks leave by more than a branch.

    Args:
        ends: knows all layouts.
        layout, executed: the blocks.
        sp: the stack pointer after each that leaves so.
        target: where the next one begins.
        times: after each.
    """
    elsewhere = (ends.kind[layout] != Transfer.DIRECT) & (executed == ends.count[layout]) & (ends.end[layout] != target)
    found = np.flatnonzero(elsewhere)
    at = layout[found]
    return Leaves(times[found], ends.kind[at], ends.end[at] - np.uint64(4), target[found], sp[found])
