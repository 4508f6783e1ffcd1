"""Every encoding described, with several values of its fields, on a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from armexec.isa import Decoded, decode
from armexec.isa.abstract import AbstractMachine
from disasm.words import encodings, words_of

__all__ = ["decoded_words", "run_every_encoding"]


def decoded_words(count: int) -> Iterator[Decoded]:
    """Up to `count` words of each encoding."""
    for form in encodings():
        for word in words_of(form, count, 11):
            decoded = decode(word)
            assert decoded is not None
            yield decoded


def run_every_encoding(make: Callable[[], AbstractMachine], count: int = 6) -> int:
    """Run them, each on a new machine; the number of words. What a semantic function raises isn't caught."""
    number = 0
    for decoded in decoded_words(count):
        machine: Any = make()
        machine.pc = 0x1000
        decoded.instruction.semantics(machine, *decoded.fields.values())
        number += 1
    return number
