"""Mach-O arm64 relocatable objects -> a part of an image.

Source: Apple's mach-o/loader.h, nlist.h, reloc.h and arm64/reloc.h. The records are unpacked here: lief gives
neither the addend of ARM64_RELOC_ADDEND nor the section of a relocation without a symbol, and takes 370 ms to import.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from armexec.errors import LoadError
from armexec.objects.debug_info.later import ObjectDebug, without_ranges
from armexec.objects.formats.labels import with_functions
from armexec.objects.layout import (
    ABSOLUTE,
    MAX_IMAGE,
    NOWHERE,
    Mark,
    PlacedSection,
    Reference,
    Section,
    SectionSymbol,
    too_large,
)
from armexec.objects.linking import Initializer, Part
from armexec.objects.relocations import RelocationType

if TYPE_CHECKING:
    from armexec.objects.debug_info.dwarf import DebugInfo

__all__ = ["MachHeader", "MachObject", "MachSymbol", "read_macho"]

_CPU_TYPE_ARM64 = 0x0100000C
_CPUS = {7: "32-bit x86", 0x01000007: "x86-64", 12: "32-bit Arm", 0x0200000C: "arm64_32"}
_MH_OBJECT = 1
_FILE_TYPES = {2: "an executable", 6: "a dynamic library", 7: "a dynamic linker", 8: "a bundle", 10: "a dSYM"}
_LC_SYMTAB, _LC_SEGMENT_64, _LC_DATA_IN_CODE = 2, 0x19, 0x29

_SECTION_TYPE = 0xFF
_S_ZEROFILL, _S_GB_ZEROFILL, _S_MOD_INIT_FUNC_POINTERS, _S_INIT_FUNC_OFFSETS = 1, 0xC, 9, 0x16
_S_THREAD_LOCAL = range(0x11, 0x16)
_S_ATTR_PURE_INSTRUCTIONS, _S_ATTR_SOME_INSTRUCTIONS, _S_ATTR_DEBUG = 0x80000000, 0x400, 0x02000000

_N_STAB, _N_PEXT, _N_TYPE, _N_EXT = 0xE0, 0x10, 0x0E, 0x01
_N_UNDF, _N_ABS, _N_SECT = 0, 2, 0xE
_N_WEAK_REF, _N_WEAK_DEF = 0x40, 0x80

# ARM64_RELOC_*
_UNSIGNED, _SUBTRACTOR, _BRANCH26, _PAGE21, _PAGEOFF12 = range(5)
_GOT_LOAD_PAGE21, _GOT_LOAD_PAGEOFF12, _POINTER_TO_GOT, _TLVP_PAGE21, _TLVP_PAGEOFF12, _ADDEND = range(5, 11)
_AUTHENTICATED_POINTER = 11
_SIMPLE = {
    _BRANCH26: RelocationType.CALL26,
    _PAGE21: RelocationType.ADR_PREL_PG_HI21,
    _GOT_LOAD_PAGE21: RelocationType.ADR_GOT_PAGE,
    _GOT_LOAD_PAGEOFF12: RelocationType.LD64_GOT_LO12_NC,
    _TLVP_PAGE21: RelocationType.TLS,
    _TLVP_PAGEOFF12: RelocationType.TLS,
}
_PAGE_OFFSETS = (
    RelocationType.LDST8_ABS_LO12_NC,
    RelocationType.LDST16_ABS_LO12_NC,
    RelocationType.LDST32_ABS_LO12_NC,
    RelocationType.LDST64_ABS_LO12_NC,
)
_DWARF_NAMES = {"debug_str_offs": "debug_str_offsets"}  # section names have at most 16 characters


class MachHeader(NamedTuple):
    """A section's header."""

    segment: str
    name: str
    address: int
    size: int
    offset: int
    align: int
    relocations: int  # offset of the first in the file
    relocation_count: int
    flags: int

    @property
    def zero_filled(self) -> bool:
        return self.flags & _SECTION_TYPE in {_S_ZEROFILL, _S_GB_ZEROFILL}


class MachSymbol(NamedTuple):
    """An entry of the symbol table (struct nlist_64)."""

    name: str
    type: int
    section: int  # from 1; 0 for none
    description: int
    value: int


