"""Several objects -> one set of sections, symbols and relocations, as a static linker merges them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from armexec.errors import LoadError
from armexec.objects.layout import ABSOLUTE, Reference, Section, SectionSymbol
from armexec.objects.linking.choice import choose, duplicates, is_shared
from armexec.objects.linking.part import Initializer, Part

__all__ = ["Merged", "merge"]

_PERSONALITY = re.compile(r"\.data(\.rel\.local)?\.DW\.ref\.")
_FORMATS = {"elf": "an ELF object", "macho": "a Mach-O object", "words": "assembled code"}


class Merged(NamedTuple):
    """Merged parts; `initializers` are in the order of the calls, their `section` is that of the part. `numbers` are
    those of each part's symbols."""

    sections: Sequence[Section]
    symbols: Sequence[SectionSymbol]
    references: Sequence[Reference]
    initializers: Sequence[Initializer]
    numbers: Sequence[Sequence[int]]


def merge(
    parts: Sequence[Part], dropped: Sequence[Collection[int]] | None = None, *, executable: bool = False
) -> Merged:
    """Concatenate the parts' sections, and give every name one symbol.

    A strong definition wins over a common one, and that over a weak one. Among weak ones the first wins, among common
    ones the largest. Of COMDAT groups the first is kept. Sections in `dropped`, given for each part, are left out.
    Where it isn't for an executable, the unwinder's personality routine may be missing.

    Raises LoadError for two strong definitions of a name, and for parts of different formats.
    """
    first = parts[0]
    for part in parts:
        if part.format != first.format:
            raise LoadError(
                f"{part.name} is {_FORMATS[part.format]}, and {first.name} {_FORMATS[first.format]}:"
                " they can't be linked together"
            )
    if not executable:
        parts = [_loosened(part) for part in parts]
        first = parts[0]
    gone = duplicates(parts) if dropped is None else dropped
    if len(parts) == 1 and not gone[0]:
        ordered = sorted(first.initializers, key=lambda i: i.order)
        return Merged(first.sections, first.symbols, first.references, ordered, [range(len(first.symbols))])
    chosen = choose(parts, gone) if len(parts) > 1 else {}
    sections: list[Section] = []
    symbols: list[SectionSymbol] = []
    numbers: list[list[int]] = []  # of each part's symbols in `symbols`
    named: dict[str, int] = {}
    for number, part in enumerate(parts):
        numbers.append([])
        for index, symbol in enumerate(part.symbols):
            if chosen and is_shared(symbol):
                if chosen[symbol.name] != (number, index):
                    numbers[-1].append(-1)  # known once all have been seen
                    continue
                named[symbol.name] = len(symbols)
            numbers[-1].append(len(symbols))
            symbols.append(_moved(symbol, len(sections), gone[number]))
        sections += _emptied(part, gone[number])
    references: list[Reference] = []
    initializers: list[Initializer] = []
    start = 0
    for number, (part, own) in enumerate(zip(parts, numbers, strict=True)):
        for index, symbol in enumerate(part.symbols):
            if own[index] < 0:
                own[index] = named[symbol.name]
        for r in part.references:
            if r.section in gone[number]:
                continue
            minus = None if r.minus is None else _number(part, own, r.minus)
            references.append(r._replace(section=r.section + start, symbol=_number(part, own, r.symbol), minus=minus))
        initializers += [i._replace(symbol=own[i.symbol]) for i in part.initializers if i.section not in gone[number]]
        start += len(part.sections)
    return Merged(sections, symbols, references, sorted(initializers, key=lambda i: i.order), numbers)


def _loosened(part: Part) -> Part:
    """The part; the unwinder's personality routine is weak if only the unwind tables refer to it."""
    used: set[int] = set()
    names = [bool(_PERSONALITY.match(section.name)) for section in part.sections]
    if not any(names):
        return part
    strict: set[int] = set()
    for r in part.references:
        (used if names[r.section] else strict).add(r.symbol)
    loose = {i for i in used - strict if part.symbols[i].section is None}
    return replace(part, symbols=[s._replace(binding="weak") if i in loose else s for i, s in enumerate(part.symbols)])


def _emptied(part: Part, gone: Collection[int]) -> list[Section]:
    if not gone:
        return list(part.sections)
    return [
        Section(section.name, b"", section.flags, 1, dropped=True) if i in gone else section
        for i, section in enumerate(part.sections)
    ]


def _moved(symbol: SectionSymbol, start: int, gone: Collection[int]) -> SectionSymbol:
    """A symbol whose section is counted from `start` on; one of a section that is left out means nothing."""
    section = symbol.section
    if section is None or section < 0:
        return symbol
    if section not in gone:
        return symbol._replace(section=section + start)
    if is_shared(symbol):
        return symbol._replace(section=None, value=0)
    return SectionSymbol("", ABSOLUTE, binding="local")


def _number(part: Part, own: Sequence[int], index: int) -> int:
    if not 0 <= index < len(own):
        raise LoadError(f"{part.name}: relocation of symbol {index}, which isn't there")
    return own[index]
