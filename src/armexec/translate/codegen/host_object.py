"""Object files that LLVM makes for this host, read: ELF for x86-64 and AArch64.

Source: System V ABI, "Object Files"; the structures are those of ELF-64, little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from armexec.errors import HostError

__all__ = ["HostObject", "HostRelocation", "HostSymbol", "Placed", "read_object"]

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_SHT_RELA, _SHT_SYMTAB, _SHT_NOBITS = 4, 2, 8
_SHF_WRITE, _SHF_ALLOC, _SHF_EXECINSTR = 1, 2, 4
_STB_LOCAL = 0
_SHN_UNDEF, _SHN_ABS = 0, 0xFFF1


class Placed(NamedTuple):
    """A section that is in memory at run time: its content, and its offset from the first one."""

    offset: int
    data: bytes


class HostSymbol(NamedTuple):
    """A symbol: its offset from the first section, None where another object defines it."""

    name: str
    offset: int | None


class HostRelocation(NamedTuple):
    """A field to be written: its offset, its type in the processor's ABI, the symbol and the addend."""

    offset: int
    type: int
    symbol: HostSymbol
    addend: int


class HostObject(NamedTuple):
    """An object whose sections have their places, code first.

    `size`: bytes from the first section to the end of the last. `places`: the offsets of sections by their numbers in
    the file. `symbols`: the offsets of those that others can see, by name.
    """

    machine: int
    size: int
    sections: tuple[Placed, ...]
    places: dict[int, int]
    symbols: dict[str, int]
    relocations: list[HostRelocation]


def read_object(data: bytes) -> HostObject:
    """Read an object file. Raises HostError for one that LLVM doesn't make for translated code."""
    try:
        return _read(data)
    except (struct.error, IndexError, ValueError) as error:
        raise HostError(f"the object of translated code is damaged: {error}") from error


def _read(data: bytes) -> HostObject:
    identity, _, machine, _, _, _, at, *_, count, names_index = _HEADER.unpack_from(data)
    if identity[:6] != b"\x7fELF\x02\x01":
        raise HostError("the object of translated code isn't little-endian ELF-64")
    headers = [_SECTION.unpack_from(data, at + i * _SECTION.size) for i in range(count)]
    names = headers[names_index][4]
    offsets: dict[int, int] = {}
    placed: list[Placed] = []
    end = 0
    is_code = [bool(header[2] & _SHF_EXECINSTR) for header in headers]
    for index in sorted(range(count), key=lambda i: not is_code[i]):
        name, kind, flags, _, start, size, *_, align, _ = headers[index]
        if not flags & _SHF_ALLOC or not size:
            continue
        text = _text(data, names + name)
        if text == ".eh_frame":
            continue  # nothing unwinds translated code: it is left by longjmp
        if flags & _SHF_WRITE and not text.startswith(".data.rel.ro"):
            raise HostError(f"the object of translated code has writable data, in {text}: it may have none")
        if kind != _SHT_NOBITS and start + size > len(data):
            raise HostError(f"the object of translated code is damaged: {text} is cut off")
        end = -(-end // align) * align if align else end
        offsets[index] = end
        placed.append(Placed(end, bytes(size) if kind == _SHT_NOBITS else data[start : start + size]))
        end += size
    table = next((header for header in headers if header[1] == _SHT_SYMTAB), None)
    symbols: list[HostSymbol] = []
    visible: dict[str, int] = {}
    if table is not None:
        strings = headers[table[6]][4]
        for name, info, _, section, value, _ in _SYMBOL.iter_unpack(data[table[4] : table[4] + table[5]]):
            text = _text(data, strings + name)
            inside = offsets.get(section)
            if section == _SHN_ABS or (inside is None and section != _SHN_UNDEF):
                symbols.append(HostSymbol(text, 0))  # the file's name, or a place that isn't in memory
                continue
            offset = None if inside is None else inside + value
            symbols.append(HostSymbol(text, offset))
            if offset is not None and info >> 4 != _STB_LOCAL:
                visible[text] = offset
    relocations = list(_relocations(data, headers, offsets, symbols))
    return HostObject(machine, end, tuple(placed), offsets, visible, relocations)


def _relocations(
    data: bytes, headers: list[tuple[int, ...]], offsets: dict[int, int], symbols: list[HostSymbol]
) -> Iterator[HostRelocation]:
    for _, kind, _, _, start, size, _, target, *_ in headers:
        inside = offsets.get(target)
        if kind == _SHT_RELA and inside is not None:
            for offset, info, addend in _RELOCATION.iter_unpack(data[start : start + size]):
                yield HostRelocation(inside + offset, info & 0xFFFFFFFF, symbols[info >> 32], addend)


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()
