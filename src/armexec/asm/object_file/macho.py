"""Assembled code as an arm64 Mach-O relocatable object.

Source: Apple's mach-o/loader.h, nlist.h, reloc.h and arm64/reloc.h.
"""

from __future__ import annotations

import struct
from bisect import bisect_right

from armexec.asm.contents import CodeContents, CodeRelocation, CodeSection, CodeSymbol
from armexec.asm.where import Where
from armexec.errors import AssemblyError

__all__ = ["write_macho"]

_MAGIC, _CPU_TYPE_ARM64, _MH_OBJECT, _MH_SUBSECTIONS_VIA_SYMBOLS = 0xFEEDFACF, 0x0100000C, 1, 0x2000
_LC_SYMTAB, _LC_DYSYMTAB, _LC_SEGMENT_64, _LC_BUILD_VERSION = 0x2, 0xB, 0x19, 0x32
_PLATFORM_MACOS, _MACOS_11 = 1, 11 << 16
_TYPES = {
    "regular": 0x0,
    "progbits": 0x0,
    "nobits": 0x1,
    "cstring_literals": 0x2,
    "4byte_literals": 0x3,
    "8byte_literals": 0x4,
    "literal_pointers": 0x5,
    "non_lazy_symbol_pointers": 0x6,
    "lazy_symbol_pointers": 0x7,
    "symbol_stubs": 0x8,
    "mod_init_funcs": 0x9,
    "mod_term_funcs": 0xA,
    "coalesced": 0xB,
    "interposing": 0xD,
    "16byte_literals": 0xE,
    "thread_local_regular": 0x11,
    "thread_local_variables": 0x13,
    "thread_local_variable_pointers": 0x14,
    "thread_local_init_function_pointers": 0x15,
}
_S_THREAD_LOCAL_ZEROFILL = 0x12
_ATTRIBUTES = {
    "pure_instructions": 0x80000000,
    "no_toc": 0x40000000,
    "strip_static_syms": 0x20000000,
    "no_dead_strip": 0x10000000,
    "live_support": 0x08000000,
    "self_modifying_code": 0x04000000,
    "debug": 0x02000000,
}
_S_ATTR_SOME_INSTRUCTIONS = 0x400
_N_PEXT, _N_EXT, _N_UNDF, _N_ABS, _N_SECT = 0x10, 0x01, 0x0, 0x2, 0xE
_N_WEAK_REF, _N_WEAK_DEF = 0x40, 0x80

_UNSIGNED, _SUBTRACTOR, _ADDEND = 0, 1, 10
# Type and whether it is pc-relative; all are of 4 bytes.
_INSTRUCTIONS = {
    "CALL26": (2, True),
    "JUMP26": (2, True),
    "ADR_PREL_PG_HI21": (3, True),
    "ADD_ABS_LO12_NC": (4, False),
    **{f"LDST{bits}_ABS_LO12_NC": (4, False) for bits in (8, 16, 32, 64, 128)},
    "ADR_GOT_PAGE": (5, True),
    "LD64_GOT_LO12_NC": (6, False),
    "TLSDESC_ADR_PAGE21": (8, True),
    "TLSDESC_LD64_LO12": (9, False),
    "TLSDESC_ADD_LO12": (9, False),
}
_POINTER_TO_GOT = 7
_MASK = 0xFFFF_FFFF_FFFF_FFFF
_MOST_SECTIONS = 255
_DATA = {"ABS64": 8, "ABS32": 4, "PREL64": 8, "PREL32": 4}


def write_macho(code: CodeContents) -> bytes:
    """The object of assembled code.

    Raises:
        AssemblyError: Mach-O has no relocation for a reference.
    """
    return _Writer(code).write()


