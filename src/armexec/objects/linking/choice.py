"""Which definition each name means, and which sections of COMDAT groups are kept.

Source: System V ABI (ELF), chapter 4, "Symbol Table" and "Section Groups". Mach-O's weak and common symbols follow the
same order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from armexec.errors import LoadError
from armexec.objects.layout import SectionSymbol
from armexec.objects.linking.part import Part
from armexec.objects.names import linkage_name, source_name

__all__ = ["choose", "duplicates", "is_shared"]

_WEAK_REFERENCE, _REFERENCE, _WEAK, _COMMON, _STRONG = range(5)


def is_shared(symbol: SectionSymbol) -> bool:
    """Whether a symbol's name means the same in all parts."""
    return bool(symbol.name) and symbol.binding != "local"


def duplicates(parts: Sequence[Part]) -> list[set[int]]:
    """The sections of each part that an earlier part has too, in a COMDAT group of the same signature."""
    seen: set[str] = set()
    found = []
    for part in parts:
        dropped: set[int] = set()
        for group in part.groups:
            if group.signature in seen:
                dropped.update(group.sections)
        seen.update(group.signature for group in part.groups)
        found.append(dropped)
    return found


def choose(parts: Sequence[Part], dropped: Sequence[Collection[int]]) -> dict[str, tuple[int, int]]:
    """The part, and the index in it, of the symbol that each name refers to.

    A strong definition wins over a common one, and that over a weak one. Among weak ones the first wins, among common
    ones the largest. Definitions in dropped sections are none. Raises LoadError for two strong definitions.
    """
    best: dict[str, tuple[int, int, int, int]] = {}  # rank, size of a common symbol; part, index
    for number, part in enumerate(parts):
        gone = dropped[number]
        for index, symbol in enumerate(part.symbols):
            if not is_shared(symbol):
                continue
            rank = _REFERENCE if symbol.section in gone else _rank(part, symbol)
            size = symbol.size if rank == _COMMON else 0
            known = best.get(symbol.name)
            if known is None or (rank, size) > known[:2]:
                best[symbol.name] = rank, size, number, index
            elif rank == _STRONG:
                name = source_name(linkage_name(symbol.name, part.format))
                raise LoadError(f"{name} is defined in both {parts[known[2]].name} and {part.name}: keep one of them")
    return {name: (number, index) for name, (_, _, number, index) in best.items()}


def _rank(part: Part, symbol: SectionSymbol) -> int:
    if symbol.section is None:
        return _WEAK_REFERENCE if symbol.binding == "weak" else _REFERENCE
    if symbol.binding == "weak":
        return _WEAK
    return _COMMON if symbol.section == part.common else _STRONG
