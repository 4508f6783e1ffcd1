"""Calls as events of Chrome's JSON ("Trace Event Format"): what Perfetto's and Chrome's viewers and speedscope read.

The time of an event is the number of the instruction, which viewers show as microseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from armexec.debugger.guest_threads import PROCESS
from armexec.tracing.formats.functions import Named, named_calls
from armexec.tracing.recorded_run import RecordedRun

__all__ = ["write"]


def write(trace: RecordedRun, file: BinaryIO) -> None:
    """Write the calls of a trace."""
    file.write(b'{"displayTimeUnit": "ns", "traceEvents": [\n')
    separator = b""
    for event in _events(trace):
        file.write(separator + json.dumps(event).encode())
        separator = b",\n"
    file.write(b"\n]}\n")


def _events(trace: RecordedRun) -> Iterator[dict[str, Any]]:
    yield {"name": "process_name", "ph": "M", "pid": 1, "tid": PROCESS, "args": {"name": trace.name}}
    for event in named_calls(trace):
        known: dict[str, Any] = {"ph": "E", "ts": event.time, "pid": 1, "tid": event.thread}
        if isinstance(event, Named):
            known |= {"name": event.name, "ph": "B", "args": {"pc": f"0x{event.pc:x}", "place": event.place}}
        yield known
