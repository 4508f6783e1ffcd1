"""Symbols of a shared library that are local to it: in its symbol table, but unknown to the dynamic linker."""

from __future__ import annotations

import mmap
from collections.abc import Collection
from pathlib import Path
from typing import Any

__all__ = ["local_symbols"]


def local_symbols(path: Path, names: Collection[str]) -> dict[str, int]:
    """The values of those symbols that an ELF-64 library's `.symtab` has: offsets from where it is mapped.

    Only names are looked for: libraries have symbols by the hundred thousand. Nothing is found in a library that was
    stripped, or that isn't one.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            elf: Any = ELFFile(file)
            table = elf.get_section_by_name(".symtab")
            if table is None or elf.elfclass != 64:
                return {}
            strings = elf.get_section(table["sh_link"])
            found = {}
            for name in names:
                value = _value(data, table, strings, name.encode())
                if value is not None:
                    found[name] = value
            return found
    except (OSError, ValueError, ELFError):
        return {}


def _value(data: mmap.mmap, table: Any, strings: Any, name: bytes) -> int | None:
    start = strings["sh_offset"]
    at = data.find(b"\0" + name + b"\0", start, start + strings["sh_size"])
    if at < 0:
        return None
    # Elf64_Sym: st_name (4), st_info, st_other, st_shndx (2), st_value (8), st_size (8).
    wanted = (at + 1 - start).to_bytes(4, "little")
    first, size = table["sh_offset"], table["sh_entsize"]
    entry = data.find(wanted, first, first + table["sh_size"])
    while entry >= 0:
        if (entry - first) % size == 0 and data[entry + 6 : entry + 8] != b"\0\0":
            return int.from_bytes(data[entry + 8 : entry + 16], "little")
        entry = data.find(wanted, entry + 1, first + table["sh_size"])
    return None
