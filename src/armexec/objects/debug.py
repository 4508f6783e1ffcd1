"""The debug information of an image that several objects make: each is asked about its own code."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from armexec.objects.layout import PlacedSection
from armexec.objects.linking import Part

if TYPE_CHECKING:
    from armexec.objects.dwarf import DebugInfo
    from armexec.objects.image import SourceLine
    from armexec.objects.prototypes import Prototype

__all__ = ["ImageDebugInfo"]


class ImageDebugInfo:
    """The debug information of parts whose sections, all in a row, were placed at `sections`.

    Each part's is read when it is first asked for; LoadError is raised then if it is malformed.
    """

    def __init__(self, parts: Sequence[Part], sections: Sequence[PlacedSection]) -> None:
        self._parts = parts
        self._placed: list[Sequence[PlacedSection]] = []
        self._read: dict[int, DebugInfo | None] = {}
        ranges = []
        start = 0
        for number, part in enumerate(parts):
            placed = sections[start : start + len(part.sections)]
            start += len(part.sections)
            self._placed.append(placed)
            ranges += [(s.offset, s.offset + s.size, number) for s in placed if s.size]
        self._ranges = sorted(ranges)

    def prototype(self, offset: int, linkage_name: str) -> Prototype | None:
        """The prototype of the function at an offset in the image."""
        info = self._at(offset)
        return info.prototype(offset, linkage_name) if info else None

    def declared(self, linkage_name: str) -> Prototype | None:
        """The prototype of a function by its linkage name, from the first part that has one."""
        for info in self._all():
            found = info.declared(linkage_name)
            if found is not None:
                return found
        return None

    def line(self, offset: int) -> SourceLine | None:
        """The source line of the instruction at an offset in the image."""
        info = self._at(offset)
        return info.line(offset) if info else None

    def _at(self, offset: int) -> DebugInfo | None:
        i = bisect_right(self._ranges, offset, key=lambda r: r[0]) - 1
        if i < 0 or offset >= self._ranges[i][1]:
            return None
        return self._info(self._ranges[i][2])

    def _all(self) -> Iterator[DebugInfo]:
        for number in range(len(self._parts)):
            info = self._info(number)
            if info is not None:
                yield info

    def _info(self, number: int) -> DebugInfo | None:
        if number not in self._read:
            debug = self._parts[number].debug
            self._read[number] = debug(self._placed[number]) if debug else None
        return self._read[number]
