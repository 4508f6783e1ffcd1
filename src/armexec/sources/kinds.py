"""Kinds of sources, by the suffix of a file or by the code itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from armexec.asm import Code

__all__ = ["KINDS", "is_code", "kind_of_code", "kind_of_file"]

KINDS = ("c", "c++", "assembly", "hex", "bin", "object")
"""`hex` is machine code as text, in any form that `armexec.words` reads; `bin` is its bytes."""

_SUFFIXES = {
    ".c": "c",
    ".cc": "c++",
    ".cpp": "c++",
    ".cxx": "c++",
    ".C": "c++",
    ".s": "assembly",
    ".S": "assembly",
    ".hex": "hex",
    ".bin": "bin",
}


def kind_of_file(path: str | os.PathLike[str]) -> str:
    """The kind of a file by its suffix; "object" for suffixes that aren't known."""
    return _SUFFIXES.get(os.path.splitext(os.fspath(path))[1], "object")


def kind_of_code(code: object) -> str:
    """The kind of code in memory: "hex" for text that is machine code throughout, "assembly" for other text."""
    if not isinstance(code, str):
        return "assembly" if is_code(code) else "bin"
    from armexec.words import are_words

    return "hex" if are_words(code) else "assembly"


def is_code(value: object) -> TypeGuard[Code]:
    """Whether a value is assembled code. The assembler isn't imported for that: where there is a Code, it has been."""
    # Another thread may be importing it: then there is no Code yet.
    code: type[Code] | None = getattr(sys.modules.get("armexec.asm.code"), "Code", None)
    return code is not None and isinstance(value, code)
