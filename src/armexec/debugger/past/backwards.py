"""The last time before now at which a run would have stopped, for sessions and debug servers.

Where places and written bytes are looked for, the times at which they were there last are known. Else what was executed
is executed once more, a stretch at a time, the latest stretch first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from armexec.debugger.past.timeline import Timeline
from armexec.debugger.session_guest import WatchHit

__all__ = ["search_back"]

_STRETCH = 10_000
"""Instructions."""
_TRIES = 100
"""The most known times that are tried. If none of them is a stop, each instruction is executed once more."""
_Stop = TypeVar("_Stop")


def search_back(
    timeline: Timeline,
    goto: Callable[[int], object],
    stops: Collection[int] | None,
    stop: Callable[[], _Stop | None],
    accessed: Callable[[WatchHit], _Stop],
) -> Iterator[_Stop | None]:
    """Go back to the last stop before now. None comes each time that a part was searched without one, then the stop.
    Without one it ends at time 0.

    Args:
        timeline: where it begins.
        goto: goes to a time.
        stops: the addresses at which a stop that isn't an access may be; None: any address.
        stop: is asked before each instruction.
        accessed: gives the stop of an access to watched bytes, before the instruction.

    Raises Error: an instruction can't be executed now, such as when another thread has changed the memory.
    """
    known = stops is not None and not any("r" in watched.kinds for watched in timeline.guest.watched)
    for _ in range(_TRIES if known else 0):
        time = _last_time(timeline, stops or ())
        goto(0 if time is None else time)
        if time is None:
            return
        found = _last_stop(timeline, time + 1, stop, accessed)
        goto(time)
        yield found[1] if found is not None else None
        if found is not None:
            return
    while timeline.time > 0:
        end = timeline.time
        begin = (end - 1) // _STRETCH * _STRETCH
        goto(begin)
        found = _last_stop(timeline, end, stop, accessed)
        goto(begin if found is None else found[0])
        yield found[1] if found is not None else None
        if found is not None:
            return


def _last_time(timeline: Timeline, stops: Collection[int]) -> int | None:
    """When the pc was at one of some addresses, or watched bytes were written, last before now."""
    times = [timeline.path.last(lambda pc: pc in stops) if stops else None]
    times += [timeline.guest.log.last_time(w.begin, w.end - w.begin) for w in timeline.guest.watched]
    return max((time for time in times if time is not None), default=None)


def _last_stop(
    timeline: Timeline, end: int, stop: Callable[[], _Stop | None], accessed: Callable[[WatchHit], _Stop]
) -> tuple[int, _Stop] | None:
    """Go on to a time that was there before; the last time on the way at which there is a stop, and that stop."""
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
