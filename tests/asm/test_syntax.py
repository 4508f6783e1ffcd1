"""Labels, expressions, directives, literals and spellings: the same bytes, symbols and relocations as clang's."""

from __future__ import annotations

import gc
import weakref

import pytest

from armexec.asm import Builder, assemble
from armexec.toolchain import compile_object

from .against_clang import differences

ELF = {
    "spellings": """
        ADD X0, X1, #0x10
        add x0, x1, 0x10
        add x0, x1, #0b101
        add x0, x1, 0B101
        add x0, x1, #'a'
        add x0, x1, 'a' + 1
        add x0, x1, #010
        mov x0, #0xFFFFFFFFFFFFFFFF
        mov x0, #-1
        mov w0, #-1
        mov w0, #0xffffffff
        mov x0, #(1<<4)|1
        and x0, x1, #~1
        and x0, x1, #~0xff
        and w0, w1, #-2
        and w0, w1, #0xfffffffe
        orr x0, xzr, #0x5555555555555555
        mov x0, #0x5555555555555555
        mov x0, 65536
        mov x0, #0xffff0000
        mov w0, #0xffff0000
        mov x0, #0xffffffff0000ffff
        mov w3, #0x12340000
        mov x3, #-65536
        mov sp, x1
        mov x1, sp
        mov w1, wsp
        mov Xzr, x3
        movz x0, #1, LSL #48
        movk w0, 0x1234, lsl 16
        movn x0, #0, lsl #32
        ldr x0, [SP]
        ldr x0, [sp, 8]
        ldr x0, [x1, #8]!
        ldr x0, [x1], 8
        ldr x0, [x1, x2, lsl 3]
        ldr x0, [x1, w2, sxtw #3]
        ldr w0, [x1, w2, UXTW]
        ldr x0, [x1, #-8]
        ldr x0, [x1, #7]
        stp x29, x30, [sp, #-16]!
        ldp x29, x30, [sp], #16
        ldp w1, w2, [x3, 8]
        mov fp, lr
        br x16
        ret
        ret x1
        add x0, x1, x2
        add x0, x1, x2, lsl #3
        add x0, x1, w2, uxtb
        add sp, sp, x1
        add sp, x1, x2, lsl #2
        add x0, sp, w1, sxtw 2
        sub wsp, w1, w2
        cmp sp, x1
        neg x0, x1
        negs w0, w1, asr 3
        mvn x0, x1, ror #5
        tst x0, #1
        cset w0, EQ
        csel x0, x1, x2, cs
        csinc x0, x1, x2, hs
        csetm x1, lo
        cinc w1, w2, ne
        ccmp x0, #31, #15, gt
        bfi x0, x1, #4, #8
        ubfx w0, w1, 3, 5
        sbfiz x0, x1, #1, #63
        lsl x0, x1, #3
        lsl x0, x1, x2
        lsr w0, w1, 31
        asr x0, x1, #0
        ror w0, w1, #7
        sxtw x0, w1
        uxtb w0, w1
        mul x0, x1, x2
        smull x0, w1, w2
        dmb ISH
        dsb sy
        isb
        nop
        hint #34
        svc #0
        mrs x0, NZCV
        mrs x1, tpidr_el0
        msr fpcr, x2
        prfm pldl1keep, [x0, #8]
        tbz w0, #31, .+8
        tbnz x0, 33, .-4
        b.EQ .
        beq .
        bne .+8
        b .+4
    """,
    "negative immediates": """
        add x0, x1, #-5
        sub x0, x1, #-5
        adds w0, w1, #-4095
        subs x0, x1, #-1
        cmp x0, #-1
        cmn x0, #-7
        cmp w0, #0
        cmn w0, #0
        cmp x1, #4096
        add x0, x1, #0xfff000
        add x0, x1, #4095, lsl #12
        sub sp, sp, #0x1000
        add x0, x1, #-4096
        cmp x0, #-4096
    """,
    "expressions": """
        .equ A, 5
        .set B, A + 3
        C = B << 2
        .quad 1 + 2 * 3, (1 + 2) * 3, 1 << 2 + 1, 1 | 2 + 4, 6 & 3 + 1, 1 + 2 | 4
        .quad -1, ~0, !5, !0, - - 3, +4, -(3 - 5), ~A, 7 / 2, -7 / 2, 7 % 3, -7 % 3
        .quad 1 == 1, 1 != 1, 3 > 2, 3 < 2, 3 >= 3, 2 <= 1, 2 <> 3, 1 && 2, 0 || 0, 0 || 5
        .quad 0xffffffffffffffff, 0x8000000000000000, -0x8000000000000000, 1 << 63, -1 >> 60, 5 ^ 3, 8 >> 1
        .quad A, B, C, C - A * 2, A == 5, 'a', '\\n', '0' + 1, 0b11, 017, 2 - 3 - 4, 100 / 10 / 5
        .byte 255, -128, 'z', A
        .hword 65535, -32768
        .word 4294967295, -2147483648
        add x0, x1, #A
        add x0, x1, A + 1
        add x0, x1, #(A * 2)
        ldr x0, [x1, #A + 3]
        ldr x0, [x1, A * 8]
        mov x0, #A << 16
        lsl x0, x1, A
        .set A, 9
        add x0, x1, #A
        .space A * 2
        .balign 8
    """,
    "labels": """
        start: nop
        .Llocal:
        b start
        b .Llocal
        b end
        b.ne end + 4
        cbz x0, start
        adr x0, data
        ldr x1, data
        ldr w1, data + 4
        adr x2, .
        b . + 8
        1: nop
        b 1b
        b 1f
        1: cbz w0, 1b
        tbnz x0, #3, 2f
        2: nop; nop; b 2b
        one: two: three: ret
        end: nop
        nop
        data: .quad 1, end - start, end, start + 8
        .word end - start, . - start, data - .
        .hword (end - start) / 4
        .byte end - start
        .word end - .
        here = .
        .quad here - start
        size = end - start
        .quad size
    """,
    "symbols set anew": """
        first: nop
        .set x, first
        .globl x
        .quad x, x + 4
        adrp x0, x
        second: nop
        .set x, second
        .quad x
        .set x, outside
        .quad x
        bl x
        .set x, third + 8
        .quad x
        .data
        third: .quad x, y
        .set y, 1
        .set y, third
        .quad y
    """,
    "comments": """
        // a line
        # another
        nop // after; still
        nop /* inside */
        add x0, /* between */ x1, x2
        /* several
           lines */ nop
        nop ; nop // two
        nop # not a comment in the middle is an error in ELF
    """.replace("nop # not a comment in the middle is an error in ELF", "mov x0, #1"),
    "directives": """
        .arch armv8-a
        .file "x.c"
        .text
        .globl f
        .global g
        .p2align 4
        .type f, @function
        .type g, %function
    f:  .cfi_startproc
        .cfi_def_cfa_offset 16
        ret
        .cfi_endproc
        .size f, .-f
        .balign 16
    g:  ret
    .Lg_end:
        .size g, .Lg_end - g
        .align 3
        .inst 0xd503201f
        .data
        .type v, @object
        .size v, 4
    v:  .word 7
        .byte 1, 2
        .p2align 3
        .xword 5
        .ascii "ab\\n\\t\\"\\\\\\101\\0"
        .asciz "text", "more"
        .string "a;b//c/*d*/"
        .space 3
        .space 2, 0xff
        .zero 5
        .skip 1
        .fill 2, 2, 0x1234
        .fill 3
        .fill 1, 8, 0x1122334455667788
        .hword 1
        .short 2
        .2byte 3
        .4byte 4
        .8byte 5
        .long 6
        .int 7
        .dword 8
        .float 1.5
        .double -2.25
        .uleb128 300
        .sleb128 -129
        .balign 8, 0xcc
        .p2align 4, , 3
        .quad f, v + 4
        .word v - .
        .section .rodata,"a",@progbits
    text: .asciz "constant"
        .section .rodata.str1.1,"aMS",@progbits,1
        .asciz "merged"
        .section .text.unlikely,"ax",@progbits
        ret
        .bss
    zeros: .zero 16
        .comm common, 16, 8
        .local hidden
        .comm hidden, 4, 4
        .weak w
        .previous
        .pushsection .data
        .byte 9
        .popsection
        .ident "me"
        .section ".note.GNU-stack","",@progbits
    """,
    "literals": """
        ldr x0, =1
        ldr x0, =0xffff0000
        ldr x0, =0x1234000000000000
        ldr w0, =0x12340000
        ldr x0, =0x123456789
        ldr w1, =0x12345678
        ldr x2, =symbol
        ldr x3, =0x123456789
        ldr x4, =-1
        ldr w4, =-1
        ldr x5, =symbol + 8
        ldr x0, =0
        ret
        .ltorg
        ldr x0, =0x1122334455667788
        ldr w7, =0xabcdef01
        ret
        nop
    """,
    "relocations": """
        adrp x0, v
        add x0, x0, :lo12:v
        ldr x1, [x0, :lo12:v]
        ldr w1, [x0, #:lo12:v+4]
        ldrh w1, [x0, :lo12:v]
        ldrb w1, [x0, :lo12:v]
        str x1, [x0, :lo12:v]
        adrp x0, :got:v
        ldr x0, [x0, :got_lo12:v]
        movz x0, #:abs_g3:v
        movk x0, #:abs_g2_nc:v
        movk x0, #:abs_g1_nc:v
        movk x0, #:abs_g0_nc:v
        bl f
        b f
        b.eq f
        cbz x0, f
        adr x0, f
        ldr x0, f
        .quad f
        .word f - .
        .word f@PLT - .
    """,
}

