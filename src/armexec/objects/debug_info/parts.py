"""Debug information of an image of several objects; each part answers for its own code."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from armexec.errors import LoadError
from armexec.objects.layout import PlacedSection
from armexec.objects.linking import Part

if TYPE_CHECKING:
    from armexec.objects.debug_info.call_frames import FrameProgram
    from armexec.objects.debug_info.dwarf import DebugInfo
    from armexec.objects.debug_info.source_line import SourceLine
    from armexec.objects.debug_info.variable import Variable
    from armexec.objects.prototypes import CType, Prototype

__all__ = ["ImageDebugInfo"]


_PC_BEGIN = 8
"""Where an entry of .eh_frame has the address of its function."""


def _begins(part: Part, placed: Sequence[PlacedSection]) -> Callable[[int], int | None]:
    """Gives the offset in the image of the function whose entry of .eh_frame is at an offset of that."""
    references = {} if part.unwind is None else {r.offset: r for r in part.unwind.references}

    def begin(entry: int) -> int | None:
        found = references.get(entry + _PC_BEGIN)
        if found is None or not 0 <= found.symbol < len(part.symbols):
            return None
        symbol = part.symbols[found.symbol]
        if symbol.section is None or symbol.section < 0 or placed[symbol.section].dropped:
            return None
        return placed[symbol.section].offset + symbol.value + found.addend

    return begin


class ImageDebugInfo:
    """The debug information of parts; `sections` are the places of all their sections, in order.

    A part's information is read when it is first asked for. LoadError is raised then if it is malformed.
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
            ranges += [(s, number) for s in placed if s.size]
        self._ranges = sorted(ranges, key=lambda r: r[0].offset)

    def prototype(self, offset: int, linkage_name: str) -> Prototype | None:
        """The prototype of the function at an offset in the image."""
        at = self._at(offset)
        if at is None:
            return None
        section, number = at
        # The text of the question doesn't depend on the places of the part's sections.
        place = next(i for i, s in enumerate(self._placed[number]) if s is section)
        question = f"{linkage_name} at {place}+{offset - section.offset:#x}"
        return self._ask(number, question, lambda info: info.prototype(offset, linkage_name))

    def declared(self, linkage_name: str) -> Prototype | None:
        """The prototype of a function by its linkage name, from the first part that has one."""
        for number in range(len(self._parts)):
            found = self._ask(number, linkage_name, lambda info: info.declared(linkage_name))
            if found is not None:
                return found
        return None

    def type_names(self) -> list[str]:
        """The names of all structs, unions, enums and typedefs, each once."""
        infos = [self._info(number) for number in range(len(self._parts))]
        return list(dict.fromkeys(name for info in infos if info is not None for name in info.type_names()))

    def type(self, name: str) -> CType | None:
        """The struct, union, enum or typedef of a name, from the first part that has one."""
        for number in range(len(self._parts)):
            info = self._info(number)
            found = info.type(name) if info is not None else None
            if found is not None:
                return found
        return None

    def variables(self) -> list[tuple[Variable, Callable[[], CType | None]]]:
        """The variables of all parts, each with a function that reads its type."""
        infos = [self._info(number) for number in range(len(self._parts))]
        return [
            (variable, partial(info.variable_type, variable))
            for info in infos
            if info is not None
            for variable in info.variables()
        ]

    def line(self, offset: int) -> SourceLine | None:
        """The source line of the instruction at an offset in the image."""
        at = self._at(offset)
        info = self._info(at[1]) if at is not None else None
        return info.line(offset) if info else None

    def described_frames(self) -> list[FrameProgram]:
        """The call frame information of the parts, by offsets in the image; nothing of what is malformed."""
        from armexec.objects.debug_info.call_frames import read_call_frames

        found: list[FrameProgram] = []
        for number, part in enumerate(self._parts):
            placed = self._placed[number]
            if part.unwind is not None:
                found += read_call_frames(part.unwind.data, is_eh=True, begins=_begins(part, placed))
            try:
                info = self._info(number)
            except LoadError:
                continue
            if info is not None:
                found += read_call_frames(info.call_frames, is_eh=False)
        return found

    def elsewhere(self) -> list[str]:
        """The files with debug information that the parts only refer to (-gsplit-dwarf)."""
        found = [self._info(number) for number in range(len(self._parts))]
        return [file for info in found if info is not None for file in info.elsewhere()]

    def _at(self, offset: int) -> tuple[PlacedSection, int] | None:
        """The section that holds an offset in the image, and the number of its part."""
        i = bisect_right(self._ranges, offset, key=lambda r: r[0].offset) - 1
        if i < 0 or offset >= self._ranges[i][0].offset + self._ranges[i][0].size:
            return None
        return self._ranges[i]

    def _ask(self, number: int, question: str, ask: Callable[[DebugInfo], Prototype | None]) -> Prototype | None:
        """The answer from a part's cache, whose key is the text of the question, or from its debug information."""

        def read() -> Prototype | None:
            info = self._info(number)
            return ask(info) if info else None

        cache = self._parts[number].cache
        return cache.prototype(question, read) if cache is not None and self._parts[number].debug else read()

    def _info(self, number: int) -> DebugInfo | None:
        if number not in self._read:
            debug = self._parts[number].debug
            self._read[number] = debug(self._placed[number]) if debug else None
        return self._read[number]
