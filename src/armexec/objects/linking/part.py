"""The content of one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from armexec.objects.layout import Mark, PlacedSection, Reference, Section, SectionSymbol

if TYPE_CHECKING:
    from armexec.objects.cache import ObjectCache
    from armexec.objects.debug_info.dwarf import DebugInfo

__all__ = ["FINAL", "Group", "Initializer", "Part", "Unwind"]

FINAL = 2
"""The first number in `Initializer.order` of functions that are called at the end."""


class Initializer(NamedTuple):
    """A function to be called before any other, or at the end.

    Lower `order` comes first, then the order of the objects; those at the end are called in reverse.

    `symbol` is the index of its symbol in the part; `addend` is added to the symbol's address; `section` is the
    section that lists it, -1 where none does.
    """

    order: tuple[int, int]
    symbol: int
    addend: int
    section: int = -1


class Group(NamedTuple):
    """A COMDAT group: of all groups of a signature, only the first one's sections are kept."""

    signature: str
    sections: Sequence[int]


class Unwind(NamedTuple):
    """The content of .eh_frame, and its relocations; `section` in them means nothing."""

    data: bytes
    references: Sequence[Reference]


@dataclass(frozen=True)
class Part:
    """The content of one object: one part of an image.

    `format` is "elf", "macho" or "words"; `common` is the index of the section of its common symbols, -1 without one.
    `marks` tell code from data, if the object does. `debug` makes the debug information, from the places of `sections`;
    `cache` keeps answers from it. `unwind` are the unwind tables, which aren't among the `sections`. `debug_contents`
    gives the debug sections by name, without the dot, for an image at a base address, as parts of sections where
    they begin at some offsets by name.
    """

    name: str
    format: str
    sections: Sequence[Section]
    symbols: Sequence[SectionSymbol]
    references: Sequence[Reference] = ()
    common: int = -1
    initializers: Sequence[Initializer] = ()
    marks: Sequence[Mark] = ()
    debug: Callable[[Sequence[PlacedSection]], DebugInfo | None] | None = None
    cache: ObjectCache | None = None
    groups: Sequence[Group] = ()
    unwind: Unwind | None = None
    debug_contents: Callable[[Sequence[PlacedSection], int, Mapping[str, int]], dict[str, bytes]] | None = None

    def linked(self) -> Part:
        """What an image that it is linked into still asks it for: no contents of sections."""
        sections = [section._replace(data=b"", size=max(section.size, len(section.data))) for section in self.sections]
        # Nobody asks for names in a library, nor unwinds there.
        symbols, unwind = (self.symbols, self.unwind) if self.cache is not None else ((), None)
        return replace(
            self, sections=sections, symbols=symbols, references=(), initializers=(), groups=(), unwind=unwind
        )
