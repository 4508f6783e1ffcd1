"""The functions of a trace as they begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from armexec.tracing.calls import Begin, CallEvents, End
from armexec.tracing.recorded_run import RecordedRun

__all__ = ["Named", "named_calls"]


class Named(NamedTuple):
    """A function begins. `place` says where it is in the source."""

    time: int
    pc: int
    name: str
    place: str


def named_calls(trace: RecordedRun) -> Iterator[Named | End]:
    """The functions of a trace, also the one that it begins in. Each that begins ends, with the trace at the latest."""
    if not len(trace):
        return
    names: dict[int, tuple[str, str]] = {}

    def named(time: int, pc: int) -> Named:
        found = names.get(pc)
        if found is None:
            place = trace.places.place(pc)
            name = place.function or place.symbol.partition("+")[0] or f"0x{pc:x}"
            where = f"{place.line.file}:{place.line.line}" if place.line is not None and place.line.line else ""
            found = names[pc] = name, where
        return Named(time, pc, *found)

    yield named(trace.first, trace[0].pc)
    events = CallEvents(trace.recording.recorder.layouts, trace.sp, trace.first)
    for headers, sp in trace.blocks():
        for event in events.add(headers, sp):
            yield named(event.time, event.pc) if isinstance(event, Begin) else event
    yield from events.finish()
    yield End(trace.first + len(trace))
