"""Assembled code as an ELF64 relocatable object.

Source: System V ABI (ELF), chapter 4, and ELF for the Arm 64-bit Architecture (AAELF64).
"""

from __future__ import annotations

import struct

from armexec.asm.contents import CodeContents, CodeSection, CodeSymbol
from armexec.asm.object_file.relocation_numbers import RELOCATIONS
from armexec.asm.where import Where
from armexec.errors import AssemblyError

__all__ = ["write_elf"]

_ET_REL, _EM_AARCH64, _EV_CURRENT = 1, 183, 1
_SHT_SYMTAB, _SHT_STRTAB, _SHT_RELA, _SHT_GROUP, _SHT_SYMTAB_SHNDX = 2, 3, 4, 17, 18
_TYPES = {
    "progbits": 1,
    "note": 7,
    "nobits": 8,
    "init_array": 14,
    "fini_array": 15,
    "preinit_array": 16,
    "unwind": 0x70000001,
    "llvm_addrsig": 0x6FFF4C03,
}
_SHF_INFO_LINK, _SHF_GROUP = 0x40, 0x200
_FLAGS = {
    "w": 1,
    "a": 2,
    "x": 4,
    "M": 0x10,
    "S": 0x20,
    "o": 0x80,
    "T": 0x400,
    "R": 0x200000,
    "e": 0x80000000,
    "y": 0x20000000,
}
_SHN_UNDEF, _SHN_ABS, _SHN_COMMON, _SHN_XINDEX, _SHN_LORESERVE = 0, 0xFFF1, 0xFFF2, 0xFFFF, 0xFF00
_BINDINGS = {"local": 0, "global": 1, "weak": 2, "unique": 10}
_KINDS = {"notype": 0, "object": 1, "function": 2, "tls": 6, "ifunc": 10}
_STT_SECTION, _STT_FILE = 3, 4
_VISIBILITIES = {"default": 0, "internal": 1, "hidden": 2, "protected": 3}
_STO_VARIANT_PCS = 0x80
_ELFOSABI_NONE, _ELFOSABI_GNU = 0, 3
_MASK = 0xFFFF_FFFF_FFFF_FFFF
_ENTRY_SIZES = {"init_array": 8, "fini_array": 8, "preinit_array": 8}


def write_elf(code: CodeContents) -> bytes:
    """The object of assembled code.

    Raises:
        AssemblyError: ELF has no relocation for a difference of two symbols.
    """
    return _Writer(code).write()


