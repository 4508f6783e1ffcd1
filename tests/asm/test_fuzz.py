"""Any text either assembles or raises AssemblyError, soon."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armexec import AssemblyError, LoadError
from armexec.asm import assemble
from armexec.isa import mnemonics
from armexec.objects import load_image

from .snippets import APPLE as APPLE_SNIPPETS
from .snippets import BOTH, CLANG, GNU
from .test_sections import TEXTS
from .test_syntax import APPLE, ELF

_PIECES = st.sampled_from(
    [
        *(
            "x0",
            "w1",
            "sp",
            "xzr",
            "x31",
            "v0.4s",
            "d1",
            "lr",
            "#1",
            "#-1",
            "1f",
            "1b",
            "#0x10",
            "0xffffffffffffffff",
            "08",
        ),
        *(
            ",",
            "[",
            "]",
            "!",
            "#",
            "(",
            ")",
            "+",
            "-",
            "*",
            "/",
            "<<",
            "==",
            "~",
            "=",
            ":lo12:",
            "@PAGE",
            "%",
            ";",
            "//",
            "/*",
        ),
        *(
            "lsl",
            "sxtw",
            "eq",
            "label",
            ".",
            "'a'",
            "'",
            '"',
            '"text"',
            "\\",
            "\0",
            "é",
            "\u2028",
            "1e5",
            "1.5",
            "{",
            "}",
        ),
        *(
            ".word",
            ".align",
            ".space",
            ".fill",
            ".set",
            ".section",
            ".ascii",
            ".comm",
            ".zerofill",
            ".size",
            ".type",
            ".uleb128",
            ".sleb128 a - 1b",
            ".subsection",
            '.section .x,"axG",@progbits,',
            ".weakref",
            ".symver",
            ".reloc",
            ".hidden",
            ".file",
            ".loc",
            ".cfi_startproc",
            ".cfi_endproc",
            ".cfi_offset",
            ".cfi_escape",
            ".cfi_personality",
        ),
        *(
            ".macro m a, b=1",
            ".macro n a:vararg",
            ".endm",
            "m",
            "n",
            "m 1,2",
            "\\a",
            "\\@",
            "\\()",
            ".rept 3",
            ".irp a, 1, x0",
            ".irpc a, 12",
            ".endr",
            ".exitm",
            ".purgem m",
            ".altmacro",
            ".noaltmacro",
            "<",
            ">",
            "LOCAL x",
            "&",
        ),
        *(".if 1", ".if 0", ".ifdef a", ".ifc a,", ".ifb", ".elseif 1", ".elseif", ".else", ".endif", ".if", ".ifeqs"),
        *(".req x3", ".unreq", ".org", ".struct", ".octa", ".dcb", ".ds", ".string16", ".float16", ".end", ".include"),
        *(".error", ".warning", ".print", ".fail", ".balignl", ".p2alignw", ".nops", ".macros_off", "# 3", "$0", "%%"),
        *("a:", "1:", "a=", ".ltorg", ".popsection", ".previous", ".text", ".float", ".inst", "=5", " ", "\t", "\n"),
    ]
)
_LINES = st.lists(st.one_of(_PIECES, st.sampled_from(sorted(mnemonics()))), max_size=25).map(" ".join)
_SHORT_LINES = st.lists(_PIECES, max_size=25).map("\n".join)


def attempt(text: str) -> None:
    try:
        code = assemble(text)
        assert len(code.words) * 4 >= len(code.bytes)
        if len(code.bytes) < 10_000:
            assert code.disassembly or not code.bytes
        data = code.object()
    except AssemblyError as caught:
        error = caught
    else:
        with contextlib.suppress(LoadError):
            load_image(data)
        return
    assert str(error)
    assert 0 < error.line <= text.count("\n") + text.count("\r") + 1
    assert error.column >= 1


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_LINES)
def test_pieces(text: str) -> None:
    attempt(text)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_SHORT_LINES)
def test_pieces_on_lines_of_their_own(text: str) -> None:
    attempt(text)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    attempt(text)


FRAMES = """
    .file 0 "/home" "x.c"
    .file 1 "x.c" md5 0x0123456789abcdef0123456789abcdef
    .cfi_sections .eh_frame, .debug_frame
