"""The functions of an object file once it is linked: where each is, and how long.

Only some of them have addresses that the linker tells; the others are found from these. JITLink puts the sections of
code behind each other in the order of the object (llvm/ExecutionEngine/JITLink/JITLink.h, `BasicLayout`); whether it
did is looked up in memory, and what isn't where it should be is left out.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from armexec.memory import AccessError, HostMemory

__all__ = ["HostSymbol", "is_elf", "section_addresses", "symbols"]

_EXECUTABLE = 4  # SHF_EXECINSTR
_BEFORE, _AFTER = 3, 8
"""A relocation changes so many bytes after its place, and where it makes a load an address, an opcode before it."""


class HostSymbol(NamedTuple):
    """A function of the host: its name in the object, its address, its size in bytes."""

    name: str
    address: int
    size: int


def is_elf(data: bytes) -> bool:
    """Whether an object is of the only format that is read here."""
    return data.startswith(b"\x7fELF")


def _elf(data: bytes) -> Any:
    from elftools.elf.elffile import ELFFile

    return ELFFile(io.BytesIO(data))


def symbols(data: bytes, known: Mapping[str, int]) -> list[HostSymbol]:
    """The functions of an ELF object, in the order of their addresses.

    `known`: the addresses of those that the linker told.
    """
    elf = _elf(data)
    addresses = _section_addresses(elf, known)
    found = []
    for symbol in elf.get_section_by_name(".symtab").iter_symbols():
        start = addresses.get(symbol["st_shndx"])
        if symbol["st_info"]["type"] == "STT_FUNC" and start is not None:
            found.append(HostSymbol(symbol.name, start + symbol["st_value"], symbol["st_size"]))
    return sorted(found, key=lambda symbol: symbol.address)


def section_addresses(data: bytes, known: Mapping[str, int]) -> dict[str, int]:
    """By name, where the sections of code of an ELF object are, as far as that is certain."""
    elf = _elf(data)
    return {elf.get_section(index).name: address for index, address in _section_addresses(elf, known).items()}


def _section_addresses(elf: Any, known: Mapping[str, int]) -> dict[int, int]:
    table = elf.get_section_by_name(".symtab")
    addresses: dict[int, int] = {}
    for name, address in known.items():
        for symbol in table.get_symbol_by_name(name) or ():
            if isinstance(symbol["st_shndx"], int):
                addresses[symbol["st_shndx"]] = address - symbol["st_value"]
    end: int | None = None
    for index, section in enumerate(elf.iter_sections()):
        if not section["sh_flags"] & _EXECUTABLE or not section["sh_size"]:
            continue
        start = addresses.get(index)
        if start is None and end is not None:
            guessed = -(-end // section["sh_addralign"]) * section["sh_addralign"]
            if _is_there(elf, index, guessed):
                start = addresses[index] = guessed
        end = None if start is None else start + section["sh_size"]
    return addresses


def _is_there(elf: Any, index: int, address: int) -> bool:
    """Whether memory holds a section's bytes, but for those that the linker changed."""
    expected = bytearray(elf.get_section(index).data())
    try:
        present = bytearray(HostMemory().read(address, len(expected)))
    except AccessError:
        return False
    for section in elf.iter_sections():
        if section["sh_type"] in ("SHT_RELA", "SHT_REL") and section["sh_info"] == index:
            for relocation in section.iter_relocations():
                place = relocation["r_offset"]
                at = slice(max(place - _BEFORE, 0), min(place + _AFTER, len(expected)))
                expected[at] = present[at] = bytes(at.stop - at.start)
    return present == expected
