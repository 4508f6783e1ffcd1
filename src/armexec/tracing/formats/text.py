"""A trace as text: a line for each instruction."""

from __future__ import annotations

from typing import BinaryIO

from armexec.tracing.recorded_run import RecordedRun

__all__ = ["write"]


def write(trace: RecordedRun, file: BinaryIO) -> None:
    """Write the rows of a trace."""
    for line in trace.lines():
        file.write(f"{line}\n".encode())
