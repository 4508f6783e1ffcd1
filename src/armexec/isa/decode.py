"""From a word to its encoding."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from .description import INSTRUCTIONS, Form, Instruction
from .operands import Context

__all__ = ["Decoded", "decode", "forms_by_mnemonic"]


class Decoded(NamedTuple):
    """A word as an instruction: its encoding and the values of its free fields."""

    word: int
    form: Form
    fields: dict[str, int]

    @property
    def instruction(self) -> Instruction:
        return self.form.instruction

    def text(self, context: Context) -> str:
        """In assembly, by the preferred alias."""
        form = self.form.instruction.printed_form(self.form, self.word, self.fields)
        return form.text(self.fields, context)


# Buckets by the top twelve bits, filled when first met: filling all 4,096 takes over a second.
_buckets: dict[int, tuple[Form, ...]] = {}


def decode(word: int) -> Decoded | None:
    """The instruction a word is, or None for one that is UNDEFINED or not described."""
    top = word >> 20
    bucket = _buckets.get(top)
    if bucket is None:
        bucket = _fill(top)
    for form in bucket:
        if word & form.mask == form.value:
            if form.excluded and not form.matches(word):
                continue
            described = form.instruction
            if described.is_undefined(word):
                continue
            return Decoded(word, form, described.fields(word))
    return None


def _fill(top: int) -> tuple[Form, ...]:
    found = []
    for described in INSTRUCTIONS:
        pattern = described.pattern
        if not (top ^ pattern.value >> 20) & pattern.mask >> 20:
            found += [form for form in described.forms if not (top ^ form.value >> 20) & form.mask >> 20]
    # The most specific first: a fixed bit decides before a free field does.
    found.sort(key=lambda form: -form.mask.bit_count())
    _buckets[top] = bucket = tuple(found)
    return bucket


@cache
def forms_by_mnemonic() -> dict[str, tuple[Form, ...]]:
    """Every form a mnemonic can have, encodings first and then aliases, in the order described."""
    table: dict[str, list[Form]] = {}
    for described in INSTRUCTIONS:
        for form in (*described.forms, *described.aliases):
            # `b.<cond>` is written by its aliases, one for each condition.
            if "<" not in form.mnemonic:
                table.setdefault(form.mnemonic, []).append(form)
    return {mnemonic: tuple(forms) for mnemonic, forms in table.items()}
