"""Questions about other times of a run: memory and calls, breakpoints, source lines, who wrote a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from armexec.debugger.call_stack import OpenCall
from armexec.errors import Error, LoadError
from armexec.explorer.runs.expressions import Expression
from armexec.explorer.runs.moment import Moment
from armexec.explorer.runs.run import Run
from armexec.explorer.runs.stops import next_stop
from armexec.resource_limits.run_limits import limits

__all__ = ["check", "go", "last_write", "look"]

_MOST_BYTES = 4096
_MOST_RANGES = 16
_MOST_FRAMES = 64


def _time(run: Run, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise LoadError("a time is a number")
    return min(max(value, 0), run.recording.end)


def look(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    """Memory and calls at a time. `ranges`: addresses as hexadecimal text, and sizes."""
    time = _time(run, request.get("time"))
    moment = Moment(run.recording, time)
    memory = []
    for address, size in list(request.get("ranges", ()))[:_MOST_RANGES]:
        begin, length = int(address, 16), min(int(size), _MOST_BYTES)
        memory.append([address, _bytes(moment, begin, length)])
    return {"time": time, "memory": memory, "frames": _frames(run, moment)}


def _frames(run: Run, at: Moment) -> list[dict[str, Any]]:
    """The functions that are running, the innermost first, and where their frames are."""
    session, pc = run.session, at.cpu.pc
    if pc == session.target.leave:
        return []
    calls: list[OpenCall] = []
    call = run.recording.call_at(at.time)
    while call is not None and len(calls) < _MOST_FRAMES:
        calls.append(call)
        call = call.outer
    frames = []
    above, sp = at.cpu.sp, run.recording.sp
    for here, call in list(zip([pc, *(call.pc for call in calls)], [*calls, None], strict=True))[:_MOST_FRAMES]:
        entered = 0 if call is None else call.time + 1
        entry = sp[entered] if entered < len(sp) else at.cpu.sp
        offset, place = here - run.base, session.places.place(here)
        frames.append(
            {
                "name": place.function or place.symbol.partition("+")[0] or hex(here),
                "pc": offset,
                "line": run.lines.get(offset, 0),
                "begin": None if call is None else call.time,
                "low": f"{above:x}",
                "high": f"{entry:x}",
            }
        )
        above = entry
    return frames


def _bytes(at: Moment, address: int, size: int) -> str:
    """Bytes as hexadecimal text; those that can't be read are "..": found page by page."""
    text = ""
    end = address + size
    while address < end:
        part = min(end, (address & -4096) + 4096) - address
        try:
            text += at.memory.read(address, part).hex()
        except Error:
            text += ".." * part
        address += part
    return text


def last_write(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    """The time before now at which a register, by its name, or memory, by its address, was written; None without.
    `hand`: it was changed by hand then."""
    now = _time(run, request.get("time"))
    run.session.goto(now)
    if "register" in request:
        name = str(request["register"])
        found, changed = run.session.last_write(name), run.changes.last(now, register=name)
        is_written = found is not None and (changed is None or found >= changed)
    else:
        address, size = int(str(request.get("address")), 16), int(request.get("size", 1))
        found, changed = run.session.last_write(address, size), run.changes.last(now, address=address, size=size)
        # What was written at the time of a change may be the change itself.
        is_written = found is not None and (
            changed is None or found > changed or run.recording.accesses.has_write(found, address, size)
        )
    return {"time": found} if is_written or changed is None else {"time": changed, "hand": True}


def check(run: Run | None, request: dict[str, Any]) -> dict[str, Any]:
    """What an expression is at a time; empty where nothing runs.

    Raises:
        SignatureError: it is none, or has no value then.
    """
    expression = Expression(str(request.get("text", "")))
    if run is None:
        return {"value": ""}
    value = expression.value(Moment(run.recording, _time(run, request.get("time"))))
    if isinstance(value, bool):
        return {"value": str(value).lower()}
    return {"value": str(value) if isinstance(value, float) or abs(value) < 10_000 else hex(value)}


def go(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    """Where one comes to from a time: `how` is "next" or "finish", "line" or "back line" (another source line),
    "forwards" or "back" (to what `Stops` has)."""
    time = _time(run, request.get("time"))
    how = request.get("how")
    if how in ("next", "finish"):
        run.session.goto(time)
        # What isn't recorded yet isn't gone to.
        with limits(instruction_limit=0):
            if how == "next":
                run.session.next()
            else:
                run.session.finish()
        return {"time": min(run.session.time, run.recording.end)}
    if how == "line":
        return {"time": _other_line(run, time, range(time + 1, run.recording.end))}
    if how == "back line":
        return {"time": _line_before(run, time)}
    # From the beginning on, where the time is -1.
    begin = -1 if request.get("time") == -1 else time
    return next_stop(run, request, begin, forwards=how == "forwards")


def _other_line(run: Run, time: int, times: Iterable[int]) -> int:
    """The next time at another source line; the end without one."""
    pcs, lines, base = run.recording.pcs, run.lines, run.base
    here = lines.get(pcs[time] - base, 0) if time < run.recording.end else 0
    for other in times:
        line = lines.get(pcs[other] - base, 0)
        if line and line != here:
            return other
        here = here if line else -1
    return run.recording.end


def _line_before(run: Run, time: int) -> int:
    """The beginning of the source line that was executed before now."""
    pcs, lines, base = run.recording.pcs, run.lines, run.base
    at = time - 1
    while at > 0 and not lines.get(pcs[at] - base, 0):
        at -= 1
    line = lines.get(pcs[at] - base, 0) if at >= 0 else 0
    while at > 0 and lines.get(pcs[at - 1] - base, 0) == line:
        at -= 1
    return max(at, 0)
