"""The last time before now at which a run would have stopped, for sessions and debug servers.

What was executed is executed once more, a stretch at a time, the latest stretch first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from armexec.debugger.recorded_guest import WatchHit
from armexec.debugger.timeline import Timeline

__all__ = ["last_stop", "stretches"]

_STRETCH = 10_000
"""Instructions."""
_Stop = TypeVar("_Stop")


def stretches(time: int) -> Iterator[tuple[int, int]]:
    """The begins and ends of what was executed before a time."""
    while time > 0:
        begin = (time - 1) // _STRETCH * _STRETCH
        yield begin, time
        time = begin


def last_stop(
    timeline: Timeline, end: int, stop: Callable[[], _Stop | None], accessed: Callable[[WatchHit], _Stop]
) -> tuple[int, _Stop] | None:
    """Go on to a time that was there before; the last time on the way at which there is a stop, and that stop.

    Args:
        timeline: stands where the search begins.
        end: the time.
        stop: is asked before each instruction.
        accessed: gives the stop of an access to watched bytes.

    Raises Error: an instruction can't be executed now, such as when another thread has changed the memory.
    """
    guest = timeline.guest
    timeline.begin()
    found: tuple[int, _Stop] | None = None
    try:
        while timeline.time < end:
            here = stop()
            if here is not None:
                found = timeline.time, here
            try:
                timeline.forward_once_more()
            except WatchHit as hit:
                found = timeline.time, accessed(hit)
                watched, guest.watched = guest.watched, ()
                try:
                    timeline.forward_once_more()
                finally:
                    guest.watched = watched
    finally:
        timeline.settle()
    return found
