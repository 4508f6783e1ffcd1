"""An executable file for debuggers: what an image is in memory, with its symbols and its debug information.

It is never run. Sources: System V ABI (ELF), chapters 4 and 5; DWARF 5, 6.4.1; DWARF for the Arm 64-bit Architecture,
4.1.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from armexec.objects.image import Image
from armexec.objects.layout import PlacedSection
from armexec.objects.relocations import RelocationType

__all__ = ["Pad", "debugger_file"]

_EXECUTABLE, _AARCH64, _LOAD = 2, 183, 1
_PROGBITS, _SYMTAB, _STRTAB, _NOBITS = 1, 2, 3, 8
_WRITE, _ALLOC, _EXECINSTR, _MERGE_STRINGS = 1, 2, 4, 0x30
_LOCAL, _GLOBAL, _OBJECT, _FUNCTION = 0, 1, 1, 2
_ABSOLUTE = 0xFFF1
_HEADER, _PROGRAM_HEADER, _SECTION_HEADER, _SYMBOL = 64, 56, 64, 24
_PAGE = 0x1000
_KINDS = {"function": _FUNCTION, "object": _OBJECT}


class Pad(NamedTuple):
    """The function that the first call returns to, which isn't there: its name, its address, and its size."""

    name: str
    address: int
    size: int


@dataclass
class _Section:
    name: str
    type: int
    flags: int
    address: int
    data: bytes
    size: int
    link: int = 0
    info: int = 0
    align: int = 1
    entry: int = 0
    offset: int = 0


def debugger_file(image: Image, base: int, pad: Pad, read: Callable[[int, int], bytes]) -> bytes:
    """The file for an image at an address.

    Args:
        pad: where the debugger's list of calls ends.
        read: gives bytes of memory by their address, as they are now.
    """
    sections = [_Section("", 0, 0, 0, b"", 0, align=0)]
    for segment in image.segments:
        flags = _ALLOC | (_WRITE if segment.writable else 0) | (_EXECINSTR if segment.executable else 0)
        name = ".text" if segment.executable else ".data" if segment.writable else ".rodata"
        data = read(base + segment.offset, len(segment.data))
        sections.append(_Section(name, _PROGBITS, flags, base + segment.offset, data, len(data), align=_PAGE))
        rest = segment.size - len(data)
        if rest > 0:
            address = base + segment.offset + len(data)
            sections.append(_Section(".bss", _NOBITS, flags, address, b"", rest))
    tables = _unwind_tables(image, base, read)
    if tables is not None:
        sections.append(tables)
    loaded = len(sections)
    sections.append(_Section(".return", _NOBITS, _ALLOC | _EXECINSTR, pad.address, b"", pad.size, align=4))
    contents = _debug_contents(image, base)
    contents["debug_frame"] = contents.get("debug_frame", b"") + _pad_frame(pad, len(contents.get("debug_frame", b"")))
    for name, data in contents.items():
        flags = _MERGE_STRINGS if name in ("debug_str", "debug_line_str") else 0
        sections.append(_Section("." + name, _PROGBITS, flags, 0, data, len(data), entry=1 if flags else 0))
    symbols, strings, local = _symbols(image, base, pad, sections)
    sections.append(_Section(".symtab", _SYMTAB, 0, 0, symbols, len(symbols), len(sections) + 1, local, 8, _SYMBOL))
    sections.append(_Section(".strtab", _STRTAB, 0, 0, strings, len(strings)))
    return _written(sections, loaded, pad.address)


def _placed(image: Image) -> Iterator[tuple[int, list[PlacedSection]]]:
    """The number of each part, with the places of its sections."""
    start = 0
    for number, part in enumerate(image.parts):
        yield number, list(image.sections[start : start + len(part.sections)])
        start += len(part.sections)


def _debug_contents(image: Image, base: int) -> dict[str, bytes]:
    """The debug sections of all parts, one behind the other."""
    joined: dict[str, bytearray] = {}
    for number, placed in _placed(image):
        contents = image.parts[number].debug_contents
        if contents is None:
            continue
        begins = {name: len(data) for name, data in joined.items()}
        for name, data in contents(placed, base, begins).items():
            joined.setdefault(name, bytearray()).extend(data)
    return {name: bytes(data) for name, data in joined.items() if data}


