"""The main loop of a process of `armexec mcp` that runs a guest: a worker process, which is confined."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from armexec.explorer.runs.process import run_by
from armexec.mcp_server.runs.coverage import covered
from armexec.mcp_server.runs.job import GuestFailed, Job, told
from armexec.mcp_server.runs.result import result
from armexec.mcp_server.runs.trace import traced

__all__ = ["run"]

_ANSWERS = {"run": result, "trace": traced, "coverage": covered}


def run(descriptors: Sequence[int], options: dict[str, Any]) -> None:
    """Confine this process, and answer requests from a socket until it is closed. The fork server calls it."""
    run_by(descriptors, options, _answer)


def _answer(request: dict[str, Any], made: bytes) -> Any:
    job = Job(pickle.loads(made), request)
    try:
        return _ANSWERS[str(request.get("call"))](job)
    except Exception as error:
        raise GuestFailed(told(error, job)) from None
