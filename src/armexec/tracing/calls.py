"""Calls and returns, out of the blocks that were executed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from armexec.tracing.ends import CALL, OTHER, RETURN, Ends, parts
from armexec.tracing.tables import Array
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

    A call ends when the pc comes to the instruction behind it by what may return. A `longjmp` ends several: it returns
    to where a call of `setjmp` has returned to before, so what was called since by its caller ends.
    """

    def __init__(self, layouts: Layouts, first: int = 0) -> None:
        self._ends = Ends(layouts)
        self.time = first
        self._last = np.zeros(0, np.uint64)
        self.calls: list[int] = []
        """Where the calls that are going on return to."""
        self._waiting: dict[int, int] = {}
        self._depths: dict[int, int] = {}
        """By where calls return to: how many were going on when such a call was made last."""

    def add(self, headers: Array) -> Iterator[Begin | End]:
        """The calls and returns of a piece. Those of its last block come with the next piece."""
        if not len(headers):
            return
        ends = self._ends
        ends.update()
        everything = np.concatenate([self._last, headers])
        self._last = headers[-1:].copy()
        layout, executed = parts(everything)
        before, after = layout[:-1], layout[1:]
        found = np.flatnonzero((ends.kind[before] != OTHER) & (executed[:-1] == ends.count[before]))
        times = self.time + np.cumsum(executed[:-1])
        self.time = int(times[-1]) if len(times) else self.time
        chosen = before[found]
        yield from self._events(
            times[found].tolist(),
            ends.kind[chosen].tolist(),
            ends.end[chosen].tolist(),
            ends.start[after[found]].tolist(),
        )

    def _events(self, times: list[int], kinds: list[int], ends: list[int], targets: list[int]) -> Iterator[Begin | End]:
        calls, waiting, depths = self.calls, self._waiting, self._depths
        for time, kind, end, target in zip(times, kinds, ends, targets, strict=True):
            if kind == CALL:
                depths[end] = len(calls)
                calls.append(end)
                waiting[end] = waiting.get(end, 0) + 1
                yield Begin(time, end - 4, target)
            elif waiting.get(target):
                while calls:
                    ended = calls.pop()
                    waiting[ended] -= 1
                    yield End(time)
                    if ended == target:
                        break
            elif kind == RETURN:
                for _ in range(len(calls) - depths.get(target, len(calls))):
                    waiting[calls.pop()] -= 1
                    yield End(time)

    def finish(self) -> Iterator[End]:
        """The calls that are going on end with the run."""
        _, executed = parts(self._last)
        self.time += int(executed.sum())
        while self.calls:
            self.calls.pop()
            yield End(self.time)


class CallCost(NamedTuple):
    """How often a call was made, and how many instructions were executed until it returned, all in all."""

    calls: int
    cost: int


class CallCosts:
    """Adds up calls by the calling instruction and the called address."""

    def __init__(self, layouts: Layouts, first: int = 0) -> None:
        self._events = CallEvents(layouts, first)
        self._open: list[Begin] = []
        self._costs: dict[tuple[int, int], CallCost] = {}

    def add(self, headers: Array) -> None:
        """Take in a piece."""
        self._take(self._events.add(headers))

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
