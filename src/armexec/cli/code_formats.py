"""Assembled code in the formats of other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from armexec.asm import Code
    from armexec.asm.contents import CodeSection

__all__ = ["FORMATS", "format_of", "written"]

FORMATS = ("listing", "words", "bytes", "c", "python", "rust", "raw", "object")
_SUFFIXES = {
    ".o": "object",
    ".obj": "object",
    ".bin": "raw",
    ".raw": "raw",
    ".img": "raw",
    ".hex": "words",
    ".c": "c",
    ".h": "c",
    ".py": "python",
    ".rs": "rust",
}


def format_of(format: str | None, output: str | None) -> str:
    """The format asked for, or that of the output file's suffix, or a listing."""
    return format or _SUFFIXES.get(Path(output or "").suffix, "listing")


def written(code: Code, format: str) -> bytes:
    """The code in one of `FORMATS`.

    Raises:
        AssemblyError: the raw bytes need an address that isn't known, or an object can't express a reference.
    """
    if format == "object":
        return code.object()
    if format == "raw":
        for r in code.relocations:
            if r.section.flags and "x" in r.section.flags and r.where is not None:
                raise r.where.error(
                    "this needs an address that isn't known before the code is in memory",
                    "assemble to an object, with `-o FILE.o`, or define the symbol with .set",
                )
        return code.bytes
    return (_FORMATS[format](code) + "\n").encode()


def _listing(code: Code) -> str:
    return code.disassembly


def _lines(code: Code, one: Callable[[int], str]) -> str:
    """One word a line, with relocations, and the names of sections if there are several, as comments."""
    from armexec.asm.listing import relocation_text

    sections = code.code_sections
    lines = []
    for _, section in sections:
        if len(sections) > 1:
            lines.append(f"# {section.name}")
        relocations: dict[int, list[str]] = {}
        for r in code.relocations:
            if r.section is section:
                relocations.setdefault(r.offset & ~3, []).append(relocation_text(r, code))
        for offset, word in _section_words(section):
            lines.append(one(word) + "".join(f"  # {text}" for text in relocations.get(offset, ())))
    return "\n".join(lines)


def _section_words(section: CodeSection) -> list[tuple[int, int]]:
    """The offset and the value of each word; the last is filled with zeros."""
    data = bytes(section.data) + bytes(-len(section.data) % 4)
    return [(offset, int.from_bytes(data[offset : offset + 4], "little")) for offset in range(0, len(data), 4)]


def _words(code: Code) -> str:
    return _lines(code, lambda word: f"0x{word:08X}")


def _bytes(code: Code) -> str:
    return _lines(code, lambda word: word.to_bytes(4, "little").hex(" "))


def _commented(code: Code, before: str, comment: str, after: str) -> str:
    """A constant with one word a line, and the instruction as a comment beside it."""
    from armexec.asm.listing import code_rows, relocation_text

    sections = list(code_rows(code))
    lines = []
    for (section, rows), (start, _) in zip(sections, code.code_sections, strict=True):
        if len(sections) > 1:
            lines.append(f"    {comment} {section.name}")
        texts: dict[int, list[str]] = {}
        for row in rows:
            if row.data:
                relocations = "".join(f"  {relocation_text(r, code)}" for r in row.relocations)
                texts.setdefault(row.address & ~3, []).append(row.text + relocations)
        for offset, word in _section_words(section):
            address = code.address + start + offset
            text = "; ".join(texts.get(address, ()))
            lines.append(f"    0x{word:08X},  {comment} {address:x}: {text}")
    return "\n".join([before, *lines, after])


def _c(code: Code) -> str:
    return "#include <stdint.h>\n\n" + _commented(code, "static const uint32_t code[] = {", "//", "};")


def _python(code: Code) -> str:
    return _commented(code, "code = [", "#", "]")


def _rust(code: Code) -> str:
    count = sum(-(-len(section.data) // 4) for _, section in code.code_sections)
    return _commented(code, f"pub static CODE: [u32; {count}] = [", "//", "];")


_FORMATS: dict[str, Callable[[Code], str]] = {
    "listing": _listing,
    "words": _words,
    "bytes": _bytes,
    "c": _c,
    "python": _python,
    "rust": _rust,
}
