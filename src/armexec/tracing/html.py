"""A trace as a table for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from armexec.html import table
from armexec.tracing.recorded_run import RecordedRun
from armexec.tracing.rows import Row

__all__ = ["trace_html"]

_FIRST, _LAST = 100, 20
"""Rows that are shown of a long trace."""
_HEADS = ("time", "address", "instruction", "changes", "place", "source")


def trace_html(trace: RecordedRun) -> str:
    """The first and the last rows of a trace, and how it ended."""
    if trace.error is not None:
        how = f"{type(trace.error).__name__}: {trace.error}"
    elif trace.stop is not None and trace.stop.reason != "returned":
        how = str(trace.stop)
    else:
        how = f"= {trace.result!r:.200}"
    detail = f"{len(trace)} instructions"
    return table(f"Trace of {trace.name}", _HEADS, [*_rows(trace), how], detail=detail)


def _rows(trace: RecordedRun) -> Iterator[Sequence[object] | str]:
    begin, end = trace.first, trace.first + len(trace)
    left_out = len(trace) - _FIRST - _LAST
    line = None
    for row in trace.between(begin, end if left_out <= 1 else begin + _FIRST):
        yield _cells(trace, row, line)
        line = row.place.line
    if left_out > 1:
        yield f"... {left_out} more ..."
        line = None
        for row in trace.between(end - _LAST, end):
            yield _cells(trace, row, line)
            line = row.place.line


def _cells(trace: RecordedRun, row: Row, before: object) -> Sequence[object]:
    """The cells of a row. The source is shown where it is another line than before."""
    line = row.place.line
    source = "" if line is None or not line.line or line == before else f"{line.line}: {trace.places.source_text(line)}"
    return row.time, f"{row.pc:x}", row.text, row.changes, row.place.name, source
