"""The bit pattern of an instruction: 32 bits as named fields and fixed bits.

A pattern is written high to low, as Arm's diagrams are read: `sf op=0 S=0 100010 sh imm12:12 Rn:5 Rd:5`.

- `name` is a free field of one bit, `name:width` one of several;
- `name=bits` is a fixed field that has a name in the diagram;
- bare binary digits are fixed bits without a name.

A form of the instruction narrows it by constraints: `sf=0`, `imm6=0xxxxx` (some bits free), `shift!=11`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

__all__ = ["Constraint", "Field", "Pattern", "parse_constraints", "parse_pattern", "sign_extended"]


class Field(NamedTuple):
    """A field of the diagram. `name` is empty for fixed bits without one; `value` is None for a free field."""

    name: str
    low: int
    width: int
    value: int | None


class Pattern(NamedTuple):
    """A parsed pattern: `word & mask == value` for every word of the instruction."""

    text: str
    fields: tuple[Field, ...]
    mask: int
    value: int

    @property
    def free(self) -> tuple[Field, ...]:
        """The free fields, high to low: the parameters of the semantic function."""
        return tuple(field for field in self.fields if field.value is None)


class Constraint(NamedTuple):
    """`(word & mask == value) == equal`: what a form adds to the pattern of its instruction."""

    mask: int
    value: int
    equal: bool


def parse_pattern(text: str) -> Pattern:
    """Parse the notation above.

    Raises:
        ValueError: the pattern is not 32 bits, or a token can't be read.
    """
    fields: list[Field] = []
    low = 32
    mask = value = 0
    for token in text.split():
        name, width, fixed = _token(token)
        low -= width
        if low < 0:
            break
        fields.append(Field(name, low, width, fixed))
        if fixed is not None:
            mask |= ((1 << width) - 1) << low
            value |= fixed << low
    if low != 0:
        raise ValueError(f"pattern {text!r} has {32 - low} bits, not 32")
    return Pattern(text, tuple(fields), mask, value)


@cache
def _token(token: str) -> tuple[str, int, int | None]:
    """The name, the width and the fixed value of one token."""
    fixed: int | None
    name, separator, bits = token.partition("=")
    if separator or not token.strip("01"):
        digits = bits if separator else token
        name = name if separator else ""
        width, fixed = len(digits), int(digits, 2)
    else:
        name, separator, digits = token.partition(":")
        width, fixed = int(digits) if separator else 1, None
    if name and not name.isidentifier():
        raise ValueError(f"{token!r} is neither a field nor bits")
    return name, width, fixed


def parse_constraints(text: str, fields: Iterable[Field]) -> tuple[Constraint, ...]:
    """Parse `field=bits` and `field!=bits`, where `x` stands for either bit.

    Raises:
        ValueError: a field the pattern doesn't have, or bits that don't fill it.
    """
    by_name = {field.name: field for field in fields}
    result = []
    for token in text.split():
        name, _, bits = token.partition("=")
        equal = not name.endswith("!")
        field = by_name.get(name.removesuffix("!"))
        if field is None or len(bits) != field.width or bits.strip("01x"):
            raise ValueError(f"constraint {token!r} does not fit the fields {sorted(filter(None, by_name))}")
        mask = int(bits.replace("0", "1").replace("x", "0"), 2)
        value = int(bits.replace("x", "0"), 2)
        result.append(Constraint(mask << field.low, value << field.low, equal))
    return tuple(result)


def sign_extended(value: int, width: int) -> int:
    """A field of `width` bits as a signed number."""
    sign = 1 << (width - 1)
    return (value ^ sign) - sign
