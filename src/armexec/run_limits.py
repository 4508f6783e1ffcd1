"""Limits for guest code that runs in a block of Python."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from armexec.deadlines import deadline, set_deadline
from armexec.errors import SignatureError

__all__ = ["limits"]


class limits:
    """Limits for what the guest does in a `with` block, on this thread.

    `time_limit`: seconds from the beginning of the block. Guest code that still runs then, or is called later in the
    block, is left by TimeLimitExceeded, which says where it was. Python's own code isn't interrupted. The nearest of
    nested limits counts. It costs nothing while the guest runs.

    The module is as usable as before. What the guest has changed in memory stays changed.

    Raises:
        SignatureError: a limit isn't a number of seconds.

    >>> import armexec
    >>> forever = armexec.function("b .", "void()")
    >>> with armexec.limits(time_limit=0.05):
    ...     forever()
    Traceback (most recent call last):
    armexec.errors.TimeLimitExceeded: the time limit is over at ...
    """

    def __init__(self, *, time_limit: float | None = None) -> None:
        if time_limit is not None and (not isinstance(time_limit, int | float) or not time_limit >= 0):
            raise SignatureError(f"a time limit is a number of seconds, not {time_limit!r:.60}")
        self.time_limit = time_limit
        self._outer: list[float | None] = []

    def __enter__(self) -> Self:
        outer = deadline()
        self._outer.append(outer)
        if self.time_limit is not None:
            when = time.monotonic() + self.time_limit
            set_deadline(when if outer is None else min(when, outer))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        set_deadline(self._outer.pop())