class _Strings:
    """A string table without duplicates."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0")
        self._known = {"": 0}

    def add(self, text: str) -> int:
        offset = self._known.get(text)
        if offset is None:
            offset = self._known[text] = len(self.data)
            self.data += text.encode(errors="surrogateescape") + b"\0"
        return offset


class _Writer:
    def __init__(self, code: CodeContents) -> None:
        self.code = code
        # Groups come before their members.
        groups: dict[str, list[CodeSection]] = {}
        for section in code.sections:
            if section.group:
                groups.setdefault(section.group, []).append(section)
        self.groups = groups
        self.index = {section: 1 + len(groups) + number for number, section in enumerate(code.sections)}
        relocated = dict.fromkeys(r.section for r in code.relocations)
        first = 1 + len(groups) + len(code.sections)
        self.relocation_index = {section: first + number for number, section in enumerate(relocated)}
        self.names = _Strings()
        self.strings = _Strings()
        self.symbols: list[bytes] = []
        self.indexes: list[int] = []
        self.numbers: dict[str, int] = {}
        self.section_symbols: dict[CodeSection, int] = {}
        self.defined: dict[str, CodeSymbol] = {symbol.name: symbol for symbol in code.all_symbols}
        self.uses_gnu = False

    def write(self) -> bytes:
        first_global = self._write_symbols()
        headers = [bytes(64)]
        body = bytearray(64)

        def place(data: bytes, align: int) -> int:
            body.extend(bytes(-len(body) % max(align, 1)))
            offset = len(body)
            body.extend(data)
            return offset

        symbol_table = 1 + len(self.groups) + len(self.code.sections) + len(self.relocation_index)
        for name, members in self.groups.items():
            numbers = [int(any(m.comdat for m in members))]
            for member in members:
                numbers.append(self.index[member])
                if member in self.relocation_index:
                    numbers.append(self.relocation_index[member])
            data = struct.pack(f"<{len(numbers)}I", *numbers)
            headers.append(
                self._header(".group", _SHT_GROUP, 0, place(data, 4), len(data), symbol_table, self.numbers[name], 4, 4)
            )
        for section in self.code.sections:
            headers.append(self._section(section, place))
        for section in self.relocation_index:
            data = self._relocations(section)
            flags = _SHF_INFO_LINK | (_SHF_GROUP if section.group else 0)
            name, at = f".rela{section.name}", place(data, 8)
            headers.append(
                self._header(name, _SHT_RELA, flags, at, len(data), symbol_table, self.index[section], 8, 24)
            )
        data = b"".join(self.symbols)
        extended = any(index >= _SHN_LORESERVE for index in self.indexes)
        strings = symbol_table + 1 + extended
        headers.append(self._header(".symtab", _SHT_SYMTAB, 0, place(data, 8), len(data), strings, first_global, 8, 24))
        if extended:
            data = struct.pack(f"<{len(self.indexes)}I", *(i if i >= _SHN_LORESERVE else 0 for i in self.indexes))
            headers.append(
                self._header(".symtab_shndx", _SHT_SYMTAB_SHNDX, 0, place(data, 4), len(data), symbol_table, 0, 4, 4)
            )
        text = bytes(self.strings.data)
        headers.append(self._header(".strtab", _SHT_STRTAB, 0, place(text, 1), len(text), 0, 0, 1, 0))
        own_name = self.names.add(".shstrtab")
        text = bytes(self.names.data)
        headers.append(struct.pack("<IIQQQQIIQQ", own_name, _SHT_STRTAB, 0, 0, place(text, 1), len(text), 0, 0, 1, 0))
        count, names_index = len(headers), len(headers) - 1
        if count >= _SHN_LORESERVE:
            headers[0] = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, count, names_index, 0, 0, 0)
            count, names_index = 0, _SHN_XINDEX
        offset = place(b"", 8)
        body[:64] = struct.pack(
            "<16sHHIQQQIHHHHHH",
            b"\x7fELF\2\1\1" + bytes([_ELFOSABI_GNU if self.uses_gnu else _ELFOSABI_NONE]) + bytes(8),
            _ET_REL,
            _EM_AARCH64,
            _EV_CURRENT,
            0,
            0,
            offset,
            0,
            64,
            0,
            0,
            64,
            count,
            names_index,
        )
        return bytes(body + b"".join(headers))

    # -- sections ---------------------------------------------------------------------------------------------------
    def _header(
        self, name: str, type: int, flags: int, offset: int, size: int, link: int, info: int, align: int, entry: int
    ) -> bytes:
        return struct.pack("<IIQQQQIIQQ", self.names.add(name), type, flags, 0, offset, size, link, info, align, entry)

    def _section(self, section: CodeSection, place: object) -> bytes:
        assert callable(place)
        kind = _TYPES.get(section.type)
        if kind is None and not section.type[:1].isdigit():
            raise AssemblyError(
                f"the section {section.name} has Apple's type {section.type!r}, which no ELF object has: assemble with"
                ' target="apple"'
            )
        if kind is None:
            kind = int(section.type, 0)
        flags = sum(_FLAGS.get(letter, 0) for letter in set(section.attributes))
        if section.group:
            flags |= _SHF_GROUP
        self.uses_gnu = self.uses_gnu or "R" in section.attributes
        link = 0
        if "o" in section.attributes:
            link = next((self.index[s] for s in self.code.sections if s.name == section.link), 0)
            symbol = self.defined.get(section.link)
            if symbol is not None and symbol.section is not None:
                link = self.index[symbol.section]
        data = b"" if section.type == "nobits" else bytes(section.data)
        entry = section.entry_size or _ENTRY_SIZES.get(section.type, 0)
        offset = place(data, section.align)
        return self._header(section.name, kind, flags, offset, section.size, link, 0, section.align, entry)

    # -- symbols ----------------------------------------------------------------------------------------------------
    def _write_symbols(self) -> int:
        """Make the symbol table; returns the number of the first symbol that isn't local."""
        self._add("", 0, 0, 0, 0, 0)
        for name in self.code.files:
            self._add(name, _STT_FILE, 0, _SHN_ABS, 0, 0)
        for section, index in self.index.items():
            self.section_symbols[section] = len(self.symbols)
            self._add("", _STT_SECTION, 0, index, 0, 0)
        for section, index in self.index.items():
            if "x" in section.flags or any(kind == "x" for _, kind in section.marks):
                for offset, kind in section.marks:
                    self._add(f"${kind}", 0, 0, index, offset, 0)
        for group in self.groups:
            if group not in self.defined:
                self.numbers[group] = len(self.symbols)
                self._add(group, 0, 0, 1 + list(self.groups).index(group), 0, 0)
        referred = {r.symbol for r in self.code.relocations} | set(self.groups)
        local = [symbol for symbol in self.code.all_symbols if symbol.binding == "local"]
        for symbol in local:
            if symbol.temporary and symbol.section is not None:
                continue
            if not symbol.name.startswith(".L") or symbol.name in self.groups or self._keeps_name(symbol, referred):
                self._symbol(symbol)
        first = len(self.symbols)
        for symbol in self.code.all_symbols:
            if symbol.binding != "local":
                self._symbol(symbol)
        return first

    @staticmethod
    def _keeps_name(symbol: CodeSymbol, referred: set[str]) -> bool:
        """Whether a reference must name its label: in mergeable sections and thread-local ones."""
        section = symbol.section
        kept = section is not None and ("M" in section.attributes or section.thread_local)
        return symbol.name in referred and (kept or section is None)

    def _symbol(self, symbol: CodeSymbol) -> None:
        section = _SHN_UNDEF
        if symbol.common:
            section = _SHN_COMMON
        elif symbol.section is not None:
            section = self.index[symbol.section]
        elif symbol.defined:
            section = _SHN_ABS
        kind = _KINDS[symbol.kind]
        if symbol.section is not None and symbol.section.thread_local:
            kind = _KINDS["tls"]
        self.uses_gnu = self.uses_gnu or symbol.kind == "ifunc" or symbol.binding == "unique"
        other = _VISIBILITIES[symbol.visibility] | (_STO_VARIANT_PCS if symbol.variant_pcs else 0)
        self.numbers[symbol.name] = len(self.symbols)
        name = "" if symbol.temporary else symbol.name
        self._add(name, _BINDINGS[symbol.binding] << 4 | kind, other, section, symbol.value, symbol.size)

    def _add(self, name: str, info: int, other: int, section: int, value: int, size: int) -> None:
        reserved = section in (_SHN_ABS, _SHN_COMMON)
        self.indexes.append(0 if reserved else section)
        shown = section if reserved or section < _SHN_LORESERVE else _SHN_XINDEX
        self.symbols.append(
            struct.pack("<IBBHQQ", self.strings.add(name), info, other, shown, value & _MASK, size & _MASK)
        )

    # -- relocations ------------------------------------------------------------------------------------------------
    def _relocations(self, section: CodeSection) -> bytes:
        data = bytearray()
        for r in self.code.relocations:
            if r.section is not section:
                continue
            if r.minus is not None:
                raise _difference(r.symbol, r.minus, r.where)
            number, addend = self._target(r.symbol, r.addend)
            data += struct.pack("<QQq", r.offset, number << 32 | RELOCATIONS[r.type], _signed(addend))
        return bytes(data)

    def _target(self, name: str, addend: int) -> tuple[int, int]:
        number = self.numbers.get(name)
        if number is not None:
            return number, addend
        symbol = self.defined[name]
        if symbol.section is None:
            return 0, symbol.value + addend
        return self.section_symbols[symbol.section], symbol.value + addend


def _signed(value: int) -> int:
    return (value & _MASK ^ 1 << 63) - (1 << 63)


def _difference(symbol: str, minus: str, where: Where | None) -> AssemblyError:
    first, second = ("a label" if name[0] < "\x02" else repr(name) for name in (symbol, minus))
    message = f"the difference of {first} and {second}, which are in different sections, has no relocation"
    return (where or Where(0, 0, "", "<assembly>")).error(message)
