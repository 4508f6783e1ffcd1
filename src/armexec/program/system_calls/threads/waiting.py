"""Waiting on behalf of a program, which its time limit ends."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator

from armexec.resource_limits.deadlines import check_deadline, deadline

__all__ = ["sleep_until", "slices", "wait_for_input"]

_SLICE = 0.02
"""Seconds between two looks whether another thread has ended this one's time (`deadlines.expire`)."""


def slices(until: float | None) -> Iterator[float]:
    """Seconds to wait, time and again, up to a time of `time.monotonic`, or for ever.

    Raises:
        TimeIsOver: the thread's time limit is over.
    """
    while True:
        check_deadline()
        now = time.monotonic()
        if until is not None and now >= until:
            return
        ends = [end - now for end in (until, deadline()) if end is not None]
        yield max(min([_SLICE, *ends]), 0)


def sleep_until(until: float) -> None:
    """Sleep up to a time of `time.monotonic`. Raises TimeIsOver."""
    for seconds in slices(until):
        time.sleep(seconds)


def wait_for_input(file: object) -> None:
    """Wait until a file of the system's has something to read, or its end. Raises TimeIsOver.

    Others always have, and so have those that select(2) doesn't know.
    """
    try:
        number: int = file.fileno()  # type: ignore[attr-defined]
        for seconds in slices(None):
            if select.select([number], [], [], seconds)[0]:
                return
    except (AttributeError, OSError, ValueError):
        return
