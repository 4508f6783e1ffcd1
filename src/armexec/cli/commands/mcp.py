"""`armexec mcp`: a server of the Model Context Protocol."""

from __future__ import annotations

import click

from armexec.cli.command import command, option


@command()
@option(
    "--time-limit",
    type=click.FloatRange(min=0, max=3600, min_open=True),
    default=10.0,
    metavar="SECONDS",
    help="How long code may run in each call of a tool.",
)
@option(
    "--instruction-limit",
    type=click.IntRange(min=1),
    default=1_000_000_000,
    metavar="COUNT",
    help="How many instructions it may execute.",
)
def mcp(time_limit: float, instruction_limit: int) -> None:
    """Serve tools to a client of the Model Context Protocol, on standard input and output.

    A client, such as an assistant or an editor, starts this command itself. Its tools compile, assemble, disassemble,
    run, trace and explain AArch64 code. Code runs in a process that can't open files or connect. It needs the package
    mcp: pip install 'armexec[mcp]'
    """
    from armexec.mcp_server.start import serve

    serve(time_limit, instruction_limit)
