"""Other spellings that GNU as and clang read: the words are theirs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.isa.llvm import reassembled

from armexec import AssemblyError, Builder, function
from armexec.asm import assemble
from armexec.objects import load_image

#: What both read.
BOTH = """\
bic x0, x1, #15
bic w0, w1, #-16
bic sp, x1, #15
bic wsp, w1, #~15
b.none 8
b.any 8
b.nlast 8
b.last 8
b.first 8
b.nfrst 8
b.pmore 8
b.plast 8
b.tcont 8
b.tstop 8
b.cs 8
bhs 8
bcc 8
csel x0, x1, x2, none
cset w0, any
ccmp x0, #3, #4, tstop
cinc x0, x1, pmore
uxtb x0, w1
uxth x0, w1
cmp x0, w1, sxtx #2
cmn sp, w1, uxtx
cmp sp, w1, lsl #2
mov x0, #!1
mov x0, !0
add x0, x1, #!(3 - 3) + 4
add x0, x1, #-5
subs w0, w1, #-4096
cmp x0, #-1
cmn w0, #-1
adds x0, x1, #0xffffffffffffffff
ldr x0, [x1, #0xfffffffffffffff8]
ldur w0, [x1, 0xffffffffffffff00]
adr x0, 0xfffffffffffffffc
mov x0, #0xffff0000ffffffff
mov w0, #0xffffffff00000001
and w0, w1, #0xfffffffffffffffe
and x0, x1, #-16
prfm #31, [sp, x3]
prfm 24, [x0, w1, uxtw #3]
prfm #5, [x0]
ADD X0, X1, X2, LSL #3
MOV W0, WZR
mov fp, sp
ldr x0, [ x1 ] , 8
str q0, [x1,#-16]
ldr x0, [x1, 3]
ldur x0, [x1, #8]
ld1 {v0.4s-v3.4s}, [x0]
tbl v0.16b, {v1.16b-v2.16b}, v3.16b
fmov s0, wzr
dc zva, x0
dc CVAU, x0
ic ivau, x0
tlbi vmalle1
at s1e1r, x0
hint 3
bti jc
dsb #3
dmb 11
isb #15
msr daifset, #2
mrs x0, s3_3_c13_c0_2
add x0, sp, w1, uxtw #0
cmge v0.4s, v1.4s, #0
""".splitlines()
#: What clang alone reads.
CLANG = """\
bics x0, x1, #15
ld1 {v31.16b - v1.16b}, [x0], #48
fmov d0, #0.0
cmle v0.4s, v1.4s, v2.4s
bics w0, w1, #0xff
orn x0, x1, #15
orn sp, x1, #15
eon w0, w1, #15
mov d0, v0[1]
mov s31, v2[3]
mov b0, v1[15]
dup h0, v1[7]
sxtb x0, x1
sxth x0, x1
sxtw x0, x1
uxtw x0, w1
uxtw x0, x1
adds x0, x1, w2, lsl #1
cmp x1, wzr, lsl #4
cmls d0, d1, d2
cmlo d0, d1, d2
cmle d0, d1, d2
cmlt d0, d1, d2
""".splitlines()
#: What GNU as alone reads.
GNU = """\
mov x1, x2, lsl #1
mov ip1, xzr
clearbhb
mov lr, ip0
fcmp d0, #0
mov w1, w2, ror #31
mov x1, xzr, asr #63
uxtw w0, w1
add x0, x1, x2, uxtb
subs x0, x1, x2, sxth #2
add x0, x1, w2, sxtx
add x0, sp, w2
sub sp, sp, w2
cmp sp, w2
ldadd x0, x1, [x2, #0]
stsetlh w0, [sp, 0]
swpal x0, x1, [x2, #0]
fmla v0.4s, v1.4s, v2.4s[1]
mov v0.4s[1], w1
mov v0.16b[3], v1.16b[15]
fmov x0, v1.2d[1]
smov x0, v1.4h[1]
mov d0, v1.1d[1]
movi v0.8b, #-1
bic v0.4s, #-128, lsl #24
""".splitlines()


def test_clang_agrees(tmp_path: Path) -> None:
    lines = BOTH + CLANG
    expected = [word for _, word in reassembled(lines, tmp_path)]
    assert_words(lines, expected)


@pytest.mark.skipif(shutil.which("aarch64-linux-gnu-as") is None, reason="there is no GNU as for AArch64")
def test_gnu_as_agrees(tmp_path: Path) -> None:
    lines = BOTH + GNU
    source, output = tmp_path / "source.s", tmp_path / "output.o"
    source.write_text("\n".join(lines) + "\n")
    command = ["aarch64-linux-gnu-as", "-march=armv8.6-a+crypto", "-o", output, source]
    subprocess.run(command, check=True, timeout=60)
    data = load_image(output.read_bytes()).segments[0].data
    assert_words(lines, [int.from_bytes(data[i : i + 4], "little") for i in range(0, 4 * len(lines), 4)])


def assert_words(lines: list[str], expected: list[int]) -> None:
    found = [assemble(line).words for line in lines]
    wrong = [
        (line, words, hex(word)) for line, words, word in zip(lines, found, expected, strict=True) if words != [word]
    ]
    assert wrong == []


def test_gnu_words() -> None:
    """For where there is no GNU as."""
    lines = ["mov x1, x2, lsl #1", "mov w1, w2, ror #31", "uxtw w0, w1", "add x0, x1, x2, uxtb", "mov v0.4s[1], w1"]
    assert assemble("\n".join(lines)).words == [0xAA0207E1, 0x2AC27FE1, 0x2A0103E0, 0x8B220020, 0x4E0C1C20]


def test_in_the_builder() -> None:
    a = Builder()
    a.bic(a.x0, a.x1, 15)
    a.b_none(8)
    a.mov(a.x1, a.x2, ("lsl", 1))
    a.mov(a.d0, "v0[1]")
    a.add(a.x0, a.x1, 0xFFFF_FFFF_FFFF_FFFF)
    a.cset(a.w0, "tstop")
    text = "bic x0, x1, #15\nb.none 8\nmov x1, x2, lsl #1\nmov d0, v0[1]\nsub x0, x1, #1\ncset w0, lt"
    assert a.assemble().words == assemble(text).words


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("ldr q0, =0x0123456789abcdef0f1e2d3c4b5a6978", "78695a4b3c2d1e0fefcdab8967452301"),
        ("ldr q0, =-1", "ff" * 16),
        ("ldr q0, =1", "01" + "00" * 15),
        ("ldr d0, =0x3ff0000000000000", "000000000000f03f"),
        ("ldr s0, =0x3f800000", "0000803f"),
        ("ldr w0, =0x12345678", "78563412"),
        ("ldrsw x0, =0x92345678", "78563492"),
        ("ldr x0, =0x123456789", "8967452301000000"),
    ],
)
def test_literals(text: str, data: str) -> None:
    assert assemble(text).bytes.hex().endswith(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"ldr q0, ={1 << 128:#x}", "the number has more than 128 bits"),
        (f"ldr q0, ={1 << 80:#x} + 1", "the number has more than 64 bits"),
        (f"ldr q0, =-{1 << 80:#x}", "the number has more than 64 bits"),
        (f"ldr x0, ={1 << 64:#x}", "does not fit 8 bytes"),
        (f".quad {1 << 64:#x}", "does not fit 8 bytes"),
        (f"mov x0, #{1 << 64:#x}", "does not fit 64 bits"),
    ],
)
def test_numbers_that_are_too_long(text: str, message: str) -> None:
    with pytest.raises(AssemblyError, match=message):
        assemble(text)


def test_addresses_of_numeric_labels() -> None:
    text = "ldr x0, =1f\nldr x1, 2f\nsub x0, x0, x1\nadr x1, 1f\nldr x2, 2f\nsub x1, x1, x2\nadd x0, x0, x1\nret\n"
    assert function(text + "1: nop\n2: .quad 1b", "long()")() == 0
    with pytest.raises(AssemblyError, match="there is no label '3' in that direction"):
        assemble(".quad 3f")


def test_literals_in_the_builder() -> None:
    a = Builder()
    a.ldr(a.x0, "=0x123456789")
    a.ldr(a.w1, "=5")
    a.ldr(a.q2, "=0x0123456789abcdef0f1e2d3c4b5a6978")
    a.ldr(a.q3, a.literal(-1, 16))
    a.ldr(a.x4, "=somewhere")
    a.ldrsw(a.x5, "=-5")
    a.ret()
    text = "ldr x0, =0x123456789\nldr w1, =5\nldr q2, =0x0123456789abcdef0f1e2d3c4b5a6978\nldr q3, =-1\n"
    expected = assemble(text + "ldr x4, =somewhere\nldrsw x5, =-5\nret")
    built = a.assemble()
    assert built.words == expected.words
    assert [(r.offset, r.type, r.symbol) for r in built.relocations] == [
        (r.offset, r.type, r.symbol) for r in expected.relocations
    ]
    for wrong in ("=", "=x0", "=5, 6", "=:lo12:a"):
        with pytest.raises(AssemblyError):
            Builder().ldr(Builder.x0, wrong)
    with pytest.raises(AssemblyError, match="a literal of 2 bytes: 4, 8 or 16"):
        Builder().literal(1, 2)
