"""Source lines of assembly that has no debug information."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from armexec.objects.debug_info.dwarf import DebugInfo
from armexec.objects.debug_info.source_line import SourceLine
from armexec.objects.layout import PlacedSection

__all__ = ["AssemblyLines"]


class AssemblyLines(DebugInfo):
    """Debug information of the source lines of instructions, without prototypes.

    `rows` has the number of the section, the offset in it, the line and the file of each instruction.
    """

    def __init__(self, name: str, rows: Sequence[tuple[int, int, int, str]], placed: Sequence[PlacedSection]) -> None:
        super().__init__(name, {})
        found = sorted((placed[section].offset + offset, line, file) for section, offset, line, file in rows)
        self._offsets = [offset for offset, _, _ in found]
        self._places = [SourceLine(file, line, 0) for _, line, file in found]

    def line(self, offset: int) -> SourceLine | None:
        """The line of the instruction at an offset in the image; None for data and for code without a line."""
        index = bisect_right(self._offsets, offset) - 1
        if index < 0 or offset - self._offsets[index] >= 4 or not self._places[index].line:
            return None
        return self._places[index]
