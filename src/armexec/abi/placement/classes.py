"""What the calling conventions ask of a type: scalar, vector, homogeneous aggregate, small or large composite type.

Sources: AAPCS64 2024Q3, "Fundamental Data Types", "Composite Types", "Homogeneous Aggregates", "Parameter passing".
Where GCC and clang go beyond the document (empty C++ classes, members of two half-precision formats), it is clang that
is followed.
"""

from __future__ import annotations

from typing import NamedTuple

from armexec.abi.placement.parts import Format
from armexec.objects import CType

__all__ = [
    "Homogeneous",
    "has_no_members",
    "homogeneous",
    "is_complete",
    "is_composite",
    "is_short_vector",
    "natural_alignment",
    "scalar_format",
]

_MOST_MEMBERS = 4


class Homogeneous(NamedTuple):
    """A homogeneous aggregate of floating-point numbers (HFA) or short vectors (HVA): `members` of type `base`."""

    base: CType
    members: int


def scalar_format(ctype: CType) -> Format | None:
    """The format of a scalar or short vector that is in one register; None for other types."""
    size = ctype.size
    if ctype.kind == "float" and size in (2, 4, 8, 16):
        if ctype.format == "bfloat16":
            return "bfloat16"
        return {2: "binary16", 4: "binary32", 8: "binary64", 16: "binary128"}[size]  # type: ignore[return-value]
    if ctype.kind == "pointer" or (ctype.kind in ("bool", "int", "enum") and size in (1, 2, 4, 8)):
        return "signed" if ctype.signed else "unsigned"
    return "vector" if is_short_vector(ctype) else None


def is_short_vector(ctype: CType) -> bool:
    """Whether it is a vector of 8 or 16 bytes, which one V register holds."""
    return ctype.kind == "vector" and ctype.size in (8, 16)


def is_composite(ctype: CType) -> bool:
    """Whether it is passed as a composite type. Complex numbers are passed as structs of two members."""
    return ctype.kind in ("struct", "union", "complex")


def is_complete(ctype: CType) -> bool:
    """Whether the layout of a composite type is known."""
    return ctype.kind == "complex" or ctype.fields is not None


def has_no_members(ctype: CType) -> bool:
    """Whether a struct or union has no member that holds anything: an empty class of C++ has a size all the same."""
    if ctype.kind == "array":
        return ctype.count == 0 or (ctype.target is not None and has_no_members(ctype.target))
    return (
        ctype.kind in ("struct", "union")
        and ctype.fields is not None
        and all(field.bit_size is None and has_no_members(field.type) for field in ctype.fields)
    )


def natural_alignment(ctype: CType) -> int:
    """The alignment of a composite type in bytes before one that is given to the type itself."""
    return ctype.natural_align or ctype.align


def homogeneous(ctype: CType) -> Homogeneous | None:
    """The members of a homogeneous aggregate, or None."""
    found = _members(ctype)
    if found is None or not 1 <= found.members <= _MOST_MEMBERS or not is_composite(ctype):
        return None
    # Padding makes it none.
    return found if found.base.size * found.members == ctype.size else None


def _members(ctype: CType) -> Homogeneous | None:
    if ctype.kind == "float" and ctype.size in (2, 4, 8, 16):
        return Homogeneous(ctype, 1)
    if is_short_vector(ctype):
        return Homogeneous(ctype, 1)
    if ctype.kind == "complex" and ctype.target is not None:
        return Homogeneous(ctype.target, 2) if ctype.target.kind == "float" else None
    if ctype.kind == "array" and ctype.target is not None and ctype.count:
        inner = _members(ctype.target)
        return Homogeneous(inner.base, inner.members * ctype.count) if inner is not None else None
    if ctype.kind not in ("struct", "union"):
        return None
    base: CType | None = None
    count = 0
    for field in ctype.fields or ():
        if field.bit_size is None and has_no_members(field.type) and field.type.kind != "array":
            continue
        inner = _members(field.type) if field.bit_size is None else None
        if inner is None:
            return None
        if base is not None and (base.size, base.kind) != (inner.base.size, inner.base.kind):
            return None
        base = base or inner.base
        count = max(count, inner.members) if ctype.kind == "union" else count + inner.members
    return Homogeneous(base, count) if base is not None else None
