"""Listings: targets as names, addresses and distances; data between code."""

from __future__ import annotations

import pytest

from armexec import LoadError, load
from armexec.asm import assemble
from armexec.disasm import disassemble, listing
from armexec.objects import load_image
from armexec.toolchain import compile_object
from armexec.words import parse_words

SOURCE = """\
.text
.globl f
.p2align 2
f:
  ldr x0, 1f
  ldr w1, 2f
  ldr q0, 3f
  cbz x0, 4f
  bl f
4: ret
{data}
1: .quad 0x0123456789abcdef
2: .long 5
3: .quad 1, 2
.byte 1
.byte 2
.byte 3
.byte 4
{code}
nop
"""
EXPECTED = """\
f:
         0:  580000c0  ldr x0, 0x18 <end+0x4>
         4:  180000e1  ldr w1, 0x20 <end+0xc>
         8:  9c0000e0  ldr q0, 0x24 <end+0x10>
         c:  b4000040  cbz x0, 0x14 <end>
        10:  97fffffc  bl 0x0 <f>
end:
        14:  d65f03c0  ret
        18:  89abcdef  .xword 0x0123456789abcdef
        1c:  01234567
        20:  00000005  .word 0x00000005
        24:  00000001  .xword 0x0000000000000001, 0x0000000000000002
        28:  00000000
        2c:  00000002
        30:  00000000
        34:  04030201  .word 0x04030201
after:
        38:  d503201f  nop"""
SYMBOLS = {0: "f", 0x14: "end", 0x38: "after"}


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_marks_of_objects(target: str) -> None:
    source = SOURCE.replace("f:", "_f:").replace("globl f", "globl _f").replace("bl f", "bl _f")
    if target == "linux":
        source = SOURCE.format(data="", code="") + ".type f, %function\n.size f, .-f\n"
    else:
        source = source.format(data=".data_region", code=".end_data_region")
    data = compile_object(source, language="assembler", target=target, debug=False).data
    image = load_image(data)
    ranges = image.data_ranges(0, 0x3C)
    assert ranges == [(0x18, 0x38)]
    assert image.data_ranges(0, 0x18) == image.data_ranges(0x38, 0x3C) == []
    assert image.data_ranges(0x1C, 0x20) == [(0x1C, 0x20)]
    code = image.place(0, lambda name: None)[0][1][:0x3C]
    text = listing(code, symbols=SYMBOLS, targets="addresses", data=ranges)
    assert text == EXPECTED
    # It can be read again.
    words = [int.from_bytes(code[i : i + 4], "little") for i in range(0, len(code), 4)]
    assert parse_words(text) == words
    function = load(data)["f"]
    assert "  .xword 0x0123456789abcdef" in function.disassembly
    assert ".word 0x01234567" in function.assembly.splitlines()


def test_data_of_odd_places() -> None:
    assert listing(b"\x01\x02\x03\x04\x05", data=[(0, 5)]).splitlines() == [
        "         0:  04030201  .word 0x04030201",
        "         4:  05        .byte 0x05",
    ]
    assert listing(b"\x01\x02\x03\x04", data=[(0, 4)], symbols={1: "a", 2: "b"}).splitlines() == [
        "         0:  01        .byte 0x01",
        "a:",
        "         1:  02        .byte 0x02",
        "b:",
        "         2:  0403      .hword 0x0403",
    ]
    # What reaches out of the code doesn't count.
    assert listing(b"\xc0\x03\x5f\xd6", address=16, data=[(0, 16), (20, 24)]).endswith("d65f03c0  ret")
    assert [i.text for i in disassemble([0xD65F03C0, 0xD65F03C0], address=8, data=[(0, 12)])] == [
        ".word 0xd65f03c0",
        "ret",
    ]


def test_targets() -> None:
    words = assemble("f: b g\nb.ne f\nadr x0, g+2\nadrp x1, 0x3000\ng: nop").words
    symbols = {0x1000: "f", 0x1010: "g"}

    def texts(**options: object) -> list[str]:
        return [i.text for i in disassemble(words, address=0x1000, **options)[:4]]  # type: ignore[arg-type]

    assert texts() == ["b #16", "b.ne #-4", "adr x0, #10", "adrp x1, #12288"]
    assert texts(symbols=symbols) == ["b g", "b.ne f", "adr x0, g+2", "adrp x1, #12288"]
    assert texts(symbols=symbols, targets="distances") == texts()
    assert texts(targets="addresses") == ["b 0x1010", "b.ne 0x1000", "adr x0, 0x1012", "adrp x1, 0x4000"]
    assert texts(symbols=symbols, targets="addresses") == [
        "b 0x1010 <g>",
        "b.ne 0x1000 <f>",
        "adr x0, 0x1012 <g+0x2>",
        "adrp x1, 0x4000",
    ]
    with pytest.raises(LoadError, match="targets='absolute': write names, addresses or distances"):
        texts(targets="absolute")
    with pytest.raises(LoadError, match="targets"):
        listing(words, targets="")  # type: ignore[arg-type]
