"""Registers and memory that are changed by hand at times of a run.

The run is made anew for them: it goes to the time of each change, takes it, and goes on. So input is read again, output
is written once, and arguments are fresh.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from armexec.cpu.stop import Stop
from armexec.errors import SignatureError
from armexec.explorer.runs.expressions import Expression, Place
from armexec.explorer.runs.recording import Recording
from armexec.testing.convention_checks import ConventionChecks

__all__ = ["Changes"]

_MOST = 50
_LATEST = 100_000
"""The latest time: so much is recorded once more within the time that a request has."""
_SECONDS = 8.0


class Changes:
    """What the page wants changed: `{"time": 200, "what": "x0", "value": "5"}` each, in the order of times. `told`:
    those that were made, with what the page shows of them."""

    def __init__(self, wanted: Any) -> None:
        """Raises SignatureError: one of them can't be meant."""
        if not isinstance(wanted, list) or len(wanted) > _MOST:
            raise SignatureError(f"changes are a list of {_MOST} at most")
        self._wanted = sorted((_change(one) for one in wanted), key=lambda change: change[0])
        self.told: list[dict[str, Any]] = []
        self._places: list[tuple[int, int, int, tuple[str, ...]]] = []

    def record(self, recording: Recording, checks: ConventionChecks, count: int, seconds: float) -> Stop | None:
        """Record up to each change, make it, and record what comes then, at most so many instructions and seconds of
        it; why it can't go on, None if it can.

        Raises:
            SignatureError: the run doesn't come to a time, or can't be changed so.
        """
        until = monotonic() + _SECONDS
        for time, place, value in self._wanted:
            stop = recording.extend(time - recording.end, until - monotonic())
            if recording.end < time:
                why = f": {stop}" if stop is not None else f", after {_SECONDS:g} s"
                raise SignatureError(
                    f"{place.text} can't be changed at time {time}: the run is at {recording.end}{why}"
                )
            self._make(recording, checks, place, value)
        return recording.extend(count, seconds)

    def _make(self, recording: Recording, checks: ConventionChecks, place: Place, value: Expression) -> None:
        session, time = recording.session, recording.end
        if session.time != time:
            session.goto(time)
        address = 0 if place.register else place.address(session)
        registers, memory = recording.change(lambda: place.change(session, value))
        for register in registers:
            checks.ignore(register)
        self._places.append((time, address, place.size, tuple(registers)))
        self.told.append(
            {"time": time, "what": place.text, "value": value.text, "registers": registers, "memory": memory}
        )

    def last(self, before: int, register: str = "", address: int = 0, size: int = 0) -> int | None:
        """The time of the last change of a register or of bytes, up to a time; None without one."""
        times = [
            time
            for time, begin, length, registers in self._places
            if time <= before
            and (register in registers if register else begin < address + size and address < begin + length)
        ]
        return times[-1] if times else None


def _change(one: Any) -> tuple[int, Place, Expression]:
    if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in ("what", "value")):
        raise SignatureError("a change is a time, what is changed, and a value")
    time = one.get("time")
    if not isinstance(time, int) or isinstance(time, bool) or not 0 <= time <= _LATEST:
        raise SignatureError(f"a change by hand is at a time up to {_LATEST:,}, not {time!r:.40}")
    return time, Place(one["what"]), Expression(one["value"])
