"""armexec asm: sections, relocations, addresses and objects."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import lief
import pytest

from armexec import load

from .program import armexec

BINUTILS = shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64")
SECTIONS = """
    .section .text.fn,"ax"
    .global fn
fn: add x0, x0, #1
    b last
    .section .init,"ax",@progbits
    .global last
last: ret
    .word 5
"""


def test_all_executable_sections_are_listed_by_name(tmp_path: Path) -> None:
    done = armexec("asm", stdin=SECTIONS)
    assert done.status == 0
    assert [line.split() for line in done.out.splitlines() if line] == [
        [".text.fn:"],
        ["fn:"],
        ["0:", "91000400", "add", "x0,", "x0,", "#1"],
        ["4:", "14000000", "b", "#0"],
        ["R_AARCH64_JUMP26", "last"],
        [".init:"],
        ["last:"],
        ["8:", "d65f03c0", "ret"],
        ["c:", "00000005", ".word", "0x00000005"],
    ]
    path = tmp_path / "sections.s"
    path.write_text(SECTIONS)
    assert armexec("run", str(path), "41", "--function", "fn", "--signature", "long(long)").out == "42\n"
    # What is one piece of memory knows the distances in it.
    assert armexec("asm", "-f", "words", stdin=SECTIONS).out.split("\n")[2] == "0x14000001"
    assert armexec("asm", "-f", "raw", stdin=SECTIONS).raw[4:8] == bytes.fromhex("01000014")


def test_references_that_need_an_address_are_noted() -> None:
    done = armexec("asm", stdin="f: bl elsewhere\nadrp x0, v\nldr x1, [x0, :lo12:v+8]\nldr x2, =v\nret\n")
    assert done.status == 0
    for note in ("CALL26  elsewhere", "ADR_PREL_PG_HI21  v", "LDST64_ABS_LO12_NC  v+0x8", "ABS64  v"):
        assert f"R_AARCH64_{note}" in done.out
    assert "0x97FFFFFF" not in armexec("asm", "-f", "words", stdin="bl elsewhere").out
    words = armexec("asm", "-f", "c", stdin="bl elsewhere")
    assert "0x94000000,  // 0: bl #0  R_AARCH64_CALL26  elsewhere" in words.out
    assert "elsewhere isn't known" in words.err
    raw = armexec("asm", "-f", "raw", stdin="nop\nbl elsewhere")
    assert raw.status == 1
    assert [part for part in ("<stdin>:2:", "bl elsewhere", "-o FILE.o") if part not in raw.err] == []


def test_addresses_in_and_out() -> None:
    text = "cbz w1, 0x400388\nb.le 0x400588\nadrp x0, 0x401000\nadr x1, 0x400200\ntbz x3, #1, 0x400200\nb .+8\nnop\n"
    done = armexec("asm", "--address", "0x400200", stdin=text)
    assert [line.split()[2:] for line in done.out.splitlines()] == [
        ["cbz", "w1,", "0x400388"],
        ["b.le", "0x400588"],
        ["adrp", "x0,", "0x401000"],
        ["adr", "x1,", "0x400200"],
        ["tbz", "w3,", "#1,", "0x400200"],
        ["b", "0x40021c"],
        ["nop"],
    ]
    assert done.out.split()[1] == "34000c41"
    distances = armexec("asm", "--address", "0x400200", "--distances", stdin="cbz w1, 0x188\n")
    assert distances.out.split() == ["400200:", "34000c41", "cbz", "w1,", "#392"]
    far = armexec("asm", stdin="cbz w1, 0x400388\n")
    assert far.status == 1
    assert "--address" in far.err


def test_code_at_an_address_is_linked() -> None:
    text = 'f: adrp x0, v\nadd x0, x0, :lo12:v\nmovz x1, #:abs_g1:v\nbl g\nret\n.section .x,"ax"\ng: ret\nv: .quad f\n'
    done = armexec("asm", "--address", "0x12345ff8", "-f", "words", stdin=text)
    assert done.out.split("\n")[1:6] == ["0xB0000000", "0x91004000", "0xD2A24681", "0x94000002", "0xD65F03C0"]
    assert "0x12345FF8" in done.out
    assert "R_AARCH64" not in done.out


def test_code_without_executable_sections_is_told() -> None:
    done = armexec("asm", stdin=".data\n.word 1\n")
    assert (done.status, done.out.strip()) == (0, "")
    assert "no code" in done.err
    run = armexec("run", "-", "--language", "assembly", stdin=".section mine\nf: ret\n")
    assert run.status == 1
    assert '.section mine,"ax"' in run.err


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [
        (".o", b"\x7fELF"),
        (".bin", b"\xc0\x03\x5f\xd6"),
        (".hex", b"0xD65F03C0"),
        (".c", b"#include"),
        (".py", b"code = ["),
    ],
)
def test_the_suffix_says_what_is_written(suffix: str, begins: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"out{suffix}"
    assert armexec("asm", "-o", str(path), stdin="ret\n").status == 0
    assert path.read_bytes().startswith(begins)


def test_the_source_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x.s"
    path.write_text("ret\n")
    done = armexec("asm", str(path), "-o", str(path))
    assert done.status == 1
    assert "overwritten" in done.err
    assert path.read_text() == "ret\n"


def test_an_object_is_loaded_as_the_text_is(tmp_path: Path) -> None:
    path = tmp_path / "x.o"
    text = ".global f\n.type f, %function\nf: adrp x1, v\nldr w1, [x1, :lo12:v]\nadd w0, w0, w1\nret\n.size f, .-f\n"
    assert armexec("asm", "-o", str(path), stdin=text + ".data\nv: .word 7\n").status == 0
    function = load(path).f
    assert function.with_signature("int(int)")(5) == 12
    apple = tmp_path / "apple.o"
    text = (
        ".build_version macos, 13, 0\n.globl _f\n_f: adrp x8, _v@PAGE\nldr w8, [x8, _v@PAGEOFF]\nadd w0, w0, w8\nret\n"
    )
    assert armexec("asm", "-o", str(apple), stdin=text + ".data\n_v: .long 7\n").status == 0
    assert apple.read_bytes()[:4] == b"\xcf\xfa\xed\xfe"
    assert load(apple).f.with_signature("int(int)")(5) == 12


APPLE = """
    .build_version macos, 13, 0
    .globl _main