class _Writer:
    def __init__(self, code: CodeContents) -> None:
        self.code = code
        # Sections without contents in the file come last.
        self.sections = sorted(code.sections, key=lambda section: section.type == "nobits")
        self.number = {section: number for number, section in enumerate(self.sections, 1)}
        self.address: dict[CodeSection, int] = {}
        end = 0
        for section in self.sections:
            end += -end % section.align
            self.address[section] = end
            end += section.size
        self.size = end
        self.defined = {symbol.name: symbol for symbol in code.all_symbols}
        self.strings = bytearray(b"\0")
        self.entries: list[bytes] = []
        self.numbers: dict[str, int] = {}
        # The symbols to which references to unnamed labels are relative.
        self.anchors: dict[CodeSection, list[tuple[int, int]]] = {}

    def write(self) -> bytes:
        if len(self.sections) > _MOST_SECTIONS:
            raise AssemblyError(f"{len(self.sections)} sections: a Mach-O object has at most {_MOST_SECTIONS}")
        counts = self._symbols()
        contents = {section: bytearray(section.data) for section in self.sections}
        relocations = {section: bytearray() for section in self.sections}
        for r in self.code.relocations:
            relocations[r.section] += self._relocation(r, contents[r.section])
        commands = 72 + 80 * len(self.sections) + 24 + 24 + 80
        start = 32 + commands
        start += -start % 8
        file_size = max((self.address[s] + s.size for s in self.sections if s.type != "nobits"), default=0)
        at = start + file_size
        at += -at % 8
        headers = bytearray()
        tail = bytearray()
        for section in self.sections:
            headers += self._section(section, start, at + len(tail), relocations[section])
            tail += relocations[section]
        symbols = at + len(tail)
        strings = symbols + 16 * len(self.entries)
        out = bytearray(
            struct.pack("<8I", _MAGIC, _CPU_TYPE_ARM64, 0, _MH_OBJECT, 4, commands, self._flags(), 0)
            + struct.pack("<II16sQQQQ", _LC_SEGMENT_64, 72 + len(headers), b"", 0, self.size, start, file_size)
            + struct.pack("<4I", 7, 7, len(self.sections), 0)
            + headers
        )
        out += struct.pack("<6I", _LC_BUILD_VERSION, 24, _PLATFORM_MACOS, _MACOS_11, 0, 0)
        out += struct.pack("<6I", _LC_SYMTAB, 24, symbols, len(self.entries), strings, len(self.strings))
        local, external, undefined = counts
        out += struct.pack(
            "<20I", _LC_DYSYMTAB, 80, 0, local, local, external, local + external, undefined, *([0] * 12)
        )
        out += bytes(start + file_size - len(out))
        for section, data in contents.items():
            if section.type != "nobits":
                offset = start + self.address[section]
                out[offset : offset + len(data)] = data
        out += bytes(at - len(out))
        return bytes(out + tail + b"".join(self.entries) + self.strings)

    def _flags(self) -> int:
        return _MH_SUBSECTIONS_VIA_SYMBOLS if ".subsections_via_symbols" in self.code.source else 0

    def _section(self, section: CodeSection, start: int, at: int, relocations: bytes | bytearray) -> bytes:
        segment, _, name = section.name.partition(",")
        flags = _TYPES.get(section.type, 0)
        if section.type == "nobits" and section.attributes == "thread_local":
            flags = _S_THREAD_LOCAL_ZEROFILL
        for attribute in section.attributes.split("+"):
            flags |= _ATTRIBUTES.get(attribute, 0)
        if any(kind == "x" for _, kind in section.marks):
            flags |= _S_ATTR_SOME_INSTRUCTIONS
        if section.name == "__TEXT,__text":
            flags |= _ATTRIBUTES["pure_instructions"]
        return struct.pack(
            "<16s16sQQ8I",
            name.encode(),
            segment.encode(),
            self.address[section],
            section.size,
            0 if section.type == "nobits" else start + self.address[section],
            section.align.bit_length() - 1,
            at if relocations else 0,
            len(relocations) // 8,
            flags,
            0,
            0,
            0,
        )

    # -- symbols ----------------------------------------------------------------------------------------------------
    def _symbols(self) -> tuple[int, int, int]:
        """Make the symbol table; returns the numbers of local, external and undefined symbols."""
        for number, section in enumerate(self.sections):
            self._add(f"ltmp{number}", _N_SECT, self.number[section], 0, self.address[section])
            self.anchors[section] = [(0, number)]
        kinds: list[list[CodeSymbol]] = [[], [], []]
        for symbol in self.code.all_symbols:
            if symbol.temporary or symbol.name.startswith("L"):
                continue
            undefined = symbol.common or not symbol.defined
            kinds[2 if undefined else 0 if symbol.binding == "local" else 1].append(symbol)
        for symbols in kinds:
            for symbol in symbols:
                self.numbers[symbol.name] = len(self.entries)
                if symbol.section is not None:
                    self.anchors[symbol.section].append((symbol.value, len(self.entries)))
                self._symbol(symbol)
        for anchors in self.anchors.values():
            anchors.sort()
        return len(self.sections) + len(kinds[0]), len(kinds[1]), len(kinds[2])

    def _symbol(self, symbol: CodeSymbol) -> None:
        external = 0 if symbol.binding == "local" else _N_EXT
        if symbol.visibility != "default" and symbol.defined:
            external |= _N_PEXT
        weak = symbol.binding == "weak"
        if symbol.common:
            self._add(symbol.name, _N_UNDF | _N_EXT, 0, (symbol.value.bit_length() - 1) << 8, symbol.size)
        elif symbol.section is not None:
            section = symbol.section
            value = self.address[section] + symbol.value
            self._add(symbol.name, _N_SECT | external, self.number[section], _N_WEAK_DEF * weak, value)
        elif symbol.defined:
            self._add(symbol.name, _N_ABS | external, 0, 0, symbol.value)
        else:
            self._add(symbol.name, _N_UNDF | _N_EXT, 0, _N_WEAK_REF * weak, 0)

    def _add(self, name: str, kind: int, section: int, description: int, value: int) -> None:
        self.entries.append(struct.pack("<IBBHQ", len(self.strings), kind, section, description, value & _MASK))
        self.strings += name.encode(errors="surrogateescape") + b"\0"

    def _target(self, name: str, addend: int) -> tuple[int, int]:
        """The number of a symbol, and the distance from it."""
        number = self.numbers.get(name)
        if number is not None:
            return number, addend
        symbol = self.defined[name]
        if symbol.section is None:
            return -1, symbol.value + addend
        return self._anchor(symbol.section, symbol.value, addend)

    def _anchor(self, section: CodeSection, offset: int, addend: int = 0) -> tuple[int, int]:
        anchors = self.anchors[section]
        start, number = anchors[max(bisect_right(anchors, (offset, 1 << 32)) - 1, 0)]
        return number, offset - start + addend

    # -- relocations ------------------------------------------------------------------------------------------------
    def _relocation(self, r: CodeRelocation, content: bytearray) -> bytes:
        kind = r.type.removeprefix("R_AARCH64_")
        number, addend = self._target(r.symbol, r.addend)
        if number < 0:
            raise _none(r, kind)
        if kind == "GOTPCREL32":
            return _entry(r.offset, number, True, 4, _POINTER_TO_GOT)
        if kind in _DATA:
            size = _DATA[kind]
            before = b""
            if kind.startswith("PREL") or r.minus is not None:
                minus, distance = self._anchor(r.section, r.offset) if r.minus is None else self._target(r.minus, 0)
                addend -= distance
                before = _entry(r.offset, minus, False, size, _SUBTRACTOR)
            content[r.offset : r.offset + size] = (addend & ((1 << 8 * size) - 1)).to_bytes(size, "little")
            return before + _entry(r.offset, number, False, size, _UNSIGNED)
        if kind not in _INSTRUCTIONS or r.minus is not None:
            raise _none(r, kind)
        type, relative = _INSTRUCTIONS[kind]
        result = b""
        if addend:
            if not -(1 << 23) <= addend < 1 << 23:
                raise _none(r, kind)
            result = _entry(r.offset, addend & 0xFFFFFF, False, 4, _ADDEND, external=False)
        return result + _entry(r.offset, number, relative, 4, type)


def _entry(offset: int, number: int, relative: bool, size: int, type: int, *, external: bool = True) -> bytes:
    info = number | relative << 24 | (size.bit_length() - 1) << 25 | external << 27 | type << 28
    return struct.pack("<iI", offset, info)


def _none(r: CodeRelocation, kind: str) -> Exception:
    name = "a label" if r.symbol[0] < "\x02" else repr(r.symbol)
    message = f"Mach-O has no relocation for this reference to {name} ({kind})"
    hint = "branch to a label of this file that begins with L, or use b or bl" if kind.endswith(("19", "14")) else ""
    return (r.where or Where(0, 0, "", "<assembly>")).error(message, hint)
