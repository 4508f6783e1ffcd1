"""How large the heap of compiler_rt may become (`program/heap.c`)."""

from __future__ import annotations

from typing import NamedTuple

from armexec.objects import Image

__all__ = ["HeapLimit", "limited_heap"]

_PAGE = 1 << 16
_PAGES = (512 << 20) // _PAGE - 1
_VARIABLES = ("kinds", "lists", "taken", "region")
"""The variables of heap.c, in the order in which an image has them."""


class HeapLimit(NamedTuple):
    """What is put at an offset of the image, so that the heap has no more than some pages."""

    offset: int
    data: bytes


def limited_heap(image: Image, limit: int) -> HeapLimit | None:
    """The bit map of the heap's pages, of which those beyond `limit` bytes are taken; None where there is no heap."""
    symbols = [symbol for symbol in image.symbols if symbol.name]
    for at in range(len(symbols) - len(_VARIABLES) + 1):
        found = symbols[at : at + len(_VARIABLES)]
        if tuple(symbol.name for symbol in found) == _VARIABLES:
            offset = found[_VARIABLES.index("taken")].offset
            allowed = min(limit // _PAGE, _PAGES)
            bits = (1 << _PAGES) - (1 << allowed)
            return None if offset is None else HeapLimit(offset, bits.to_bytes(-(-_PAGES // 64) * 8, "little"))
    return None