_main:
    adrp x0, l_.str@PAGE
    add x0, x0, l_.str@PAGEOFF
    bl _puts
    adrp x8, _v@GOTPAGE
    ldr x8, [x8, _v@GOTPAGEOFF]
    adrp x9, Lown@PAGE+4
    ldr w9, [x9, Lown@PAGEOFF+4]
    ret
    .section __TEXT,__cstring,cstring_literals
l_.str: .asciz "hi"
    .data
    .p2align 3
    .globl _v
_v: .quad 5, _main, _v-_main, Lown
Lown: .long 1, 2
    .comm _c,8,3
    .subsections_via_symbols
"""


def test_apple_objects_are_what_others_read(tmp_path: Path) -> None:
    path = tmp_path / "x.o"
    assert armexec("asm", "-o", str(path), stdin=APPLE).status == 0
    binary = lief.parse(path)
    assert isinstance(binary, lief.MachO.Binary)
    text, _, data = binary.sections
    assert [(r.type.__name__, r.symbol.name if r.has_symbol else "") for r in text.relocations] == [
        ("PAGE21", "l_.str"),
        ("PAGEOFF12", "l_.str"),
        ("BRANCH26", "_puts"),
        ("GOT_LOAD_PAGE21", "_v"),
        ("GOT_LOAD_PAGEOFF12", "_v"),
        ("ADDEND", ""),
        ("PAGE21", "_v"),
        ("ADDEND", ""),
        ("PAGEOFF12", "_v"),
    ]
    assert [r.symbol.name for r in data.relocations] == ["_main", "_main", "_v", "_v"]
    assert {"_main", "_v", "_puts", "_c"} <= {symbol.name for symbol in binary.symbols}
    branch = armexec("asm", "-o", str(path), stdin=".globl _f\n.subsections_via_symbols\n_f: cbz x0, _outside\n")
    assert branch.status == 1
    assert "Mach-O has no relocation" in branch.err


PROGRAM = """
    .text
    .global main
    .type main, %function
main:
    stp x29, x30, [sp, #-16]!
    adrp x0, message
    add x0, x0, :lo12:message
    bl puts
    adrp x1, :got:count
    ldr x1, [x1, :got_lo12:count]
    ldr w0, [x1]
    mrs x2, tpidr_el0
    add x2, x2, :tprel_hi12:mine
    add x2, x2, :tprel_lo12_nc:mine
    ldr w3, [x2]
    add w0, w0, w3
    ldp x29, x30, [sp], #16
    ret
    .size main, .-main
    .section .text.set_up,"ax"
set_up:
    adrp x1, count
    mov w2, #40
    str w2, [x1, :lo12:count]
    ret
    .section .init_array,"aw"
    .xword set_up
    .section .rodata.str1.1,"aMS",@progbits,1
message: .asciz "hello from an object"
    .comm count, 4, 4
    .section .tdata,"awT"
mine: .word 2
"""


@pytest.mark.skipif(not BINUTILS, reason="needs aarch64-linux-gnu-gcc and qemu-aarch64")
def test_an_object_links_and_runs(tmp_path: Path) -> None:
    made, program = tmp_path / "x.o", tmp_path / "program"
    assert armexec("asm", "-o", str(made), stdin=PROGRAM).status == 0
    subprocess.run(["aarch64-linux-gnu-gcc", "-static", made, "-o", program], check=True)
    done = subprocess.run(["qemu-aarch64", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (42, "hello from an object\n")
