"""ELF64 relocatable objects for AArch64 -> a part of an image.

Source: System V ABI (ELF), chapters 4 and 5, and ELF for the Arm 64-bit Architecture (AAELF64).

The three fixed records of an object (section header, symbol, relocation) are unpacked here in bulk, and every size is
checked before it is used. pyelftools, which reads the DWARF, takes 20 us a record and 50 ms to import, and trusts the
sizes in the file.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from armexec.errors import LoadError
from armexec.objects.formats.indirect import call_resolvers
from armexec.objects.formats.kinds import refused_elf
from armexec.objects.formats.labels import mark_of, with_functions
from armexec.objects.layout import (
    ABSOLUTE,
    MAX_IMAGE,
    Binding,
    Mark,
    PlacedSection,
    Reference,
    Section,
    SectionSymbol,
    SymbolKind,
    too_large,
)
from armexec.objects.linking import FINAL, Initializer, Part
from armexec.objects.relocations import RelocationType

if TYPE_CHECKING:
    from armexec.objects.debug_info.dwarf import DebugInfo

__all__ = ["read_elf"]

_SHT_PROGBITS, _SHT_SYMTAB, _SHT_RELA, _SHT_NOBITS, _SHT_REL = 1, 2, 4, 8, 9
_SHT_INIT_ARRAY, _SHT_FINI_ARRAY, _SHT_PREINIT_ARRAY, _SHT_SYMTAB_SHNDX = 14, 15, 16, 18
_SHT_CREL = 0x40000014
_LOADED_TYPES = {_SHT_PROGBITS, _SHT_NOBITS, _SHT_INIT_ARRAY, _SHT_FINI_ARRAY, _SHT_PREINIT_ARRAY}
_SHF_WRITE, _SHF_ALLOC, _SHF_EXECINSTR, _SHF_TLS, _SHF_COMPRESSED = 1, 2, 4, 0x400, 0x800
_SHN_UNDEF, _SHN_LORESERVE, _SHN_ABS, _SHN_COMMON, _SHN_XINDEX = 0, 0xFF00, 0xFFF1, 0xFFF2, 0xFFFF
_STT_FILE, _STT_TLS, _STT_GNU_IFUNC = 4, 6, 10
_KINDS: dict[int, SymbolKind] = {1: "object", 2: "function", 3: "section", 5: "object"}
_BINDINGS: dict[int, Binding] = {0: "local", 1: "global", 2: "weak", 10: "weak"}  # STB_GNU_UNIQUE: one of many
_TLS_TYPES = range(512, 1024)  # R_AARCH64_TLS*
_RELRO = re.compile(r"\.(data\.rel\.ro|init_array|fini_array|preinit_array|ctors|dtors)(\.|$)")
_INITIALIZERS = re.compile(r"\.(preinit_array|init_array|ctors|fini_array)(?:\.(\d+))?$")
_PHASES = {"preinit_array": 0, "init_array": 1, "ctors": 1, "fini_array": FINAL}
_PERSONALITY = re.compile(r"\.data(\.rel\.local)?\.DW\.ref\.")
_MAX_DEBUG = 1 << 28


class _Header(NamedTuple):
    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


class _Symbol(NamedTuple):
    name: str
    info: int
    section: int  # extended indexes resolved; the reserved ones, which are negative here, are not sections
    value: int
    size: int


def read_elf(data: bytes, name: str) -> Part:
    """The content of an ELF64 little-endian AArch64 relocatable object. Raises LoadError."""
    try:
        return _Object(data, name).part()
    except struct.error as e:
        raise LoadError(f"{name}: truncated or corrupted ELF file: {e}") from None


class _Object:
    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self._check_ident()
        self.headers = self._read_headers()
        self.symbols = self._read_symbols()

    def _bad(self, text: str) -> LoadError:
        return LoadError(f"{self.name}: corrupted ELF file: {text}")

    def _check_ident(self) -> None:
        data, name = self.data, self.name
        if len(data) < 64:
            raise LoadError(f"{name}: truncated ELF file: {len(data)} bytes, its header takes 64")
        refused = refused_elf(data)
        if refused:
            raise LoadError(f"{name}: {refused}")

    def _read_headers(self) -> list[_Header]:
        data = self.data
        (offset,) = struct.unpack_from("<Q", data, 40)
        entry, count, names_index = struct.unpack_from("<HHH", data, 58)
        if not offset:
            return []
        if entry != 64:
            raise self._bad(f"section headers of {entry} bytes")
        if offset + 64 > len(data):
            raise self._bad(f"section headers at {offset:#x}, past the end of the file")
        if count == 0:
            (count,) = struct.unpack_from("<Q", data, offset + 32)
        if names_index == _SHN_XINDEX:
            (names_index,) = struct.unpack_from("<I", data, offset + 40)
        if count > (len(data) - offset) // 64:
            raise self._bad(f"{count} section headers, more than the file holds")
        raw = list(struct.iter_unpack("<IIQQQQIIQQ", data[offset : offset + 64 * count]))
        total = 0
        for _, kind, _, _, at, size, *_ in raw:
            if kind not in {0, _SHT_NOBITS}:
                total += size
                if at + size > len(data):
                    raise self._bad(f"a section of {size:#x} bytes at {at:#x}, past the end of the file")
        if total > 2 * len(data):
            raise self._bad("its sections overlap")
        if names_index >= count:
            raise self._bad(f"section names in section {names_index}, which isn't there")
        start = raw[names_index][4]
        names = data[start : start + raw[names_index][5]] if raw[names_index][1] != _SHT_NOBITS else b""
        return [
            _Header(_string(names, n), kind, flags, at, size, link, info, align, entsize)
            for n, kind, flags, _, at, size, link, info, align, entsize in raw
        ]

    def _content(self, header: _Header) -> bytes:
        return b"" if header.type == _SHT_NOBITS else self.data[header.offset : header.offset + header.size]

    def _read_symbols(self) -> list[_Symbol]:
        tables = [i for i, h in enumerate(self.headers) if h.type == _SHT_SYMTAB]
        if not tables:
            return []
        index, header = tables[0], self.headers[tables[0]]
        if header.size % 24:
            raise self._bad(f"a symbol table of {header.size} bytes")
        if header.link >= len(self.headers):
            raise self._bad(f"symbol names in section {header.link}, which isn't there")
        names = self._content(self.headers[header.link])
        extended: tuple[int, ...] = ()
        for other in self.headers:
            if other.type == _SHT_SYMTAB_SHNDX and other.link == index:
                extended = struct.unpack(f"<{other.size // 4}I", self._content(other)[: other.size & ~3])
        symbols = []
        for i, (n, info, _, section, value, size) in enumerate(struct.iter_unpack("<IBBHQQ", self._content(header))):
            where = section if section < _SHN_LORESERVE else section - 0x10000
            if section == _SHN_XINDEX:
                if i >= len(extended):
                    raise self._bad(f"symbol {i} has no extended section index")
                where = extended[i]
            symbols.append(_Symbol(_string(names, n), info, where, value, size))
        return symbols

    def part(self) -> Part:
        sections: list[Section] = []
        index: dict[int, int] = {}  # of a section in the file -> in the image
        for i, header in enumerate(self.headers):
            if not self._is_loaded(header):
                continue
            index[i] = len(sections)
            nobits = header.type == _SHT_NOBITS
            sections.append(
                Section(
                    header.name,
                    self._content(header),
                    self._protection(header),
                    header.align or 1,
                    header.size if nobits else 0,
                )
            )
        self._check_content(sections)
        symbols, common = self._image_symbols(sections, index)
        marks = self._marks(index)
        symbols = with_functions(sections, symbols, marks)
        references = self._references(sections, index, len(symbols))
        indirect = [i for i, s in enumerate(self.symbols) if s.info & 15 == _STT_GNU_IFUNC]
        call_resolvers(indirect, sections, symbols, references)
        self._loosen_personalities(sections, symbols, references)
        return Part(
            self.name,
            "elf",
            sections,
            symbols,
            references,
            common,
            self._initializers(sections, references),
            marks,
            lambda placed: self._debug_info(placed, index),
        )

    def _check_content(self, sections: list[Section]) -> None:
        """Raise LoadError for an object without code, whose code is elsewhere (-flto, -gsplit-dwarf)."""
        if any(section.data or section.size for section in sections) and not self._is_slim():
            return
        if any(h.name.startswith(".gnu.lto_") for h in self.headers):
            raise LoadError(
                f"{self.name}: GCC's intermediate code and no machine code (-flto): compile without -flto, or with"
                " -ffat-lto-objects too"
            )
        if any(h.name.startswith(".debug_") and h.name.endswith(".dwo") for h in self.headers):
            raise LoadError(f"{self.name}: debug information only (-gsplit-dwarf): load the object beside it")

    def _is_slim(self) -> bool:
        return any(s.name == "__gnu_lto_slim" for s in self.symbols)

    def _is_loaded(self, header: _Header) -> bool:
        if not header.flags & _SHF_ALLOC or header.type not in _LOADED_TYPES:
            return False
        if header.flags & _SHF_COMPRESSED:
            raise self._bad(f"loaded section {header.name} is compressed")
        # Left out: unwind tables aren't used in the image, and would cost every function a page.
        return header.name != ".eh_frame" and not header.flags & _SHF_TLS

    @staticmethod
    def _protection(header: _Header) -> str:
        writable = header.flags & _SHF_WRITE and not _RELRO.match(header.name)
        return "r" + ("w" if writable else "") + ("x" if header.flags & _SHF_EXECINSTR else "")

    def _image_symbols(self, sections: list[Section], index: dict[int, int]) -> tuple[list[SectionSymbol], int]:
        """The symbols, and the index of the section made for the common ones (-1: there are none)."""
        symbols: list[SectionSymbol] = []
        common = -1
        for s in self.symbols:
            kind, name = s.info & 15, s.name
            binding = _BINDINGS.get(s.info >> 4, "global")
            section: int | None = index.get(s.section)
            value = s.value
            if kind == _STT_TLS:
                symbols.append(SectionSymbol(name, ABSOLUTE if s.section else None, kind="tls", binding=binding))
                continue
            if s.section == _SHN_ABS - 0x10000:
                section = ABSOLUTE
            elif s.section == _SHN_COMMON - 0x10000:
                # For a common symbol st_value is the alignment.
                align = value or 1
                if align & (align - 1):
                    raise self._bad(f"common symbol {name} of {s.size} bytes aligned to {align}")
                if s.size > MAX_IMAGE:
                    raise too_large(self.name, f"common symbol {name}", s.size)
                if common < 0:
                    common = len(sections)
                    sections.append(Section("COMMON", b"", "rw", 1, 0))
                old = sections[common]
                value = (old.size + align - 1) & -align
                sections[common] = old._replace(align=max(old.align, align), size=value + s.size)
                section, kind = common, 1
            elif s.section < 0:
                raise self._bad(f"symbol {name} in reserved section {s.section + 0x10000:#x}")
            elif s.section != _SHN_UNDEF and section is None:
                # A symbol of a section that isn't loaded, such as debug information.
                name, section, value = "", ABSOLUTE, 0
            if kind == 3 and not name and section is not None and section >= 0:
                name = sections[section].name
            if kind == _STT_FILE or _is_mark(s):
                # The name of the source file, and mapping symbols.
                name = ""
            symbols.append(SectionSymbol(name, section, value, s.size, _KINDS.get(kind, "notype"), binding))
        return symbols, common

    def _marks(self, index: dict[int, int]) -> list[Mark]:
        """The places where code and data begin in the sections, by the mapping symbols."""
        marks = []
        for s in self.symbols:
            if _is_mark(s) and s.section in index:
                marks.append(Mark(index[s.section], s.value, mark_of(s.name) is True))
        return marks

    def _relocations(self, target: int | None = None) -> Iterator[tuple[int, int, int, int, int]]:
        """Section, offset, type, symbol and addend of each relocation, of one section or of all loaded ones."""
        for header in self.headers:
            if header.type not in {_SHT_RELA, _SHT_REL, _SHT_CREL} or header.info >= len(self.headers):
                continue
            to = self.headers[header.info]
            if header.info != target if target is not None else not self._is_loaded(to):
                continue
            if header.type != _SHT_RELA:
                raise LoadError(f"{self.name}: {header.name} is not of type RELA, which AArch64 objects use")
            if header.size % 24:
                raise self._bad(f"{header.name} of {header.size} bytes")
            for offset, info, addend in struct.iter_unpack("<QQq", self._content(header)):
                yield header.info, offset, info & 0xFFFFFFFF, info >> 32, addend

    def _references(self, sections: list[Section], index: dict[int, int], count: int) -> list[Reference]:
        references = []
        for section, offset, kind, symbol, addend in self._relocations():
            if symbol >= count:
                raise self._bad(f"relocation in {self.headers[section].name} of symbol {symbol}, which isn't there")
            thread_local = kind in _TLS_TYPES
            if not thread_local or self.headers[section].flags & _SHF_EXECINSTR:
                kept = RelocationType.TLS if thread_local else kind
                references.append(Reference(index[section], offset, kept, symbol, addend))
        return references

    @staticmethod
    def _loosen_personalities(
        sections: list[Section], symbols: list[SectionSymbol], references: list[Reference]
    ) -> None:
        """Make the unwinder's personality routine weak if only the unwind tables refer to it."""
        used: set[int] = set()
        strict: set[int] = set()
        for r in references:
            (used if _PERSONALITY.match(sections[r.section].name) else strict).add(r.symbol)
        for i in used - strict:
            if symbols[i].section is None:
                symbols[i] = symbols[i]._replace(binding="weak")

    @staticmethod
    def _initializers(sections: list[Section], references: list[Reference]) -> list[Initializer]:
        found = []
        for r in references:
            match = _INITIALIZERS.match(sections[r.section].name)
            if not match or r.type != RelocationType.ABS64:
                continue
            # Lower priorities come first. .ctors has the opposite order, of priorities and of entries.
            backwards = match[1] == "ctors"
            priority = int(match[2][:9]) if match[2] else 1 << 16
            order = _PHASES[match[1]], 0xFFFF - priority if backwards and match[2] else priority
            found.append((-r.offset if backwards else r.offset, Initializer(order, r.symbol, r.addend)))
        return [initializer for _, initializer in sorted(found, key=lambda f: f[0])]

    def _debug_info(self, placed: Sequence[PlacedSection], index: dict[int, int]) -> DebugInfo | None:
        sections = {
            h.name[1:].removeprefix("z"): self._debug_section(i, h, placed, index)
            for i, h in enumerate(self.headers)
            if h.name.startswith((".debug_", ".zdebug_")) and not h.flags & _SHF_ALLOC and h.type == _SHT_PROGBITS
        }
        if "debug_info" not in sections:
            return None
        from armexec.objects.debug_info.dwarf import DebugInfo

        return DebugInfo(self.name, sections)

    def _debug_section(
        self, number: int, header: _Header, placed: Sequence[PlacedSection], index: dict[int, int]
    ) -> bytes:
        """A debug section in which addresses are offsets in the image."""
        content = self._content(header)
        if header.flags & _SHF_COMPRESSED or header.name.startswith(".zdebug_"):
            content = self._decompress(header, content)
        out = bytearray(content)
        for _, offset, kind, number_of_symbol, addend in self._relocations(number):
            size = {RelocationType.ABS64: 8, RelocationType.ABS32: 4}.get(kind)  # type: ignore[call-overload]
            if size is None or number_of_symbol >= len(self.symbols) or offset + size > len(out):
                continue
            symbol = self.symbols[number_of_symbol]
            where = index.get(symbol.section)
            value = symbol.value + addend + (placed[where].offset if where is not None else 0)
            out[offset : offset + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        return bytes(out)

    def _decompress(self, header: _Header, content: bytes) -> bytes:
        """The contents of a compressed section, in ELF's format or in GNU's older one (.zdebug_*)."""
        if header.flags & _SHF_COMPRESSED:
            if len(content) < 24:
                raise self._bad(f"compressed section {header.name} has {len(content)} bytes, and its header takes 24")
            kind, _, size, _ = struct.unpack_from("<IIQQ", content)
            start = 24
        else:
            kind, size, start = 1, int.from_bytes(content[4:12], "big"), 12
            if content[:4] != b"ZLIB":
                raise self._bad(f"{header.name} doesn't begin with ZLIB")
        if kind != 1:
            how = "by Zstandard" if kind == 2 else f"in a way that isn't known ({kind})"
            raise LoadError(f"{self.name}: {header.name} is compressed {how}: compile with -gz=zlib or -gz=none")
        if size > _MAX_DEBUG:
            raise LoadError(f"{self.name}: {header.name} has {size} bytes, and at most {_MAX_DEBUG} are read")
        made = zlib.decompressobj()
        try:
            data = made.decompress(content[start:], size)
        except zlib.error as e:
            raise self._bad(f"{header.name}: {e}") from None
        if len(data) != size:
            raise self._bad(f"{header.name} has {len(data)} bytes instead of {size}: it is truncated")
        return data


def _is_mark(symbol: _Symbol) -> bool:
    """Whether a symbol is a mapping symbol, which is local and has no type."""
    return symbol.info == 0 and mark_of(symbol.name) is not None


def _string(table: bytes, offset: int) -> str:
    end = table.find(b"\0", offset)
    return table[offset : end if end >= 0 else len(table)].decode("utf-8", "backslashreplace")
