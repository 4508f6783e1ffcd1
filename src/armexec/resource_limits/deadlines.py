"""When guest code has to be left, by thread."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

from armexec.forks import in_child

__all__ = [
    "TimeIsOver",
    "changed",
    "check_deadline",
    "deadline",
    "deadlines",
    "expire",
    "is_over",
    "set_deadline",
    "will_look",
]

_deadlines: dict[int, float] = {}
changed = threading.Event()
"""Set when a deadline is set that comes before the next look (`will_look`)."""
_next_look = math.inf


class TimeIsOver(Exception):
    """The deadline of this thread has passed, while something was done for its guest."""


def will_look(when: float = math.inf) -> None:
    """Whoever watches looks at the deadlines at a time; by default, it may be looking or be asleep."""
    global _next_look  # noqa: PLW0603
    _next_look = when


def set_deadline(when: float | None) -> float | None:
    """Set when guest code of this thread has to be left, in seconds of `time.monotonic`; what it was before."""
    thread = threading.get_ident()
    before = _deadlines.pop(thread, None)
    if when is not None:
        _deadlines[thread] = when
        # Each time it costs more than a short call.
        if when < _next_look:
            changed.set()
    return before


def deadline() -> float | None:
    """When guest code of this thread has to be left."""
    return _deadlines.get(threading.get_ident())


def expire(thread: int) -> None:
    """Have guest code of another thread left, by `threading.get_ident`, as if its time were over."""
    _deadlines[thread] = -math.inf
    changed.set()


def is_over() -> bool:
    """Whether guest code of this thread has to be left by now."""
    when = deadline()
    return when is not None and time.monotonic() >= when


def check_deadline() -> None:
    """Raises TimeIsOver where the guest has to be left. What takes long asks now and then."""
    if is_over():
        raise TimeIsOver


def deadlines() -> Iterator[tuple[int, float]]:
    """All threads that have one, by `threading.get_ident`."""
    yield from tuple(_deadlines.items())


def _forked() -> None:
    """In a new process only the forking thread goes on."""
    mine = deadline()
    _deadlines.clear()
    set_deadline(mine)


in_child(_forked)