f:  .cfi_startproc
    .cfi_personality 155, DW.ref.personality
    .cfi_lsda 27, .Lexception
    .loc 1 5 3 prologue_end is_stmt 0 discriminator 3 view .LVU1
    stp x29, x30, [sp, #-32]!
    .cfi_def_cfa_offset 32
    .cfi_offset w29, -32
    .cfi_rel_offset x30, 8
    .cfi_remember_state
    .loc 1 900 1
    ret
    .cfi_restore_state
    .cfi_escape 0x10, 1, 2
    .cfi_negate_ra_state
    .cfi_endproc
    .section .gcc_except_table,"a"
.Lexception: .uleb128 .Lend - .Lbegin
.Lbegin: .sleb128 .Lbegin - .Lend, -70000
    .p2align 2
.Lend: .byte .LVU1
"""


def mutations(seed: int, count: int) -> None:
    rng = random.Random(seed)
    sources = [*ELF.values(), *APPLE.values(), *(text for text, _ in TEXTS.values()), FRAMES]
    for snippets in (BOTH, CLANG, GNU, APPLE_SNIPPETS):
        sources += snippets.values()
    for _ in range(count):
        text = rng.choice(sources)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            match rng.randrange(4):
                case 0:
                    text = text[:at] + text[at + rng.randint(1, 9) :]
                case 1:
                    text = text[:at] + rng.choice("#,[](){}:;=!@%'\"\\/*\0\n -+9x.é") + text[at:]
                case 2:
                    other = rng.randrange(len(text))
                    text = text[:at] + text[other : other + rng.randint(1, 30)] + text[at:]
                case _:
                    text = text[:at] + str(rng.choice((1 << 64, -1 << 63, 1 << 63, 4096, 255, 33))) + text[at:]
        attempt(text)


def test_mutations() -> None:
    mutations(1, 300)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 20))
def test_many_mutations(seed: int) -> None:
    mutations(seed, 5000)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "nop " + "x" * 1_000_000,
        "add x0, x1, #" + "9" * 1_000_000,
        ".word 0x" + "f" * 1_000_000,
        ".word " + "(" * 100_000,
        ".word " + "-" * 100_000 + "1",
        ".word " + "1+" * 100_000 + "1",
        ".word " + "a+" * 100_000 + "1",
        " " * 1_000_000,
        "," * 100_000,
        "add " + "x0," * 100_000,
        "'" * 100_000,
        '"' * 100_001,
        "/*" * 100_000,
        "a:" * 50_000,
        "1:" * 50_000 + "b 1b",
        ".ascii " + '"a",' * 50_000 + '"b"',
        ".space 1 << 60",
        *(
            f"{directive} {number}\n.endr\n.endif"
            for number in (1 << 63, (1 << 64) - 1, 92233720368547758082, 1 << 40)
            for directive in (
                ".rept",
                ".if",
                ".nops",
                ".struct",
                ".org",
                ".dcb.l",
                ".ds.x",
                '.incbin "/etc/passwd",',
                '.incbin "/etc/passwd", 0,',
                ".octa -",
                ".float16",
                ".fail",
                ".balignl",
                ".p2alignw",
                ".even",
            )
        ),
        ".space 0x10000000\n" * 100,
        ".align 24\n.byte 1\n" * 10_000,
        ".fill 1 << 40, 8, 1",
        ".fill -1",
        ".fill 5, 9",
        ".zero -1",
        ".p2align 99999999999",
        ".balign -8",
        ".comm a, 1 << 60, 8",
        ".comm a, 8, 3",
        ".zerofill __DATA,__bss,a,99999999999,99",
        ".set a, b\n.set b, a\n.word a",
        ".set a, a + 1\n.word a",
        "\n".join(f".set a{i}, a{i + 1} + b{i + 1}\n.set b{i}, a{i + 1} - b{i + 1} * 1" for i in range(60))
        + "\n.quad a0",
        "\n".join(f".set a{i}, a{i + 1}" for i in range(3000)) + "\n.quad a0",
        ".word 1 / 0",
        ".word 1 % (2 - 2)",
        ".set z, 0\n.word 5 / z",
        "x0 = 5\nadd x0, x1, x0",
        ". = 5",
        "add x0, x1, 5 / 0",
        ".float 1e999",
        ".float x",
        ".uleb128 -1",
        ".uleb128 1 << 70",
        "a: .uleb128 a - b, b - a\nb:",
        "a: .uleb128 b - a\n.uleb128 c - b\nb: .p2align 4\n.zero 120\nc: .uleb128 c - a",
        ".p2align 2\n.uleb128 f - .\nret\nf: ret",
        ".text 5000\nret\n.text 4999\nret",
        '.section .x,"awx"\nret',
        '.section .x,"a",@99999999999999999999',
        '.section .x,"aM",@progbits,-1',
        '.section .x,"ao",@progbits,nowhere\n.word 1',
        '.section .x,"aM",@progbits,184467440737095516161\n.word 1',
        '.section .x,"a",@9999999999\n.word 1',
        "f: ret\n.global a\n.set a, f + 0xffffffffffffffff\n.set b, f - 100\n.xword a, b, f + 0x8000000000000000",
        ".build_version macos, 13, 0\n_f: ret\n.globl _a\n_a = _f - 100\n.quad _a, _f + 0x8000000000000000\n",
        ".section __TEXT,__a_name_that_is_too_long\n.byte 1",
        ".cfi_startproc\n.cfi_offset 99999999999, 8\n.cfi_endproc",
        ".cfi_startproc\n.cfi_def_cfa x0, -8\n.cfi_endproc",
        ".cfi_startproc\n.cfi_offset x0, 3\n.cfi_endproc",
        ".cfi_startproc\n.cfi_lsda 27, nothing\n.data\n.cfi_endproc",
        '.file 99999999999 "x"',
        '.file 1 "x" md5 0xffffffffffffffffffffffffffffffffffff',
        '.file 1 "x"\n.loc 1 99999999999999999999 1\nret',
        ".reloc 0, R_AARCH64_ABS64",
        ".reloc a - b, R_AARCH64_ABS64, c",
        ".weakref a, b\n.weakref b, a\n.xword a",
        ".set a, b\n.weak a\nbl a",
        ".symver f, f@\nf:",
        ".comm a, 1 << 39, 1 << 24\n.comm a, 4, 4",
        ".bss\n.uleb128 a - b\na: b:",
        ".bss\n.p2align 3\n.text 1\n.p2align 3",
        '.section ""',
        ".section",
        ".size a, . - a",
        ".type",
        '"\x01" : nop',
        '"\0 1": b "\0 1"',
        "\ud800",
        '.ascii "\ud800"',
        "٣: b ٣f",
        "add x0, x1, ٣",
    ],
    ids=lambda text: text[:20],
)
def test_awkward(text: str) -> None:
    attempt(text)
