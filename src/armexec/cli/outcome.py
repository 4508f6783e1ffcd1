"""The end of the program: its exit status and its messages on standard error."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from textwrap import indent
from typing import TYPE_CHECKING

import click

from armexec.errors import Error, ExecutionError

if TYPE_CHECKING:
    from armexec.errors import Diagnostic

__all__ = ["ended_by_ctrl_c", "note", "status_of", "warn_of"]

_SIGINT, _SIGPIPE = 2, 13


def status_of(program: Callable[[], object]) -> int:
    """Run `program`, show its errors as messages, and return the exit status: its result if that is an int, else 0."""
    _open_closed_streams()
    message = ""
    try:
        returned = program()
        status = returned if isinstance(returned, int) else 0
    except Error as error:
        status, message = 1, "\n".join([f"armexec: {error}", *_details(error)])
    except click.ClickException as error:
        status, message = error.exit_code, _usage_text(error)
    except click.exceptions.Exit as end:
        status = end.exit_code
    except (KeyboardInterrupt, click.Abort):
        status = 128 + _SIGINT
    except BrokenPipeError:
        _abandon(sys.stdout)
        status = 128 + _SIGPIPE
    except OSError as error:
        place = error.filename if error.filename is not None else "standard output"
        status, message = 1, f"armexec: {place}: {error.strerror or error}"
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    # The output comes before the message.
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon(sys.stdout)
        status, message = 128 + _SIGPIPE, ""
    except OSError as error:
        _abandon(sys.stdout)
        status, message = 1, f"armexec: standard output: {error.strerror or error}"
    if message:
        _say(message)
    return status


def _details(error: Error) -> Iterator[str]:
    """What else there is to tell of an error of the guest: the calls that were going on, and the registers."""
    if isinstance(error, ExecutionError):
        if error.backtrace:
            yield f"\n{error.backtrace}"
        if error.cpu is not None and len(error.cpu.known) > 1:
            yield f"\nRegisters:\n{indent(str(error.cpu), '  ')}"


def _open_closed_streams() -> None:
    """Replace standard streams that are closed, which Python has as None, by streams that fail as closed ones do.

    Their descriptors are occupied, so that no file opened later becomes standard output.
    """
    for name, mode, flags in (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            # Reading or writing fails with EBADF; messages on a closed standard error are lost.
            setattr(
                sys,
                name,
                open(  # noqa: SIM115
                    os.open(os.devnull, flags), mode, encoding="utf-8"
                ),
            )
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files may have bytes that aren't text, and terminals may lack characters.
            stream.reconfigure(errors="backslashreplace")


def _abandon(stream: io.TextIOBase | object) -> None:
    """Discard what couldn't be written; else the interpreter would try again at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]


def _usage_text(error: click.ClickException) -> str:
    """The message of a wrong command line, below the usage of the command."""
    text = io.StringIO()
    error.show(file=text)
    return text.getvalue().rstrip("\n")


def _say(text: str) -> None:
    """Print to standard error, and ignore that it can't be done."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _abandon(sys.stderr)


@contextlib.contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the program while the guest runs: Python handles no signal before the guest returns."""
    import signal

    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def note(text: str) -> None:
    """Show a remark on standard error."""
    _say(f"armexec: {text}")


def warn_of(diagnostics: Iterable[Diagnostic]) -> None:
    """Show a compiler's warnings."""
    for d in diagnostics:
        place = f"{d.file}:{d.line}:{d.column}: " if d.line else f"{d.file}: " if d.file else ""
        _say(f"{place}{d.severity}: {d.message}")
