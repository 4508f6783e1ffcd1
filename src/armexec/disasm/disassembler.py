"""Machine words as instructions, by the alias that LLVM prefers."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from armexec.disasm.operands import Operand, groups, operands, register_name
from armexec.errors import LoadError
from armexec.isa import Form, form_of
from armexec.isa.effects import Effects
from armexec.isa.operands import Context

__all__ = ["Instruction", "Targets", "as_dictionary", "disassemble", "instruction_of", "namer", "words_of"]


class Instruction(NamedTuple):
    """One word at an address, with its text.

    A word that isn't described has the text `.word`, with a comment that names the extension that has the instruction,
    if there is one.

    `encoding` is Arm's name for the encoding, `target` the address a branch or a pc-relative operand means.
    """

    address: int
    word: int
    text: str
    encoding: str = ""
    target: int | None = None

    @property
    def mnemonic(self) -> str:
        """The mnemonic as it is printed: `b.eq`, `mov`."""
        return self.text.partition(" ")[0]

    @property
    def operand_text(self) -> str:
        """The text after the mnemonic."""
        return self.text.partition(" ")[2]

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The operands as data, in the order in which they are printed. A word that is no instruction has none."""
        form = self._form
        return () if form is None else operands(form, self.word, self.address)

    @property
    def reads(self) -> tuple[str, ...]:
        """The registers that are read, operands or not, by their whole names: `x0` also for W0, `v0` for S0, `sp`,
        `nzcv`, `fpcr`, `fpsr`. XZR isn't one.
        """
        form, there = self._form, self._effects
        found = dict.fromkeys(map(register_name, there.reads))
        if form is not None and not there.accesses:
            # A prefetch reads the registers of its address without an access.
            for operand in operands(form, self.word, self.address):
                if operand.memory is not None:
                    names = (operand.memory.base, operand.memory.index.replace("w", "x"))
                    found |= dict.fromkeys(name for name in names if name not in ("", "xzr"))
        return tuple(found)

    @property
    def writes(self) -> tuple[str, ...]:
        """The registers that are written, as `reads` has them."""
        return tuple(map(register_name, self._effects.writes))

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of what it is: branch, conditional, call, return, indirect, load, store, atomic, exclusive, acquire,
        release, barrier, system, system call, breakpoint, privileged, undefined, float, simd.
        """
        form = self._form
        return () if form is None else groups(form, self._effects)

    @property
    def feature(self) -> str:
        """The architecture feature that it needs (`FEAT_LSE`), empty for Armv8.0."""
        form = self._form
        return "" if form is None else form.feature

    @property
    def bytes(self) -> bytes:
        """The word as it stands in memory."""
        return self.word.to_bytes(4, "little")

    @property
    def _form(self) -> Form | None:
        form = form_of(self.word) if self.encoding else None
        return None if form is None else form.instruction.printed_form(form, self.word)

    @property
    def _effects(self) -> Effects:
        form = self._form
        return Effects() if form is None else form.instruction.effects(form.instruction.fields(self.word))

    def _repr_html_(self) -> str:
        """Its text and the fields of its word, for notebooks."""
        from armexec.html import table

        form = self._form
        places = form.instruction.places if form is not None else {}
        rows = [("word", "", f"0x{self.word:08X}")]
        fixed = (1 << 32) - 1
        for name, (low, mask) in sorted(places.items(), key=lambda item: -item[1][0]):
            bits = mask.bit_length()
            fixed &= ~(mask << low)
            high = low + bits - 1
            place = f"{high}:{low}" if bits > 1 else f"{low}"
            rows.append((name, place, f"{self.word >> low & mask:0{bits}b}"))
        if form is not None:
            pattern = "".join(str(self.word >> bit & 1) if fixed >> bit & 1 else "-" for bit in range(31, -1, -1))
            rows.append(("fixed bits", "31:0", pattern))
        return table(self.text, ("field", "bits", "value"), rows, detail=self.encoding)

    def __str__(self) -> str:
        return self.text


def as_dictionary(instruction: Instruction) -> dict[str, Any]:
    """An instruction with its facts as dictionaries, lists, texts and numbers, for JSON.

    Empty parts of operands are left out.
    """
    shown: dict[str, Any] = {
        "address": instruction.address,
        "word": instruction.word,
        "text": instruction.text,
        "mnemonic": instruction.mnemonic,
    }
    if instruction.encoding:
        shown |= {
            "operands": [_plain(operand) for operand in instruction.operands],
            "reads": list(instruction.reads),
            "writes": list(instruction.writes),
            "groups": list(instruction.groups),
            "encoding": instruction.encoding,
            "feature": instruction.feature,
        }
    if instruction.target is not None:
        shown["target"] = instruction.target
    return shown


def _plain(value: Any) -> Any:
    if not is_dataclass(value):
        return value
    items = ((f.name, getattr(value, f.name)) for f in fields(value))
    # A number of 0 is kept; a size of 0, an empty text and a part that isn't there are left out.
    return {name: _plain(item) for name, item in items if item not in ("", None) and (name, item) != ("size", 0)}


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


Targets: TypeAlias = Literal["names", "addresses", "distances"]
"""The forms of branch targets: `f+8` where there is a name, else `#-16`; `0x1008 <f+0x8>`; `#-16`."""


def disassemble(
    code: bytes | Iterable[int] | Any,
    *,
    address: int = 0,
    symbols: Mapping[int, str] | None = None,
    targets: Targets = "names",
    data: Iterable[tuple[int, int]] = (),
) -> list[Instruction]:
    """Disassemble words.

    Args:
        code: bytes (little-endian, a multiple of 4), 32-bit ints, something with `.words`, or text such as
            "0xD10043FF 0xB9000FE0", a dump or a listing.
        address: where the first word stands.
        symbols: names of addresses, for branch targets; an address after a name is printed as `name+8`.
        targets: how branch targets are printed: "names" (where there is one, else the distance), "addresses" (as
            objdump does: `0x1008 <name+0x8>`) or "distances" (`#-16`).
        data: ranges of addresses, first and end, whose words are no instructions: they become `.word`.

    Raises:
        LoadError: the code isn't whole 32-bit words; the address is no int, the symbols are no mapping, or `targets` is
            something else.
        AssemblyError: text that isn't words.
    """
    if not isinstance(address, int):
        raise LoadError(f"an address is an int, not {type(address).__name__} {address!r:.60}")
    if symbols is not None and not isinstance(symbols, Mapping):
        raise LoadError(f"symbols map addresses to names, as in {{0x1000: 'fn'}}: not {type(symbols).__name__}")
    words = words_of(code)
    name = namer(symbols or {}, address, address + 4 * len(words), targets)
    found = [instruction_of(word, address + 4 * i, name) for i, word in enumerate(words)]
    for first, end in data:
        start = max(first - address, 0) // 4
        for i in range(start, min((end - address + 3) // 4, len(words))):
            found[i] = Instruction(address + 4 * i, words[i], f".word 0x{words[i]:08x}")
    return found


def namer(symbols: Mapping[int, str], start: int, end: int, targets: Targets) -> Callable[[int], str | None]:
    """A function that returns the text of a target, or None where its distance is printed.

    The code is between `start` and `end`.

    Raises:
        LoadError: `targets` is something else.
    """
    if targets not in ("names", "addresses", "distances"):
        raise LoadError(f"targets={targets!r}: write names, addresses or distances")
    if targets == "distances" or (targets == "names" and not symbols):
        return _no_name
    places = sorted(symbols)
    plus = "+{:#x}" if targets == "addresses" else "+{}"

    def name(address: int) -> str | None:
        found = symbols.get(address)
        if found is not None:
            return found
        index = bisect_right(places, address) - 1
        if index < 0 or not start <= address < end:
            return None
        return symbols[places[index]] + plus.format(address - places[index])

    if targets == "names":
        return name

    def place(address: int) -> str:
        found = name(address)
        return f"{address:#x} <{found}>" if found else f"{address:#x}"

    return place


def _no_name(address: int) -> None:
    return None


def _needs(word: int) -> str:
    """A comment that names the extension that has the instruction, if there is one."""
    from armexec.isa.extensions import needed_by_word

    needed = needed_by_word(word)
    return f" // {needed[0]} needs {needed[1]}" if needed is not None else ""


# Texts and encodings of words without a label, which are the same at every address.
_printed: dict[int, tuple[str, str]] = {}
_LIMIT = 1 << 16


def instruction_of(word: int, address: int, name: Callable[[int], str | None]) -> Instruction:
    """The instruction of a word; `name` is what `namer` gives."""
    printed = _printed.get(word)
    if printed is not None:
        return Instruction(address, word, *printed)
    encoding = form_of(word)
    if encoding is None:
        return Instruction(address, word, f".word 0x{word:08x}{_needs(word)}")
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
