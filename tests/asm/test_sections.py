"""Sections, symbols and relocations: the object that both other assemblers make."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.assembly.compare import Contents, differences

from armexec import AssemblyError, LoadError, function
from armexec.asm import assemble
from armexec.module import Module
from armexec.objects import load_image
from armexec.sources.images import code_image
from armexec.toolchain import compile_object
from engines import AVAILABLE

GAS = shutil.which("aarch64-linux-gnu-as")

#: Text, and what one of the assemblers makes in another way ("clang" or "gas": not compared).
TEXTS: dict[str, tuple[str, str]] = {
    "kinds": (
        """
        .section .text.fn,"ax"
        .global fn
    fn: ret
        .section .init,"ax",%progbits
        bl fn
        .section .fini
        nop
        .section .text.hot
        nop
        .section own,"ax"
        b fn
        .section .rodata.x
        .word 1
        .section .data.rel.ro,"aw"
        .xword fn
        .section .bss.q
    q:  .zero 4
        .section .init_array.5
        .xword fn
        .section .fini_array,"aw"
        .xword fn
        .section .note.x,"a",@note
        .word 0
        .section .number,"6"
        nop
        .section ".sol",#alloc,#execinstr
        nop
        .section .r,"aR"
        .word 2
        .section .o,"ao",@progbits,.text.fn
        .word 1
        .section .unique,"a",@progbits,unique,1
        .word 1
        .section .unique,"a",@progbits,unique,2
        .word 2
        .section .merged,"aMS",@progbits,1
    .Lm: .asciz "merged"
        .section .g,"aG",@progbits,signature,comdat
        .word 1
        .section .gm,"aMG",@progbits,4,other
        .word 1
        .section .type,"a",@0x7ffff000
        .word 1
        .text
        adrp x0, .Lm
        add x0, x0, :lo12:.Lm
        """,
        "",
    ),
    "subsections": (
        """
        .text
        b .Lcold
        .text 2
    .Llast: ret
        .word . - .Lcold
        .text 1
    .Lcold: mov x0, #1
        b .Llast
        .subsection 0
    .Lmain: b .Llast
        .p2align 3
        .subsection 1
        .p2align 4
        nop
        .data 1
        .byte 1
        .data
        .byte 2
        .pushsection .text, 1
        nop
        .popsection
        .byte 3
        .section .a,"aw"
        .byte 4
        .previous
        .byte 5
        .previous
        .byte 6
        """,
        "",
    ),
    "leb128": (
        """
        .section .rodata
    start:
        .uleb128 .Lend - .Lbegin
        .sleb128 .Lbegin - .Lend
        .uleb128 after - start
    .Lbegin: .zero 200
    .Lend: .uleb128 5, 300, .Lend - .Lbegin
        .p2align 2
        .uleb128 .Lend2 - start
        .zero 16000
        .p2align 3
    .Lend2: .word . - start
    after: .sleb128 after - start, -1, 63, 64, -64, -65
        .uleb128 0xffffffffffffffff
        .word .Lend2 - .Lend
        """,
        "",
    ),
    "symbols": (
        """
        .global a, b, weak, hidden, protected, internal, alias, number
        .weak weak
        .hidden hidden
        .protected protected
        .internal internal
        .type a, @function
        .type b, %object
        .type hidden, "function"
        .type protected STT_FUNC
    a:  ret
        .size a, . - a
    weak: b weak
        bl weak
        bl a
    hidden: bl weak_elsewhere
        .weak weak_elsewhere
    protected: ret
    internal: ret
        .set alias, a + 4
        .set number, 42
        .set local_alias, a
        bl alias
        bl local_alias
        .data
    b:  .xword alias, local_alias, a + 8, number
        .size b, 16
        .equiv once, 5
        .word once
        .comm shared, 12, 8
        .common tiny, 1, 1
        .local own
        .comm own, 24, 16
        .set renamed, outside
        .xword renamed
        .weakref soft, target
        .xword soft
        .xword shared, own
        """,
        "",
    ),
    "versions": (
        """
        .global f_old, f_new
    f_old: ret
    f_new: ret
        .symver f_old, f@V1
        .symver f_new, f@@V2
        """,
        "",
    ),
    "thread_local": (
        """
        .section .tbss,"awT",@nobits
        .global v
    v:  .zero 8
    .Lw: .zero 4
        .section .tdata,"awT"
    d:  .word 5
        .text
        mrs x0, tpidr_el0
        add x0, x0, :tprel_hi12:v
        add x0, x0, :tprel_lo12_nc:.Lw
        adrp x1, :gottprel:v
        ldr x1, [x1, :gottprel_lo12:v]
        adrp x0, :tlsdesc:d
        ldr x1, [x0, :tlsdesc_lo12:d]
        add x0, x0, :tlsdesc_lo12:d
        .tlsdesccall d
        blr x1
        ldr x0, [x0, :tprel_lo12:undefined]
        """,
        "",
    ),
    "reloc": (
        """
        .text
    f:  nop
        .reloc 0, R_AARCH64_NONE, f
        .reloc ., R_AARCH64_NONE, other
        .reloc f + 4, R_AARCH64_CALL26, other + 8
        nop
        nop
        """,
        "",
    ),
    "debug": (
        """
        .section .debug_str,"MS",@progbits,1
        .weak seen
    seen: .asciz "text"
        .section .debug_own,"",@progbits
        .word seen
        .xword f
        .uleb128 .Lx - .Ly
    .Ly: .zero 150
    .Lx: .text
    f:  ret
        """,
        "",
    ),
}


def theirs(text: str, who: str, folder: Path) -> bytes:
    """The object that another assembler makes."""
    if who == "clang":
        return compile_object(text, language="assembler", target="linux", flags=("-march=armv8.6-a",)).data
    source, made = folder / "x.s", folder / "x.o"
    source.write_text(text)
    subprocess.run(["aarch64-linux-gnu-as", "-march=armv8.6-a", source, "-o", made], check=True)
    return made.read_bytes()


@pytest.mark.parametrize("who", ["clang", pytest.param("gas", marks=pytest.mark.skipif(not GAS, reason="no gas"))])
@pytest.mark.parametrize("name", TEXTS)
def test_objects(name: str, who: str, tmp_path: Path) -> None:
    text, without = TEXTS[name]
    if who != without:
        found = differences(assemble(text).object(), theirs(text, who, tmp_path), loaded=name != "debug")
        # Both add debug information of their own.
        assert [difference for difference in found if name != "debug" or "only theirs" not in difference] == []


OPERATORS = """
    movz x0, #:abs_g3:v; movk x0, #:abs_g2_nc:v; movk x0, #:abs_g1_nc:v; movk x0, #:abs_g0_nc:v
    movz w0, #:abs_g1:v; movz x0, #:abs_g2:v; movz x0, #:abs_g0:v; movn x0, #:abs_g0_s:v; movz x0, #:abs_g1_s:v
    movz x0, #:abs_g2_s:v; movz x0, #:prel_g3:v; movk x0, #:prel_g2_nc:v; movk x0, #:prel_g1_nc:v
    movk x0, #:prel_g0_nc:v; movz x0, #:prel_g0:v; movz x0, #:prel_g1:v; movz x0, #:prel_g2:v
    movz x0, #:tprel_g2:v; movz x0, #:tprel_g1:v; movk x0, #:tprel_g1_nc:v; movz x0, #:tprel_g0:v
    movk x0, #:tprel_g0_nc:v; movz x0, #:dtprel_g2:v; movz x0, #:dtprel_g1:v; movk x0, #:dtprel_g1_nc:v
    movz x0, #:dtprel_g0:v; movk x0, #:dtprel_g0_nc:v; movz x0, #:gottprel_g1:v; movk x0, #:gottprel_g0_nc:v
    add x0, x0, :lo12:v; add x0, x0, #:lo12:v + 8; add x0, x0, :tprel_hi12:v;
    add x0, x0, :tprel_lo12:v; add x0, x0, :tprel_lo12_nc:v; add x0, x0, :dtprel_hi12:v; add x0, x0, :dtprel_lo12:v
    add x0, x0, :dtprel_lo12_nc:v; add x0, x0, :tlsdesc_lo12:v; ldr x0, [x0, :got_lo12:v]
    ldr x0, [x0, :gotpage_lo15:v]; ldr x0, [x0, :gottprel_lo12:v]; ldr x0, [x0, :tlsdesc_lo12:v]
    ldr x0, [x0, :tprel_lo12:v]; strb w0, [x0, :tprel_lo12_nc:v]; ldrh w0, [x0, :dtprel_lo12:v]
    ldr w0, [x0, :dtprel_lo12_nc:v]; ldr q0, [x0, :lo12:v]; ldr h0, [x0, :lo12:v]; ldrsw x0, [x0, :lo12:v]
    ldr x0, :gottprel:v; ldr x0, v; adr x0, v; adrp x0, v
    adrp x0, :got:v; adrp x0, :gottprel:v; adrp x0, :tlsdesc:v
    bl v; b v; b.ne v; cbz x0, v; tbnz x0, #3, v; .data; .xword v; .word v; .hword v; .word v - .; .xword v - .
