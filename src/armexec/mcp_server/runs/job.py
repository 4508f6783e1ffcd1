"""What is to be run: the function or the program, its limits, and what it writes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from textwrap import indent
from typing import Any

from armexec.cpu.stop import Stop
from armexec.debugger.open import target_of
from armexec.debugger.program_target import ProgramTarget
from armexec.debugger.target import Target
from armexec.errors import Error, ExecutionError
from armexec.explorer.builds.runnable import Runnable
from armexec.explorer.runs.calls import is_program, prepared, program_result, result_of, text_of, texts_of
from armexec.isolation.worker.output import Output
from armexec.mcp_server.capped import LONGEST, put_text, shortened
from armexec.module import Function
from armexec.resource_limits.run_limits import limits

__all__ = ["GuestFailed", "Job", "told"]

_FAILURE = 100, 10_000
"""Lines and characters of an exception."""


class GuestFailed(Error):
    """The text of what a run has ended with."""


class _Kept:
    """What is written to a stream, as far as it is shown; all is counted."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._lines = 0
        self._is_line_open = False

    def add(self, data: bytes) -> None:
        self.data += data[: max(4 * LONGEST - len(self.data), 0)]
        if data:
            self._lines += data.count(b"\n")
            self._is_line_open = not data.endswith(b"\n")

    @property
    def text(self) -> str:
        return bytes(self.data).decode("utf-8", "backslashreplace")

    @property
    def lines(self) -> int:
        return self._lines + self._is_line_open


class Job:
    """A run that a client has asked for. What it writes to standard output and error is kept."""

    def __init__(self, runnable: Runnable, request: dict[str, Any]) -> None:
        self.runnable = runnable
        self.request = request
        self.is_program = is_program(runnable, request)
        self._function = text_of(request, "function")
        self.arguments = texts_of(request, "arguments")
        self.input = text_of(request, "input").encode("utf-8", "backslashreplace")
        self._streams = {"stdout": _Kept(), "stderr": _Kept()}
        for name, kept in self._streams.items():
            setattr(sys, name, Output(kept.add))

    @cached_property
    def _prepared(self) -> tuple[Any, Function, list[Any]]:
        # Clients give names as in the source, too.
        name = self.runnable.image.function(self._function).name if self._function else ""
        return prepared(self.runnable, {**self.request, "function": name})

    @property
    def call(self) -> tuple[Function, list[Any]]:
        """The function and its arguments. Raises Error."""
        _, function, values = self._prepared
        return function, values

    @contextmanager
    def limits(self) -> Iterator[limits]:
        """The limits of all that the guest does."""
        request = self.request
        with limits(time_limit=request["time_limit"], instruction_limit=request["instruction_limit"]) as block:
            yield block

    @contextmanager
    def target(self) -> Iterator[Target]:
        """What is traced or counted. Raises Error."""
        target: Target
        if self.is_program:
            target = ProgramTarget(self.runnable.image, self.arguments, input=self.input, files={}, capture=False)
        else:
            function, values = self.call
            target = target_of(function, *values)
        try:
            yield target
        finally:
            target.close()

    def offset(self, target: Any, pc: int) -> int:
        """An address as a distance from the begin of the image."""
        return pc - int(target.places.images[0][1])

    def put_output(self, answer: dict[str, Any]) -> None:
        """Add what was written to an answer."""
        for name, kept in self._streams.items():
            put_text(answer, name, kept.text, self.request[f"max{name.title()}Lines"])
            if kept.lines > len(kept.text.splitlines()):
                answer[f"{name}TotalLines"] = kept.lines

    def result(self, value: Any) -> dict[str, Any]:
        """The exit status of a program, or the result of a call."""
        if self.is_program:
            return {"code": program_result(value)["status"]}
        function, values = self.call
        found = result_of(function, values, value)
        answer = {"code": 0, "result": found["text"], "type": found["type"]}
        if found["written"]:
            answer["written"] = found["written"]
        return answer

    def ended(self, what: str, error: BaseException | None, stop: Stop | None, result: Any) -> dict[str, Any]:
        """How a recorded run has ended: its error or else its result. `what`: what it is called in messages."""
        if error is not None:
            return {"error": told(error, self)}
        if stop is None or stop.reason != "returned":
            return {"error": f"the {what} ends: {stop}"}
        return self.result(result)

    @property
    def output(self) -> str:
        """The last of what was written, for messages."""
        parts = [
            f"\n{title}:\n{indent(shortened(kept.text, 20, 1000), '  ')}"
            for title, kept in (("Standard output", self._streams["stdout"]), ("Error", self._streams["stderr"]))
            if kept.data
        ]
        return "".join(parts)


def told(error: BaseException, job: Job) -> str:
    """An exception with all that is known: the calls that were going on, the registers, and what was written."""
    if not isinstance(error, Error):
        return f"armexec failed: {type(error).__name__}: {error}"
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, ExecutionError):
        if error.backtrace:
            text += f"\n\n{error.backtrace}"
        if error.cpu is not None and len(error.cpu.known) > 1:
            text += f"\n\nRegisters:\n{indent(str(error.cpu), '  ')}"
    return shortened(text, *_FAILURE) + (f"\n{job.output}" if job.output else "")
