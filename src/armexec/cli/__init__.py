"""The command line. Each command has its file, and only the one asked for is imported."""

from __future__ import annotations

import sys
from importlib import import_module

__all__ = ["COMMANDS", "main"]

COMMANDS = ("run", "show", "compile", "asm", "disasm", "isa", "info", "bench", "cache")
"""The commands in the order that --help shows them; each is a function in the file of its name."""


def main() -> None:
    """The program `armexec`.

    The exit status is 0; 2 for a wrong command line; 1 for an armexec.Error, whose message goes to standard error; 130
    for Ctrl-C.
    """
    try:
        _main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _main() -> None:
    import typer

    app = typer.Typer(
        name="armexec",
        help="Turns C++, C, assembly or machine words into a running AArch64 function, on any machine.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(invoke_without_command=True)
    def options(
        version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
    ) -> None:
        if version:
            from armexec import __version__

            print(f"armexec {__version__}")
            raise typer.Exit

    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    for name in (asked,) if asked in COMMANDS else COMMANDS:
        module = import_module(f"armexec.cli.{name}")
        app.command(name, context_settings=getattr(module, "CONTEXT", None))(getattr(module, name))
    app()
