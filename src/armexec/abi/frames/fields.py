"""Bytes at offsets of a frame as one `struct.Struct`, and the text of the code that converts them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from armexec.abi.placement import Part
from armexec.objects import CType

__all__ = ["Piece", "code_of", "is_plain", "packer", "slices"]


class Piece(NamedTuple):
    """A format of the `struct` module at an offset; `text` is the expression that is packed there, or the variable that
    takes what is unpacked."""

    offset: int
    format: str
    text: str


def packer(pieces: Sequence[Piece]) -> tuple[struct.Struct, list[str]]:
    """The structure that has all pieces, and their texts in its order. What is between them is zero."""
    format = "<"
    end = 0
    ordered = sorted(pieces)
    for piece in ordered:
        format += f"{piece.offset - end}x{piece.format}"
        end = piece.offset + struct.calcsize("<" + piece.format)
    return struct.Struct(format), [piece.text for piece in ordered]


def is_plain(ctype: CType) -> bool:
    """Whether it is an integer, a pointer or a double: Python's int or float is packed as it is."""
    if ctype.kind == "float":
        return ctype.size == 8
    return ctype.kind in ("bool", "int", "enum", "pointer") and ctype.size <= 8


def code_of(ctype: CType, size: int) -> str:
    """The `struct` format of a plain type in `size` bytes; integers are extended to that."""
    if ctype.kind == "float":
        return "d"
    code = {1: "b", 2: "h", 4: "i", 8: "q"}[size]
    return code if ctype.signed else code.upper()


def slices(parts: Sequence[tuple[int, Part]]) -> list[tuple[int, int, int]]:
    """Parts with their offsets in the frame as (offset in the frame, offset in the value, size), neighbours joined."""
    found: list[tuple[int, int, int]] = []
    for at, part in parts:
        if found:
            last, offset, size = found[-1]
            if last + size == at and offset + size == part.offset:
                found[-1] = (last, offset, size + part.size)
                continue
        found.append((at, part.offset, part.size))
    return found
