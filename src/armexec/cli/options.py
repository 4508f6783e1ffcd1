"""The arguments and options that several commands share, as decorators of a command's function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from armexec.cli.command import argument, choice, file_name, option
from armexec.sources import KINDS

__all__ = [
    "TIERS",
    "address_option",
    "called_function",
    "compilation",
    "engine_name",
    "file_argument",
    "language_option",
    "level_option",
    "target_option",
]

ENGINES = ("native", "translated", "reference")
TIERS = ("O0", "O1", "O2", "O3", "auto")
TARGETS = ("host", "linux", "apple", "bare")
LEVELS = ("0", "1", "2", "3", "s", "z", "g", "fast")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class _Level(click.Choice[str]):
    """A level of optimization: `2`, and also `O2` and `-O2`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(str(value).removeprefix("-O").removeprefix("O"), param, ctx)


def _address(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """The address of an instruction, in any base."""
    if text is None:
        return None
    try:
        address = int(text, 0)
    except ValueError:
        address = -1
    if not 0 <= address < 1 << 64 or address % 4:
        raise click.BadParameter(f"{text!r} is no address of an instruction: a multiple of 4, such as 0x1000")
    return address


def _all(*decorators: Decorator) -> Decorator:
    """Several decorators as one, in the order in which --help shows them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


file_argument = argument(
    "file",
    type=file_name,
    help="C (.c), C++ (.cc .cpp .cxx), assembly (.s .S), hexadecimal words (.hex), raw words (.bin), an object or"
    " a shared library; - is standard input.",
)
"""`file: str`."""

language_option = option("--language", type=choice(KINDS), help="What the file holds, if its name doesn't say.")
"""`language: str | None`."""

address_option = option(
    "--address",
    metavar="ADDRESS",
    callback=_address,
    help="Where the first instruction stands, in any base.",
)
"""`address: int | None`."""

called_function = _all(
    option("--function", metavar="NAME", help="The function's name, as in the source or mangled."),
    option("--signature", metavar="PROTOTYPE", help='Its C prototype, such as "int(int)".'),
    option("--engine", type=choice(ENGINES), help="How to run it; this host's best by default."),
    option(
        "--tier",
        type=choice(TIERS),
        help="How much a translation is optimized; auto: O2, in the background if it takes long.",
    ),
    option(
        "--search",
        type=file_name,
        metavar="FOLDER",
        multiple=True,
        help="Where the libraries are that a library needs.",
    ),
)
"""`function: str | None, signature: str | None, engine: str | None, tier: str | None, search: Sequence[str]`."""

target_option = option("--target", type=choice(TARGETS), default="host", help="The system to compile or assemble for.")
"""`target: str`."""

level_option = option(
    "-O", "--opt", "opt", type=_Level(LEVELS), default="0", help="Optimize: -O0 to -O3, -Os, -Oz, -Og, -Ofast."
)
"""`opt: str`."""

compilation = _all(
    target_option,
    level_option,
    language_option,
    option("--compiler", metavar="PROGRAM", help="Another clang, or gcc for AArch64 (also ARMEXEC_CC)."),
    option("--flag", metavar="OPTION", multiple=True, help="An option for the compiler, as in --flag=-fPIC."),
)
"""`target: str, opt: str, language: str | None, compiler: str | None, flag: Sequence[str]`."""


def engine_name(engine: str | None, tier: str | None) -> str | None:
    """The engine's name with its tier, as `Module` takes it."""
    if tier is None:
        return engine
    from armexec.engines import default_engine

    return f"{engine or default_engine()}:{tier}"
