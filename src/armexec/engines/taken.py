"""The functions of an image whose addresses something takes: where its calls through pointers may go."""

from __future__ import annotations

import sys
from array import array

from armexec.objects import Image
from armexec.objects.relocations import BRANCHES

__all__ = ["taken_functions"]

_ADR_MASK, _ADR = 0x9F00_0000, 0x1000_0000


def taken_functions(image: Image) -> tuple[int, ...]:
    """Their offsets in the image, in order: those that a relocation of other than a branch, or an ADR, refers to."""
    starts = {function.offset for function in image.functions}
    found = set()
    for relocation in image.relocations:
        offset = image.symbols[relocation.symbol].offset
        if relocation.type not in BRANCHES and offset is not None and offset + relocation.addend in starts:
            found.add(offset + relocation.addend)
    if not starts - found:
        return tuple(sorted(found))
    for segment in image.segments:
        if segment.executable:
            words = array("I", segment.data[: len(segment.data) & ~3])
            if sys.byteorder == "big":
                words.byteswap()
            for at, word in enumerate(words):
                if word & _ADR_MASK == _ADR:
                    target = segment.offset + 4 * at + _distance(word)
                    if target in starts:
                        found.add(target)
    return tuple(sorted(found))


def _distance(word: int) -> int:
    immediate = word >> 5 & 0x7_FFFF
    return ((immediate ^ 0x4_0000) - 0x4_0000 << 2) + (word >> 29 & 3)
