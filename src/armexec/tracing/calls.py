"""Calls and returns, out of the blocks that were executed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from armexec.debugger.call_stack import CallStack
from armexec.engines.recorded.ends import Ends, leaves, parts
from armexec.engines.recorded.tables import Array
from armexec.isa.transfers import Transfer
from armexec.translate.observed.records import Layouts

__all__ = ["Begin", "CallCost", "CallCosts", "CallEvents", "End"]


class Begin(NamedTuple):
    """At a time a function begins at `pc`, called by the instruction at `caller`."""

    time: int
    caller: int
    pc: int


class End(NamedTuple):
    """At a time the innermost call ends."""

    time: int


class CallEvents:
    """Finds the calls in the entries of the first stream, which come in pieces and in order.

    `sp`: the stack pointer at the beginning. `first`: the time of the first entry.
    """

    def __init__(self, layouts: Layouts, sp: int, first: int = 0) -> None:
        self._ends = Ends(layouts)
        self.time = first
        self._last = np.zeros(0, np.uint64)
        self._last_sp = np.zeros(0, np.uint64)
        self._stack = CallStack(sp, self._ends.calls.__contains__)

    def add(self, headers: Array, sp: Array) -> Iterator[Begin | End]:
        """The calls and returns of a piece. Those of its last block come with the next piece.

        `sp`: the stack pointer after each block that leaves by more than a branch.
        """
        if not len(headers):
            return
        ends = self._ends
        ends.update()
        everything = np.concatenate([self._last, headers])
        pointers = np.concatenate([self._last_sp, sp])
        self._last, self._last_sp = headers[-1:].copy(), sp[-1:].copy()
        layout, executed = parts(everything)
        found = leaves(ends, layout[:-1], executed[:-1], pointers[:-1], ends.start[layout[1:]], self.time)
        self.time += int(executed[:-1].sum())
        stack = self._stack
        for time, kind, pc, target, pointer in found.each():
            depth = stack.depth
            stack.leave(time, kind, pc, target, pointer)
            if kind == Transfer.CALL:
                yield Begin(time, pc, target)
            for _ in range(depth - stack.depth):
                yield End(time)

    def finish(self) -> Iterator[End]:
        """The calls that are going on end with the run."""
        _, executed = parts(self._last)
        self.time += int(executed.sum())
        for _ in self._stack:
            yield End(self.time)


class CallCost(NamedTuple):
    """How often a call was made, and how many instructions were executed until it returned, all in all."""

    calls: int
    cost: int


class CallCosts:
    """Adds up calls by the calling instruction and the called address."""

    def __init__(self, layouts: Layouts, sp: int, first: int = 0) -> None:
        self._events = CallEvents(layouts, sp, first)
        self._open: list[Begin] = []
        self._costs: dict[tuple[int, int], CallCost] = {}

    def add(self, headers: Array, sp: Array) -> None:
        """Take in a piece; see `CallEvents.add`."""
        self._take(self._events.add(headers, sp))

    def _take(self, events: Iterator[Begin | End]) -> None:
        costs, stack = self._costs, self._open
        for event in events:
            if isinstance(event, Begin):
                stack.append(event)
                continue
            begin = stack.pop()
            key = begin.caller, begin.pc
            calls, cost = costs.get(key, (0, 0))
            costs[key] = CallCost(calls + 1, cost + event.time - begin.time)

    def result(self) -> dict[tuple[int, int], CallCost]:
        """The costs at the end."""
        self._take(self._events.finish())
        return self._costs
