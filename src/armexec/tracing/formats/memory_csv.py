"""The accesses of a trace as lines of values that are separated by commas."""

from __future__ import annotations

import io
from typing import BinaryIO

from armexec.tracing.recorded_run import RecordedRun

__all__ = ["write"]


def write(trace: RecordedRun, file: BinaryIO) -> None:
    """Write the accesses of a trace: time, pc, address, size, kind, old, new."""
    file.write(b"time,pc,address,size,kind,old,new\n")
    out = io.StringIO()
    for row in trace:
        for access in row.memory:
            kind = "write" if access.is_write else "read"
            out.write(
                f"{row.time},0x{row.pc:x},0x{access.address:x},{access.size},{kind},{access.old:#x},{access.new:#x}\n"
            )
        if out.tell() > 1 << 16:
            file.write(out.getvalue().encode())
            out = io.StringIO()
    file.write(out.getvalue().encode())
