"""ELF64 relocatable objects for AArch64 -> a part of an image.

Source: System V ABI (ELF), chapters 4 and 5, and ELF for the Arm 64-bit Architecture (AAELF64).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from armexec.errors import LoadError
from armexec.objects.debug_info.later import ElfDebug
from armexec.objects.formats.elf_file import (
    BINDINGS,
    ET_REL,
    KINDS,
    SHF_ALLOC,
    SHF_COMPRESSED,
    SHF_EXECINSTR,
    SHF_TLS,
    SHF_WRITE,
    SHT_NOBITS,
    SHT_PROGBITS,
    STT_GNU_IFUNC,
    ElfFile,
    Header,
    debug_name,
    is_mark,
)
from armexec.objects.formats.indirect import call_resolvers
from armexec.objects.formats.labels import mark_of, with_functions
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
from armexec.objects.linking.part import FINAL, Group, Initializer, Part, Unwind
from armexec.objects.relocations import THREAD_LOCAL_TYPES, RelocationType

if TYPE_CHECKING:
    from armexec.objects.debug_info.dwarf import DebugInfo

__all__ = ["read_elf"]

_SHT_RELA, _SHT_REL, _SHT_CREL = 4, 9, 0x40000014
_SHT_INIT_ARRAY, _SHT_FINI_ARRAY, _SHT_PREINIT_ARRAY, _SHT_GROUP = 14, 15, 16, 17
_GRP_COMDAT = 1
_LOADED_TYPES = {SHT_PROGBITS, SHT_NOBITS, _SHT_INIT_ARRAY, _SHT_FINI_ARRAY, _SHT_PREINIT_ARRAY}
_SHN_UNDEF, _SHN_ABS, _SHN_COMMON = 0, 0xFFF1, 0xFFF2
_STT_FILE = 4
_TLS_TYPES = range(512, 1024)  # R_AARCH64_TLS*
_RELRO = re.compile(r"\.(data\.rel\.ro|init_array|fini_array|preinit_array|ctors|dtors)(\.|$)")
_INITIALIZERS = re.compile(r"\.(preinit_array|init_array|ctors|fini_array)(?:\.(\d+))?$")
_PHASES = {"preinit_array": 0, "init_array": 1, "ctors": 1, "fini_array": FINAL}


def read_elf(data: bytes, name: str) -> Part:
    """The content of an ELF64 little-endian AArch64 relocatable object. Raises LoadError."""
    try:
        return _object(data, name).part()
    except struct.error as e:
        raise LoadError(f"{name}: truncated or corrupted ELF file: {e}") from None


def _object(data: bytes, name: str) -> _Object:
    return _Object(data, name, ET_REL)


class _Object(ElfFile):
    def part(self) -> Part:
        sections: list[Section] = []
        index: dict[int, int] = {}  # of a section in the file -> in the image
        for i, header in enumerate(self.headers):
            if not self._is_loaded(header):
                continue
            index[i] = len(sections)
            nobits = header.type == SHT_NOBITS
            sections.append(
                Section(
                    header.name,
                    self.content(header),
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
        indirect = [i for i, s in enumerate(self.symbols) if s.info & 15 == STT_GNU_IFUNC]
        call_resolvers(indirect, sections, symbols, references)
        debug = ElfDebug(_object, self, index)
        return Part(
            self.name,
            "elf",
            sections,
            symbols,
            references,
            common,
            self._initializers(sections, references),
            marks,
            debug,
            groups=self._groups(index),
            unwind=self._unwind(len(symbols)),
            debug_contents=debug.contents,
        )

    def _groups(self, index: dict[int, int]) -> list[Group]:
        """The COMDAT groups, with their loaded sections."""
        found = []
        for header in self.headers:
            if header.type != _SHT_GROUP:
                continue
            content = self.content(header)
            flags, *members = struct.unpack(f"<{max(len(content) // 4, 1)}I", content)
            if flags & _GRP_COMDAT:
                if header.info >= len(self.symbols):
                    raise self.bad(f"a group of symbol {header.info}, which isn't there")
                sections = [index[member] for member in members if member in index]
                found.append(Group(self.symbols[header.info].name, sections))
        return found

    def _unwind(self, count: int) -> Unwind | None:
        """The unwind tables; they stay out of images that don't unwind, since they would cost them a page."""
        tables = [i for i, h in enumerate(self.headers) if h.name == ".eh_frame" and h.flags & SHF_ALLOC]
        data = b""
        references = []
        for number in tables:
            for _, offset, kind, symbol, addend in self._relocations(number):
                if symbol >= count:
                    raise self.bad(f"relocation in .eh_frame of symbol {symbol}, which isn't there")
                references.append(Reference(-1, len(data) + offset, kind, symbol, addend))
            data += self.content(self.headers[number])
        return Unwind(data, references) if data else None

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

    def _is_loaded(self, header: Header) -> bool:
        if not header.flags & SHF_ALLOC or header.type not in _LOADED_TYPES:
            return False
        if header.flags & SHF_COMPRESSED:
            raise self.bad(f"loaded section {header.name} is compressed")
        # Left out: unwind tables aren't used in the image, and would cost every function a page.
        return header.name != ".eh_frame"

    @staticmethod
    def _protection(header: Header) -> str:
        if header.flags & SHF_TLS:
            return "tls"
        writable = header.flags & SHF_WRITE and not _RELRO.match(header.name)
        return "r" + ("w" if writable else "") + ("x" if header.flags & SHF_EXECINSTR else "")

    def _image_symbols(self, sections: list[Section], index: dict[int, int]) -> tuple[list[SectionSymbol], int]:
        """The symbols, and the index of the section made for the common ones (-1: there are none)."""
        symbols: list[SectionSymbol] = []
        common = -1
        for s in self.symbols:
            kind, name = s.info & 15, s.name
            binding = BINDINGS.get(s.info >> 4, "global")
            section: int | None = index.get(s.section)
            value = s.value
            if s.section == _SHN_ABS - 0x10000:
                section = ABSOLUTE
            elif s.section == _SHN_COMMON - 0x10000:
                # For a common symbol st_value is the alignment.
                align = value or 1
                if align & (align - 1):
                    raise self.bad(f"common symbol {name} of {s.size} bytes aligned to {align}")
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
                raise self.bad(f"symbol {name} in reserved section {s.section + 0x10000:#x}")
            elif s.section != _SHN_UNDEF and section is None:
                # A symbol of a section that isn't loaded, such as debug information.
                name, section, value = "", ABSOLUTE, 0
            if kind == 3 and not name and section is not None and section >= 0:
                name = sections[section].name
            if kind == _STT_FILE or is_mark(s):
                # The name of the source file, and mapping symbols.
                name = ""
            symbols.append(SectionSymbol(name, section, value, s.size, KINDS.get(kind, "notype"), binding))
        return symbols, common

    def _marks(self, index: dict[int, int]) -> list[Mark]:
        """The places where code and data begin in the sections, by the mapping symbols."""
        marks = []
        for s in self.symbols:
            if is_mark(s) and s.section in index:
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
                raise self.bad(f"{header.name} of {header.size} bytes")
            for offset, info, addend in struct.iter_unpack("<QQq", self.content(header)):
                yield header.info, offset, info & 0xFFFFFFFF, info >> 32, addend

    def _references(self, sections: list[Section], index: dict[int, int], count: int) -> list[Reference]:
        references = []
        for section, offset, kind, symbol, addend in self._relocations():
            if symbol >= count:
                raise self.bad(f"relocation in {self.headers[section].name} of symbol {symbol}, which isn't there")
            thread_local = kind in _TLS_TYPES
            if not thread_local or self.headers[section].flags & SHF_EXECINSTR:
                kept = RelocationType.TLS if thread_local and kind not in THREAD_LOCAL_TYPES else kind
                references.append(Reference(index[section], offset, kept, symbol, addend))
        return references

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
            found.append((-r.offset if backwards else r.offset, Initializer(order, r.symbol, r.addend, r.section)))
        return [initializer for _, initializer in sorted(found, key=lambda f: f[0])]

    def debug_info(self, placed: Sequence[PlacedSection], index: dict[int, int]) -> DebugInfo | None:
        sections = self.debug_sections(partial(self._relocated, placed, index))
        if "debug_info" not in sections:
            return None
        from armexec.objects.debug_info.dwarf import DebugInfo

        return DebugInfo(self.name, sections)

    def debug_contents(
        self, placed: Sequence[PlacedSection], index: dict[int, int], base: int, begins: Mapping[str, int]
    ) -> dict[str, bytes]:
        return self.debug_sections(lambda number, data: self._relocated(placed, index, number, data, base, begins))

    def _relocated(
        self,
        placed: Sequence[PlacedSection],
        index: dict[int, int],
        number: int,
        content: bytes,
        base: int = 0,
        begins: Mapping[str, int] = MappingProxyType({}),
    ) -> bytes:
        """A debug section in which addresses are those in an image at `base`, and offsets in debug sections are from
        where those begin by `begins`, 0 by default."""
        out = bytearray(content)
        for _, offset, kind, number_of_symbol, addend in self._relocations(number):
            size = {RelocationType.ABS64: 8, RelocationType.ABS32: 4}.get(kind)  # type: ignore[call-overload]
            if size is None or number_of_symbol >= len(self.symbols) or offset + size > len(out):
                continue
            symbol = self.symbols[number_of_symbol]
            where = index.get(symbol.section)
            value = symbol.value + addend
            if where is not None:
                value += base + placed[where].offset
            elif begins and 0 <= symbol.section < len(self.headers):
                value += begins.get(debug_name(self.headers[symbol.section]), 0)
            # The value of a common symbol is its alignment.
            common = symbol.section == _SHN_COMMON - 0x10000
            if common or (where is not None and placed[where].dropped):
                value = NOWHERE
            out[offset : offset + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        return bytes(out)
