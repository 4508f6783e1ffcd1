"""Declarations of commands, by click's decorators; --help also explains arguments.

@command(numbers=True)
@argument("file", help="...")
@option("--function", metavar="NAME", help="...")
def run(file: str, function: str | None) -> None:
    '''The text of --help.'''
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

import click

__all__ = ["Command", "Commands", "argument", "choice", "command", "file_name", "memory_size", "option"]

option = click.option
_OPTION = re.compile(r"--[A-Za-z]|-[A-Za-z]")
_SIZE = re.compile(r"(\d{1,18})([kmg]?)", re.IGNORECASE)
_NUMBER = re.compile(r"-(inf|infinity|nan)", re.IGNORECASE)


class _Path(click.Path):
    """A file's name, which isn't empty."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("a file's name is empty", param, ctx)
        return super().convert(value, param, ctx)


file_name = _Path()
"""The type of an argument or option that names a file; shells complete it."""


class _Size(click.ParamType[int]):
    """A number of bytes: `65536`, `64K`, `64M`, `1G`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _SIZE.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no size: a number of bytes, such as 65536, 64K or 64M", param, ctx)
        return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()]


memory_size = _Size()
"""The type of an option that is a size in bytes."""


def choice(names: Iterable[str]) -> click.Choice[str]:
    """The type of an argument or option that is one of `names`."""
    return click.Choice(list(names))


class _Argument(click.Argument):
    """An argument with a text in --help, which click has since 8.5."""

    def __init__(self, declarations: Sequence[str], *, help: str, **settings: Any) -> None:
        super().__init__(declarations, **settings)
        self.text = help


def argument(name: str, *, help: str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An argument, as click.argument has it. `help` is its text in --help."""
    return click.argument(name, cls=_Argument, help=help, **settings)


class Command(click.Command):
    """A command of armexec."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the arguments, and then the options."""
        rows = [(p.make_metavar(ctx), p.text) for p in self.get_params(ctx) if isinstance(p, _Argument)]
        if rows:
            with formatter.section("Arguments"):
                formatter.write_dl(rows)
        super().format_options(ctx, formatter)

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write nothing: the arguments stand before the options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse a command line. Where negative numbers are arguments, other words that begin with - must be options."""
        given = list(args)
        rest = super().parse_args(ctx, args)
        if ctx.ignore_unknown_options and not ctx.resilient_parsing:
            # After -- all are arguments.
            free = len(given) - given.index("--") - 1 if "--" in given else 0
            texts = _texts(ctx.params[p.name] for p in self.params if isinstance(p, _Argument) and p.name)
            for text in texts[: len(texts) - free]:
                if _OPTION.match(text) and not _NUMBER.fullmatch(text):
                    known = [name for p in self.get_params(ctx) if isinstance(p, click.Option) for name in p.opts]
                    name = text.partition("=")[0]
                    hint = _nearest(name, known) or "write -- before arguments that begin with -"
                    raise click.UsageError(f"No such option: {name} ({hint})", ctx)
        return rest


def _texts(values: Iterable[str | Sequence[str] | None]) -> list[str]:
    """The arguments as they were given, in order."""
    texts: list[str] = []
    for value in values:
        texts += [value] if isinstance(value, str) else value or ()
    return texts


def _nearest(name: str, known: Iterable[str]) -> str:
    """A question that suggests the nearest name; empty if none is near."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else ""


def command(*, numbers: bool = False) -> Callable[[Callable[..., Any]], Command]:
    """A function as a command of its name; its docstring is the text of --help.

    Args:
        numbers: its arguments may be negative numbers.
    """
    settings = {"ignore_unknown_options": True} if numbers else {}
    return click.command(cls=Command, context_settings=settings)


class Commands(click.Group):
    """The commands, each a `Command` in the file of its name, which is imported when it is asked for."""

    def __init__(self, names: Sequence[str], **settings: Any) -> None:
        super().__init__(**settings)
        self.names = names

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order that --help shows them."""
        return list(self.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in self.names:
            return None
        found: click.Command = getattr(import_module(f"armexec.cli.commands.{cmd_name}"), cmd_name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begin with, and its own arguments. Raises click.UsageError for an unknown name."""
        name = args[0]
        if name not in self.names and not name.startswith("-") and not ctx.resilient_parsing:
            near = _nearest(name, self.names)
            raise click.UsageError(f"No such command: {name}" + (f" ({near})" if near else ""), ctx)
        return super().resolve_command(ctx, args)