def _unwind_tables(image: Image, base: int, read: Callable[[int, int], bytes]) -> _Section | None:
    """The unwind tables, where the image has them; else those of its parts, at an address that is behind it."""
    own = next((section for section in image.sections if section.name == ".eh_frame" and section.size), None)
    if own is not None:
        return _Section(".eh_frame", _PROGBITS, _ALLOC, base + own.offset, read(base + own.offset, own.size), own.size)
    address = base + (image.size + _PAGE - 1) // _PAGE * _PAGE
    joined = bytearray()
    symbol = 0
    for number, _ in _placed(image):
        part = image.parts[number]
        if part.unwind is not None:
            data = bytearray(part.unwind.data)
            for reference in part.unwind.references:
                target = image.symbols[symbol + reference.symbol].offset
                if reference.type != RelocationType.PREL32 or target is None:
                    continue
                value = base + target + reference.addend - (address + len(joined) + reference.offset)
                data[reference.offset : reference.offset + 4] = (value & 0xFFFF_FFFF).to_bytes(4, "little")
            joined += data
        symbol += len(part.symbols)
    return _Section(".eh_frame", _PROGBITS, _ALLOC, address, bytes(joined), len(joined), align=8) if joined else None


def _pad_frame(pad: Pad, begin: int) -> bytes:
    """The call frame information of the pad, which begins at `begin` in its section: X30 is undefined, so it has no
    caller."""
    # CIE: version 4, no augmentation, addresses of 8 bytes, code and data alignment 1 and -8, X30 is the link;
    # DW_CFA_def_cfa sp 0, DW_CFA_undefined x30.
    cie = b"\xff\xff\xff\xff\x04\x00\x08\x00\x01\x78\x1e" + b"\x0c\x1f\x00" + b"\x07\x1e"
    cie += bytes(-len(cie) % 8 + 4)
    fde = struct.pack("<IQQ", begin, pad.address, pad.size)
    fde += bytes(-len(fde) % 8 + 4)
    return struct.pack("<I", len(cie)) + cie + struct.pack("<I", len(fde)) + fde


def _symbols(image: Image, base: int, pad: Pad, sections: list[_Section]) -> tuple[bytes, bytes, int]:
    """The symbol table, its strings, and the number of the first symbol that isn't local."""
    strings = bytearray(b"\0")
    entries: dict[int, list[bytes]] = {_LOCAL: [bytes(_SYMBOL)], _GLOBAL: []}

    def add(name: str, address: int, size: int, kind: int, binding: int) -> None:
        section = next(
            (n for n, s in enumerate(sections) if s.flags & _ALLOC and s.address <= address < s.address + s.size),
            _ABSOLUTE,
        )
        entries[binding].append(struct.pack("<IBBHQQ", len(strings), binding << 4 | kind, 0, section, address, size))
        strings.extend(name.encode(errors="surrogateescape") + b"\0")

    for symbol in image.symbols:
        name = image.linkage_name(symbol)
        if symbol.offset is None or not name or symbol.kind in ("section", "tls"):
            continue
        binding = _LOCAL if symbol.binding == "local" else _GLOBAL
        add(name, base + symbol.offset, symbol.size, _KINDS.get(symbol.kind, 0), binding)
    add(pad.name, pad.address, pad.size, _FUNCTION, _GLOBAL)
    return b"".join(entries[_LOCAL] + entries[_GLOBAL]), bytes(strings), len(entries[_LOCAL])


def _written(sections: list[_Section], loaded: int, entry: int) -> bytes:
    """The file. The first sections up to `loaded` are segments too."""
    names = bytearray(b"\0")
    sections.append(_Section(".shstrtab", _STRTAB, 0, 0, b"", 0))
    numbers = []
    for section in sections:
        numbers.append(len(names) if section.name else 0)
        names += section.name.encode() + b"\0" if section.name else b""
    sections[-1].data, sections[-1].size = bytes(names), len(names)
    segments = [section for section in sections[1:loaded] if section.type == _PROGBITS]
    body = bytearray(_HEADER + _PROGRAM_HEADER * len(segments))
    for section in sections[1:]:
        # Segments are at the same places of their pages as in memory.
        align = _PAGE if section in segments else section.align
        body += bytes(-len(body) % max(align, 1))
        section.offset = len(body)
        body += section.data
    body += bytes(-len(body) % 8)
    table = len(body)
    for name, s in zip(numbers, sections, strict=True):
        body += struct.pack(
            "<IIQQQQIIQQ", name, s.type, s.flags, s.address, s.offset, s.size, s.link, s.info, s.align, s.entry
        )
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        _EXECUTABLE,
        _AARCH64,
        1,
        entry,
        _HEADER,
        table,
        0,
        _HEADER,
        _PROGRAM_HEADER,
        len(segments),
        _SECTION_HEADER,
        len(sections),
        len(sections) - 1,
    )
    body[:_HEADER] = header
    for number, s in enumerate(segments):
        flags = 4 | (2 if s.flags & _WRITE else 0) | (1 if s.flags & _EXECINSTR else 0)
        at = _HEADER + _PROGRAM_HEADER * number
        body[at : at + _PROGRAM_HEADER] = struct.pack(
            "<IIQQQQQQ", _LOAD, flags, s.offset, s.address, s.address, s.size, s.size, _PAGE
        )
    return bytes(body)
