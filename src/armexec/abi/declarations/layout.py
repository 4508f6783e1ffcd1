"""The layout of structs and unions: offsets of members, bit-fields, size and alignment.

Sources: AAPCS64, "Composite Types" and "Bit-fields"; Itanium C++ ABI, 2.4, for C's types. Apple's systems differ in
members without a name: their bit-fields don't align the struct.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from armexec.objects import CType, Field

__all__ = ["Layout", "Member", "lay_out"]


class Member(NamedTuple):
    """A member as it is declared: `bits` is the width of a bit-field, `align` an alignment of its own in bytes or 0,
    and `packed` says that its type's alignment doesn't count."""

    name: str
    type: CType
    bits: int | None = None
    align: int = 0
    packed: bool = False


class Layout(NamedTuple):
    """Where members are. `size` and the alignments are in bytes; `natural_align` is what the members give."""

    fields: tuple[Field, ...]
    size: int
    align: int
    natural_align: int


def lay_out(members: Sequence[Member], *, union: bool, packed: bool, align: int, apple: bool) -> Layout:
    """Lay out a struct or union whose own alignment attribute is `align` (0 for none)."""
    fields: list[Field] = []
    end = used = 0  # in bits: the end of the last member, and of the largest
    natural = 1
    for member in members:
        start = 0 if union else end
        is_packed = packed or member.packed
        own = 1 if is_packed and member.bits != 0 else member.type.align or 1
        own = max(own, member.align)
        if member.bits is None:
            start = _up(start, 8 * own)
            fields.append(Field(member.name, start // 8, member.type))
            end = start + 8 * member.type.size
        else:
            storage = 8 * member.type.size
            if member.bits == 0 or (not is_packed and start % (8 * own) + member.bits > storage):
                start = _up(start, 8 * own)
            elif member.align:
                start = _up(start, 8 * member.align)
            if member.name:
                offset = start // storage * member.type.size
                fields.append(Field(member.name, offset, member.type, member.bits, start))
            elif apple:
                own = 1
            end = start + member.bits
        used = max(used, end)
        natural = max(natural, own)
    align = max(align, natural)
    return Layout(tuple(fields), _up(_up(used, 8) // 8, align), align, natural)


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
