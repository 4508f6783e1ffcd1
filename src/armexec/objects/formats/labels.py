"""Labels of code that are functions although their symbols have no type.

Source: ELF for the Arm 64-bit Architecture (AAELF64), "Mapping symbols".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from armexec.objects.layout import Mark, Section, SectionSymbol

__all__ = ["mark_of", "with_functions"]


def mark_of(name: str) -> bool | None:
    """True for a mapping symbol of code (`$x`), False for one of data (`$d`), None for another symbol."""
    bare = name.partition(".")[0]
    return bare == "$x" if bare in {"$x", "$d"} else None


def with_functions(
    sections: Sequence[Section], symbols: Sequence[SectionSymbol], marks: Sequence[Mark]
) -> list[SectionSymbol]:
    """The symbols; labels that are functions get the kind "function".

    Hand-written code seldom has `.type f, %function`. So a global or weak label of code is a function too. A local
    label is one only at the first instruction of a section, in an object without other functions.
    """
    starts: dict[int, list[Mark]] = {}
    for mark in sorted(marks):
        starts.setdefault(mark.section, []).append(mark)

    def is_code_label(symbol: SectionSymbol) -> bool:
        at, where = symbol.value, symbol.section
        if symbol.kind != "notype" or not symbol.name or where is None or not 0 <= where < len(sections):
            return False
        if "x" not in sections[where].flags or not 0 <= at < len(sections[where].data):
            return False
        known = starts.get(where, [])
        index = bisect_right(known, at, key=lambda mark: mark.offset) - 1
        return index < 0 or known[index].code

    typed = any(s.kind == "function" and s.section is not None for s in symbols)
    made = [s._replace(kind="function") if s.binding != "local" and is_code_label(s) else s for s in symbols]
    if typed or made != list(symbols):
        return made
    found: set[int] = set()
    for index, symbol in enumerate(symbols):
        if symbol.value == 0 and symbol.name.isprintable() and is_code_label(symbol):
            assert symbol.section is not None
            if symbol.section not in found:
                found.add(symbol.section)
                made[index] = symbol._replace(kind="function")
    return made
