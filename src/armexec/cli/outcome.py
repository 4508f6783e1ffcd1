"""How a command ends: its exit status, and what it says on standard error."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from armexec.errors import Error

if TYPE_CHECKING:
    from armexec.errors import Diagnostic

__all__ = ["command", "ended_by_ctrl_c", "note", "warn_of"]

P = ParamSpec("P")
R = TypeVar("R")


def command(function: Callable[P, R]) -> Callable[P, R]:
    """A command whose errors end the program as `main` says, without a traceback."""

    @functools.wraps(function)
    def run(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            result = function(*arguments, **named)
            sys.stdout.flush()
            return result
        except Error as error:
            # What was printed so far comes first.
            sys.stdout.flush()
            print(f"armexec: {error}", file=sys.stderr)
            raise SystemExit(1) from None
        except BrokenPipeError:
            # Whoever read the output has seen enough; the interpreter must not flush into the closed pipe at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(128 + signal.SIGPIPE) from None
        except KeyboardInterrupt:
            raise SystemExit(128 + signal.SIGINT) from None

    return run


@contextlib.contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the program at once while the guest runs: Python sees no signal before the guest returns."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def note(text: str) -> None:
    """A remark that isn't the command's result."""
    print(f"armexec: {text}", file=sys.stderr)


def warn_of(diagnostics: Iterable[Diagnostic]) -> None:
    """Show a compiler's warnings."""
    for d in diagnostics:
        print(f"{d.file}:{d.line}:{d.column}: {d.severity}: {d.message}", file=sys.stderr)
