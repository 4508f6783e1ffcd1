"""The result of a run."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from armexec.mcp_server.runs.job import Job
from armexec.programs import run_image

__all__ = ["result"]


def result(job: Job) -> dict[str, Any]:
    """Call the function, or run the program. Raises what that raises."""
    if job.is_program:
        begin = perf_counter()
        with job.limits() as block:
            value: Any = run_image(job.runnable.image, job.arguments, input=job.input, files={}, capture=False)
    else:
        function, values = job.call
        begin = perf_counter()
        with job.limits() as block:
            value = function(*values)
    seconds = perf_counter() - begin
    answer = job.result(value) | {"instructions": block.instructions, "seconds": round(seconds, 6)}
    job.put_output(answer)
    return answer
