"""The options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

__all__ = [
    "Compiler",
    "Engine",
    "File",
    "Flags",
    "FunctionName",
    "Language",
    "Level",
    "Optimization",
    "Signature",
    "Target",
    "TargetName",
    "Tier",
    "engine_name",
    "negative_numbers",
    "refuse_unknown_options",
]


class EngineName(StrEnum):
    native = "native"
    translated = "translated"
    reference = "reference"


class TierName(StrEnum):
    O0 = "O0"
    O1 = "O1"
    O2 = "O2"
    O3 = "O3"
    auto = "auto"


class TargetName(StrEnum):
    host = "host"
    linux = "linux"
    apple = "apple"
    bare = "bare"


class LanguageName(StrEnum):
    c = "c"
    cpp = "c++"
    assembly = "assembly"
    hex = "hex"
    bin = "bin"
    object = "object"


class Level(StrEnum):
    none = "0"
    one = "1"
    two = "2"
    three = "3"
    size = "s"
    smallest = "z"
    debug = "g"
    fast = "fast"


File = Annotated[
    str,
    typer.Argument(
        help="C (.c), C++ (.cc .cpp .cxx), assembly (.s .S), hexadecimal words (.hex), raw words (.bin), or an object;"
        " - is standard input."
    ),
]
FunctionName = Annotated[
    str | None, typer.Option("--function", help="The function's name, as in the source or mangled.")
]
Signature = Annotated[str | None, typer.Option("--signature", help='Its C prototype, such as "int(int)".')]
Engine = Annotated[EngineName | None, typer.Option("--engine", help="How to run it; this host's best by default.")]
Tier = Annotated[
    TierName | None,
    typer.Option("--tier", help="How much a translation is optimized; auto: O2, in the background if it takes long."),
]
Target = Annotated[TargetName, typer.Option("--target", help="The system to compile for.")]
Optimization = Annotated[Level, typer.Option("-O", help="Optimize: -O0 to -O3, -Os, -Oz, -Og, -Ofast.")]
Compiler = Annotated[
    str | None, typer.Option("--compiler", help="Another clang, or gcc for AArch64 (also ARMEXEC_CC).")
]
Flags = Annotated[list[str] | None, typer.Option("--flag", help="An option for the compiler, as in --flag=-fPIC.")]
Language = Annotated[
    LanguageName | None, typer.Option("--language", help="What the file holds, if its name doesn't say.")
]


def engine_name(engine: str | None, tier: str | None) -> str | None:
    """The engine's name with its tier, as `Module` takes it."""
    if tier is None:
        return engine
    from armexec.engines import default_engine

    return f"{engine or default_engine()}:{tier}"


def negative_numbers() -> dict[str, Any]:
    """The settings of a command whose arguments may be negative numbers: what is no option is an argument."""
    return {"ignore_unknown_options": True}


def refuse_unknown_options(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments, unless one is an option after all that the command doesn't have."""
    for argument in arguments:
        if re.fullmatch(r"--[A-Za-z].*|-[A-Za-z].*", argument):
            raise typer.BadParameter(f"no such option: {argument} (write -- before arguments that begin with -)")
    return arguments
