"""Limits for guest code that runs in a block of Python."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from armexec.errors import SignatureError
from armexec.resource_limits.deadlines import deadline, set_deadline
from armexec.resource_limits.guest_sizes import Sizes, set_sizes, sizes
from armexec.resource_limits.instruction_budget import Outer, begin, end, executed, instruction_limit, resume, suspend

__all__ = ["are_limited", "check_limits", "grace", "limits"]

_LEAST_STACK = 4096
_GRACE_SECONDS, _GRACE_INSTRUCTIONS = 1.0, 1_000_000
"""The limits of what is done after a call that has limits."""


def check_limits(time_limit: object, instruction_limit: object, memory_limit: object, stack_size: object) -> None:
    """Raises SignatureError for a value that a limit can't have."""
    if time_limit is not None and (not _is(time_limit, int, float) or not time_limit >= 0):  # type: ignore[operator]
        raise SignatureError(f"a time limit is a number of seconds, not {time_limit!r:.60}")
    for name, unit, value in (
        ("an instruction limit", "instructions", instruction_limit),
        ("a memory limit", "bytes", memory_limit),
    ):
        if value is not None and (not _is(value, int) or value < 0):  # type: ignore[operator]
            raise SignatureError(f"{name} is a number of {unit}, not {value!r:.60}")
    if stack_size is not None and (not _is(stack_size, int) or stack_size < _LEAST_STACK):  # type: ignore[operator]
        raise SignatureError(f"a stack's size is a number of bytes, at least {_LEAST_STACK}, not {stack_size!r:.60}")


def _is(value: object, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


class _Entered(NamedTuple):
    """What there was before."""

    deadline: float | None
    sizes: Sizes
    instructions: Outer | None


class limits:
    """Limits for what the guest does in a `with` block, on this thread.

    `time_limit`: seconds from the beginning of the block. Guest code that still runs then, or is called later in the
    block, is left by TimeLimitExceeded, which says where it was. Python's own code isn't interrupted. It costs nothing
    while the guest runs.

    `instruction_limit`: how many instructions of the guest the block may execute. The one after them is left by
    InstructionLimitExceeded. The number is exact, and the same on every engine. Translated code that counts is another
    translation than code that doesn't, and takes about 1.15 times as long.

    `memory_limit`: bytes by which the guest's memory may grow in the block: what programs and the C library of modules
    map by mmap and brk, and so malloc. More is refused as Linux does with RLIMIT_AS: malloc gives a null pointer.

    `stack_size`: bytes of the guest's stack, for calls that begin in the block; rounded up to whole pages. One that
    needs more is left by StackOverflow.

    The nearest of nested limits counts, also of those of the block, of the module that is called, and of a block in a
    function of Python that the guest calls. The module is as usable as before. What the guest has changed in memory
    stays changed.

    Engines: all. On native, calls with an `instruction_limit` are interpreted, since the processor can't count at its
    full speed: they take some thousand times as long.

    Raises:
        SignatureError: a limit has a value that it can't have.

    >>> import armexec
    >>> forever = armexec.function("b .", "void()")
    >>> with armexec.limits(time_limit=0.05):
    ...     forever()
    Traceback (most recent call last):
    armexec.errors.TimeLimitExceeded: the time limit is over at ...
    >>> with armexec.limits(instruction_limit=1000):
    ...     forever()
    Traceback (most recent call last):
    armexec.errors.InstructionLimitExceeded: the limit of 1000 instructions is reached at ...
    """

    def __init__(
        self,
        *,
        time_limit: float | None = None,
        instruction_limit: int | None = None,
        memory_limit: int | None = None,
        stack_size: int | None = None,
    ) -> None:
        check_limits(time_limit, instruction_limit, memory_limit, stack_size)
        self.time_limit = time_limit
        self.instruction_limit = instruction_limit
        self.memory_limit = memory_limit
        self.stack_size = stack_size
        self._executed = 0
        self._outer: list[_Entered] = []

    @property
    def instructions(self) -> int:
        """How many instructions the block has executed, if it has an `instruction_limit`; else 0.

        Of a call that a fault or a time limit has ended, translated code may not have counted the last ones, since it
        last called Python.
        """
        outer = self._outer[-1].instructions if self._outer else None
        return self._executed if outer is None else executed(outer)

    def __enter__(self) -> Self:
        outer = deadline()
        if self.time_limit is not None:
            when = time.monotonic() + self.time_limit
            set_deadline(when if outer is None else min(when, outer))
        before = sizes()
        set_sizes(before.within(self.memory_limit, self.stack_size))
        instructions = None if self.instruction_limit is None else begin(self.instruction_limit)
        self._outer.append(_Entered(outer, before, instructions))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        entered = self._outer.pop()
        set_deadline(entered.deadline)
        set_sizes(entered.sizes)
        if entered.instructions is not None:
            self._executed = executed(entered.instructions)
            end(entered.instructions)


def are_limited() -> bool:
    """Whether time or instructions of guest code may be limited on this thread."""
    return instruction_limit() is not None or deadline() is not None


@contextmanager
def grace() -> Iterator[None]:
    """For guest code that armexec runs of its own accord after a call, such as to flush the call's output.

    The limits of the thread, which may be used up, don't hold for it, nor does it count. But where there are such
    limits, it has some too: the guest can change what this code does.
    """
    when, budget = set_deadline(None), suspend()
    had_budget = budget[0] is not None
    try:
        with limits(
            time_limit=None if when is None else _GRACE_SECONDS,
            instruction_limit=_GRACE_INSTRUCTIONS if had_budget else None,
        ):
            yield
    finally:
        set_deadline(when)
        resume(budget)