class _Relocation(NamedTuple):
    offset: int
    symbol: int  # or, if not external, the section from 1
    relative: bool
    length: int
    external: bool
    type: int


def read_macho(data: bytes, name: str) -> Part:
    """The content of a 64-bit arm64 Mach-O relocatable object. Raises LoadError."""
    try:
        return MachObject(data, name).part()
    except struct.error as e:
        raise LoadError(f"{name}: truncated or corrupted Mach-O file: {e}") from None


class MachObject:
    """The load commands of a file: its sections and symbols."""

    kinds: Collection[int] = (_MH_OBJECT,)
    """The types of files that are read."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.headers: list[MachHeader] = []
        self.symbols: list[MachSymbol] = []
        self.data_in_code: list[tuple[int, int]] = []  # addresses and sizes
        self._read_commands()

    def bad(self, text: str) -> LoadError:
        """The error of a malformed file."""
        return LoadError(f"{self.name}: corrupted Mach-O file: {text}")

    def _read_commands(self) -> None:
        _, cpu, subtype, kind, count, size, _, _ = struct.unpack_from("<8I", self.data)
        if cpu != _CPU_TYPE_ARM64:
            raise LoadError(f"{self.name}: a Mach-O file for {_CPUS.get(cpu, f'CPU type {cpu:#x}')}, not arm64")
        if subtype & 0xFFFFFF == 2:
            raise LoadError(f"{self.name}: an arm64e file, whose pointers are signed; compile for arm64")
        if kind not in self.kinds:
            what = _FILE_TYPES.get(kind, f"a Mach-O file of type {kind}")
            raise LoadError(
                f"{self.name}: {what}; only relocatable objects (.o, made by -c) and dynamic libraries can be loaded"
            )
        at, end = 32, 32 + size
        if end > len(self.data):
            raise self.bad("its load commands go past the end of the file")
        for _ in range(count):
            command, length = struct.unpack_from("<II", self.data, at)
            if length < 8 or at + length > end:
                raise self.bad(f"a load command of {length} bytes")
            if command == _LC_SEGMENT_64:
                self._read_segment(at, length)
            elif command == _LC_SYMTAB:
                self._read_symbols(at)
            elif command == _LC_DATA_IN_CODE:
                self._read_data_in_code(at)
            else:
                self.read_command(command, at, length)
            at += length

    def read_command(self, command: int, at: int, length: int) -> None:
        """Read another load command, of `length` bytes at an offset in the file."""

    def _read_segment(self, at: int, length: int) -> None:
        (count,) = struct.unpack_from("<I", self.data, at + 64)
        if 72 + 80 * count > length:
            raise self.bad(f"a segment of {count} sections in {length} bytes")
        total = 0
        for i in range(count):
            name, segment, address, size, offset, align, relocations, number, flags = struct.unpack_from(
                "<16s16sQQ5I", self.data, at + 72 + 80 * i
            )
            header = MachHeader(_text(segment), _text(name), address, size, offset, align, relocations, number, flags)
            self.headers.append(header)
            total += 8 * number
            if not header.zero_filled:
                total += size
                if offset + size > len(self.data):
                    raise self.bad(f"section {header.name} goes past the end of the file")
            if address > 1 << 62:
                raise self.bad(f"section {header.name} is at {address:#x}")
            if size > MAX_IMAGE:
                raise too_large(self.name, f"section {header.name}", size)
            if relocations + 8 * number > len(self.data):
                raise self.bad(f"the relocations of section {header.name} go past the end of the file")
            if align > 63:
                raise self.bad(f"section {header.name} is aligned to 2**{align}")
        if total > 2 * len(self.data):
            raise self.bad("its sections overlap")

    def _read_symbols(self, at: int) -> None:
        offset, count, names_offset, names_size = struct.unpack_from("<4I", self.data, at + 8)
        if offset + 16 * count > len(self.data) or names_offset + names_size > len(self.data):
            raise self.bad("the symbol table goes past the end of the file")
        if self.symbols:
            raise self.bad("it has two symbol tables")
        names = self.data[names_offset : names_offset + names_size]
        for n, type, section, description, value in struct.iter_unpack(
            "<IBBHQ", self.data[offset : offset + 16 * count]
        ):
            self.symbols.append(MachSymbol(_text(names[n : n + 100_000]), type, section, description, value))

    def _read_data_in_code(self, at: int) -> None:
        offset, size = struct.unpack_from("<II", self.data, at + 8)
        if offset + size > len(self.data) or size % 8:
            raise self.bad("the table of data in code goes past the end of the file")
        for address, length, _ in struct.iter_unpack("<IHH", self.data[offset : offset + size]):
            self.data_in_code.append((address, length))

    def marks_of(self, index: dict[int, int]) -> list[Mark]:
        """The places where data begins and ends in the sections."""
        marks = []
        for address, length in self.data_in_code:
            for number, where in index.items():
                start = address - self.headers[number - 1].address
                if 0 <= start < self.headers[number - 1].size:
                    marks += [Mark(where, start, False), Mark(where, start + length, True)]
        return marks

    def _content(self, header: MachHeader) -> bytes:
        return b"" if header.zero_filled else self.data[header.offset : header.offset + header.size]

    def part(self) -> Part:
        sections: list[Section] = []
        index: dict[int, int] = {}  # of a section in the file, from 1 -> in the image
        for i, header in enumerate(self.headers, 1):
            if self._is_loaded(header):
                index[i] = len(sections)
                sections.append(
                    Section(
                        f"{header.segment},{header.name}",
                        self._content(header),
                        _protection(header),
                        1 << header.align,
                        header.size if header.zero_filled else 0,
                    )
                )
        symbols, common = self._image_symbols(sections, index)
        marks = self.marks_of(index)
        symbols = with_functions(sections, symbols, marks)
        section_symbols = {}
        for i, where in index.items():
            section_symbols[i] = len(symbols)
            symbols.append(SectionSymbol(sections[where].name, where, 0, 0, "section", "local"))
        references: list[Reference] = []
        for i, where in index.items():
            references += self._references(self.headers[i - 1], where, len(self.symbols), section_symbols)
        return Part(
            self.name,
            "macho",
            sections,
            symbols,
            references,
            common,
            self._initializers(references, index),
            marks,
            ObjectDebug(MachObject, self, index),
        )

    def _is_loaded(self, header: MachHeader) -> bool:
        kind = header.flags & _SECTION_TYPE
        if kind in _S_THREAD_LOCAL:
            return False
        if kind == _S_INIT_FUNC_OFFSETS:
            raise LoadError(f"{self.name}: section {header.name} (initializer offsets) is not supported")
        # Left out: unwind tables aren't used in the image, and would cost every function a page.
        unwind = header.segment == "__LD" or header.name == "__eh_frame"
        return not (unwind or header.flags & _S_ATTR_DEBUG or header.segment == "__DWARF")

    def _image_symbols(self, sections: list[Section], index: dict[int, int]) -> tuple[list[SectionSymbol], int]:
        """The symbols, and the index of the section made for the common ones (-1: there are none)."""
        starts: dict[int, list[int]] = {i: [] for i in index}
        for s in self.symbols:
            if s.type & (_N_STAB | _N_TYPE) == _N_SECT and s.section in index and not s.name.startswith("ltmp"):
                starts[s.section].append(s.value)
        following = {}
        for i, values in starts.items():
            end = self.headers[i - 1].address + self.headers[i - 1].size
            following[i] = dict(pairwise(sorted({*values, end})))

        symbols = []
        common = -1
        for s in self.symbols:
            kind = s.type & _N_TYPE
            weak = s.description & (_N_WEAK_DEF if kind == _N_SECT else _N_WEAK_REF)
            external = s.type & _N_EXT
            made = SectionSymbol(s.name, None, binding="local" if not external else "weak" if weak else "global")
            if s.type & _N_STAB:
                made = SectionSymbol("", ABSOLUTE, binding="local")
            elif kind == _N_UNDF and s.value:  # common: value is the size, bits 11:8 of n_desc log2 of the alignment
                align = 1 << (s.description >> 8 & 15)
                if s.value > MAX_IMAGE:
                    raise too_large(self.name, f"common symbol {s.name}", s.value)
                if common < 0:
                    common = len(sections)
                    sections.append(Section("__DATA,__common", b"", "rw", 1, 0))
                old = sections[common]
                value = (old.size + align - 1) & -align
                sections[common] = old._replace(align=max(old.align, align), size=value + s.value)
                made = made._replace(section=common, value=value, size=s.value, kind="object")
            elif kind == _N_ABS:
                made = made._replace(section=ABSOLUTE, value=s.value)
            elif kind == _N_SECT:
                if not 0 < s.section <= len(self.headers):
                    raise self.bad(f"symbol {s.name} in section {s.section}, which isn't there")
                made = self._defined_symbol(s, made, index, following)
            elif kind != _N_UNDF:
                raise LoadError(f"{self.name}: symbol {s.name} of type {kind:#x} is not supported")
            symbols.append(made)
        return symbols, common

    def _defined_symbol(
        self, s: MachSymbol, made: SectionSymbol, index: dict[int, int], following: dict[int, dict[int, int]]
    ) -> SectionSymbol:
        header = self.headers[s.section - 1]
        if not header.address <= s.value <= header.address + header.size:
            raise self.bad(f"symbol {s.name} at {s.value:#x} is outside section {header.name}")
        if header.flags & _SECTION_TYPE in _S_THREAD_LOCAL:
            return SectionSymbol(s.name, ABSOLUTE, kind="tls", binding=made.binding)
        if s.section not in index:
            return SectionSymbol("", ABSOLUTE, binding="local")  # in the debug information or the unwind tables
        if made.binding == "local" and s.name.startswith("ltmp"):
            return made._replace(name="", section=index[s.section], value=s.value - header.address)
        code = header.flags & (_S_ATTR_PURE_INSTRUCTIONS | _S_ATTR_SOME_INSTRUCTIONS)
        named = made.binding != "local" or s.name.startswith("_")
        return made._replace(
            section=index[s.section],
            value=s.value - header.address,
            size=following[s.section].get(s.value, s.value) - s.value,
            kind="notype" if not named else "function" if code else "object",
        )

    def _relocations(self, header: MachHeader) -> list[_Relocation]:
        raw = self.data[header.relocations : header.relocations + 8 * header.relocation_count]
        return [
            _Relocation(
                address,
                info & 0xFFFFFF,
                bool(info >> 24 & 1),
                1 << (info >> 25 & 3),
                bool(info >> 27 & 1),
                info >> 28,
            )
            for address, info in struct.iter_unpack("<iI", raw)
        ]

    def _references(
        self, header: MachHeader, where: int, count: int, section_symbols: dict[int, int]
    ) -> list[Reference]:
        found: list[Reference] = []
        content = self._content(header)
        addend, minus = 0, None

        for r in self._relocations(header):
            place = f"{header.name}+{r.offset:#x}"
            if not 0 <= r.offset <= len(content) - r.length:
                raise self.bad(f"relocation outside of its section at {place}")
            if r.type >= _AUTHENTICATED_POINTER:
                raise LoadError(f"{self.name}: relocation of type {r.type} at {place} is not supported")
            if r.type == _ADDEND:
                addend = (r.symbol ^ 0x800000) - 0x800000
                continue
            symbol = r.symbol if r.external else section_symbols.get(r.symbol, -1)
            if not 0 <= symbol < (count if r.external else 1 << 32):
                raise self.bad(f"relocation at {place} of symbol {r.symbol}, which isn't there")
            if r.type == _SUBTRACTOR:
                minus = symbol
                continue
            word = int.from_bytes(content[r.offset : r.offset + r.length], "little")
            if r.type in {_UNSIGNED, _POINTER_TO_GOT}:
                kind = self._data_type(r, place)
                addend = word - (word >> (8 * r.length - 1) << 8 * r.length)
                if r.type == _POINTER_TO_GOT:
                    addend = 0
                elif not r.external:
                    addend -= self.headers[r.symbol - 1].address
            else:
                if r.length != 4:
                    raise self.bad(f"relocation of {r.length} bytes in an instruction at {place}")
                kind = _page_offset(word) if r.type == _PAGEOFF12 else _SIMPLE[r.type]
            found.append(Reference(where, r.offset, kind, symbol, addend, minus))
            addend, minus = 0, None
        if minus is not None:
            raise self.bad(f"a SUBTRACTOR without its UNSIGNED in {header.name}")
        return found

    def _data_type(self, r: _Relocation, place: str) -> RelocationType:
        if r.type == _POINTER_TO_GOT:
            if not r.relative or r.length != 4:
                raise LoadError(f"{self.name}: absolute pointer to a GOT slot at {place} is not supported")
            return RelocationType.GOTPCREL32
        if r.length == 8:
            return RelocationType.ABS64
        if r.length == 4:
            return RelocationType.ABS32
        raise self.bad(f"relocation of {r.length} bytes at {place}")

    def _initializers(self, references: list[Reference], index: dict[int, int]) -> list[Initializer]:
        tables = {
            where
            for i, where in index.items()
            if self.headers[i - 1].flags & _SECTION_TYPE == _S_MOD_INIT_FUNC_POINTERS
        }
        found = sorted((r for r in references if r.section in tables), key=lambda r: (r.section, r.offset))
        return [Initializer((0, 0), r.symbol, r.addend) for r in found]

    def for_debug_info(self) -> bytes | None:
        """The file with zeros for what is loaded, from which the debug information can be read; None without any."""
        if not any(header.segment == "__DWARF" and header.name == "__debug_info" for header in self.headers):
            return None
        loaded = [h for h in self.headers if self._is_loaded(h) and not h.zero_filled]
        return without_ranges(self.data, ((h.offset, h.size) for h in loaded))

    def debug_info(self, placed: Sequence[PlacedSection], index: dict[int, int]) -> DebugInfo | None:
        sections = {}
        for header in self.headers:
            if header.segment == "__DWARF" and header.name.startswith("__debug_"):
                name = header.name[2:]
                sections[_DWARF_NAMES.get(name, name)] = self._debug_section(header, placed, index)
        if "debug_info" not in sections:
            return None
        from armexec.objects.debug_info.dwarf import DebugInfo

        return DebugInfo(self.name, sections)

    def _debug_section(self, header: MachHeader, placed: Sequence[PlacedSection], index: dict[int, int]) -> bytes:
        """A debug section in which addresses are offsets in the image."""
        out = bytearray(self._content(header))
        for r in self._relocations(header):
            if r.type != _UNSIGNED or not 0 <= r.offset <= len(out) - r.length:
                continue
            value = int.from_bytes(out[r.offset : r.offset + r.length], "little")
            number = r.symbol
            if r.external:
                if r.symbol >= len(self.symbols):
                    continue
                value += self.symbols[r.symbol].value
                number = self.symbols[r.symbol].section
            if 0 < number <= len(self.headers):
                value -= self.headers[number - 1].address
                if number in index:
                    value += placed[index[number]].offset
            elif r.external:
                # The value of a common symbol is its size.
                value = NOWHERE
            else:
                continue
            out[r.offset : r.offset + r.length] = (value & ((1 << 8 * r.length) - 1)).to_bytes(r.length, "little")
        return bytes(out)


def _protection(header: MachHeader) -> str:
    if header.flags & (_S_ATTR_PURE_INSTRUCTIONS | _S_ATTR_SOME_INSTRUCTIONS):
        return "rx"
    constant = header.segment in {"__TEXT", "__DATA_CONST"} or header.name == "__const"
    pointers = header.flags & _SECTION_TYPE == _S_MOD_INIT_FUNC_POINTERS
    return "r" if constant or pointers else "rw"


def _page_offset(word: int) -> RelocationType:
    """The relocation type that PAGEOFF12 means at an instruction: ADD's, or that of a load or store of its size."""
    if word & 0x3B000000 != 0x39000000:
        return RelocationType.ADD_ABS_LO12_NC
    if word >> 30 == 0 and word & 0x04800000 == 0x04800000:
        return RelocationType.LDST128_ABS_LO12_NC
    return _PAGE_OFFSETS[word >> 30]


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
