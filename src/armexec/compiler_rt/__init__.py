"""Functions that compilers call implicitly, in A64: copies, long division, binary128, atomics, C++'s ABI.

They are kept as machine code: loading an object needs neither compiler nor assembler.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from armexec.objects import Image, Part, Reference, Section, SectionSymbol

if TYPE_CHECKING:
    from armexec.compiler_rt.units import RuntimeSection

__all__ = ["PROGRAM_UNITS", "RuntimeLibrary", "complete", "runtime_names"]

PROGRAM_UNITS = frozenset({"dynamic_cast.c", "exit.c", "heap.c", "new.c", "stops.c", "system.c", "types.c"})
"""The files of `program/` but guards.c: what a C and a C++ library do more completely where they are linked."""


def runtime_names() -> set[str]:
    """All symbols that are here."""
    from armexec.compiler_rt.units import runtime_code

    return {name for unit in runtime_code().units.values() for section in unit for name in section.symbols}


class RuntimeLibrary:
    """Some of the files as a library that objects for ELF are linked with: a file is a member."""

    def __init__(self, *, only: Collection[str] | None = None, without: Collection[str] = ()) -> None:
        """Take the files in `only`, all by default, but those in `without`."""
        from armexec.compiler_rt.units import runtime_code

        self._units = {
            file: unit
            for file, unit in runtime_code().units.items()
            if (only is None or file in only) and file not in without
        }
        self.symbols = {
            name: file for file, unit in self._units.items() for section in unit for name in section.symbols
        }

    def part(self, file: str) -> Part:
        """The content of a file."""
        unit = self._units[file]
        return _part(file, unit, list(range(len(unit))), "elf")


def complete(image: Image, is_given: Callable[[str], bool] = lambda _: False) -> Image:
    """The image linked with the functions that it lacks, as far as they are here; the same image if none are.

    Those that are given from elsewhere, by their linkage names, are left undefined.
    """
    from armexec.compiler_rt.units import runtime_code

    units = runtime_code().units
    places = {
        name: (file, i) for file, unit in units.items() for i, section in enumerate(unit) for name in section.symbols
    }
    # Symbols that the image defines are used by compiler_rt too.
    wanted: list[str | tuple[str, int]] = [name for name in image.undefined() if name in places and not is_given(name)]
    defined = {image.linkage_name(s) for s in image.symbols if s.defined and s.binding != "local"} if wanted else set()
    needed: set[tuple[str, int]] = set()
    while wanted:
        next = wanted.pop()
        place = places.get(next) if isinstance(next, str) else next
        if place is None or place in needed or next in defined:
            continue
        needed.add(place)
        file, index = place
        for _, _, target, _ in units[file][index].references:
            wanted.append(target if isinstance(target, str) else (file, target))
    parts = [
        _part(file, unit, [i for i in range(len(unit)) if (file, i) in needed], image.format)
        for file, unit in units.items()
        if any((file, i) in needed for i in range(len(unit)))
    ]
    return image.with_parts(parts) if parts else image


def _part(file: str, unit: list[RuntimeSection], chosen: list[int], format: str) -> Part:
    prefix = "_" if format == "macho" else ""
    sections: list[Section] = []
    symbols: list[SectionSymbol] = []
    # The symbols of the sections come first.
    for number, i in enumerate(chosen):
        section = unit[i]
        sections.append(
            Section(section.name, bytes.fromhex(section.content), section.flags, section.align, section.size)
        )
        symbols.append(SectionSymbol("", number, kind="section", binding="local"))
    numbers: dict[str | int, int] = {i: number for number, i in enumerate(chosen)}
    for number, i in enumerate(chosen):
        for name, offset in unit[i].symbols.items():
            numbers[name] = len(symbols)
            # Weak, since the image may define the name itself. Not of type function: those are the author's functions.
            symbols.append(SectionSymbol(prefix + name, number, offset, binding="weak"))
        for name, offset in unit[i].labels.items():
            symbols.append(SectionSymbol(prefix + name, number, offset, binding="local"))
    references: list[Reference] = []
    for number, i in enumerate(chosen):
        for offset, type, target, addend in unit[i].references:
            if target not in numbers:
                numbers[target] = len(symbols)
                symbols.append(SectionSymbol(f"{prefix}{target}", None))
            references.append(Reference(number, offset, type, numbers[target], addend))
    return Part(file, format, sections, symbols, references)
