"""When guest code has to be left, by thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from armexec.forks import in_child

__all__ = ["changed", "deadline", "deadlines", "set_deadline"]

_deadlines: dict[int, float] = {}
changed = threading.Event()
"""Set whenever a deadline is set."""


def set_deadline(when: float | None) -> float | None:
    """Set when guest code of this thread has to be left, in seconds of `time.monotonic`; what it was before."""
    thread = threading.get_ident()
    before = _deadlines.pop(thread, None)
    if when is not None:
        _deadlines[thread] = when
        changed.set()
    return before


def deadline() -> float | None:
    """When guest code of this thread has to be left."""
    return _deadlines.get(threading.get_ident())


def deadlines() -> Iterator[tuple[int, float]]:
    """All threads that have one, by `threading.get_ident`."""
    yield from tuple(_deadlines.items())


def _forked() -> None:
    """In a new process only the forking thread goes on."""
    mine = deadline()
    _deadlines.clear()
    set_deadline(mine)


in_child(_forked)
