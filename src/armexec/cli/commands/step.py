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
    from armexec.api import load_source, source_image
    from armexec.cli.inputs import open_source
    from armexec.cli.options import engine_name
    from armexec.cli.program import is_program, program_session

    source = open_source(file, language, level=opt, target=target, flags=flag, compiler=compiler, search=search)
    chosen = engine_name(engine, tier)
    image = source_image(source, chosen)
    text = source.text if source.uses_compiler or source.kind == "assembly" else ""
    if function is None and signature is None and is_program(source, image):
        with program_session(source, arguments, engine=chosen) as session:
            return _show(session, source.name, text, interactive, limit)
    from armexec.cli.call import prepare
    from armexec.debugger import debug

    with load_source(source, chosen, image=image) as module:
        called, _, values = prepare(module, function, signature, arguments, compiled=source.is_compiled)
        with debug(called, *values) as session:
            return _show(session, source.name, text, interactive, limit)


def _show(session: object, name: str, text: str, interactive: bool, limit: int) -> int:
    from armexec.cli.stepping import Listing
    from armexec.debugger import Session

    assert isinstance(session, Session)
    listing = Listing(session, name, text)
    if interactive:
        from armexec.cli.shell import Shell

        return Shell(session, listing).loop()
    return listing.all(limit)
