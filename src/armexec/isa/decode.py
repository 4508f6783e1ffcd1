"""Decoding: the encoding of a word, and the forms of a mnemonic."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from .description import Form, Instruction
from .groups import all_instructions, instructions_of_group, instructions_of_mnemonic
from .operands import Context

if TYPE_CHECKING:
    from .effects import Effects

__all__ = ["Decoded", "decode", "form_of", "forms_of", "mnemonics"]


class Decoded(NamedTuple):
    """A word as an instruction: its encoding and the values of its free fields."""

    word: int
    form: Form
    fields: dict[str, int]

    @property
    def instruction(self) -> Instruction:
        return self.form.instruction

    @property
    def effects(self) -> Effects:
        """Its effects, which may not be changed."""
        return self.form.instruction.effects(self.fields)

    def text(self, context: Context) -> str:
        """The instruction in assembly, by the preferred alias."""
        return self.form.instruction.printed_form(self.form, self.word).text(self.word, context)


# Buckets by the top twelve bits, filled when first met: filling all 4,096 takes over a second.
_buckets: dict[int, tuple[tuple[int, int, bool, Form], ...]] = {}


def form_of(word: int) -> Form | None:
    """The encoding of a word, or None for one that is UNDEFINED or not described."""
    bucket = _buckets.get(word >> 20)
    if bucket is None:
        bucket = _fill(word >> 20)
    for mask, value, unsure, form in bucket:
        if word & mask == value and not (unsure and (not form.matches(word) or form.instruction.is_undefined(word))):
            return form
    return None


def decode(word: int) -> Decoded | None:
    """The instruction a word is, or None for one that is UNDEFINED or not described."""
    form = form_of(word)
    return None if form is None else Decoded(word, form, form.instruction.fields(word))


def _fill(top: int) -> tuple[tuple[int, int, bool, Form], ...]:
    found = []
    for described in instructions_of_group(top >> 5 & 0b1111):
        pattern = described.pattern
        if not (top ^ pattern.value >> 20) & pattern.mask >> 20:
            found += [form for form in described.forms if not (top ^ form.value >> 20) & form.mask >> 20]
    # The most specific comes first: a fixed bit decides before a free field does.
    found.sort(key=lambda form: -form.mask.bit_count())
    bucket = tuple((f.mask, f.value, bool(f.excluded) or f.instruction.can_be_undefined, f) for f in found)
    _buckets[top] = bucket
    return bucket


@cache
def mnemonics() -> dict[str, tuple[Instruction, ...]]:
    """Every mnemonic, with the instructions that it may be, in the order described."""
    table: dict[str, list[Instruction]] = {}
    for described in all_instructions():
        for mnemonic in described.mnemonics:
            # `b.<cond>` is written by its aliases, one for each condition.
            if "<" not in mnemonic:
                table.setdefault(mnemonic, []).append(described)
    return {mnemonic: tuple(instructions) for mnemonic, instructions in table.items()}


@cache
def forms_of(mnemonic: str, *, simd_fp: bool = True) -> tuple[Form, ...]:
    """Every form that a mnemonic (in lower case) can have: for each instruction its encodings and then its aliases.

    Without `simd_fp` only those of instructions that are none of SIMD and floating point.
    """
    return tuple(
        form
        for described in instructions_of_mnemonic(mnemonic, simd_fp=simd_fp)
        for form in (*described.forms, *described.aliases)
        if form.mnemonic == mnemonic
    )