"""
GAS_ONLY = """
    .text
    movz x0, #:tlsgd_g1:v; movk x0, #:tlsgd_g0_nc:v; movz x0, #:tlsdesc_off_g1:v; movk x0, #:tlsdesc_off_g0_nc:v
    movz x0, #:gotoff_g1:v; movk x0, #:gotoff_g0_nc:v; add x0, x0, :tlsgd_lo12:v; add x0, x0, :tlsldm_lo12_nc:v
    adr x0, :tlsgd:v; adr x0, :tlsldm:v; adr x0, :tlsdesc:v; adrp x0, :tlsgd:v; adrp x0, :tlsldm:v; ldr x0, :tlsdesc:v
    ldr x0, :got:v; add x0, x0, :tprel_hi12:v, lsl #12; adrp x0, :pg_hi21:v; adrp x0, :pg_hi21_nc:v
"""


@pytest.mark.parametrize("who", ["clang", pytest.param("gas", marks=pytest.mark.skipif(not GAS, reason="no gas"))])
def test_relocation_operators(who: str, tmp_path: Path) -> None:
    text = OPERATORS + (GAS_ONLY if who == "gas" else "")
    ours, other = (Contents(data).relocations for data in (assemble(text).object(), theirs(text, who, tmp_path)))
    assert ours == other


@pytest.mark.parametrize("who", ["clang", pytest.param("gas", marks=pytest.mark.skipif(not GAS, reason="no gas"))])
def test_operators_of_numbers(who: str, tmp_path: Path) -> None:
    text = """
        .set S, 0x123456789abcdef0
        .set N, -70000
        movz x0, #:abs_g1:0x12345
        movz x0, #:abs_g3:S
        movk x0, #:abs_g2_nc:S
        movk x0, #:abs_g1_nc:S
        movk x0, #:abs_g0_nc:S
        movz x1, #:abs_g1_s:N
        movn x1, #:abs_g1_s:N
        movz x1, #:abs_g0_s:5
        movk w1, #:abs_g0_nc:N
        bl 0xfffffffffffffff0
        b 0xffffffffffffff00
    """
    assert Contents(assemble(text).object()).sections == Contents(theirs(text, who, tmp_path)).sections
    assert assemble("add x0, x0, :lo12:0x12345").words == [0x910D1400]
    with pytest.raises(AssemblyError, match="does not fit the 16 bits of :abs_g0:"):
        assemble("movz x0, #:abs_g0:0x12345")
    with pytest.raises(AssemblyError, match="leave out :got:"):
        assemble("adrp x0, :got:5")


INITIALIZED = """
    .global get, order
