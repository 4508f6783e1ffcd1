"""The functions of a trace as they begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from armexec.engines.recorded.ends import Ends, parts
from armexec.tracing.calls import Begin, CallEvents
from armexec.tracing.recorded_run import RecordedRun
from armexec.tracing.turns import Blocks

__all__ = ["Ended", "Named", "named_calls"]


class Named(NamedTuple):
    """A thread begins a function. `place` says where that is in the source."""

    time: int
    pc: int
    name: str
    place: str
    thread: int


class Ended(NamedTuple):
    """The innermost function of a thread ends."""

    time: int
    thread: int


def named_calls(trace: RecordedRun) -> Iterator[Named | Ended]:
    """The functions of a trace, also those that its threads begin in. They are in order for each thread. Each that
    begins ends, with the thread's last instruction at the latest."""
    ends = Ends(trace.recording.recorder.layouts)
    threads: dict[int, _Thread] = {}
    names = _Names(trace)
    for blocks in trace.blocks():
        thread = threads.get(blocks.thread)
        if thread is None:
            ends.update()
            thread = threads[blocks.thread] = _Thread(blocks.thread, CallEvents(ends, trace.turns.base(blocks.thread)))
            layout, executed = parts(blocks.headers[:1])
            begins = int(blocks.ends[0]) - int(executed[0])
            yield names.named(begins, int(ends.start[layout[0]]), blocks.thread)
        yield from thread.add(blocks, names)
    for thread in threads.values():
        yield from thread.finish()


class _Names:
    """Finds the name of the function at an address, once for each."""

    def __init__(self, trace: RecordedRun) -> None:
        self._places = trace.places
        self._known: dict[int, tuple[str, str]] = {}

    def named(self, time: int, pc: int, thread: int) -> Named:
        found = self._known.get(pc)
        if found is None:
            place = self._places.place(pc)
            name = place.function or place.symbol.partition("+")[0] or f"0x{pc:x}"
            where = f"{place.line.file}:{place.line.line}" if place.line is not None and place.line.line else ""
            found = self._known[pc] = name, where
        return Named(time, pc, *found, thread)


class _Thread:
    """The events of a thread."""

    def __init__(self, number: int, events: CallEvents) -> None:
        self._number = number
        self._events = events

    def add(self, blocks: Blocks, names: _Names) -> Iterator[Named | Ended]:
        for event in self._events.add(blocks.headers, blocks.sp, blocks.ends):
            if isinstance(event, Begin):
                yield names.named(event.time, event.pc, self._number)
            else:
                yield Ended(event.time, self._number)

    def finish(self) -> Iterator[Ended]:
        for event in self._events.finish():
            yield Ended(event.time, self._number)
        yield Ended(self._events.time, self._number)
