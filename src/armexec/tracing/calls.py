"""Calls and returns, out of the blocks that were executed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from armexec.debugger.call_stack import CallStack
from armexec.engines.recorded.ends import Ends, leaves, parts
from armexec.engines.recorded.tables import Array
from armexec.isa.transfers import Transfer
from armexec.tracing.turns import Blocks, Turns
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
    """Finds the calls of a thread in the blocks that it has executed, which come in pieces and in order.

    `sp`: the stack pointer at the beginning.
    """

    def __init__(self, ends: Ends, sp: int) -> None:
        self._ends = ends
        self._last = np.zeros(0, np.uint64)
        self._last_sp = np.zeros(0, np.uint64)
        self._last_time = np.zeros(0, np.int64)
        self._stack = CallStack(sp, ends.calls.__contains__)

    @property
    def time(self) -> int:
        """The time after the last block; 0 without one."""
        return int(self._last_time[-1]) if len(self._last_time) else 0

    def add(self, headers: Array, sp: Array, times: Array) -> Iterator[Begin | End]:
        """The calls and returns of a piece. Those of its last block come with the next piece.

        `headers`: entries of the first stream. `sp`: the stack pointer after each that leaves by more than a branch.
        `times`: after each, by any clock.
        """
        if not len(headers):
            return
        ends = self._ends
        ends.update()
        everything = np.concatenate([self._last, headers])
        pointers, clock = np.concatenate([self._last_sp, sp]), np.concatenate([self._last_time, times])
        self._last, self._last_sp, self._last_time = headers[-1:].copy(), sp[-1:].copy(), times[-1:].copy()
        layout, executed = parts(everything)
        found = leaves(ends, layout[:-1], executed[:-1], pointers[:-1], ends.start[layout[1:]], clock[:-1])
        stack = self._stack
        for time, kind, pc, target, pointer in found.each():
            depth = stack.depth
            stack.leave(time, kind, pc, target, pointer)
            if kind == Transfer.CALL:
                yield Begin(time, pc, target)
            for _ in range(depth - stack.depth):
                yield End(time)

    def finish(self) -> Iterator[End]:
        """The calls that are going on end with the thread's last instruction."""
        for _ in self._stack:
            yield End(self.time)


class CallCost(NamedTuple):
    """How often a call was made, and how many instructions its thread executed until it returned, all in all."""

    calls: int
    cost: int


class _ThreadCosts:
    """The costs of a thread's calls, by its own instructions."""

    def __init__(self, events: CallEvents, costs: dict[tuple[int, int], CallCost]) -> None:
        self._events = events
        self._costs = costs
        self._open: list[Begin] = []

    def add(self, blocks: Blocks) -> None:
        times = self._events.time + np.cumsum(blocks.executed)
        self._take(self._events.add(blocks.headers, blocks.sp, times))

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

    def finish(self) -> None:
        self._take(self._events.finish())


class CallCosts:
    """Adds up calls by the calling instruction and the called address."""

    def __init__(self, layouts: Layouts, turns: Turns) -> None:
        self._ends = Ends(layouts)
        self._turns = turns
        self._threads: dict[int, _ThreadCosts] = {}
        self._costs: dict[tuple[int, int], CallCost] = {}

    def add(self, blocks: Blocks) -> None:
        """Take in the next blocks of a thread."""
        thread = self._threads.get(blocks.thread)
        if thread is None:
            events = CallEvents(self._ends, self._turns.base(blocks.thread))
            thread = self._threads[blocks.thread] = _ThreadCosts(events, self._costs)
        thread.add(blocks)

    def result(self) -> dict[tuple[int, int], CallCost]:
        """The costs at the end."""
        for thread in self._threads.values():
            thread.finish()
        return self._costs
