"""Words and assembled code as images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from armexec.errors import LoadError
from armexec.objects import Image, Section, SectionSymbol
from armexec.objects.names import linkage_name

if TYPE_CHECKING:
    from armexec.asm import Code
    from armexec.objects import Part

__all__ = ["code_image", "reference_places", "words_image"]


def words_image(words: Sequence[int], name: str, *, entry: str) -> Image:
    """One function called `entry`, made of 32-bit words.

    Raises:
        LoadError: there are none.
    """
    if not words:
        raise LoadError(f"{name}: there is no code: give at least one instruction")
    data = b"".join(word.to_bytes(4, "little") for word in words)
    symbol = SectionSymbol(entry, 0, 0, len(data), "function")
    return Image.from_code(name, [Section(".text", data)], [symbol])


def code_image(code: Code, name: str, *, entry: str) -> Image:
    """The image of the object that assembled code makes.

    Its functions are the symbols of type function and the global labels in code. If no symbol has that type, there is a
    function at the first instruction too, called `entry` if it has no label. Without debug information, the source
    lines are those of the assembly.

    Raises:
        LoadError: there is no code, or its parts don't fit together.
        AssemblyError: an object can't express a reference.
    """
    from armexec.objects import AssemblyLines, read_part

    if not code.code_sections:
        other = next((s.name for s in code.sections if any(kind == "x" for _, kind in s.marks)), "")
        if other:
            raise LoadError(
                f'{name}: section {other} has code, but isn\'t executable: give it flags, as in .section {other},"ax"'
            )
        raise LoadError(f"{name}: there is no code: give at least one instruction")
    part = read_part(_with_entry(code, entry).object(), name)
    if not any(section.name in (".debug_info", "__DWARF,__debug_info") for section in code.sections):
        rows = _rows(code, part)
        part = replace(part, debug=partial(AssemblyLines, name, rows))
    return Image(name, [part if code.apple else replace(part, format="words")])


def _with_entry(code: Code, entry: str) -> Code:
    """The code with a function at its first instruction, where no symbol has a type."""
    from armexec.asm.contents import CodeSymbol

    symbols = list(code.all_symbols)
    if any(symbol.kind in ("function", "ifunc") for symbol in symbols):
        return code
    section = code.code_sections[0][1]
    first = next((offset for offset, kind in section.marks if kind == "x"), 0)
    labels = [
        i
        for i, s in enumerate(symbols)
        if s.section is section and s.value == first and not s.temporary and s.name.isprintable()
    ]
    if any(symbols[i].binding != "local" for i in labels):
        return code
    if labels:
        symbols[labels[0]] = symbols[labels[0]]._replace(kind="function")
    else:
        symbols.append(CodeSymbol(entry, section, first, "function", "local"))
    return code.with_symbols(symbols)


def _rows(code: Code, part: Part) -> list[tuple[int, int, int, str]]:
    """The source lines of instructions: number of the loaded section, offset, line, file."""
    rows: list[tuple[int, int, int, str]] = []
    number = 0
    for section in code.sections:
        if number < len(part.sections) and part.sections[number].name == section.name:
            rows += [(number, *line) for line in section.lines]
            number += 1
    return rows


def reference_places(code: Code) -> dict[str, str]:
    """The first place that refers to each symbol, as " (file:line: text)" by the symbol's linkage name."""
    places: dict[str, str] = {}
    for relocation in code.relocations:
        where = relocation.where
        if where is not None and where.line:
            name = linkage_name(relocation.symbol, "macho" if code.apple else "elf")
            places.setdefault(name, f" ({where.file}:{where.line}: {where.text.strip()[:80]})")
    return places
