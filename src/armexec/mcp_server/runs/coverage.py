"""How often a run executes each line, branch and function of its source."""

from __future__ import annotations

from typing import Any

from armexec.engines.recorded.records import Chunk, Recorder
from armexec.mcp_server.capped import put_list
from armexec.mcp_server.runs.job import Job
from armexec.tracing.counts import BlockCounts, Counts
from armexec.tracing.run import run_recorded
from armexec.tracing.turns import Turns

__all__ = ["covered"]


def covered(job: Job) -> dict[str, Any]:
    """Count a run, also one that ends by a fault. Raises Error where it can't begin."""
    import numpy as np

    def take(chunk: Chunk) -> None:
        # The memory of the chunk is used again.
        counts.add(np.frombuffer(chunk.headers, np.uint64, chunk.header_bytes // 8).copy())

    recorder = Recorder(take, values=False)
    counts = BlockCounts(recorder.layouts)
    with job.target() as target, job.limits():
        end = run_recorded(target, recorder, None, Turns(target.cpu.sp))
        counts.end(target.cpu.pc)
        base = int(target.places.images[0][1])
        answer = _counted(counts.result(), base, job)
        answer |= job.ended("run", end.error, end.stop, end.result)
    job.put_output(answer)
    return answer


def _counted(counts: Counts, base: int, job: Job) -> dict[str, Any]:
    executed: dict[int, int] = {}
    branches: list[dict[str, int]] = []
    for offset, line in sorted(job.runnable.lines.items()):
        if not line:
            continue
        # What is done more than once in a line counts as often as the part that is done most often.
        executed[line] = max(executed.get(line, 0), counts.executed.get(base + offset, 0))
        branch = counts.branches.get(base + offset)
        if branch is not None:
            branches.append({"line": line, "taken": branch.taken, "passed": branch.passed})
    text = job.request["text"].splitlines()
    lines = [
        {"line": line, "count": count, "text": text[line - 1][:200] if line <= len(text) else ""}
        for line, count in sorted(executed.items())
    ]
    answer: dict[str, Any] = {
        "instructions": sum(counts.executed.values()),
        "linesCovered": sum(bool(count) for count in executed.values()),
        "linesTotal": len(executed),
    }
    most = job.request["maxLines"]
    put_list(answer, "lines", lines, most, "raise maxLines to get more")
    put_list(answer, "branches", branches, most, "raise maxLines to get more")
    functions = [
        {"name": function.source_name, "calls": counts.executed.get(base + function.offset, 0)}
        for function in job.runnable.image.own_functions
        if function.offset in job.runnable.lines
    ]
    put_list(answer, "functions", functions, most, "raise maxLines to get more")
    return answer
