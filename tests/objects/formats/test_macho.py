"""Mach-O relocations that compilers emit rarely: differences, GOT pointers, addends."""

from __future__ import annotations

import struct

from ..helpers import image_of

BASE = 0x4000_0000

SOURCE = r"""
    .section __TEXT,__text,regular,pure_instructions
    .globl _entry
    .p2align 2
_entry:
    adrp x0, _table@PAGE + 16
    add x0, x0, _table@PAGEOFF + 16
    ldr q1, [x0, _aligned@PAGEOFF]
    ldrh w1, [x0, _aligned@PAGEOFF + 2]
    ldr x1, [x0, _aligned@PAGEOFF + 8]
    adrp x2, _outside@GOTPAGE
    ldr x2, [x2, _outside@GOTPAGEOFF]
    bl _outside
    ret
_second:
    ret
    .section __DATA,__data
    .globl _table
    .p2align 3
_table:
    .quad _second
    .quad _second + 8
    .quad _outside - 4
    .quad _aligned - _entry
    .quad _aligned - _second + 5
    .long _aligned - _entry
    .long _outside@GOT - .
    .quad Llocal
    .p2align 4
_aligned:
    .quad 1, 2
Llocal:
    .quad 3
    .comm _common, 40, 5
    .zerofill __DATA,__bss,_zeroed,100,3
    .section __DATA,__const
_constant:
    .quad _common, _zeroed
    .subsections_via_symbols
"""


def test_every_relocation() -> None:
    image = image_of(SOURCE, "-g0", language="assembler", target="apple")
    outside = BASE + 0x10_0000
    placed = dict(image.place(BASE, {"outside": outside}.get))

    def read(offset: int, form: str) -> tuple[int, ...]:
        start = max(s for s in placed if s <= offset)
        return struct.unpack_from(f"<{form}", placed[start], offset - start)

    def at(name: str) -> int:
        offset = image.find(name).offset
        assert offset is not None
        return offset

    table = at("table")
    second, aligned = at("second"), at("aligned")
    assert read(table, "3Q") == (BASE + second, BASE + second + 8, outside - 4)
    assert read(table + 24, "2q") == (aligned - at("entry"), aligned - second + 5)
    assert read(table + 40, "i") == (aligned - at("entry"),)
    slot = table + 44 + read(table + 44, "i")[0]
    assert read(slot, "Q") == (outside,)
    assert read(table + 48, "Q") == (BASE + aligned + 16,)
    assert read(at("constant"), "2Q") == (BASE + at("common"), BASE + at("zeroed"))
    assert at("common") % 32 == 0

    words = read(0, "9I")
    page = ((words[0] >> 5 & 0x7FFFF) << 2 | words[0] >> 29 & 3) << 12
    assert page + (words[1] >> 10 & 0xFFF) == table + 16
    assert [(w >> 10 & 0xFFF) << scale for w, scale in zip(words[2:5], (4, 1, 3), strict=True)] == [
        aligned & 0xFFF,
        (aligned & 0xFFF) + 2,
        (aligned & 0xFFF) + 8,
    ]
    got = ((words[5] >> 5 & 0x7FFFF) << 2 | words[5] >> 29 & 3) << 12
    assert got + ((words[6] >> 10 & 0xFFF) << 3) == slot
    assert (words[7] & 0x3FFFFFF) << 2 == outside - BASE - 28

    constant = next(s for s in image.segments if s.offset <= at("constant") < s.offset + s.size)
    assert not constant.writable
    sizes = {s.name: s.size for s in image.symbols}
    assert (sizes["_entry"], sizes["_second"], sizes["_common"], sizes["_zeroed"]) == (36, 4, 40, 100)
    assert [f.source_name for f in image.functions] == ["entry", "second"]
