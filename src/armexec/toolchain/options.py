"""The options of a compilation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

__all__ = ["CompileOptions"]


class CompileOptions(TypedDict, total=False):
    """The options of `compile_object` and `compile_assembly`; all have defaults.

    `language` is "c", "c++" or "assembler" (with the preprocessor if `filename` ends in .S); `opt` one of -O0 to -O3,
    -Og, -Os, -Oz, -Ofast, also without -O (2); `target` "host", "linux", "apple" or "bare". `flags` come last and win.
    `filename` names the source in messages and debug information; `#include "..."` looks beside it. `compiler` is as
    for `find_compiler`; `debug` adds DWARF 5; `timeout` is in seconds.
    """

    language: str
    opt: str | int
    target: str
    flags: Iterable[str] | str
    filename: str | None
    compiler: str | None
    debug: bool
    timeout: float
