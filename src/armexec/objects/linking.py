"""Several objects -> one set of sections, symbols and relocations, as a static linker merges them.

Source: System V ABI (ELF), chapter 4, "Symbol Table", for the choice among definitions of a name. Mach-O's weak and
common symbols follow the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from armexec.errors import LoadError
from armexec.objects.layout import Mark, PlacedSection, Reference, Section, SectionSymbol
from armexec.objects.names import linkage_name, source_name

if TYPE_CHECKING:
    from armexec.objects.cache import ObjectCache
    from armexec.objects.debug_info.dwarf import DebugInfo

__all__ = ["FINAL", "Initializer", "Merged", "Part", "merge"]

FINAL = 2
"""The first number in `Initializer.order` of functions that are called at the end."""

_FORMATS = {"elf": "an ELF object", "macho": "a Mach-O object", "words": "assembled code"}
_WEAK_REFERENCE, _REFERENCE, _WEAK, _COMMON, _STRONG = range(5)


class Initializer(NamedTuple):
    """A function to be called before any other, or at the end.

    Lower `order` comes first, then the order of the objects; those at the end are called in reverse.

    `symbol` is the index of its symbol in the part; `addend` is added to the symbol's address.
    """

    order: tuple[int, int]
    symbol: int
    addend: int


@dataclass(frozen=True)
class Part:
    """The content of one object: one part of an image.

    `format` is "elf", "macho" or "words"; `common` is the index of the section of its common symbols, -1 without one.
    `marks` tell code from data, if the object does. `debug` makes the debug information, from the places of `sections`;
    `cache` keeps answers from it.
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


class Merged(NamedTuple):
    """Merged parts; `initializers` are in the order of the calls."""

    sections: Sequence[Section]
    symbols: Sequence[SectionSymbol]
    references: Sequence[Reference]
    initializers: Sequence[Initializer]


def merge(parts: Sequence[Part]) -> Merged:
    """Concatenate the parts' sections, and give every name one symbol.

    A strong definition wins over a common one, and that over a weak one. Among weak ones the first wins, among common
    ones the largest. Raises LoadError for two strong definitions of a name, and for parts of different formats.
    """
    first = parts[0]
    if len(parts) == 1:
        return Merged(first.sections, first.symbols, first.references, sorted(first.initializers, key=_order))
    for part in parts:
        if part.format != first.format:
            raise LoadError(
                f"{part.name} is {_FORMATS[part.format]}, and {first.name} {_FORMATS[first.format]}:"
                " they can't be linked together"
            )
    chosen = _choose(parts)
    sections: list[Section] = []
    symbols: list[SectionSymbol] = []
    numbers: list[list[int]] = []  # of each part's symbols in `symbols`
    named: dict[str, int] = {}
    for number, part in enumerate(parts):
        numbers.append([])
        for index, symbol in enumerate(part.symbols):
            if _is_shared(symbol):
                if chosen[symbol.name] != (number, index):
                    numbers[-1].append(-1)  # known once all have been seen
                    continue
                named[symbol.name] = len(symbols)
            numbers[-1].append(len(symbols))
            if symbol.section is not None and symbol.section >= 0:
                symbol = symbol._replace(section=symbol.section + len(sections))  # noqa: PLW2901
            symbols.append(symbol)
        sections += part.sections
    references: list[Reference] = []
    initializers: list[Initializer] = []
    start = 0
    for part, own in zip(parts, numbers, strict=True):
        for index, symbol in enumerate(part.symbols):
            if own[index] < 0:
                own[index] = named[symbol.name]
        for r in part.references:
            minus = None if r.minus is None else _number(part, own, r.minus)
            references.append(r._replace(section=r.section + start, symbol=_number(part, own, r.symbol), minus=minus))
        initializers += [i._replace(symbol=own[i.symbol]) for i in part.initializers]
        start += len(part.sections)
    return Merged(sections, symbols, references, sorted(initializers, key=_order))


def _order(initializer: Initializer) -> tuple[int, int]:
    return initializer.order


def _number(part: Part, own: list[int], index: int) -> int:
    if not 0 <= index < len(own):
        raise LoadError(f"{part.name}: relocation of symbol {index}, which isn't there")
    return own[index]


def _is_shared(symbol: SectionSymbol) -> bool:
    return bool(symbol.name) and symbol.binding != "local"


def _rank(part: Part, symbol: SectionSymbol) -> int:
    if symbol.section is None:
        return _WEAK_REFERENCE if symbol.binding == "weak" else _REFERENCE
    if symbol.binding == "weak":
        return _WEAK
    return _COMMON if symbol.section == part.common else _STRONG


def _choose(parts: Sequence[Part]) -> dict[str, tuple[int, int]]:
    """The part, and the index in it, of the symbol that each name refers to."""
    best: dict[str, tuple[int, int, int, int]] = {}  # rank, size of a common symbol; part, index
    for number, part in enumerate(parts):
        for index, symbol in enumerate(part.symbols):
            if not _is_shared(symbol):
                continue
            rank = _rank(part, symbol)
            size = symbol.size if rank == _COMMON else 0
            known = best.get(symbol.name)
            if known is None or (rank, size) > known[:2]:
                best[symbol.name] = rank, size, number, index
            elif rank == _STRONG:
                name = source_name(linkage_name(symbol.name, part.format))
                raise LoadError(f"{name} is defined in both {parts[known[2]].name} and {part.name}: keep one of them")
    return {name: (number, index) for name, (_, _, number, index) in best.items()}
