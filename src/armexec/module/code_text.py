"""A function's code as text: its instructions, with the names of what they refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from armexec.disasm import disassemble, listing
from armexec.disasm.words import words_of
from armexec.lines import Lines
from armexec.objects.names import linkage_name, source_name

if TYPE_CHECKING:
    from armexec.engines import LoadedImage
    from armexec.objects import FunctionSymbol

__all__ = ["disassembled", "listed"]


def disassembled(loaded: LoadedImage, function: FunctionSymbol, code: bytes) -> Lines:
    """The instructions of a function that is in memory, `code`, one a line."""
    address = loaded.base + function.offset
    instructions = disassemble(
        words_of(code), address=address, symbols=_symbols(loaded, function), data=_data(loaded, function)
    )
    return Lines("\n".join(instruction.text for instruction in instructions))


def listed(loaded: LoadedImage, function: FunctionSymbol, code: bytes) -> str:
    """A listing of a function that is in memory, `code`: addresses, words and instructions."""
    address = loaded.base + function.offset
    return listing(code, address=address, symbols=_symbols(loaded, function), data=_data(loaded, function))


def _data(loaded: LoadedImage, function: FunctionSymbol) -> list[tuple[int, int]]:
    """The ranges of addresses that hold data, as far as the object says."""
    ranges = loaded.image.data_ranges(function.offset, function.offset + function.extent)
    return [(loaded.base + first, loaded.base + end) for first, end in ranges]


def _symbols(loaded: LoadedImage, function: FunctionSymbol) -> dict[int, str]:
    """Names by address: the functions, and those of compiler_rt that they call."""
    base, image = loaded.base, loaded.image
    # Of several names of a place the first is shown.
    labels = [s for s in reversed(image.symbols) if s.kind == "notype" and s.binding != "local"]
    names = {base + s.offset: image.linkage_name(s) for s in labels if s.offset is not None}
    names |= {base + o: source_name(linkage_name(name, image.format)) for o, name in image.missing.names.items()}
    names |= {base + symbol.offset: symbol.source_name for symbol in image.functions}
    # Its own name, if it is a label that isn't among the functions.
    return {base + function.offset: function.source_name} | names
