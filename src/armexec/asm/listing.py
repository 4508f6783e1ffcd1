"""Listings of assembled code: instructions with addresses and words, and the relocations that are left."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import NamedTuple

from armexec.asm.contents import CodeContents, CodeRelocation, CodeSection
from armexec.disasm import Targets, disassemble
from armexec.lines import Lines

__all__ = ["Row", "code_listing", "code_rows", "relocation_text"]


class Row(NamedTuple):
    """An instruction, or up to four bytes of data, at an address; `labels` stand before it."""

    address: int
    data: bytes
    text: str
    labels: tuple[str, ...]
    relocations: tuple[CodeRelocation, ...]


def code_rows(code: CodeContents) -> Iterator[tuple[CodeSection, list[Row]]]:
    """The executable sections with their rows."""
    names: dict[int, list[str]] = {}
    for name, address in code.symbols.items():
        names.setdefault(address, []).append(name)
    symbols = {address: found[-1] for address, found in names.items()}
    targets: Targets = "names" if code.distances else "addresses"
    for start, section in code.code_sections:
        relocations: dict[int, list[CodeRelocation]] = {}
        for relocation in code.relocations:
            if relocation.section is section:
                relocations.setdefault(relocation.offset, []).append(relocation)
        rows = []
        for offset, size, text in _pieces(section, code.address + start, symbols, relocations.keys(), targets):
            address = code.address + start + offset
            inside = range(offset, offset + size)
            rows.append(
                Row(
                    address,
                    bytes(section.data[offset : offset + size]),
                    text,
                    tuple(name for at in range(size) for name in names.get(address + at, ())),
                    tuple(r for at in inside for r in relocations.get(at, ())),
                )
            )
        end = code.address + start + len(section.data)
        if end in names and not any(other == end - code.address for other, _ in code.code_sections):
            rows.append(Row(end, b"", "", tuple(names[end]), ()))
        yield section, rows


def _pieces(
    section: CodeSection, address: int, symbols: dict[int, str], unknown: Collection[int], targets: Targets
) -> Iterator[tuple[int, int, str]]:
    """The offset, size and text of each instruction and piece of data. Targets at the offsets `unknown` get no name."""
    data = section.data
    marks = [*section.marks, (len(data), "")]
    if marks[0][0] > 0:
        marks.insert(0, (0, "x"))
    for (start, kind), (end, _) in pairwise(marks):
        offset = start
        if kind == "x":
            code = bytes(data[start : start + (end - start) // 4 * 4])
            for instruction in disassemble(code, address=address + start, symbols=symbols, targets=targets):
                text = instruction.text
                if offset in unknown:
                    text = disassemble(instruction.bytes, targets="distances")[0].text
                yield offset, 4, text
                offset += 4
        while offset < end:
            size = min(4 - offset % 4, end - offset)
            piece = bytes(data[offset : offset + size])
            if size == 4:
                yield offset, 4, f".word 0x{int.from_bytes(piece, 'little'):08x}"
            else:
                yield offset, size, ".byte " + ", ".join(f"0x{byte:02x}" for byte in piece)
            offset += size


def relocation_text(relocation: CodeRelocation, code: CodeContents) -> str:
    """A relocation as objdump shows it: its type, and the symbol plus the addend."""
    name, addend = _named(relocation.symbol, relocation.addend, code)
    minus = "" if relocation.minus is None else f"-{_named(relocation.minus, 0, code)[0]}"
    return f"{relocation.type}  {name}{minus}" + (f"{'+' if addend > 0 else '-'}{abs(addend):#x}" if addend else "")


def _named(name: str, addend: int, code: CodeContents) -> tuple[str, int]:
    """The name and addend of a relocation's symbol; a place without a name is relative to its section."""
    if name[0] > "\x01":
        return name, addend
    symbol = next((s for s in code.all_symbols if s.name == name), None)
    if symbol is None or symbol.section is None:
        return "*ABS*", addend + (symbol.value if symbol is not None else 0)
    return symbol.section.name, addend + symbol.value


def code_listing(code: CodeContents) -> str:
    """The listing of code. Sections are named if there is another than .text."""
    parts = []
    sections = list(code_rows(code))
    named = len(sections) > 1 or any(section is not code.text for section, _ in sections)
    for section, rows in sections:
        lines = [f"{section.name}:"] if named else []
        for row in rows:
            lines += [f"{name}:" for name in row.labels]
            if row.data:
                word = f"{int.from_bytes(row.data, 'little'):0{2 * len(row.data)}x}"
                lines.append(f"  {row.address:8x}:  {word:8}  {row.text}")
            lines += [f"  {'':8}   {relocation_text(r, code)}" for r in row.relocations]
        parts.append("\n".join(lines))
    return Lines("\n\n".join(parts))
