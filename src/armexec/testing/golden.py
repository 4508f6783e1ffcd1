"""Words of code in files: what a test's code was when it was last looked at."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from armexec.disasm import disassemble
from armexec.disasm.disassembler import words_of
from armexec.errors import LoadError

__all__ = ["check_words"]


def check_words(path: Path, code: Any, *, update: bool) -> str:
    """What is wrong with code whose words a file has; empty if nothing is. `update`: write the file.

    Raises:
        LoadError: the file can't be written.
    """
    made = _text(words_of(code))
    if update:
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_text(made, encoding="utf-8")
        except OSError as error:
            raise LoadError(f"{path}: {error.strerror or error}") from None
        return ""
    try:
        known = path.read_text(encoding="utf-8")
    except OSError:
        return f"{path} isn't there: run pytest with --armexec-update-words to write it"
    if known == made:
        return ""
    lines = difflib.unified_diff(known.splitlines(), made.splitlines(), str(path), "the code now", lineterm="", n=2)
    return "\n".join(["the code has other words (--armexec-update-words accepts them):", *lines])


def _text(words: Sequence[int]) -> str:
    """A word a line, with its instruction, whose branches have distances."""
    rows = (f"{word:08x}  {instruction.text}" for word, instruction in zip(words, disassemble(words), strict=True))
    return "\n".join(rows) + "\n"
