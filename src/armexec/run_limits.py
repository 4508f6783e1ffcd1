"""Limits for guest code that runs in a block of Python."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from armexec.deadlines import deadline, set_deadline
from armexec.errors import HostError, SignatureError
from armexec.instruction_budget import Outer, begin, end

__all__ = ["check_limits", "limits"]

_LEAST_STACK = 4096


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


class limits:
    """Limits for what the guest does in a `with` block, on this thread.

    `time_limit`: seconds from the beginning of the block. Guest code that still runs then, or is called later in the
    block, is left by TimeLimitExceeded, which says where it was. Python's own code isn't interrupted. The nearest of
    nested limits counts. It costs nothing while the guest runs.

    The module is as usable as before. What the guest has changed in memory stays changed.

    Engines: translated and reference.

    Raises:
        SignatureError: a limit has a value that it can't have.

    >>> import armexec
    >>> forever = armexec.function("b .", "void()")
    >>> with armexec.limits(time_limit=0.05):
    ...     forever()
    Traceback (most recent call last):
    armexec.errors.TimeLimitExceeded: the time limit is over at ...
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
        if not memory_limit is stack_size is None:
            raise HostError("memory_limit and stack_size aren't there yet")
        self.time_limit = time_limit
        self.instruction_limit = instruction_limit
        self._outer: list[tuple[float | None, Outer | None]] = []

    def __enter__(self) -> Self:
        outer = deadline()
        instructions = None if self.instruction_limit is None else begin(self.instruction_limit)
        self._outer.append((outer, instructions))
        if self.time_limit is not None:
            when = time.monotonic() + self.time_limit
            set_deadline(when if outer is None else min(when, outer))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        when, instructions = self._outer.pop()
        set_deadline(when)
        if instructions is not None:
            end(instructions)
