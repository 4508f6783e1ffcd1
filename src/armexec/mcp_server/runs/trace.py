"""A page of the trace of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from armexec.debugger.target import Target
from armexec.mcp_server.runs.job import Job
from armexec.tracing.open import LIMIT, trace_of
from armexec.tracing.traces import Trace

__all__ = ["traced"]


def traced(job: Job) -> dict[str, Any]:
    """Record the run, and give the rows that were asked for. Raises Error where it can't begin."""
    first, most = int(job.request["first"]), int(job.request["maxRows"])
    with job.target() as target, job.limits():
        # The last ones alone are kept where they are asked for.
        limit = min(-first, LIMIT) if first < 0 else LIMIT
        trace = trace_of(target, limit, ring=first < 0)
        begin = trace.first if first < 0 else first
        rows = list(_rows(trace, job, target, begin, begin + most))
        end = trace.first + len(trace)
        answer: dict[str, Any] = {"rows": rows, "instructions": end, "first": begin}
        if begin + len(rows) < end:
            answer["rowsTruncated"] = True
            answer["next"] = begin + len(rows)
            answer["hint"] = (
                f"There are more rows: first={answer['next']} gives what follows, first=-100 the last ones."
            )
        answer |= job.ended("trace", trace.error, trace.stop, trace.result)
    job.put_output(answer)
    return answer


def _rows(trace: Trace, job: Job, target: Target, begin: int, end: int) -> Iterator[dict[str, Any]]:
    lines = job.runnable.lines
    for row in trace.between(begin, end):
        offset = job.offset(target, row.pc)
        shown: dict[str, Any] = {
            "time": row.time,
            "address": f"{offset:x}" if offset >= 0 else f"0x{row.pc:x}",
            "function": row.place.function,
            "text": row.text,
            "changes": row.changes,
        }
        if lines.get(offset):
            shown["line"] = lines[offset]
        yield shown
