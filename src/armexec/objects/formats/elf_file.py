"""The records of ELF64 files for AArch64, of objects and of shared libraries: section headers, symbols, debug sections.

Source: System V ABI (ELF), chapter 4.

The records are unpacked here in bulk, and every size is checked before it is used. pyelftools, which reads the DWARF,
takes 20 us a record and 50 ms to import, and trusts the sizes in the file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

from armexec.errors import LoadError
from armexec.objects.debug_info.later import without_ranges
from armexec.objects.formats.kinds import refused_elf
from armexec.objects.formats.labels import mark_of
from armexec.objects.layout import Binding, SymbolKind

__all__ = [
    "BINDINGS",
    "ET_DYN",
    "ET_REL",
    "KINDS",
    "SHF_ALLOC",
    "SHF_COMPRESSED",
    "SHF_EXECINSTR",
    "SHF_TLS",
    "SHF_WRITE",
    "SHT_NOBITS",
    "SHT_PROGBITS",
    "SHT_SYMTAB",
    "STT_GNU_IFUNC",
    "STT_TLS",
    "ElfFile",
    "ElfSymbol",
    "Header",
    "debug_name",
    "is_mark",
    "string",
]

ET_REL, ET_DYN = 1, 3
SHT_PROGBITS, SHT_SYMTAB, SHT_NOBITS, SHT_SYMTAB_SHNDX = 1, 2, 8, 18
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS, SHF_COMPRESSED = 1, 2, 4, 0x400, 0x800
_SHN_LORESERVE, _SHN_XINDEX = 0xFF00, 0xFFFF
STT_TLS, STT_GNU_IFUNC = 6, 10
KINDS: dict[int, SymbolKind] = {1: "object", 2: "function", 3: "section", 5: "object", 6: "tls"}
BINDINGS: dict[int, Binding] = {0: "local", 1: "global", 2: "weak", 10: "weak"}  # STB_GNU_UNIQUE: one of many
_MAX_DEBUG = 1 << 28


class Header(NamedTuple):
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


class ElfSymbol(NamedTuple):
    name: str
    info: int
    section: int  # extended indexes resolved; the reserved ones, which are negative here, are not sections
    value: int
    size: int
    other: int = 0


class ElfFile:
    """An ELF64 little-endian file for AArch64 of one type, ET_REL or ET_DYN. Methods raise LoadError."""

    def __init__(self, data: bytes, name: str, type: int) -> None:
        self.data = data
        self.name = name
        self._check_ident(type)
        self.headers = self._read_headers()
        self.symbols = self._read_symbols()

    def bad(self, text: str) -> LoadError:
        return LoadError(f"{self.name}: corrupted ELF file: {text}")

    def _check_ident(self, type: int) -> None:
        data, name = self.data, self.name
        if len(data) < 64:
            raise LoadError(f"{name}: truncated ELF file: {len(data)} bytes, its header takes 64")
        refused = refused_elf(data, type)
        if refused:
            raise LoadError(f"{name}: {refused}")

    def _read_headers(self) -> list[Header]:
        data = self.data
        (offset,) = struct.unpack_from("<Q", data, 40)
        entry, count, names_index = struct.unpack_from("<HHH", data, 58)
        if not offset:
            return []
        if entry != 64:
            raise self.bad(f"section headers of {entry} bytes")
        if offset + 64 > len(data):
            raise self.bad(f"section headers at {offset:#x}, past the end of the file")
        if count == 0:
            (count,) = struct.unpack_from("<Q", data, offset + 32)
        if names_index == _SHN_XINDEX:
            (names_index,) = struct.unpack_from("<I", data, offset + 40)
        if count > (len(data) - offset) // 64:
            raise self.bad(f"{count} section headers, more than the file holds")
        raw = list(struct.iter_unpack("<IIQQQQIIQQ", data[offset : offset + 64 * count]))
        total = 0
        for _, kind, _, _, at, size, *_ in raw:
            if kind not in {0, SHT_NOBITS}:
                total += size
                if at + size > len(data):
                    raise self.bad(f"a section of {size:#x} bytes at {at:#x}, past the end of the file")
        if total > 2 * len(data):
            raise self.bad("its sections overlap")
        if names_index >= count:
            raise self.bad(f"section names in section {names_index}, which isn't there")
        start = raw[names_index][4]
        names = data[start : start + raw[names_index][5]] if raw[names_index][1] != SHT_NOBITS else b""
        return [
            Header(string(names, n), kind, flags, address, at, size, link, info, align, entsize)
            for n, kind, flags, address, at, size, link, info, align, entsize in raw
        ]

    def content(self, header: Header) -> bytes:
        return b"" if header.type == SHT_NOBITS else self.data[header.offset : header.offset + header.size]

    def for_debug_info(self) -> bytes | None:
        """The file with zeros for what is loaded, from which the debug information can be read; None without any."""
        if not any(header.name in (".debug_info", ".zdebug_info") for header in self.headers):
            return None
        loaded = [h for h in self.headers if h.flags & SHF_ALLOC and h.type != SHT_NOBITS]
        return without_ranges(self.data, ((h.offset, h.size) for h in loaded))

    def _read_symbols(self) -> list[ElfSymbol]:
        tables = [i for i, h in enumerate(self.headers) if h.type == SHT_SYMTAB]
        if not tables:
            return []
        index, header = tables[0], self.headers[tables[0]]
        if header.size % 24:
            raise self.bad(f"a symbol table of {header.size} bytes")
        if header.link >= len(self.headers):
            raise self.bad(f"symbol names in section {header.link}, which isn't there")
        names = self.content(self.headers[header.link])
        extended: tuple[int, ...] = ()
        for other in self.headers:
            if other.type == SHT_SYMTAB_SHNDX and other.link == index:
                extended = struct.unpack(f"<{other.size // 4}I", self.content(other)[: other.size & ~3])
        symbols = []
        for i, (n, info, other, section, value, size) in enumerate(struct.iter_unpack("<IBBHQQ", self.content(header))):
            where = section if section < _SHN_LORESERVE else section - 0x10000
            if section == _SHN_XINDEX:
                if i >= len(extended):
                    raise self.bad(f"symbol {i} has no extended section index")
                where = extended[i]
            symbols.append(ElfSymbol(string(names, n), info, where, value, size, other))
        return symbols

    def debug_sections(self, relocated: Callable[[int, bytes], bytes] | None = None) -> dict[str, bytes]:
        """The debug sections by name, without dot and `z`, decompressed; `relocated` is given the number of each."""
        found = {}
        for number, header in enumerate(self.headers):
            if not header.name.startswith((".debug_", ".zdebug_")):
                continue
            if header.flags & SHF_ALLOC or header.type != SHT_PROGBITS:
                continue
            content = self.content(header)
            if header.flags & SHF_COMPRESSED or header.name.startswith(".zdebug_"):
                content = self._decompress(header, content)
            if relocated is not None:
                content = relocated(number, content)
            found[debug_name(header)] = content
        return found

    def _decompress(self, header: Header, content: bytes) -> bytes:
        """The contents of a compressed section, in ELF's format or in GNU's older one (.zdebug_*)."""
        if header.flags & SHF_COMPRESSED:
            if len(content) < 24:
                raise self.bad(f"compressed section {header.name} has {len(content)} bytes, and its header takes 24")
            kind, _, size, _ = struct.unpack_from("<IIQQ", content)
            start = 24
        else:
            kind, size, start = 1, int.from_bytes(content[4:12], "big"), 12
            if content[:4] != b"ZLIB":
                raise self.bad(f"{header.name} doesn't begin with ZLIB")
        if kind != 1:
            how = "by Zstandard" if kind == 2 else f"in a way that isn't known ({kind})"
            raise LoadError(f"{self.name}: {header.name} is compressed {how}: compile with -gz=zlib or -gz=none")
        if size > _MAX_DEBUG:
            raise LoadError(f"{self.name}: {header.name} has {size} bytes, and at most {_MAX_DEBUG} are read")
        made = zlib.decompressobj()
        try:
            data = made.decompress(content[start:], size)
        except zlib.error as e:
            raise self.bad(f"{header.name}: {e}") from None
        if len(data) != size:
            raise self.bad(f"{header.name} has {len(data)} bytes instead of {size}: it is truncated")
        return data


def debug_name(header: Header) -> str:
    """The name of a debug section without dot and `z`."""
    return header.name[1:].removeprefix("z")


def is_mark(symbol: ElfSymbol) -> bool:
    """Whether a symbol is a mapping symbol, which is local and has no type."""
    return symbol.info == 0 and mark_of(symbol.name) is not None


def string(table: bytes, offset: int) -> str:
    """The string at an offset in a table, up to its null character or the end."""
    end = table.find(b"\0", offset)
    return table[offset : end if end >= 0 else len(table)].decode("utf-8", "backslashreplace")
