"""ELF64 shared libraries (ET_DYN) for AArch64 -> a SharedLibrary.

Source: System V ABI (ELF), chapter 5, and ELF for the Arm 64-bit Architecture (AAELF64).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from armexec.errors import LoadError
from armexec.objects.cache import ObjectCache
from armexec.objects.debug_info.later import ObjectDebug
from armexec.objects.dynamic.library import DynamicSymbol, SharedLibrary, ThreadLocalSegment, Version
from armexec.objects.dynamic.tables import DynamicTables, LoadedBytes, ProgramHeader
from armexec.objects.formats.elf_file import (
    BINDINGS,
    ET_DYN,
    KINDS,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_TLS,
    STT_GNU_IFUNC,
    ElfFile,
    ElfSymbol,
    is_mark,
)
from armexec.objects.formats.labels import mark_of
from armexec.objects.layout import ABSOLUTE, MAX_ALIGN, MAX_IMAGE, Mark, PlacedSection, Section, SectionSymbol, Segment
from armexec.objects.linking import Part

if TYPE_CHECKING:
    from armexec.objects.debug_info.dwarf import DebugInfo

__all__ = ["read_library"]

_PT_LOAD, _PT_DYNAMIC, _PT_TLS, _PT_GNU_EH_FRAME, _PT_GNU_RELRO = 1, 2, 7, 0x6474E550, 0x6474E552
_PF_X, _PF_W = 1, 2
_DT_INIT, _DT_FINI, _DT_SONAME, _DT_RPATH, _DT_SYMBOLIC, _DT_RUNPATH, _DT_FLAGS = 12, 13, 14, 15, 16, 29, 30
_DT_INIT_ARRAY, _DT_FINI_ARRAY, _DT_INIT_ARRAYSZ, _DT_FINI_ARRAYSZ = 25, 26, 27, 28
_DT_FLAGS_1, _DF_SYMBOLIC, _DF_1_PIE = 0x6FFFFFFB, 2, 0x08000000
_SHN_ABS, _STV_DEFAULT = 0xFFF1, 0
_STT_SECTION, _STT_FILE = 3, 4
_PAGE = 0x1000
"""The smallest page of a host; RELRO ends at the end of one."""


def read_library(data: bytes, name: str) -> SharedLibrary:
    """The content of an ELF64 little-endian shared library for AArch64.

    Raises:
        LoadError: it is truncated, malformed, for another architecture, or a program.
    """
    try:
        return _library(data, name).library()
    except struct.error as e:
        raise LoadError(f"{name}: truncated or corrupted ELF file: {e}") from None


def _library(data: bytes, name: str) -> _Library:
    return _Library(data, name, ET_DYN)


class _Library(ElfFile):
    def library(self) -> SharedLibrary:
        headers = self._program_headers()
        loads = self._loads(headers)
        dynamic = [h for h in headers if h.type == _PT_DYNAMIC]
        if not dynamic:
            raise LoadError(f"{self.name}: a static program, not a shared library: it has no dynamic section")
        loaded = LoadedBytes(self.name, self.data, loads)
        content = loaded.at(dynamic[0].address, dynamic[0].data_size, "a dynamic section")
        tables = DynamicTables(self.name, content, loaded)
        if tables.values.get(_DT_FLAGS_1, 0) & _DF_1_PIE:
            raise LoadError(f"{self.name}: a program, not a shared library: it is not made to be called by others")
        elf_symbols = tables.symbols()
        versions, has_versions = tables.versions(len(elf_symbols))
        symbols = tuple(self._symbol(s, v) for s, v in zip(elf_symbols, versions, strict=True))
        relocations = tuple(tables.relocations())
        for r in relocations:
            if r.symbol >= len(symbols) and r.symbol:
                raise self.bad(f"relocation at {r.address:#x} of symbol {r.symbol}, which isn't there")
        known = {(s.name, s.value) for s in symbols}
        local_symbols = tuple(
            self._symbol(s)
            for s in self.symbols
            if s.section and s.name and s.info & 15 not in (_STT_SECTION, _STT_FILE) and not is_mark(s)
            if (s.name, s.value) not in known
        )
        values = tables.values
        relro = next(((h.address, h.address + h.size) for h in headers if h.type == _PT_GNU_RELRO), (0, 0))
        placed = self._placed_sections(loads)
        return SharedLibrary(
            self.name,
            tables.text(_DT_SONAME) or os.path.basename(self.name),
            tuple(tables.needed),
            tuple(self._runpath(tables.text(_DT_RUNPATH) or tables.text(_DT_RPATH))),
            tuple(part for h in loads for part in self._segments(h, relro)),
            max(_PAGE, *(h.align for h in loads)),
            self._thread_local(headers, loaded),
            symbols,
            local_symbols,
            relocations,
            (values[_DT_INIT],) if values.get(_DT_INIT) else (),
            tuple(tables.words(_DT_INIT_ARRAY, _DT_INIT_ARRAYSZ, "DT_INIT_ARRAY")),
            (values[_DT_FINI],) if values.get(_DT_FINI) else (),
            tuple(tables.words(_DT_FINI_ARRAY, _DT_FINI_ARRAYSZ, "DT_FINI_ARRAY")),
            program_headers=self._headers_in_memory(loads, len(headers)),
            unwind_table=self._unwind_table(headers, loaded),
            symbolic=_DT_SYMBOLIC in values or bool(values.get(_DT_FLAGS, 0) & _DF_SYMBOLIC),
            has_versions=has_versions,
            addresses=tuple(p.offset for p, _ in placed),
            part=self._part(placed, [*symbols, *local_symbols]),
        )

    def _program_headers(self) -> list[ProgramHeader]:
        (offset,) = struct.unpack_from("<Q", self.data, 32)
        entry, count = struct.unpack_from("<HH", self.data, 54)
        if count and entry != 56:
            raise self.bad(f"program headers of {entry} bytes")
        if offset + 56 * count > len(self.data):
            raise self.bad(f"program headers at {offset:#x}, past the end of the file")
        return [
            ProgramHeader(kind, flags, at, address, data_size, size, align)
            for kind, flags, at, address, _, data_size, size, align in struct.iter_unpack(
                "<IIQQQQQQ", self.data[offset : offset + 56 * count]
            )
        ]

    def _unwind_table(self, headers: Sequence[ProgramHeader], loaded: LoadedBytes) -> int | None:
        found = next((h for h in headers if h.type == _PT_GNU_EH_FRAME and h.size), None)
        if found is None:
            return None
        loaded.at(found.address, found.data_size, "an unwind table")
        return found.address

    def _headers_in_memory(self, loads: Sequence[ProgramHeader], count: int) -> tuple[int, int] | None:
        """The address of the program headers, and their number, if a segment has them."""
        (offset,) = struct.unpack_from("<Q", self.data, 32)
        for h in loads:
            if h.offset <= offset and offset + 56 * count <= h.offset + h.data_size:
                return h.address + offset - h.offset, count
        return None

    def _loads(self, headers: Sequence[ProgramHeader]) -> list[ProgramHeader]:
        loads = [h for h in headers if h.type == _PT_LOAD and h.size]
        if not loads:
            raise LoadError(f"{self.name}: no code and no data")
        for h in loads:
            end = h.address + h.size
            if h.offset + h.data_size > len(self.data):
                raise LoadError(
                    f"{self.name}: truncated ELF file: a segment of {h.data_size:#x} bytes at {h.offset:#x}, past the"
                    " end of the file"
                )
            if h.data_size > h.size or end > MAX_IMAGE:
                raise self.bad(f"a segment of {h.size:#x} bytes at {h.address:#x}")
            if h.flags & _PF_W and h.flags & _PF_X:
                raise LoadError(
                    f"{self.name}: its segment at {h.address:#x} wants to be writable and executable;"
                    " no memory may be both"
                )
            if h.align & (h.align - 1) or h.align > MAX_ALIGN:
                raise self.bad(f"a segment of alignment {h.align:#x}")
        for before, after in pairwise(loads):
            if (before.address + before.size + _PAGE - 1) & -_PAGE > after.address & -_PAGE:
                raise self.bad(f"segments at {before.address:#x} and {after.address:#x}, which share a page")
        return loads

    def _segments(self, h: ProgramHeader, relro: tuple[int, int]) -> list[Segment]:
        """The whole pages of a segment, what is read-only after the relocation before the rest."""
        start = h.address & -_PAGE
        end = (h.address + h.size + _PAGE - 1) & -_PAGE
        data = bytes(h.address - start) + self.data[h.offset : h.offset + h.data_size]
        writable, executable = bool(h.flags & _PF_W), bool(h.flags & _PF_X)
        middle = start
        if writable and relro[0] & -_PAGE == start:
            middle = min(max(start, relro[1] & -_PAGE), end)
        made = []
        if middle > start:
            made.append(Segment(start, middle - start, data[: middle - start], False, executable))
        if end > middle:
            made.append(Segment(middle, end - middle, data[middle - start :], writable, executable))
        return made

    def _thread_local(self, headers: Sequence[ProgramHeader], loaded: LoadedBytes) -> ThreadLocalSegment | None:
        found = next((h for h in headers if h.type == _PT_TLS and h.size), None)
        if found is None:
            return None
        if found.data_size > found.size or found.size > MAX_IMAGE or found.align & (found.align - 1):
            raise self.bad(f"a thread-local segment of {found.size:#x} bytes, aligned to {found.align:#x}")
        if found.align > MAX_ALIGN:
            raise self.bad(f"a thread-local segment aligned to {found.align:#x}")
        loaded.at(found.address, found.data_size, "a thread-local segment")
        return ThreadLocalSegment(found.address, found.data_size, found.size, max(found.align, 1))

    @staticmethod
    def _symbol(s: ElfSymbol, version: Version | None = None) -> DynamicSymbol:
        kind = s.info & 15
        binding = BINDINGS.get(s.info >> 4, "global")
        indirect = kind == STT_GNU_IFUNC
        return DynamicSymbol(
            s.name,
            s.value,
            s.size,
            "function" if indirect else KINDS.get(kind, "notype"),
            binding,
            bool(s.section),
            s.section in (_SHN_ABS, _SHN_ABS - 0x10000),
            binding == "local" or s.other & 3 != _STV_DEFAULT,
            indirect,
            version,
        )

    def _runpath(self, text: str) -> list[str]:
        """The folders of DT_RUNPATH that are told relative to the library: others are of the system it was made for."""
        folder = os.path.dirname(self.name) or "."
        parts = [part.replace("${ORIGIN}", "$ORIGIN") for part in text.split(":")]
        return [part.replace("$ORIGIN", folder) for part in parts if part.split("/")[0] == "$ORIGIN"]

    # Sections, for debug information and listings

    def _placed_sections(self, loads: Sequence[ProgramHeader]) -> list[tuple[PlacedSection, str]]:
        """The sections with their protection; of a file without any, its segments."""
        end = max(h.address + h.size for h in loads)
        found = [
            (PlacedSection(h.name, h.address, h.size), "rx" if h.flags & SHF_EXECINSTR else "r")
            for h in self.headers
            if h.flags & SHF_ALLOC and not h.flags & SHF_TLS and h.size and h.address + h.size <= end
        ]
        if found:
            return found
        return [
            (PlacedSection(".text", h.address, h.size), "rx")
            if h.flags & _PF_X
            else (PlacedSection(".data", h.address, h.size), "r")
            for h in loads
        ]

    def _part(self, placed: Sequence[tuple[PlacedSection, str]], symbols: Sequence[DynamicSymbol]) -> Part:
        marks = []
        ordered = sorted(range(len(placed)), key=lambda i: placed[i][0].offset)
        for s in self.symbols:
            if not is_mark(s):
                continue
            at = next((i for i in reversed(ordered) if placed[i][0].offset <= s.value), None)
            if at is not None:
                marks.append(Mark(at, s.value - placed[at][0].offset, mark_of(s.name) is True))
        return Part(
            self.name,
            "elf",
            [Section(p.name, b"", flags, 1, p.size) for p, flags in placed],
            [SectionSymbol(s.name, ABSOLUTE if s.defined else None, kind=s.kind) for s in symbols],
            marks=marks,
            debug=ObjectDebug(_library, self, placed[0][0].offset),
            cache=ObjectCache(self.data),
        )

    def debug_info(self, placed: Sequence[PlacedSection], address: int) -> DebugInfo | None:
        sections = self.debug_sections()
        if "debug_info" not in sections:
            return None
        from armexec.objects.debug_info.dwarf import DebugInfo, MovedDebugInfo

        moved = placed[0].offset - address
        return MovedDebugInfo(DebugInfo(self.name, sections), moved) if moved else DebugInfo(self.name, sections)
