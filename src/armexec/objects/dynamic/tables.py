"""The tables of a shared library that its dynamic section names: strings, symbols, versions, relocations.

Source: System V ABI (ELF), chapter 5; Linux Standard Base, "Symbol Versioning"; the generic ABI's DT_RELR. Every table
is looked up by its address in the loaded segments, and every size is checked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from armexec.errors import LoadError
from armexec.objects.dynamic.library import DynamicRelocation, Version
from armexec.objects.formats.elf_file import ElfSymbol, string

__all__ = ["DynamicTables", "LoadedBytes", "ProgramHeader"]

_DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_RELA, _DT_RELASZ, _DT_RELAENT = 1, 4, 5, 6, 7, 8, 9
_DT_STRSZ, _DT_REL, _DT_PLTREL, _DT_JMPREL, _DT_PLTRELSZ = 10, 17, 20, 23, 2
_DT_RELRSZ, _DT_RELR = 35, 36
_DT_GNU_HASH, _DT_VERSYM, _DT_VERDEF, _DT_VERDEFNUM = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
_DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
_DT_ANDROID_REL, _DT_ANDROID_RELA = 0x6000000F, 0x60000011
_SYMBOL = 24
_RELA = 24
_VER_FLG_BASE = 1
_MOST_SYMBOLS = 1 << 24
_MOST_VERSIONS = 1 << 15
_RELATIVE = 1027


class ProgramHeader(NamedTuple):
    """A program header; `flags` are PF_X (1), PF_W (2) and PF_R (4)."""

    type: int
    flags: int
    offset: int
    address: int
    data_size: int
    size: int
    align: int


class LoadedBytes:
    """The bytes of a file by the addresses at which its segments are loaded. Methods raise LoadError."""

    def __init__(self, name: str, data: bytes, loads: Sequence[ProgramHeader]) -> None:
        self.name = name
        self._data = data
        self._loads = loads

    def at(self, address: int, size: int, what: str) -> bytes:
        """The bytes at an address, all of which are in the file."""
        for load in self._loads:
            if load.address <= address and address + size <= load.address + load.data_size:
                start = load.offset + address - load.address
                return self._data[start : start + size]
        raise LoadError(f"{self.name}: corrupted ELF file: {what} of {size} bytes at {address:#x}, which isn't loaded")

    def rest(self, address: int, what: str) -> bytes:
        """The bytes from an address to the end of what is loaded of the file there."""
        for load in self._loads:
            if load.address <= address < load.address + load.data_size:
                return self._data[load.offset + address - load.address : load.offset + load.data_size]
        raise LoadError(f"{self.name}: corrupted ELF file: {what} at {address:#x}, which isn't loaded")


class DynamicTables:
    """The tables that the dynamic section, `content`, names. Methods raise LoadError, and struct.error in the end."""

    def __init__(self, name: str, content: bytes, loaded: LoadedBytes) -> None:
        self.name = name
        self._loaded = loaded
        self.entries: list[tuple[int, int]] = []
        for tag, value in struct.iter_unpack("<QQ", content[: len(content) & -16]):
            if tag == 0:
                break
            self.entries.append((tag, value))
        self.values: Mapping[int, int] = dict(reversed(self.entries))
        self._strings = b""
        if _DT_STRTAB in self.values:
            self._strings = loaded.at(self.values[_DT_STRTAB], self.values.get(_DT_STRSZ, 0), "a string table")

    def _bad(self, text: str) -> LoadError:
        return LoadError(f"{self.name}: corrupted ELF file: {text}")

    def _string(self, offset: int) -> str:
        if offset >= len(self._strings) > 0:
            raise self._bad(f"a string at {offset:#x}, past the end of the string table")
        return string(self._strings, offset)

    def text(self, tag: int) -> str:
        """The string that an entry refers to; empty if there is no such entry."""
        return self._string(self.values[tag]) if tag in self.values else ""

    @property
    def needed(self) -> list[str]:
        """The names of the dependencies."""
        return [self._string(value) for tag, value in self.entries if tag == _DT_NEEDED]

    def words(self, address_tag: int, size_tag: int, what: str) -> range:
        """The addresses of the words of an array."""
        if address_tag not in self.values:
            return range(0)
        size = self.values.get(size_tag, 0) & -8
        self._loaded.at(self.values[address_tag], size, what)
        return range(self.values[address_tag], self.values[address_tag] + size, 8)

    # Symbols

    def symbols(self) -> list[ElfSymbol]:
        """The dynamic symbols. Their sections are as in the file."""
        if _DT_SYMTAB not in self.values:
            return []
        count = self._symbol_count()
        table = self._loaded.at(self.values[_DT_SYMTAB], _SYMBOL * count, "a symbol table")
        return [
            ElfSymbol(self._string(name) if name else "", info, section, value, size, other)
            for name, info, other, section, value, size in struct.iter_unpack("<IBBHQQ", table)
        ]

    def _symbol_count(self) -> int:
        """The number of symbols, which only the hash tables tell."""
        if _DT_HASH in self.values:
            _, count = struct.unpack("<II", self._loaded.at(self.values[_DT_HASH], 8, "a hash table"))
        elif _DT_GNU_HASH in self.values:
            count = self._counted_by_gnu_hash(self._loaded.rest(self.values[_DT_GNU_HASH], "a hash table"))
        else:
            raise self._bad("its dynamic symbols have no hash table (DT_HASH or DT_GNU_HASH)")
        if count > _MOST_SYMBOLS:
            raise self._bad(f"{count} dynamic symbols")
        return int(count)

    def _counted_by_gnu_hash(self, table: bytes) -> int:
        """One more than the last symbol in the chain of the last bucket; without one, the first that isn't hashed."""
        buckets, first, bloom, _ = struct.unpack_from("<IIII", table)
        start = 16 + 8 * bloom
        if start + 4 * buckets > len(table):
            raise self._bad(f"a hash table of {buckets} buckets, more than the file holds")
        last = max(struct.unpack_from(f"<{buckets}I", table, start), default=0)
        if last < first:
            return int(first)
        chain = start + 4 * buckets - 4 * first
        while not struct.unpack_from("<I", table, chain + 4 * last)[0] & 1:
            last += 1
        return int(last) + 1

    def versions(self, count: int) -> tuple[list[Version | None], bool]:
        """The version of each symbol, and whether the library's own definitions have versions."""
        if _DT_VERSYM not in self.values:
            return [None] * count, False
        table = self._loaded.at(self.values[_DT_VERSYM], 2 * count, "a table of versions")
        names = dict(self._defined_versions()) | dict(self._wanted_versions())
        found: list[Version | None] = []
        for (number,) in struct.iter_unpack("<H", table):
            name = names.get(number & 0x7FFF)
            found.append(Version(name, bool(number & 0x8000)) if name is not None else None)
        return found, _DT_VERDEF in self.values

    def _defined_versions(self) -> Iterator[tuple[int, str]]:
        address = self.values.get(_DT_VERDEF)
        for _ in range(min(self.values.get(_DT_VERDEFNUM, 0), _MOST_VERSIONS) if address is not None else 0):
            assert address is not None
            record = self._loaded.at(address, 20, "a version's definition")
            _, flags, number, _, _, names, next = struct.unpack("<HHHHIII", record)
            (name,) = struct.unpack("<I", self._loaded.at(address + names, 4, "a version's name"))
            if not flags & _VER_FLG_BASE:
                yield number & 0x7FFF, self._string(name)
            if not next:
                break
            address += next

    def _wanted_versions(self) -> Iterator[tuple[int, str]]:
        address = self.values.get(_DT_VERNEED)
        total = 0
        for _ in range(min(self.values.get(_DT_VERNEEDNUM, 0), _MOST_VERSIONS) if address is not None else 0):
            assert address is not None
            record = self._loaded.at(address, 16, "the versions of a dependency")
            _, count, _, first, next = struct.unpack("<HHIII", record)
            at = address + first
            for _ in range(count):
                total += 1
                if total > _MOST_VERSIONS:
                    raise self._bad("more versions than there are numbers for")
                _, _, number, name, following = struct.unpack("<IHHII", self._loaded.at(at, 16, "a version's name"))
                yield number & 0x7FFF, self._string(name)
                if not following:
                    break
                at += following
            if not next:
                break
            address += next

    # Relocations

    def relocations(self) -> Iterator[DynamicRelocation]:
        """All relocations, those of the procedure linkage table last."""
        for tag, what in ((_DT_REL, "DT_REL"), (_DT_ANDROID_REL, "Android's"), (_DT_ANDROID_RELA, "Android's")):
            if tag in self.values:
                raise LoadError(
                    f"{self.name}: its relocations are {what}, which armexec doesn't read:"
                    " link without --pack-dyn-relocs=android, and for AArch64"
                )
        yield from self._relative_relocations()
        for table, size in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
            if table not in self.values or not self.values.get(size):
                continue
            if self.values[size] % _RELA:
                raise self._bad(f"a table of relocations of {self.values[size]} bytes")
            content = self._loaded.at(self.values[table], self.values[size], "a table of relocations")
            for address, info, addend in struct.iter_unpack("<QQq", content):
                yield DynamicRelocation(address, info & 0xFFFFFFFF, info >> 32, addend)

    def _relative_relocations(self) -> Iterator[DynamicRelocation]:
        """DT_RELR: an even word is an address, an odd one a bitmap of the 63 words behind the last address."""
        if _DT_RELR not in self.values:
            return
        size = self.values.get(_DT_RELRSZ, 0) & -8
        where = 0
        for (word,) in struct.iter_unpack("<Q", self._loaded.at(self.values[_DT_RELR], size, "DT_RELR")):
            if not word & 1:
                yield self._relative(word)
                where = word + 8
                continue
            for bit in range(63):
                if word >> (bit + 1) & 1:
                    yield self._relative(where + 8 * bit)
            where += 8 * 63

    def _relative(self, address: int) -> DynamicRelocation:
        (addend,) = struct.unpack("<q", self._loaded.at(address, 8, "a relocated word"))
        return DynamicRelocation(address, _RELATIVE, 0, addend)