APPLE = {
    "apple": """
        .section __TEXT,__text,regular,pure_instructions
        .build_version macos, 13, 0
        .globl _f ; -- Begin function f
        .p2align 2
    _f: ; @f
        .cfi_startproc
    ; %bb.0:
        adrp x8, _v@PAGE
        ldr w0, [x8, _v@PAGEOFF]
        add x8, x8, _v@PAGEOFF
        adrp x9, _g@GOTPAGE
        ldr x9, [x9, _g@GOTPAGEOFF]
    Lloh0:
        b Ltmp
    Ltmp:
        mov x0, #1 << 4 | 1
        bl _h
        ret
        .cfi_endproc
        .section __DATA,__data
        .globl _v
        .p2align 2, 0x0
    _v: .long 1 << 2 + 1
        .long 1 | 2 + 4
        .quad _f
        .section __TEXT,__cstring,cstring_literals
    l_.str: .asciz "a;b"
        .zerofill __DATA,__bss,_z,8,3
        .comm _c,8,3
        .subsections_via_symbols
    """,
}


@pytest.mark.parametrize("name", ELF)
def test_elf(name: str) -> None:
    data = compile_object(ELF[name], language="assembler", target="linux", debug=False).data
    assert list(differences(ELF[name], data)) == []


@pytest.mark.parametrize("name", APPLE)
def test_apple(name: str) -> None:
    data = compile_object(APPLE[name], language="assembler", target="apple", debug=False).data
    assert list(differences(APPLE[name], data)) == []


