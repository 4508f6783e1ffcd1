"""One run of a page: a call or a program, its story, its result."""

from __future__ import annotations

from collections import Counter
from time import perf_counter
from typing import Any

from armexec.debugger import Session, debug
from armexec.debugger.program_target import ProgramTarget
from armexec.errors import Error
from armexec.explorer.builds.runnable import Runnable
from armexec.explorer.messages import failure
from armexec.explorer.runs.calls import is_program, prepared, program_result, result_of, stdout_kept, text_of, texts_of
from armexec.explorer.runs.changes import Changes
from armexec.explorer.runs.recording import PART, Recording
from armexec.module import Function, Module
from armexec.programs import run_image
from armexec.resource_limits.run_limits import limits
from armexec.testing.convention_checks import ConventionChecks

__all__ = ["Run"]

_FIRST, _FIRST_SECONDS = 20_000, 1.0
"""Instructions and seconds that are recorded at first."""
_MOST = 2_000_000
"""Instructions that can be recorded: about 400 bytes each."""
_FAST_SECONDS, _FAST_INSTRUCTIONS = 1.0, 2_000_000_000
"""The limits of a call that the translated engine makes, where the recording ends before the result."""
_SHOWN = 100_000
"""Bytes of output that are shown."""
_PARTS = 4
"""Parts that come with the first answer."""


class Run:
    """A session of the page. Times are between 0 and the end of the recording."""

    def __init__(self, runnable: Runnable, request: dict[str, Any]) -> None:
        """Begin a run, and record what comes first.

        Raises:
            SignatureError: the arguments, or what is changed by hand, don't fit.
            LoadError: there is no such function.
            Error: what loading raises.
        """
        self.changes = Changes(request.get("changes", []))
        self.lines = runnable.lines
        self._runnable = runnable
        self._request = request
        self._stdout = stdout_kept()
        self._values: list[Any] = []
        self._module: Module | None = None
        self.function: Function | None = None
        self.session = self._program() if is_program(runnable, request) else self._call()
        self.base = self._base()
        # A program ends by its exit, which need not put registers back.
        self._checks = ConventionChecks(self.session, runnable.image, returns=not is_program(runnable, request))
        self.recording = Recording(self.session, self.base, lambda: len(self.output()), self._checks.access)
        try:
            self._stop = self.changes.record(self.recording, self._checks, _FIRST, _FIRST_SECONDS)
            self._settle()
        except BaseException:
            self.close()
            raise

    # -- how it begins ------------------------------------------------------------------------------------------------
    def _program(self) -> Session:
        target = ProgramTarget(
            self._runnable.image,
            texts_of(self._request, "arguments"),
            input=text_of(self._request, "input").encode("utf-8", "backslashreplace"),
            files={},
        )
        return Session(target)

    def _call(self) -> Session:
        self._module, self.function, self._values = prepared(self._runnable, self._request)
        return debug(self.function, *self._values)

    def _base(self) -> int:
        target: Any = self.session.target
        return int(target.places.images[0][1])

    # -- where it is --------------------------------------------------------------------------------------------------
    def output(self) -> bytes:
        """What was written to standard output and error so far, that of errors behind."""
        target = self.session.target
        if isinstance(target, ProgramTarget):
            out, err = target.output
            return out + err
        return self._stdout.getvalue()

    def _settle(self) -> None:
        session = self.session
        if session.finished:
            session.step(0)

    def more(self, count: int) -> dict[str, Any]:
        """Record more instructions, and tell what there is now."""
        left = _MOST - self.recording.end
        if left <= 0:
            raise Error(f"{_MOST:,} instructions are recorded, which is the most")
        self._stop = self.recording.extend(min(count, left), 5.0)
        self._settle()
        return self.summary(parts=0)

    def summary(self, parts: int = _PARTS) -> dict[str, Any]:
        """The whole run: how it ended, its result, its story, and the first parts of the recording."""
        session, recording = self.session, self.recording
        target: Any = session.target
        ended = session.finished
        error = session.error
        found: dict[str, Any] = {
            "end": recording.end,
            "part": PART,
            "base": f"{self.base:x}",
            "finished": ended,
            "error": failure(error) if error is not None else None,
            "stop": "" if self._stop is None or ended or error is not None else str(self._stop),
            "limit": not ended and error is None and self._stop is None,
            "name": target.name,
            "signature": "" if self.function is None else self.function.signature,
            "output": self.output()[:_SHOWN].decode("utf-8", "backslashreplace"),
            "outputs": [
                [time, len(self.output()[:length].decode("utf-8", "backslashreplace"))]
                for time, length in recording.outputs[:1000]
                if length <= _SHOWN
            ],
            "steps": [
                [step.call, f"{step.address:x}", step.size, str(step.protection or ""), step.detail]
                for step in target.loaded.steps
            ],
            "regions": [[f"{begin:x}", f"{end:x}", rights, name] for begin, end, rights, name in target.regions()],
            "violations": [
                {"rule": found.rule, "time": found.time, "pc": found.pc - self.base, "instruction": found.instruction}
                for found in self._checks.violations()
            ],
            "changes": self.changes.told,
            "counts": [[pc - self.base, count] for pc, count in Counter(recording.pcs).items()],
            "parts": [recording.part(index) for index in range(min(parts, len(recording.parts) + 1))],
        }
        if ended:
            found["result"] = self._result(session.result)
        elif found["limit"] and parts and not self.changes.told:
            found["fast"] = self._fast()
        return found

    def _result(self, value: Any) -> dict[str, Any]:
        return program_result(value) if self.function is None else result_of(self.function, self._values, value)

    def _fast(self) -> dict[str, Any]:
        """The result of another call, which the translated engine makes."""
        begin = perf_counter()
        try:
            if self.function is None:
                value: Any = run_image(
                    self._runnable.image,
                    texts_of(self._request, "arguments"),
                    input=text_of(self._request, "input").encode("utf-8", "backslashreplace"),
                    files={},
                    limits=limits(time_limit=_FAST_SECONDS, instruction_limit=_FAST_INSTRUCTIONS),
                )
                found = self._result(value)
                found["output"] = (value.output + value.error)[:_SHOWN].decode("utf-8", "backslashreplace")
                return found | {"seconds": perf_counter() - begin}
            kept, output = (self.function, self._values, self._module), self._stdout.tell()
            try:
                self._module, self.function, self._values = prepared(self._runnable, self._request)
                begin = perf_counter()
                with limits(time_limit=_FAST_SECONDS, instruction_limit=_FAST_INSTRUCTIONS):
                    value = self.function(*self._values)
                return self._result(value) | {"seconds": perf_counter() - begin}
            finally:
                self.function, self._values, self._module = kept
                self._stdout.truncate(output)
                self._stdout.seek(output)
        except Exception as error:
            return {"error": failure(error), "seconds": perf_counter() - begin}

    def close(self) -> None:
        """Free the session and the module."""
        self.session.close()
        if self._module is not None:
            self._module.close()
