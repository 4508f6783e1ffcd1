"""The accesses of a trace as NumPy's npz: an array for each column of `Trace.memory`."""

from __future__ import annotations

import dataclasses
from typing import BinaryIO

import numpy as np

from armexec.tracing.recorded_run import RecordedRun

__all__ = ["write"]


def write(trace: RecordedRun, file: BinaryIO) -> None:
    """Write the accesses of a trace."""
    memory = trace.memory
    np.savez(file, **{column.name: getattr(memory, column.name) for column in dataclasses.fields(memory)})
