"""What is left of a thread's limits: it goes to a worker with each request, and comes back with each answer."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from armexec.resource_limits.deadlines import deadline
from armexec.resource_limits.guest_sizes import sizes
from armexec.resource_limits.instruction_budget import begin, end, instruction_limit, instructions_left
from armexec.resource_limits.run_limits import limits

__all__ = ["LEFT_SIZE", "NO_BUDGET", "Account", "Budget", "left", "set_left"]

_LEFT = struct.Struct("<QQ")
LEFT_SIZE = _LEFT.size
"""Bytes of what `left` gives."""


class Budget(NamedTuple):
    """What a request may use. None: there is no such limit.

    `seconds`; `limit`: the limit of instructions that is the nearest, of which `instructions` are left; `memory`: bytes
    by which the guest's memory may grow; `stack`: bytes of its stack.
    """

    seconds: float | None
    limit: int | None
    instructions: int
    memory: int | None
    stack: int | None

    @classmethod
    def of_thread(cls, *, timed: bool) -> Budget:
        """What this thread has left. Without `timed` the time isn't looked at."""
        when = deadline() if timed else None
        seconds = None if when is None else max(when - time.monotonic(), 0.0)
        cell, given = instructions_left(), sizes()
        memory = None if given.memory is None else given.memory.left
        return cls(seconds, instruction_limit(), 0 if cell is None else cell.value, memory, given.stack)

    @contextmanager
    def held(self) -> Iterator[None]:
        """It holds for this thread, a worker's, in the context."""
        if self == NO_BUDGET:
            yield
            return
        with limits(time_limit=self.seconds, memory_limit=self.memory, stack_size=self.stack):
            outer = None if self.limit is None else begin(self.limit, self.instructions)
            try:
                yield
            finally:
                if outer is not None:
                    end(outer)


NO_BUDGET = Budget(None, None, 0, None, None)
"""There are no limits."""


def left() -> bytes:
    """The instructions and the memory that this thread has left, for the other process; zeros without a limit."""
    cell, memory = instructions_left(), sizes().memory
    return _LEFT.pack(0 if cell is None else cell.value, 0 if memory is None else memory.left)


def set_left(data: bytes) -> None:
    """In a worker: what a function of Python in the other process has left of the instructions."""
    cell = instructions_left()
    if cell is not None:
        cell.value = _LEFT.unpack(data)[0]


class Account:
    """What one worker has of the limits of the threads that talk to it. What a worker says may be a lie: it can't give
    itself more."""

    def __init__(self) -> None:
        self._memory = 0

    def take(self, data: bytes | memoryview) -> None:
        """A worker tells what it has left (`left`). It counts for this thread's limits."""
        instructions, memory = _LEFT.unpack(data)
        cell, allowance = instructions_left(), sizes().memory
        if cell is not None:
            cell.value = min(cell.value, instructions)
        if allowance is not None:
            grown = max(allowance.left - memory, -self._memory)
            if grown > 0:
                allowance.take(grown)
            else:
                allowance.give(-grown)
            self._memory += grown
