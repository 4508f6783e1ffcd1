"""Words and assembled code as images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from armexec.errors import LoadError
from armexec.objects import ABSOLUTE, FunctionSymbol, Image, Reference, RelocationType, Section, SectionSymbol
from armexec.objects.labels import with_functions

if TYPE_CHECKING:
    from armexec.asm import Code

__all__ = ["code_image", "function_bytes", "function_size", "words_image"]


def words_image(code: Iterable[int] | bytes | Any, name: str, *, entry: str) -> Image:
    """One function called `entry`, made of words or of their little-endian bytes.

    Raises:
        LoadError: they are not whole 32-bit words, or there are none.
    """
    from armexec.disasm.disassembler import words_of

    if not isinstance(code, Iterable) and not hasattr(code, "words"):
        raise LoadError(f"{name}: code is words, bytes, text or a Code, not {type(code).__name__}")
    words = words_of(code)
    if not words:
        raise LoadError(f"{name}: there is no code: give at least one instruction")
    data = b"".join(word.to_bytes(4, "little") for word in words)
    symbol = SectionSymbol(entry, 0, 0, len(data), "function")
    return Image.from_code(name, [Section(".text", data)], [symbol])


def code_image(code: Code, name: str, *, entry: str) -> Image:
    """The sections, symbols and relocations of assembled code.

    The functions are the symbols whose type says so and the global labels in code. Where no type says so, what the
    first instruction begins is one too; it is called `entry` if it has no label.

    Raises:
        LoadError: there is no code, or what doesn't fit together.
    """
    from armexec.asm.lexer import is_apple

    executable = [section for section in code.sections if section.flags == "rx" and section.data]
    if not executable:
        raise LoadError(f"{name}: there is no code: give at least one instruction")
    indexes = {section.name: index for index, section in enumerate(code.sections)}
    symbols: list[SectionSymbol] = []
    numbers: dict[str, int] = {}
    for symbol in code.all_symbols:
        section = indexes[symbol.section] if symbol.section is not None else ABSOLUTE if symbol.defined else None
        numbers[symbol.name] = len(symbols)
        symbols.append(SectionSymbol(symbol.name, section, symbol.value, symbol.size, symbol.kind, symbol.binding))  # type: ignore[arg-type]
    sections = [Section(s.name, bytes(s.data), s.flags, s.align, s.size) for s in code.sections]
    symbols = with_functions(sections, symbols, ())
    first = indexes[executable[0].name]
    typed = any(symbol.kind == "function" for symbol in code.all_symbols)
    if not typed and not any(s.kind == "function" and s.section == first and s.value == 0 for s in symbols):
        labels = (s.name for s in symbols if s.section == first and s.value == 0 and s.name.isprintable())
        symbols.append(SectionSymbol(next(labels, entry), first, 0, 0, "function", "local"))
    references = [
        Reference(
            indexes[relocation.section],
            relocation.offset,
            _relocation_type(relocation.type),
            numbers[relocation.symbol],
            relocation.addend,
            None if relocation.minus is None else numbers[relocation.minus],
        )
        for relocation in code.relocations
    ]
    return Image.from_code(name, sections, symbols, references, "macho" if is_apple(code.source) else "words")


def _relocation_type(name: str) -> RelocationType:
    return RelocationType[name.removeprefix("R_AARCH64_")]


def function_size(function: FunctionSymbol) -> int:
    """A function's size in bytes; where the object doesn't say, up to the next function or the end of the section."""
    if function.size:
        return function.size
    image, offset = function.image, function.offset
    ends = [other.offset for other in image.functions if other.offset > offset]
    ends += [s.offset + s.size for s in image.sections if s.offset <= offset < s.offset + s.size]
    return min(ends, default=image.size) - offset


def function_bytes(function: FunctionSymbol) -> bytes:
    """A function's bytes as they are in the object, before any relocation."""
    for segment in function.image.segments:
        if segment.offset <= function.offset < segment.offset + segment.size:
            start = function.offset - segment.offset
            return segment.data[start : start + function_size(function)]
    return b""
