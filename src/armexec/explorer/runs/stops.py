"""The next and the last time of a run at which a breakpoint holds or watched bytes are accessed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from time import monotonic
from typing import Any

from armexec.errors import LoadError, SignatureError
from armexec.explorer.runs.accesses import MODES
from armexec.explorer.runs.expressions import Expression
from armexec.explorer.runs.moment import Moment
from armexec.explorer.runs.recording import PART
from armexec.explorer.runs.run import Run

__all__ = ["Stops", "next_stop"]

_MOST = 10_000
_LARGEST = 1 << 20
"""Bytes that are watched."""
_SECONDS = 2.0
_MODES = {"w": "writes", "r": "reads", "rw": "accesses"}


@dataclass
class _Watch:
    """What is watched: the bytes at an address that was computed at a time, and a text for people."""

    address: int
    size: int
    mode: str
    text: str


class Stops:
    """What the page wants to stop at.

    `breaks` are offsets of instructions, or such with a condition. `watches` have an address that is computed at a
    time, a size in bytes, and what is watched, as for `Session.watch`.
    """

    def __init__(self, run: Run, request: dict[str, Any]) -> None:
        """Raises SignatureError: a condition or an address is no expression, or has no value."""
        self._run = run
        self._plain: set[int] = set()
        self._conditions: dict[int, list[Expression]] = {}
        for one in list(request.get("breaks", ()))[:_MOST]:
            offset, condition = one if isinstance(one, list) else (one, "")
            if not isinstance(offset, int) or not isinstance(condition, str):
                raise LoadError("a breakpoint is an offset, and perhaps a condition")
            if condition.strip():
                self._conditions.setdefault(run.base + offset, []).append(Expression(condition))
            else:
                self._plain.add(run.base + offset)
        self._watches = [_watch(run, one) for one in list(request.get("watches", ()))[:100]]

    def sure(self, time: int, *, forwards: bool) -> tuple[int, str] | None:
        """The nearest time that needs no condition, and why one stops there; None without one."""
        found = [(self._times(self._plain), "a breakpoint")]
        accesses = self._run.recording.accesses
        for watch in self._watches:
            times = accesses.times(watch.address, watch.size, watch.mode)
            found.append((times, f"the next instruction {watch.text}"))
        nearest = [(at, why) for times, why in found if (at := self._nearest(times, time, forwards)) is not None]
        if not nearest:
            return None
        return min(nearest, key=_at) if forwards else max(nearest, key=_at)

    def _nearest(self, times: list[int], time: int, forwards: bool) -> int | None:
        index = bisect_right(times, time) if forwards else bisect_left(times, time) - 1
        return times[index] if 0 <= index < len(times) and times[index] < self._run.recording.end else None

    def unsure(self) -> list[int]:
        """The times whose conditions have to be looked at, in order."""
        return self._times(self._conditions)

    def holds(self, at: Moment) -> str:
        """Why one stops there, where a condition is; empty if none holds. An error of a condition is a reason, too."""
        for condition in self._conditions.get(at.cpu.pc, ()):
            try:
                if condition.value(at):
                    return f"a breakpoint, {condition.text}"
            except SignatureError as error:
                return f"a condition fails: {error}"
        return ""

    def _times(self, addresses: Iterable[int]) -> list[int]:
        import numpy as np

        end = self._run.recording.end
        if not end:
            return []
        pcs = np.frombuffer(self._run.recording.pcs, np.uint64, end)
        wanted = np.array(sorted(address for address in addresses if 0 <= address < 1 << 64), np.uint64)
        return [int(time) for time in np.flatnonzero(np.isin(pcs, wanted)).tolist()]


def _watch(run: Run, one: Any) -> _Watch:
    if not isinstance(one, dict) or one.get("mode") not in MODES:
        raise SignatureError("what is watched has an address, a size, and w, r or rw")
    size, at, text = one.get("size"), one.get("at"), one.get("address")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= _LARGEST:
        raise SignatureError(f"1 to {_LARGEST:,} bytes can be watched, not {size!r:.40}")
    if not isinstance(at, int) or isinstance(at, bool) or not isinstance(text, str):
        raise SignatureError("the address of what is watched is an expression, of a time")
    moment = Moment(run.recording, min(max(at, 0), run.recording.end))
    address = Expression(text).integer(moment) & (1 << 64) - 1
    told = f"{_MODES[one['mode']]} {size} byte{'s' if size != 1 else ''} at {text.strip()}"
    return _Watch(address, size, one["mode"], told)


def next_stop(run: Run, request: dict[str, Any], time: int, *, forwards: bool) -> dict[str, Any]:
    """The next or the last time at which to stop: `hit` and `why`; else the end or the beginning. Conditions are looked
    at for two seconds: if that isn't enough, `searching`, and the time up to which there is none."""
    stops = Stops(run, request)
    sure = stops.sure(time, forwards=forwards)
    edge = run.recording.end if forwards else 0
    first = edge if sure is None else sure[0]
    low, high = (time + 1, first) if forwards else (first, time)
    candidates = [at for at in stops.unsure() if low <= at < high]
    moment, until = Moment(run.recording, max(time, 0)), monotonic() + _SECONDS
    # Backwards, too, what is close together is gone through forwards.
    parts = [list(group) for _, group in groupby(candidates, key=lambda at: at // PART)]
    for part in parts if forwards else reversed(parts):
        found = None
        for at in part:
            moment.go(at)
            why = stops.holds(moment)
            found = {"time": at, "hit": True, "why": why} if why else found
            if found is not None and forwards:
                break
        if found is not None:
            return found
        if monotonic() > until:
            return {"time": part[-1] if forwards else part[0], "hit": False, "searching": True}
    return {"time": edge, "hit": False} if sure is None else {"time": sure[0], "hit": True, "why": sure[1]}


def _at(found: tuple[int, str]) -> int:
    return found[0]