def test_what_is_remembered_of_a_line_is_no_comment() -> None:
    for _ in range(2):
        assert assemble("nop /* one\nret */ nop").words == [0xD503201F] * 2
        assert assemble("nop; ret").words == [0xD503201F, 0xD65F03C0]
        assert assemble("nop %% ret\n.subsections_via_symbols").words == [0xD503201F, 0xD65F03C0]
        assert assemble(".set n, 1\nadd x0, x1, n").words == [0x91000420]
        assert assemble(".set n, 2\nadd x0, x1, n").words == [0x91000820]
        assert assemble("b a\na: b a").words == [0x14000001, 0x14000000]
        assert assemble("a: b a\nb a").words == [0x14000000, 0x17FFFFFF]


@pytest.mark.parametrize(
    "text", ["subs x3, x3, #1", "movz x0, #1", "a: ldr x0, [x1, #8]!; b.ne a", "add x0, x1, w2, uxtw"]
)
def test_nothing_keeps_the_variables_of_who_assembles(text: str) -> None:
    def caller() -> weakref.ref[Builder]:
        mine = Builder()
        assemble(text)
        return weakref.ref(mine)

    was_on = gc.isenabled()
    gc.disable()
    try:
        assert caller()() is None
    finally:
        if was_on:
            gc.enable()
