"""Calls and programs that a debugger is to attach to: `armexec run --gdb`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from armexec.cli.outcome import note

if TYPE_CHECKING:
    from armexec.debugger import Session
    from armexec.module import Function
    from armexec.sources import Source

__all__ = ["debugged_call", "debugged_program"]


def debugged_call(function: Function, values: Sequence[Any], port: str) -> Any:
    """The result of a call that a debugger has attached to and left.

    Raises:
        click.UsageError: it is no port.
        HostError: the port can't be had.
        click.Abort: the debugger has ended the call.
        Error: what the call raises.
    """
    from armexec.debugger import debug

    with debug(function, *values) as session:
        _serve(session, port)
        return session.result


def debugged_program(
    source: Source, arguments: Sequence[str], files: Mapping[str, str], port: str, *, engine: str | None, sandbox: bool
) -> int:
    """The exit status of a program that a debugger has attached to and left. Raises as `debugged_call` does."""
    from armexec.cli.program import program_session

    with program_session(
        source, arguments, engine=engine, files=files, capture=port == "-", sandbox=sandbox
    ) as session:
        _serve(session, port)
        return int(session.result.status)


def _serve(session: Session, port: str) -> None:
    import tempfile

    from armexec.debugger.rsp import serve, serve_streams, symbol_file

    if port == "-":
        serve_streams(session)
    elif not port.isdecimal() or int(port) > 65535:
        raise click.UsageError(f"--gdb {port}: it is a port, 0 for a free one, or - for standard input and output")
    else:
        # lldb doesn't ask for the file, as gdb does.
        with tempfile.NamedTemporaryFile(prefix="armexec-", suffix=".elf") as file:
            file.write(symbol_file(session))
            file.flush()
            serve(session, int(port), ready=lambda port: _tell(port, file.name))
    if session.error is not None:
        raise session.error
    if not session.finished:
        note("the debugger has ended the call")
        raise click.exceptions.Exit(1)


def _tell(port: int, file: str) -> None:
    note(f"waiting for a debugger on port {port}")
    note(f"  gdb:  gdb-multiarch -ex 'target remote :{port}'")
    note(f"  lldb: lldb -o 'target create {file}' -o 'gdb-remote {port}'")
