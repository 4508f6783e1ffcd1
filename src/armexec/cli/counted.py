"""Calls and programs whose instructions are counted: `armexec run --coverage` and `--callgrind`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from armexec.errors import Error

if TYPE_CHECKING:
    from armexec.debugger.target import Target
    from armexec.module import Function

__all__ = ["CountFiles", "counted_call", "counted_run"]


class CountFiles(NamedTuple):
    """Where coverage and costs of calls go; None: nowhere."""

    coverage: str | None
    callgrind: str | None

    @property
    def are_asked_for(self) -> bool:
        return self.coverage is not None or self.callgrind is not None


def counted_call(function: Function, values: Sequence[Any], files: CountFiles) -> Any:
    """The result of a call. Raises what the call raises, when the files are written."""
    from armexec.debugger.open import target_of

    return counted_run(target_of(function, *values), files)


def counted_run(target: Target, files: CountFiles) -> Any:
    """The result of what was opened, which is closed then. Raises as `counted_call` does."""
    from armexec.tracing.counted import run_counted

    try:
        end = run_counted(target, coverage=files.coverage, callgrind=files.callgrind)
    finally:
        target.close()
    if end.error is not None:
        raise end.error
    if end.result is None and end.stop is not None and end.stop.reason != "returned":
        raise Error(str(end.stop))
    return end.result
