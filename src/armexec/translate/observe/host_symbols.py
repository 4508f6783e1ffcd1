"""The functions of an object file once it is linked: where each is, and how long."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from armexec.translate.codegen.host_object import read_object

__all__ = ["HostSymbol", "section_addresses", "symbols"]

_EXECUTABLE = 4  # SHF_EXECINSTR


class HostSymbol(NamedTuple):
    """A function of the host: its name in the object, its address, its size in bytes."""

    name: str
    address: int
    size: int


def _elf(data: bytes) -> Any:
    from elftools.elf.elffile import ELFFile

    return ELFFile(io.BytesIO(data))


def symbols(data: bytes, known: Mapping[str, int]) -> list[HostSymbol]:
    """The functions of an object, in the order of their addresses. `known`: the address of at least one of them."""
    addresses = _section_addresses(data, known)
    found = []
    for symbol in _elf(data).get_section_by_name(".symtab").iter_symbols():
        start = addresses.get(symbol["st_shndx"])
        if symbol["st_info"]["type"] == "STT_FUNC" and start is not None:
            found.append(HostSymbol(symbol.name, start + symbol["st_value"], symbol["st_size"]))
    return sorted(found, key=lambda symbol: symbol.address)


def section_addresses(data: bytes, known: Mapping[str, int]) -> dict[str, int]:
    """By name, where the sections of code of an object are. `known`: the address of at least one of its functions."""
    elf = _elf(data)
    sections = ((elf.get_section(index), address) for index, address in _section_addresses(data, known).items())
    return {section.name: address for section, address in sections if section["sh_flags"] & _EXECUTABLE}


def _section_addresses(data: bytes, known: Mapping[str, int]) -> dict[int, int]:
    found = read_object(data)
    base = next((address - found.symbols[name] for name, address in known.items() if name in found.symbols), None)
    return {} if base is None else {index: base + offset for index, offset in found.places.items()}
