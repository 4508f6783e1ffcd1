"""Calls as Perfetto's own packets: a `Trace` of Protocol Buffers (protos/perfetto/trace/trace_packet.proto, and
track_event/track_event.proto and track_descriptor.proto beside it)."""

from __future__ import annotations

from typing import BinaryIO

from armexec.tracing.formats.functions import Named, named_calls
from armexec.tracing.recorded_run import RecordedRun

__all__ = ["write"]

_SEQUENCE, _PROCESS = 1, 1
_TRACKS = 1 << 32
"""Added to the number of a thread, this is that of its track."""
_BEGIN, _END = 1, 2
_INCREMENTAL_STATE_CLEARED = 1


def write(trace: RecordedRun, file: BinaryIO) -> None:
    """Write the calls of a trace. A nanosecond is an instruction."""
    process = _number(1, 1) + _bytes(6, trace.name.encode())
    file.write(_packet(_bytes(60, _number(1, _PROCESS) + _bytes(3, process)), first=True))
    tracks: set[int] = set()
    for event in named_calls(trace):
        track = event.thread + _TRACKS
        if track not in tracks:
            tracks.add(track)
            thread = _number(1, 1) + _number(2, event.thread) + _bytes(5, f"thread {event.thread}".encode())
            file.write(_packet(_bytes(60, _number(1, track) + _number(5, _PROCESS) + _bytes(4, thread))))
        if isinstance(event, Named):
            content = _number(9, _BEGIN) + _number(11, track) + _bytes(23, event.name.encode())
            content += _bytes(4, _bytes(10, b"pc") + _number(7, event.pc))
        else:
            content = _number(9, _END) + _number(11, track)
        file.write(_packet(_number(8, event.time) + _bytes(11, content)))


def _packet(content: bytes, *, first: bool = False) -> bytes:
    """A TracePacket: `trusted_packet_sequence_id` is field 10, `sequence_flags` 13."""
    content += _number(10, _SEQUENCE)
    if first:
        content += _number(13, _INCREMENTAL_STATE_CLEARED)
    return _bytes(1, content)


def _number(field: int, value: int) -> bytes:
    """A field that is a varint."""
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, data: bytes) -> bytes:
    """A field that has a length: bytes, text or a message."""
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
