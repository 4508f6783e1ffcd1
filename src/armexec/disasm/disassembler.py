"""Machine words as instructions, by the alias that LLVM prefers."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from armexec.errors import LoadError
from armexec.isa import form_of
from armexec.isa.operands import Context

__all__ = ["Instruction", "disassemble", "listing", "words_of"]


class Instruction(NamedTuple):
    """One word at an address, with its text; `.word` where it isn't an instruction armexec describes.

    `encoding` is Arm's name for the encoding, `target` the address a branch or a pc-relative operand means.
    """

    address: int
    word: int
    text: str
    encoding: str = ""
    target: int | None = None

    @property
    def mnemonic(self) -> str:
        return self.text.partition(" ")[0]

    @property
    def operands(self) -> str:
        return self.text.partition(" ")[2]

    @property
    def bytes(self) -> bytes:
        return self.word.to_bytes(4, "little")

    def __str__(self) -> str:
        return self.text


def words_of(code: bytes | Iterable[int] | Any) -> list[int]:
    """The words of bytes, of a Code or a Function (whatever has `.words`), of ints, or of text that is words.

    Raises:
        LoadError: a number of bytes that is no multiple of four, or a number that is no 32-bit word.
        AssemblyError: text that isn't words.
    """
    if isinstance(code, str):
        from armexec.words import parse_words

        return parse_words(code)
    if isinstance(code, bytes | bytearray | memoryview):
        data = bytes(code)
        if len(data) % 4:
            raise LoadError(f"{len(data)} bytes are not whole instructions: A64 instructions are 4 bytes each")
        return list(struct.unpack(f"<{len(data) // 4}I", data))
    if isinstance(code, int):
        code = [code]
    words = getattr(code, "words", code)
    if not isinstance(words, Iterable):
        raise LoadError(f"{code!r} is no code: bytes, or 32-bit words, or something with words")
    return [_word(position, word) for position, word in enumerate(words)]


def _word(position: int, value: Any) -> int:
    try:
        word = int(value.__index__())  # also NumPy's integers
    except (AttributeError, TypeError):
        raise LoadError(f"word {position} is {value!r}, not an int") from None
    if not 0 <= word < 1 << 32:
        raise LoadError(f"word {position} is {word:#x}, not a 32-bit word (0 to 0xffffffff)")
    return word


def disassemble(
    code: bytes | Iterable[int] | Any, *, address: int = 0, symbols: Mapping[int, str] | None = None
) -> list[Instruction]:
    """Disassemble words.

    Args:
        code: bytes (little-endian, a multiple of 4), 32-bit ints, something with `.words`, or text such as
            "0xD10043FF 0xB9000FE0", a dump or a listing.
        address: where the first word stands.
        symbols: names of addresses, for branch targets; an address after a name is printed as `name+8`.

    Raises:
        LoadError: the code isn't whole 32-bit words; the address is no int, or the symbols are no mapping.
        AssemblyError: text that isn't words.
    """
    if not isinstance(address, int):
        raise LoadError(f"an address is an int, not {type(address).__name__} {address!r:.60}")
    if symbols is not None and not isinstance(symbols, Mapping):
        raise LoadError(f"symbols map addresses to names, as in {{0x1000: 'fn'}}: not {type(symbols).__name__}")
    words = words_of(code)
    name = _namer(symbols, address, address + 4 * len(words)) if symbols else _no_name
    return [_instruction(word, address + 4 * i, name) for i, word in enumerate(words)]


def _no_name(address: int) -> None:
    return None


def _namer(symbols: Mapping[int, str], start: int, end: int) -> Callable[[int], str | None]:
    places = sorted(symbols)

    def name(address: int) -> str | None:
        found = symbols.get(address)
        if found is not None:
            return found
        index = bisect_right(places, address) - 1
        if index < 0 or not start <= address < end:
            return None
        return f"{symbols[places[index]]}+{address - places[index]}"

    return name


# What is printed of words without a label, which is the same wherever they stand.
_printed: dict[int, tuple[str, str]] = {}
_LIMIT = 1 << 16


def _instruction(word: int, address: int, name: Callable[[int], str | None]) -> Instruction:
    printed = _printed.get(word)
    if printed is not None:
        return Instruction(address, word, *printed)
    encoding = form_of(word)
    if encoding is None:
        return Instruction(address, word, f".word 0x{word:08x}")
    form = encoding.instruction.printed_form(encoding, word)
    text = form.text(word, Context(address, name))
    label = form.label
    if label is not None:
        target = label.target(label.decode(encoding.instruction.fields(word)), address)
        return Instruction(address, word, text, encoding.name, target)
    if len(_printed) >= _LIMIT:
        _printed.clear()
    _printed[word] = text, encoding.name
    return Instruction(address, word, text, encoding.name)


def listing(code: bytes | Iterable[int] | Any, *, address: int = 0, symbols: Mapping[int, str] | None = None) -> str:
    """A readable listing: the address, the word and the text of each instruction, under the labels."""
    if isinstance(code, bytes | bytearray | memoryview):
        code = bytes(code) + bytes(-len(code) % 4)
    lines = []
    for instruction in disassemble(code, address=address, symbols=symbols):
        if symbols and instruction.address in symbols:
            lines.append(f"{symbols[instruction.address]}:")
        lines.append(f"  {instruction.address:8x}:  {instruction.word:08x}  {instruction.text}")
    return "\n".join(lines)