get: adrp x0, order
    ldr w0, [x0, :lo12:order]
    ret
step: adrp x1, order
    ldr w2, [x1, :lo12:order]
    mov w3, #10
    madd w2, w2, w3, w0
    str w2, [x1, :lo12:order]
    ret
one: mov w0, #1
    b step
two: mov w0, #2
    b step
three: mov w0, #3
    b step
    .comm order, 4, 4
    .section .init_array,"aw"
    .xword three
    .section .init_array.100,"aw",@init_array
    .xword two
    .section .preinit_array
    .xword one
"""
APPLE_INITIALIZED = """
    .build_version macos, 13, 0
    .globl _get
_get: adrp x0, _order@PAGE
    ldr w0, [x0, _order@PAGEOFF]
    ret
Lset: adrp x1, _order@PAGE
    mov w2, #7
    str w2, [x1, _order@PAGEOFF]
    ret
    .zerofill __DATA,__bss,_order,4,2
    .section __DATA,__mod_init_func,mod_init_funcs
    .p2align 3
    .quad Lset
"""


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize(("text", "result"), [(INITIALIZED, 123), (APPLE_INITIALIZED, 7)], ids=["elf", "apple"])
def test_initializers_run(text: str, result: int, engine: str) -> None:
    assert function(text, "int get(void)", engine=engine)() == result
    same = Module(load_image(assemble(text).object()), engine)
    assert same.get.with_signature("int(void)")() == result


def test_apple_code_in_other_sections() -> None:
    text = ".globl _f\n.section __TEXT,__cold,regular\n_f: add w0, w0, #1\n b Lx\n.section __TEXT,__text\nLx: ret\n"
    assert function(text, "int f(int)")(3) == 4


def test_eqv_is_evaluated_at_each_use() -> None:
    # As GNU as has it; clang doesn't know it.
    code = assemble(
        ".eqv x, y + 1\n.set y, 5\n.byte x, x\n.set y, 6\n.byte x, x\nadd x0, x0, #x\n.eqv a, b\n.byte a\nb=9"
    )
    assert code.bytes == bytes.fromhex("06060707 001c0091 09")
    with pytest.raises(AssemblyError, match="refers to itself"):
        assemble(".eqv a, b\n.eqv b, a + 1\n.byte a")


def test_large_reservations_take_no_memory() -> None:
    code = assemble("f: ret\n.bss\nbig: .zero 1 << 33\n.comm more, 1 << 33, 16")
    assert code.sections[1].size == 1 << 33
    assert len(code.object()) < 4096


def test_lines_of_assembly_are_those_of_its_instructions() -> None:
    image = code_image(assemble("f:\n  nop\n  ldr x0, =12345678\n  ret\n", file="own.s"), "own.s", entry="f")
    assert [str(image.line_of(offset)) for offset in (0, 4, 8)] == ["own.s:2", "own.s:3", "own.s:4"]
    assert image.line_of(12) is None


MISTAKES = [
    (".section .x,ax", ["flags in quotes"]),
    ('.section .x,"aq"', ["unknown flag 'q'"]),
    ('.section .x,"aM",@progbits', ["expected 1 argument"]),
    ('.section .x,"aG",@progbits', ["name of the section group"]),
    ('.section .x,"a",@nothing', ["unknown type '@nothing'"]),
    ('.section .x,"a",@progbits,5', ["unexpected '5'"]),
    (".popsection", [".popsection without .pushsection"]),
    (".subsection 9000", ["out of range 0..8192"]),
    (".bss\n.word 5", ["has no contents"]),
    (".bss\nret", ["instructions can't stand there"]),
    ('.quad a - b\n.data\na: .section .x,"a"\nb: .byte 0', ["'a' and 'b'", "different sections"]),
    (".reloc 0, R_AARCH64_MADE_UP, f", ["unknown relocation"]),
    (".reloc 99, R_AARCH64_NONE, f", ["outside of section .text"]),
    (".type f, @thing", ["unknown type '@thing'"]),
    (".uleb128 a - b\nb: .byte 0\na: .uleb128 b - a", ["is negative"]),
    (".cfi_def_cfa_offset 16", ["no .cfi_startproc"]),
    (".cfi_startproc", ["has no .cfi_endproc"]),
    (".struct 4\n.cfi_startproc\n.cfi_endproc", ["begins in a section"]),
    (".loc 1 2 3", ["there is no .file 1"]),
    (".equiv a, 1\n.equiv a, 2", ["'a' is defined already"]),
    (".comm a, 4, 3", ["not a power of two"]),
    (".symver nothing, f@V", ["'nothing' is not defined"]),
]


@pytest.mark.parametrize(("text", "parts"), MISTAKES, ids=[text.partition("\n")[0] for text, _ in MISTAKES])
def test_mistakes(text: str, parts: list[str]) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(text, file="m.s").object()
    assert str(caught.value).startswith("m.s:")
    assert [part for part in parts if part not in str(caught.value)] == []


def test_an_undefined_symbol_names_the_line() -> None:
    with pytest.raises(LoadError, match=r"undefined symbol elsewhere \(<assembly>:2: bl elsewhere // there\)"):
        function("f: nop\n bl elsewhere // there\n ret", "int f(int)")
    with pytest.raises(LoadError, match=r"undefined symbol outside \(<assembly>:3: bl _outside\)"):
        function(".build_version macos, 13, 0\n_f: nop\n bl _outside\n ret", "int f(int)")


def test_code_in_a_section_that_is_not_loaded() -> None:
    with pytest.raises(LoadError, match=r'\.section mine,"ax"'):
        function(".section mine\nf: ret", "int(int)")
