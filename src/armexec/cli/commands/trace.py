"""`armexec trace`: each instruction of a call or a program, as text or in a file for other tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from armexec.cli.command import argument, choice, command, file_name, option
from armexec.cli.options import called_function, compilation, file_argument

if TYPE_CHECKING:
    from armexec.debugger.target import Target

_FORMATS = ("chrome", "perfetto", "lcov", "drcov", "callgrind", "memory", "memory-csv", "text")


@command(numbers=True)
@file_argument
@argument("arguments", nargs=-1, metavar="[ARG]...", help="As for `armexec run`.")
@option(
    "-o",
    "--output",
    type=file_name,
    metavar="FILE",
    help="Where to write: .json (Chrome, Perfetto, speedscope), .pftrace, .info (lcov), .drcov, .callgrind,"
    " .npz or .csv (accesses to memory), .txt.",
)
@option("--format", type=choice(_FORMATS), help="The file's format, if its name doesn't say.")
@option(
    "--limit",
    type=click.IntRange(min=0),
    default=10_000_000,
    metavar="COUNT",
    help="End after so many instructions.",
)
@option("--last", is_flag=True, help="Don't end after --limit: keep the last ones.")
@called_function
@compilation
def trace(
    file: str,
    arguments: Sequence[str],
    output: str | None,
    format: str | None,
    limit: int,
    last: bool,
    function: str | None,
    signature: str | None,
    engine: str | None,
    tier: str | None,
    search: Sequence[str],
    target: str,
    opt: str,
    language: str | None,
    compiler: str | None,
    flag: Sequence[str],
) -> int:
    """Record each instruction of a call or a program, with what it reads and writes.

    Without -o, each is shown as a line: how many were executed before, the address, the instruction, the registers that
    it has written, and its accesses to memory. Files are for other tools; a fault ends the trace, and the file is
    written all the same.
    """
    from armexec.cli.inputs import open_source
    from armexec.cli.options import engine_name
    from armexec.cli.target import opened_target
    from armexec.tracing.formats import format_of

    if output is None and format not in (None, "text"):
        raise click.UsageError(f"--format {format} needs a file: give -o FILE")
    if output is not None and format is None:
        # Before anything runs.
        format = format_of(output)
    source = open_source(file, language, level=opt, target=target, flags=flag, compiler=compiler, search=search)
    chosen = engine_name(engine, tier)
    with opened_target(source, arguments, function=function, signature=signature, engine=chosen) as opened:
        return _trace(opened, output, format, limit, last)


def _trace(target: Target, output: str | None, format: str | None, limit: int, last: bool) -> int:
    import sys

    from armexec.cli.outcome import ended_by_ctrl_c, note
    from armexec.tracing.open import trace_of

    try:
        with ended_by_ctrl_c():
            made = trace_of(target, limit, ring=last)
        if output is not None:
            made.save(output, format)
        else:
            for line in made.lines():
                sys.stdout.write(f"{line}\n")
    finally:
        target.close()
    if made.error is not None:
        raise made.error
    if made.stop is not None and made.stop.reason != "returned":
        note(f"the trace ends: {made.stop}")
    result = made.result
    if hasattr(result, "status"):
        sys.stdout.write(result.text)
        return int(result.status)
    if output is None and result is not None:
        print(f"= {result!r}")
    return 0
