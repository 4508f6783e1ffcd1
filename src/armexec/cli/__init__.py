"""The command line. Each command has its file in `commands`, and only the one asked for is imported."""

from __future__ import annotations

__all__ = ["COMMANDS", "main"]

COMMANDS = (
    "run",
    "show",
    "step",
    "trace",
    "explore",
    "mcp",
    "compile",
    "asm",
    "disasm",
    "isa",
    "info",
    "bench",
    "cache",
    "completion",
)
"""The commands in the order that --help shows them; each is a `Command` in the file of its name in `commands`."""


def main() -> None:
    """The program `armexec`.

    The exit status is 0; 2 for a wrong command line; 1 for an armexec.Error, and for output that can't be written, with
    a message on standard error; 130 for Ctrl-C; 141 when the reader of the output has gone.
    """
    _collect_less_garbage()
    try:
        from armexec.cli.outcome import status_of

        status = status_of(_program)
    except KeyboardInterrupt:
        status = 130
    raise SystemExit(status)


def _collect_less_garbage() -> None:
    """Nearly all objects of a short command stay until it ends: looking for garbage takes a quarter of its time."""
    import atexit
    import gc

    gc.set_threshold(200_000)
    # What is frozen isn't looked at when the interpreter ends. The process's memory goes with it.
    atexit.register(gc.freeze)


def _program() -> object:
    import os
    import sys

    import click

    from armexec import __version__
    from armexec.cli.command import Commands

    group = Commands(
        COMMANDS,
        name="armexec",
        help="Turns C++, C, assembly or machine words into a running AArch64 function, on any machine.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True},
    )
    click.version_option(__version__, message="armexec %(version)s", help="Print the version.")(group)
    asked = os.environ.get("_ARMEXEC_COMPLETE")
    if asked:
        from armexec.cli.commands.completion import answer

        answer(group, asked)
        return 0
    # Not `group.main`, which handles a broken pipe in its own way.
    with group.make_context("armexec", sys.argv[1:]) as context:
        return group.invoke(context)
