"""How often each instruction was executed, and each branch taken."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from armexec.debugger.guest_threads import PROCESS
from armexec.engines.observed import Policy
from armexec.engines.recorded.ends import Ends, parts
from armexec.engines.recorded.tables import Array, Tables
from armexec.isa import decode
from armexec.translate.observed.records import Layouts

__all__ = ["BlockCounts", "BranchCount", "Counts"]

_WIDTH = Policy().longest + 1


class BranchCount(NamedTuple):
    """How often a conditional branch was taken, and how often not."""

    taken: int
    passed: int


class Counts(NamedTuple):
    """By addresses: how often instructions were executed, and conditional branches taken. `blocks`: the addresses and
    the numbers of instructions of blocks that were executed."""

    executed: dict[int, int]
    branches: dict[int, BranchCount]
    blocks: list[tuple[int, int]]


class BlockCounts:
    """Counts the entries of the first stream, which come in pieces and in order."""

    def __init__(self, layouts: Layouts) -> None:
        self._layouts = layouts
        self._ends = Ends(layouts)
        # By layouts, and by how many instructions were executed.
        self._counts = np.zeros(0, np.int64)
        # How often a whole layout was executed, and what followed is elsewhere.
        self._left = np.zeros(0, np.int64)
        self._last: dict[int, Array] = {}

    def add(self, headers: Array, thread: int = PROCESS) -> None:
        """Count a piece of a thread."""
        if not len(headers):
            return
        last = self._last.get(thread, headers[:0])
        layout, executed = parts(headers)
        self._counts = _sum(self._counts, np.bincount(layout * _WIDTH + executed))
        ends = self._ends
        ends.update()
        before, before_executed = parts(np.concatenate([last, headers[:-1]]))
        after = layout if len(last) else layout[1:]
        elsewhere = (ends.end[before] != ends.start[after]) & (before_executed == ends.count[before])
        self._left = _sum(self._left, np.bincount(before[elsewhere]))
        self._last[thread] = headers[-1:].copy()

    def end(self, pc: int, thread: int = PROCESS) -> None:
        """The last block of a thread was followed by an address."""
        self._ends.update()
        layout, executed = parts(self._last.get(thread, np.zeros(0, np.uint64)))
        for number, count in zip(layout.tolist(), executed.tolist(), strict=True):
            if count == self._ends.count[number] and int(self._ends.end[number]) != pc:
                self._left = _sum(self._left, np.bincount([number]))

    def result(self) -> Counts:
        """All counts."""
        tables = Tables(self._layouts.known)
        known = len(tables.count)
        counts = np.zeros((known, _WIDTH), np.int64)
        counts.reshape(-1)[: len(self._counts)] = self._counts
        left = np.zeros(known, np.int64)
        left[: len(self._left)] = self._left
        # An instruction was executed with all that are longer.
        longer = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
        row = np.repeat(np.arange(known), tables.count)
        within = np.arange(len(row)) - tables.begin[row]
        pcs, inverse = np.unique(tables.pc, return_inverse=True)
        executed = np.bincount(inverse, longer[row, within + 1], len(pcs)).astype(np.int64)
        branches: dict[int, BranchCount] = {}
        blocks = []
        for number in np.flatnonzero(longer[:, 1]).tolist():
            layout = self._layouts.known[number]
            count = len(layout.words)
            blocks.append((layout.start, int(np.flatnonzero(counts[number])[-1])))
            decoded = decode(layout.words[-1])
            if decoded is not None and decoded.effects.control == "conditional branch":
                pc = layout.start + 4 * (count - 1)
                taken, whole = int(left[number]), int(counts[number, count])
                known_taken, known_passed = branches.get(pc, (0, 0))
                branches[pc] = BranchCount(known_taken + taken, known_passed + whole - taken)
        found = zip(pcs.tolist(), executed.tolist(), strict=True)
        return Counts({pc: count for pc, count in found if count}, branches, sorted(set(blocks)))


def _sum(first: Array, second: Array) -> Array:
    if len(first) < len(second):
        first, second = second.astype(np.int64), first
    first[: len(second)] += second
    return first
