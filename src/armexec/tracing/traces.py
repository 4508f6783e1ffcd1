"""The trace of a run."""

from __future__ import annotations

import os

from armexec.tracing.formats import save
from armexec.tracing.html import trace_html
from armexec.tracing.recorded_run import RecordedRun

__all__ = ["Trace"]


class Trace(RecordedRun):
    """Each instruction of a run, with what it has read and written.

    A row is an instruction, also a call of a function of Python or a system call. Columns are arrays of NumPy, and made
    when they are first asked for. `time`, `pc`, `word` and `thread` have one entry for each instruction, `registers`
    and `memory` are tables of their own. Iterating gives `Row`s with text.

    `result` is what the call returned, or how the program ended; None where it didn't come so far. `error` is what the
    guest has done that it can't do, or what a function of Python has raised; None if nothing. `stop` says why the trace
    ends; None where a function of Python has raised. `first` is the time of the first row, 0 unless only the last ones
    were kept.

    FPSR and FPCR aren't recorded, nor is what system calls and functions of Python do to memory.
    """

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Write it to a file.

        Args:
            path: where to.
            format: one of `armexec.tracing.formats.FORMATS`; None: the one that the file's name ends for.

        Raises:
            SignatureError: there is no such format.
            Error: the file can't be written.
        """
        save(self, path, format)

    def _repr_html_(self) -> str:
        """Its first and its last rows as a table, for notebooks."""
        return trace_html(self)
