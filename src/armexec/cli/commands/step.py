"""`armexec step`: a call or a program, instruction by instruction."""

from __future__ import annotations

from collections.abc import Sequence

import click

from armexec.cli.command import argument, command, option
from armexec.cli.options import called_function, compilation, file_argument


@command(numbers=True)
@file_argument
@argument("arguments", nargs=-1, metavar="[ARG]...", help="As for `armexec run`.")
@option(
    "-i", "--interactive", is_flag=True, help="Read commands such as step, back, break and print from standard input."
)
@option(
    "--limit",
    type=click.IntRange(min=0),
    default=1000,
    metavar="COUNT",
    help="Show at most so many instructions; what follows runs without being shown.",
)
@called_function
@compilation
def step(
    file: str,
    arguments: Sequence[str],
    interactive: bool,
    limit: int,
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
    """Show each instruction of a call or a program, and what it changes.

    A line has the time (how many instructions were executed before), the source line, the instruction, and what it has
    changed: registers, flags, memory. With --interactive, commands go to any time: `help` lists them.
    """
    from armexec.cli.inputs import open_source
    from armexec.cli.options import engine_name
    from armexec.cli.stepping import Listing
    from armexec.cli.target import opened_target
    from armexec.debugger import Session

    source = open_source(file, language, level=opt, target=target, flags=flag, compiler=compiler, search=search)
    text = source.text if source.uses_compiler or source.kind == "assembly" else ""
    chosen = engine_name(engine, tier)
    with (
        opened_target(source, arguments, function=function, signature=signature, engine=chosen) as opened,
        Session(opened) as session,
    ):
        listing = Listing(session, source.name, text)
        if interactive:
            from armexec.cli.shell import Shell

            return Shell(session, listing).loop()
        return listing.all(limit)
