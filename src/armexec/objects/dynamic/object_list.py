"""The list of loaded libraries that unwinders search: dl_iterate_phdr(3) and glibc's _dl_find_object.

Its last entry is where the functions that Python calls return to. The unwind table there says that no frame follows: an
exception that leaves the guest is one that nobody catches.

Source: dl_iterate_phdr(3); glibc's manual, "Dynamic Linker Introspection", and its bits/dl_find_object.h; Linux
Standard Base 5.0, "Exception Frames"; DWARF 5, 6.4.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from typing import NamedTuple

from armexec.objects.layout import Reference, Section, SectionSymbol
from armexec.objects.linking import Part
from armexec.objects.relocations import RelocationType

__all__ = ["FIND_OBJECT", "ITERATE", "LoadedObject", "object_list"]

ITERATE, FIND_OBJECT = "dl_iterate_phdr", "_dl_find_object"
_CODE = {
    # Calls the function in X0 with each record, its size and X1, until one call gives another number than 0.
    ITERATE: "fd7bbda9 fd030091"  # stp x29, x30, [sp, #-48]!; mov x29, sp
    "f35301a9 f51300f9"  # stp x19, x20, [sp, #16]; str x21, [sp, #32]
    "f30300aa f40301aa"  # mov x19, x0; mov x20, x1
    "15000090 b5020091"  # adrp x21, TABLE; add x21, x21, :lo12:TABLE
    "00008052"  # mov w0, #0
    "a80a40f9 e80000b4"  # 1: ldr x8, [x21, #16]; cbz x8, 2f
    "e00315aa 010880d2 e20314aa"  # mov x0, x21; mov x1, #64; mov x2, x20
    "60023fd6"  # blr x19
    "b5820191 20ffff34"  # add x21, x21, #96; cbz w0, 1b
    "f51340f9 f35341a9 fd7bc3a8"  # 2: ldr x21, [sp, #32]; ldp x19, x20, [sp, #16]; ldp x29, x30, [sp], #48
    "c0035fd6",  # ret
    # Writes a `struct dl_find_object` for the library of the address in X0 to X1, and gives 0; -1 where there is none.
    FIND_OBJECT: "08000090 08010091"  # adrp x8, TABLE; add x8, x8, :lo12:TABLE
    "090940f9 e90100b4"  # 1: ldr x9, [x8, #16]; cbz x9, 3f
    "092944a9"  # ldp x9, x10, [x8, #64]
    "1f0009eb 43010054"  # cmp x0, x9; b.lo 2f
    "1f000aeb 02010054"  # cmp x0, x10; b.hs 2f
    "0b2940f9 0b0100b4"  # ldr x11, [x8, #80]; cbz x11, 3f
    "3f0000f9 29a800a9 3fac01a9"  # str xzr, [x1]; stp x9, x10, [x1, #8]; stp xzr, x11, [x1, #24]
    "00008052 c0035fd6"  # mov w0, #0; ret
    "08810191 f1ffff17"  # 2: add x8, x8, #96; b 1b
    "00008012 c0035fd6",  # 3: mov w0, #-1; ret
}
_TABLE_AT = {ITERATE: 24, FIND_OBJECT: 0}
"""The offset of the `adrp`."""
# A `struct dl_phdr_info` of 64 bytes (address, name, program headers and their number, counters of libraries that were
# added and removed, thread-local storage), then the first address, the end, and the address of PT_GNU_EH_FRAME.
_RECORD = struct.Struct("<QQQHxxxxxxQQQQQQQxxxxxxxx")
_TO_PYTHON = range((1 << 64) - 16, (1 << 64) - 1)
"""Addresses that hold the one to which functions return that Python calls: the end of the address space."""
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_ADDRESS_IN_HEADER = 16
_PT_LOAD, _PT_GNU_EH_FRAME = 1, 0x6474E550
_NAME_AT, _HEADERS_AT, _START_AT, _END_AT, _FRAMES_AT = 8, 16, 64, 72, 80


class LoadedObject(NamedTuple):
    """A library in the image, by offsets in it: the address 0 of its file, its program headers and their number, its
    end, and PT_GNU_EH_FRAME (None without one)."""

    name: str
    base: int
    headers: int
    header_count: int
    end: int
    frames: int | None


def object_list(objects: Sequence[LoadedObject], wanted: Collection[str], symbol_at: dict[int, str]) -> Part | None:
    """The part that defines the functions among `wanted`. It refers to each offset of the image by a symbol, whose name
    `symbol_at` then has."""
    functions = {name: bytes.fromhex(code) for name, code in _CODE.items() if name in wanted}
    if not functions:
        return None
    references: list[Reference] = []
    symbols = [SectionSymbol("", 0, kind="section", binding="local")]
    numbers: dict[int, int] = {}

    def refer(at: int, offset: int) -> None:
        """Have the word at `at` of the table be the address of an offset of the image."""
        if offset not in numbers:
            numbers[offset] = len(symbols)
            symbols.append(SectionSymbol(symbol_at.setdefault(offset, f"offset 0x{offset:x}"), None, binding="weak"))
        references.append(Reference(0, at, RelocationType.ABS64, numbers[offset]))

    table, names = bytearray(), bytearray()
    end = _RECORD.size * (len(objects) + 2)
    outermost = _OutermostFrame(end)
    texts = end + len(outermost.data)
    for number, o in enumerate(objects):
        at = _RECORD.size * number
        table += _RECORD.pack(0, 0, 0, o.header_count, len(objects), 0, 0, 0, 0, 0, 0)
        refer(at, o.base)
        references.append(Reference(0, at + _NAME_AT, RelocationType.ABS64, 0, texts + len(names)))
        names += o.name.encode("utf-8", "surrogateescape") + b"\0"
        refer(at + _HEADERS_AT, o.headers)
        refer(at + _START_AT, o.base)
        refer(at + _END_AT, o.end)
        if o.frames is not None:
            refer(at + _FRAMES_AT, o.frames)
    at = len(table)
    table += _RECORD.pack(0, 0, 0, 2, len(objects), 0, 0, 0, _TO_PYTHON.start, _TO_PYTHON.stop, 0)
    references.append(Reference(0, at + _NAME_AT, RelocationType.ABS64, 0, texts + len(names)))
    references.append(Reference(0, at + _HEADERS_AT, RelocationType.ABS64, 0, outermost.headers))
    references.append(Reference(0, at + _FRAMES_AT, RelocationType.ABS64, 0, outermost.frames))
    references.append(Reference(0, outermost.frames_address, RelocationType.ABS64, 0, outermost.frames))
    content = bytes(table) + bytes(_RECORD.size) + outermost.data + bytes(names) + b"\0"
    sections = [Section(".data.rel.ro", content, "r", 8)]
    for name, code in functions.items():
        at = _TABLE_AT[name]
        references.append(Reference(len(sections), at, RelocationType.ADR_PREL_PG_HI21, 0))
        references.append(Reference(len(sections), at + 4, RelocationType.ADD_ABS_LO12_NC, 0))
        symbols.append(SectionSymbol(name, len(sections), 0, len(code), binding="weak"))
        sections.append(Section(".text", code, "rx", 4))
    return Part("the list of loaded libraries", "elf", sections, symbols, references)


class _OutermostFrame:
    """Program headers and an unwind table for the addresses to which Python's calls return, at `start` of a section.

    `headers` and `frames` are where they are there; `frames_address` is the word that is to have the address of
    `frames`.
    """

    def __init__(self, start: int) -> None:
        # Version 1; .eh_frame follows, PC-relative; there is no search table.
        frames = struct.pack("<BBBBi", 1, 0x1B, 0xFF, 0xFF, 4)
        # A CIE for plain addresses. The CFA is SP, and X30 is undefined: there is no caller.
        frames += struct.pack("<IIB3sBBBBB5sxx", 20, 0, 1, b"zR", 1, 0x78, 30, 1, 0, b"\x0c\x1f\x00\x07\x1e")
        frames += struct.pack("<IIQQBxxx", 28, 28, _TO_PYTHON.start, len(_TO_PYTHON), 0) + bytes(4) + bytes(4)
        self.headers = start
        self.frames = start + 2 * _PROGRAM_HEADER.size
        self.frames_address = start + _PROGRAM_HEADER.size + _ADDRESS_IN_HEADER
        size = len(_TO_PYTHON)
        self.data = _PROGRAM_HEADER.pack(_PT_LOAD, 5, 0, _TO_PYTHON.start, _TO_PYTHON.start, size, size, 1)
        self.data += _PROGRAM_HEADER.pack(_PT_GNU_EH_FRAME, 4, 0, 0, 0, len(frames), len(frames), 4)
        self.data += frames
