"""Running of a program with a main by `armexec run`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from armexec.cli.outcome import ended_by_ctrl_c, note

if TYPE_CHECKING:
    from armexec.cli.counted import CountFiles
    from armexec.debugger import Session
    from armexec.debugger.target import Target
    from armexec.objects import Image
    from armexec.resource_limits.run_limits import limits
    from armexec.sources import Source

__all__ = ["given_folders", "is_program", "program_session", "program_target", "run_program"]


def is_program(source: Source, image: Image) -> bool:
    """Whether a source of objects or of assembly, whose image is given, defines main."""
    from armexec.objects.read import is_shared_library

    if source.kind in ("hex", "bin") or (source.kind == "object" and is_shared_library(source.data)):
        return False
    return any(s.defined and s.binding != "local" and image.linkage_name(s) == "main" for s in image.symbols)


def given_folders(files: Sequence[str]) -> dict[str, str]:
    """The folders by their paths for the guest. Raises click.UsageError if one isn't given as PATH=FOLDER."""
    folders = {}
    for given in files:
        path, equals, folder = given.partition("=")
        if not equals:
            raise click.UsageError(f"--files {given}: it is given as PATH=FOLDER")
        folders[path] = folder
    return folders


def run_program(
    source: Source,
    arguments: Sequence[str],
    files: Mapping[str, str],
    *,
    engine: str | None,
    limits: limits,
    json: bool,
    profile: bool,
    sandbox: bool = False,
    counts: CountFiles | None = None,
    isolate: str | None = None,
) -> int:
    """Run it within some limits; the exit status. Its streams are those of the command, but for `json`, which prints
    what it has written.

    Raises:
        Error: see `armexec.run`.
    """
    from armexec.program.images import ProgramResult, program_image, program_parts
    from armexec.programs import run_image

    made = None
    if profile:
        from armexec.profiling.profile import Profile

        made = Profile()
    result: ProgramResult
    with ended_by_ctrl_c():
        if counts is not None:
            from armexec.cli.counted import counted_run

            target = program_target(source, arguments, engine=engine, files=files, capture=json, sandbox=sandbox)
            with limits:
                result = counted_run(target, counts)
        else:
            result = run_image(
                program_image(source.name, program_parts([source])),
                arguments,
                input=b"" if source.name == "<stdin>" else sys.stdin.buffer,
                files=files,
                capture=json,
                engine=engine,
                limits=limits,
                watch=made,
                sandbox=sandbox,
                isolate=isolate,
            )
    if json:
        import json as encoder

        shown: dict[str, Any] = {"status": result.status, "output": result.text, "error": result.error_text}
        if result.signal:
            shown["signal"] = result.signal
        if made is not None:
            from armexec.cli.profiled import as_json

            shown["profile"] = as_json(made)
        print(encoder.dumps(shown))
    elif result.signal:
        name = signal.Signals(result.signal).name if result.signal in set(signal.Signals) else "unknown"
        note(f"{source.name} was ended by signal {result.signal} ({name})")
    if made is not None and not json:
        from armexec.cli.profiled import show_profile

        show_profile(made, source.name, source.text.splitlines() if source.uses_compiler else ())
    return result.status


def program_session(
    source: Source,
    arguments: Sequence[str],
    *,
    engine: str | None,
    files: Mapping[str, str] | None = None,
    capture: bool = True,
    sandbox: bool = False,
) -> Session:
    """A session of a program. What it writes is part of its result, or goes to standard output without `capture`.

    Raises:
        Error: see `armexec.debug`.
    """
    from armexec.debugger import Session

    return Session(program_target(source, arguments, engine=engine, files=files, capture=capture, sandbox=sandbox))


def program_target(
    source: Source,
    arguments: Sequence[str],
    *,
    engine: str | None,
    files: Mapping[str, str] | None = None,
    capture: bool = True,
    sandbox: bool = False,
) -> Target:
    """A program that a session, or whatever else goes instruction by instruction, can run. Raises as `program_session`
    does."""
    from armexec.debugger.program_target import ProgramTarget
    from armexec.program.images import program_image, program_parts

    image = program_image(source.name, program_parts([source]))
    data = b"" if source.name == "<stdin>" or sys.stdin.isatty() else sys.stdin.buffer
    return ProgramTarget(image, arguments, input=data, files=files, capture=capture, engine=engine, sandbox=sandbox)
