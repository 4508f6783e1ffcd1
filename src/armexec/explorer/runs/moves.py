"""Questions about other times of a run: memory and calls, breakpoints, source lines, who wrote a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from armexec.errors import Error, LoadError
from armexec.explorer.runs.run import Run
from armexec.resource_limits.run_limits import limits

__all__ = ["go", "last_write", "look"]

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
    session = run.session
    session.goto(time)
    memory = []
    for address, size in list(request.get("ranges", ()))[:_MOST_RANGES]:
        begin, length = int(address, 16), min(int(size), _MOST_BYTES)
        memory.append([address, _bytes(run, begin, length)])
    frames = []
    above = session.cpu.sp
    sp = run.recording.sp
    for frame in session.backtrace[:_MOST_FRAMES]:
        entered = 0 if frame.begin is None else frame.begin + 1
        entry = sp[entered] if entered < len(sp) else session.cpu.sp
        offset = frame.pc - run.base
        frames.append(
            {
                "name": frame.place.function or frame.place.symbol.partition("+")[0] or hex(frame.pc),
                "pc": offset,
                "line": run.lines.get(offset, 0),
                "begin": frame.begin,
                "low": f"{above:x}",
                "high": f"{entry:x}",
            }
        )
        above = entry
    return {"time": time, "memory": memory, "frames": frames}


def _bytes(run: Run, address: int, size: int) -> str:
    """Bytes as hexadecimal text; those that can't be read are "..": found page by page."""
    text = ""
    end = address + size
    while address < end:
        part = min(end, (address & -4096) + 4096) - address
        try:
            text += run.session.memory.read(address, part).hex()
        except Error:
            text += ".." * part
        address += part
    return text


def last_write(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    """The time before now at which a register, by its name, or memory, by its address, was written; None without."""
    run.session.goto(_time(run, request.get("time")))
    if "register" in request:
        return {"time": run.session.last_write(str(request["register"]))}
    return {"time": run.session.last_write(int(str(request.get("address")), 16), int(request.get("size", 1)))}


def go(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    """Where one comes to from a time: `how` is "next" or "finish", "line" or "back line" (another source line),
    "forwards" or "back" (a breakpoint; `breaks` are offsets of instructions), else the end."""
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
    breaks = {run.base + int(offset) for offset in list(request.get("breaks", ()))[:10_000]}
    # From the beginning on, where the time is -1.
    begin = -1 if request.get("time") == -1 else time
    found = _breakpoint(run, begin, breaks, forwards=how == "forwards")
    if found is not None:
        return {"time": found, "hit": True}
    return {"time": run.recording.end if how == "forwards" else 0, "hit": False}


def _breakpoint(run: Run, time: int, breaks: set[int], *, forwards: bool) -> int | None:
    import numpy as np

    pcs = np.frombuffer(run.recording.pcs, np.uint64)
    times = np.flatnonzero(np.isin(pcs, np.array(sorted(breaks), np.uint64)))
    found = times[times > time] if forwards else times[times < time]
    del pcs
    return int(found[0 if forwards else -1]) if len(found) else None


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
