"""A program that runs to its end at full speed, not recorded."""

from __future__ import annotations

import io
import sys
from time import monotonic
from typing import Any

from armexec.errors import ExecutionError
from armexec.explorer.builds.runnable import Runnable
from armexec.explorer.messages import failure
from armexec.programs import run_image
from armexec.resource_limits.run_limits import limits

__all__ = ["execute"]

_FIRST = 50_000
"""Instructions that are interpreted, which takes about a second."""
_MEMORY = 256 << 20
"""Bytes that the program may map."""
_MOST_OUTPUT = 1 << 18
"""Bytes of standard output, and of standard error, that are kept."""


class _Kept(io.RawIOBase):
    """A file that keeps the first bytes that are written to it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.truncated = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        room = _MOST_OUTPUT - len(self._data)
        self.truncated |= len(data) > room
        self._data += data[:room]
        return len(data)

    def text(self) -> str:
        """What was kept, as text."""
        return self._data.decode("utf-8", "backslashreplace")


def execute(runnable: Runnable, request: dict[str, Any]) -> dict[str, Any]:
    """Run a program with its arguments, its standard input and its limit of time.

    It is interpreted at first: most programs end before their translation would. One that goes on is begun anew on the
    translated engine; nobody has seen what it did.

    Returns its exit status, or the error that has ended it; what it wrote; and the time that it took.
    """
    begin = monotonic()
    found = _run(
        runnable,
        request,
        "reference",
        limits(time_limit=request["seconds"], instruction_limit=_FIRST, memory_limit=_MEMORY),
    )
    if found.get("error", {}).get("kind") == "InstructionLimitExceeded":
        found = _run(runnable, request, "translated", limits(time_limit=request["seconds"], memory_limit=_MEMORY))
    return found | {"milliseconds": int((monotonic() - begin) * 1000)}


def _run(runnable: Runnable, request: dict[str, Any], engine: str, limited: limits) -> dict[str, Any]:
    output, error = _Kept(), _Kept()
    sys.stdout = io.TextIOWrapper(output, "utf-8", "backslashreplace", write_through=True)
    sys.stderr = io.TextIOWrapper(error, "utf-8", "backslashreplace", write_through=True)
    found: dict[str, Any] = {}
    try:
        result = run_image(
            runnable.image,
            request["arguments"],
            input=request["input"].encode("utf-8", "backslashreplace"),
            files={},
            capture=False,
            engine=engine,
            limits=limited,
        )
        found["status"] = result.status
    except ExecutionError as failed:
        found["error"] = failure(failed)
    return found | {
        "stdout": output.text(),
        "stderr": error.text(),
        "truncated": output.truncated or error.truncated,
    }
