"""A dynamic library of macOS (Mach-O, MH_DYLIB or MH_BUNDLE, arm64) as its file describes it.

Addresses are those in the file; sizes are in bytes. Source: Apple's mach-o/loader.h and nlist.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from armexec.errors import LoadError
from armexec.objects.cache import ObjectCache
from armexec.objects.dylib.chained import chained_fixups
from armexec.objects.dylib.fixups import Fixup, Rebase
from armexec.objects.dylib.opcodes import binds, rebases
from armexec.objects.formats.macho import MachHeader, MachObject
from armexec.objects.layout import MAX_IMAGE, Binding, SectionSymbol, too_large

__all__ = ["Dylib", "DylibSegment", "read_dylib"]

_MH_DYLIB, _MH_BUNDLE = 6, 8
_LC_SEGMENT_64, _LC_DYSYMTAB = 0x19, 0xB
_LC_LOAD_DYLIBS = {0xC, 0x80000018, 0x8000001F, 0x20, 0x80000023}  # plain, weak, re-exported, lazy, upward
_LC_DYLD_INFO, _LC_DYLD_INFO_ONLY, _LC_DYLD_CHAINED_FIXUPS = 0x22, 0x80000022, 0x80000034
_LC_ENCRYPTION_INFO_64 = 0x2C
_VM_PROT_WRITE, _VM_PROT_EXECUTE = 2, 4
_SG_READ_ONLY = 0x10
_SECTION_TYPE = 0xFF
_S_NON_LAZY_SYMBOL_POINTERS, _S_LAZY_SYMBOL_POINTERS, _S_SYMBOL_STUBS = 6, 7, 8
_S_MOD_INIT_FUNC_POINTERS, _S_MOD_TERM_FUNC_POINTERS, _S_INIT_FUNC_OFFSETS = 9, 0xA, 0x16
_S_THREAD_LOCAL = range(0x11, 0x16)
_CODE = 0x80000400
_N_STAB, _N_TYPE, _N_EXT = 0xE0, 0x0E, 0x01
_N_UNDF, _N_ABS, _N_SECT = 0, 2, 0xE
_N_WEAK_REF, _N_WEAK_DEF = 0x40, 0x80
_LOCAL, _ABSOLUTE = 0x80000000, 0x40000000
_PAGE = 0x4000
_BINDER = "dyld_stub_binder"


class DylibSegment(NamedTuple):
    """A segment; zeros follow its `data`."""

    name: str
    address: int
    size: int
    data: bytes
    writable: bool
    executable: bool


class Dylib(NamedTuple):
    """The content of a library.

    - `base` is the address of its first segment; `symbols` are defined at addresses (`section` 0), or undefined.
    - `calls` are the addresses of the words through which the library calls functions of others.
    - `initializers` and `finalizers` are addresses of functions; `needed` the names of the dependencies.
    - `marks` are the sections, as (address, whether it is code).
    """

    name: str
    base: int
    segments: Sequence[DylibSegment]
    sections: Sequence[MachHeader]
    symbols: Sequence[SectionSymbol]
    fixups: Sequence[Fixup]
    calls: frozenset[int]
    initializers: Sequence[int]
    finalizers: Sequence[int]
    needed: Sequence[str]
    marks: Sequence[tuple[int, bool]]
    cache: ObjectCache


def read_dylib(data: bytes, name: str) -> Dylib:
    """The content of a dynamic library for arm64.

    Raises:
        LoadError: it is truncated, malformed, for another architecture, encrypted, or has what isn't supported.
    """
    try:
        return _Dylib(data, name).library()
    except struct.error as e:
        raise LoadError(f"{name}: truncated or corrupted Mach-O file: {e}") from None


class _Dylib(MachObject):
    kinds = (_MH_DYLIB, _MH_BUNDLE)

    def __init__(self, data: bytes, name: str) -> None:
        self.segments: list[DylibSegment] = []
        self.needed: list[str] = []
        self.info: tuple[int, ...] = ()
        self.chained: tuple[int, int] | None = None
        self.indirect = (0, 0)
        self.reserved: list[tuple[int, int]] = []  # reserved1 and reserved2 of each section
        super().__init__(data, name)

    def read_command(self, command: int, at: int, length: int) -> None:
        if command in (_LC_DYLD_INFO, _LC_DYLD_INFO_ONLY):
            self.info = struct.unpack_from("<8I", self.data, at + 8)
        elif command == _LC_DYLD_CHAINED_FIXUPS:
            self.chained = struct.unpack_from("<II", self.data, at + 8)
        elif command == _LC_DYSYMTAB:
            self.indirect = struct.unpack_from("<II", self.data, at + 56)
        elif command in _LC_LOAD_DYLIBS:
            (where,) = struct.unpack_from("<I", self.data, at + 8)
            text = self.data[at + where : at + length].partition(b"\0")[0]
            self.needed.append(text.decode("utf-8", "backslashreplace"))
        elif command == _LC_ENCRYPTION_INFO_64 and struct.unpack_from("<I", self.data, at + 16)[0]:
            raise LoadError(f"{self.name}: its code is encrypted, as that of the App Store is")

    def _read_segment(self, at: int, length: int) -> None:
        super()._read_segment(at, length)
        text, address, size, offset, data_size, _, protection, _, flags = struct.unpack_from(
            "<16sQQQQIIII", self.data, at + 8
        )
        (count,) = struct.unpack_from("<I", self.data, at + 64)
        self.reserved += [struct.unpack_from("<II", self.data, at + 72 + 80 * i + 68) for i in range(count)]
        name = text.partition(b"\0")[0].decode("utf-8", "backslashreplace")
        if offset + data_size > len(self.data):
            raise LoadError(f"{self.name}: truncated Mach-O file: segment {name} goes past the end of the file")
        if data_size > size or address % _PAGE:
            raise self.bad(f"segment {name} of {size:#x} bytes at {address:#x}")
        writable = bool(protection & _VM_PROT_WRITE) and not flags & _SG_READ_ONLY
        executable = bool(protection & _VM_PROT_EXECUTE)
        if protection & _VM_PROT_WRITE and executable:
            raise LoadError(
                f"{self.name}: its segment {name} wants to be writable and executable; no memory may be both"
            )
        self.segments.append(
            DylibSegment(name, address, size, self.data[offset : offset + data_size], writable, executable)
        )

    def library(self) -> Dylib:
        loaded = [s for s in self.segments if s.size]
        if not loaded:
            raise LoadError(f"{self.name}: no code and no data")
        base = min(s.address for s in loaded)
        for s in loaded:
            if s.address + s.size - base > MAX_IMAGE:
                raise too_large(self.name, f"segment {s.name}", s.size)
        for before, after in pairwise(sorted(loaded, key=lambda s: s.address)):
            if before.address + before.size > after.address:
                raise self.bad(f"segments {before.name} and {after.name} overlap")
        for header in self.headers:
            self._check_section(header, loaded)
        # Pointers that are bound late are rebased too, to the code that would bind them.
        fixups = list({f.address: f for f in self._fixups(base)}.values())
        return Dylib(
            self.name,
            base,
            loaded,
            self.headers,
            list(self._library_symbols()),
            fixups,
            frozenset(self._calls()),
            self._functions(_S_MOD_INIT_FUNC_POINTERS, fixups) + self._offsets(base),
            self._functions(_S_MOD_TERM_FUNC_POINTERS, fixups),
            self.needed,
            [(h.address, bool(h.flags & _CODE)) for h in self.headers],
            ObjectCache(self.data),
        )

    def _check_section(self, header: MachHeader, loaded: Sequence[DylibSegment]) -> None:
        if header.flags & _SECTION_TYPE in _S_THREAD_LOCAL:
            raise LoadError(
                f"{self.name}: it has thread-local variables ({header.segment},{header.name}), which armexec doesn't"
                " support in Mach-O files"
            )
        if not any(s.address <= header.address <= header.address + header.size <= s.address + s.size for s in loaded):
            raise self.bad(f"section {header.name} at {header.address:#x}, outside of the segments")

    def _read(self, address: int, size: int) -> bytes:
        """Bytes by their address; zeros where the file has none."""
        for s in self.segments:
            if s.address <= address and address + size <= s.address + s.size:
                at = address - s.address
                return s.data[at : at + size].ljust(size, b"\0")
        raise self.bad(f"{size} bytes at {address:#x}, outside of the segments")

    # Fixups

    def _part(self, offset: int, size: int, what: str) -> bytes:
        if offset + size > len(self.data):
            raise LoadError(f"{self.name}: truncated Mach-O file: {what} go past the end of the file")
        return self.data[offset : offset + size]

    def _fixups(self, base: int) -> Iterator[Fixup]:
        segments = [(s.address, s.size) for s in self.segments]
        if self.chained is not None:
            content = self._part(*self.chained, "its fixups")
            yield from chained_fixups(content, self.name, segments, base, self._read)
        if not self.info:
            return
        rebase, bind, weak, lazy = (
            self._part(self.info[i], self.info[i + 1], "its fixups") for i in range(0, len(self.info), 2)
        )
        for address in rebases(rebase, self.name, segments):
            yield Rebase(address, int.from_bytes(self._read(address, 8), "little"))
        # Every function is bound at once, and not by dyld_stub_binder when it is first called.
        yield from (b._replace(weak=b.weak or b.name == _BINDER) for b in binds(bind, self.name, segments))
        yield from binds(lazy, self.name, segments, lazy=True)
        # Of what is defined in several libraries this one's definition is taken, which the others refer to already.
        defined = {s.name for s in self._library_symbols() if s.section is not None}
        yield from (b for b in binds(weak, self.name, segments) if b.name in defined)

    def _calls(self) -> Iterator[int]:
        """The words of pointers to symbols that stubs jump to."""
        offset, count = self.indirect
        table = struct.unpack(f"<{count}I", self._part(offset, 4 * count, "its indirect symbols"))

        def entries(header: MachHeader, size: int, first: int) -> Iterator[tuple[int, int]]:
            for number in range(header.size // size if size else 0):
                if first + number < len(table) and not table[first + number] & (_LOCAL | _ABSOLUTE):
                    yield header.address + size * number, table[first + number]

        called: set[int] = set()
        pointers: list[tuple[int, int]] = []
        for header, (first, size) in zip(self.headers, self.reserved, strict=True):
            kind = header.flags & _SECTION_TYPE
            if kind == _S_SYMBOL_STUBS:
                called |= {symbol for _, symbol in entries(header, size, first)}
            elif kind in (_S_NON_LAZY_SYMBOL_POINTERS, _S_LAZY_SYMBOL_POINTERS):
                pointers += entries(header, 8, first)
        return (address for address, symbol in pointers if symbol in called)

    # Symbols

    def _library_symbols(self) -> Iterator[SectionSymbol]:
        ends: dict[int, list[int]] = {}
        for s in self.symbols:
            if s.type & (_N_STAB | _N_TYPE) == _N_SECT:
                ends.setdefault(s.section, []).append(s.value)
        following = {}
        for number, values in ends.items():
            if not 0 < number <= len(self.headers):
                raise self.bad(f"a symbol in section {number}, which isn't there")
            header = self.headers[number - 1]
            following[number] = dict(pairwise(sorted({*values, header.address + header.size})))
        for s in self.symbols:
            kind = s.type & _N_TYPE
            if s.type & _N_STAB or not s.name or kind not in (_N_UNDF, _N_ABS, _N_SECT):
                continue
            weak = s.description & (_N_WEAK_DEF if kind == _N_SECT else _N_WEAK_REF)
            binding: Binding = "local" if not s.type & _N_EXT else "weak" if weak else "global"
            if kind == _N_SECT:
                header = self.headers[s.section - 1]
                if not header.address <= s.value <= header.address + header.size:
                    raise self.bad(f"symbol {s.name} at {s.value:#x}, outside of its section")
                size = following[s.section].get(s.value, s.value) - s.value
                is_code = header.flags & _CODE and s.name.startswith("_")
                yield SectionSymbol(s.name, 0, s.value, size, "function" if is_code else "object", binding)
            elif kind == _N_UNDF:
                yield SectionSymbol(s.name, None, binding=binding)

    # Initializers

    def _functions(self, kind: int, fixups: Sequence[Fixup]) -> list[int]:
        """The addresses in the sections of that type."""
        targets = {f.address: f for f in fixups}
        found = []
        for header in self.headers:
            if header.flags & _SECTION_TYPE != kind:
                continue
            for address in range(header.address, header.address + header.size - 7, 8):
                fixup = targets.get(address)
                if not isinstance(fixup, Rebase):
                    raise LoadError(f"{self.name}: the function at {address:#x} in {header.name} isn't its own")
                found.append(fixup.target)
        return found

    def _offsets(self, base: int) -> list[int]:
        return [
            base + offset
            for header in self.headers
            if header.flags & _SECTION_TYPE == _S_INIT_FUNC_OFFSETS
            for (offset,) in struct.iter_unpack("<I", self._read(header.address, header.size & -4))
        ]
