"""Snippets with macros, conditions, repetitions and data, by who assembles them: both assemblers, or one of them."""

from __future__ import annotations

import re

__all__ = ["APPLE", "BOTH", "CLANG", "GNU"]


def _named(text: str) -> dict[str, str]:
    """Snippets by name: each begins with a line `== name`."""
    found = {}
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        name, _, body = part.partition("\n")
        found[name] = body
    return found


BOTH = _named(r"""
== positional, defaults, required and the rest
.macro s_m a, b=2, c:req, d:vararg
.byte \a, \b, \c
.byte \d
.endm
s_m 1, , 3, 4, 5
s_m c=7, a=1, d=3
s_m 1,2,3
== blanks separate arguments
.macro s_m a b
.byte \a, \b
.endm
s_m 1 2
s_m 1,2
s_m	3	4
s_m 1 + 1, 3
s_m (1 + 1) * 2 3 -1
== positional arguments, then named ones
.macro s_m reg, off=0
ldr \reg, [sp, #\off]
.endm
s_m x0
s_m x1, 8
s_m x2, off=16
s_m reg=x3
s_m off = 8, reg = x4
== commas and blanks in strings
.macro s_m a=1,b="2, 3"
.byte \a, \b
.endm
s_m
s_m "4, 5"
s_m b="6,7,8"
== what an argument looks like
.macro s_m a,b,c,d
.ascii "\a|\b|\c|\d\n"
.endm
s_m [x0, #8]
s_m   1   ,  2
s_m 1,,3,
s_m ,2
s_m a = 1
s_m b=1 + 2
s_m "a" "b"
s_m -1 - 1 - 1, - 5 +6
s_m 1+ 2 3 +4
s_m x0 , !, x1!
s_m {v0.4s - v1.4s}, x
s_m {v0.4s , v1.4s}, x
s_m v0.4s[1], :lo12:foo, x@PAGE, 1b
s_m "lsl #3", b
== the rest as it is written
.macro s_m a:vararg
.byte \a
.endm
s_m 1, 2, 3 + 4
s_m 1
== statements as arguments
.macro s_m a
\a
.endm
s_m "nop; nop"
s_m "mov x0, x1"
s_m nop
s_m "1: b 1b"
== parts of words
.macro s_m reg, n
ldr x\reg, [sp]
str x\reg\(), [sp, #\n\()0]
.balign 4
s_l\n\()_\reg: .byte \n, 0, 0, 0
.endm
s_m 3, 8
s_m 4, 1
.byte s_l1_4 - s_l8_3
== names with dots and dollars
.macro s_m x.y, z$
.byte \x.y, \z$
.endm
s_m 3, 4
== longest names
.macro s_m ab, abc, a
.ascii "\ab \abc \a \a-b \n"
.endm
s_m 1, 2, 3
== a number for each expansion
.macro s_m
s_l\@: .byte \@ - \@
.endm
.macro s_n
s_m
s_k\@: .byte . - s_k\@
.endm
s_m
s_n
s_m
== no argument
.macro s_m a
.byte 5\a
.byte \a
.endm
s_m
== commas after the name
.macro s_m, a, b
.byte \a, \b
.endm
s_m 1, 2
== on one line
.macro s_m a; .byte \a; .endm; s_m 1; s_m 2 ; .byte 3
== comments
.macro s_m x // the macro
  .byte \x // comment
  /* .byte 9
  .endm */
  .byte \x /* inside */, 7
.endm // end
s_m 1 // c
s_l: s_m 2 ; s_m /* 4 */ 3
== a macro makes a macro
.macro s_m n
.macro s_in\n x
.byte \n, \x
.endm
.endm
s_m 1
s_m 2
s_in1 5
s_in2 6
== recursion
.macro s_m n
.if \n
.byte \n
s_m \n-1
.endif
.endm
s_m 9
== recursion over the rest
.macro s_m p, a:vararg
.ifnb \p
.byte \p
s_m \a
.endif
.endm
s_m 1,2,3,4
== deep recursion
.macro s_m n
.if \n > 0
.byte \n
s_m (\n - 1)
.endif
.endm
s_m 18
== leaving a macro
.macro s_m n
.if \n
.byte 1
.exitm
.endif
.byte 2
.endm
s_m 1
s_m 0
.byte 3
== leaving a repetition in a macro
.macro s_m
.rept 2
.byte 1
.exitm
.byte 9
.endr
.byte 3
.endm
s_m
== purging
.macro s_m
.byte 1
.endm
s_m
.purgem s_m
.macro s_m
.byte 2
.endm
s_m
== a macro in place of an instruction
.macro nop
.byte 1
.endm
nop
.purgem nop
.p2align 2
nop
== a macro in place of a directive
.macro .s_word x
.byte \x
.endm
.s_word 1
== a table of functions as people write it
.macro s_function name, export=0
    .macro s_endfunction
        .purgem s_endfunction
    .endm
    .if \export
        .global s_pre_\name
s_pre_\name:
    .endif
s_\name:
.endm
s_function foo, export=1
 ret
s_endfunction
s_function bar
 b s_pre_foo_local
s_endfunction
s_pre_foo_local:
== brackets
.long [5], [1 + 2] * 3, ([4])
== repetitions
.rept 3
.byte 1
.endr
.rept 2
.rept 2
.byte 1
.endr
.byte 2
.endr
.rept 0
.bogus
.endr
.rep 2
.byte 3
.endr
.rept 2; .byte 4; .endr; .byte 5
== counting
.set s_n, 0
.rept 3
.byte s_n
.set s_n, s_n+1
.endr
.byte s_n
== a count from labels
s_a: nop
s_b: .rept (s_b-s_a)/4 + 1
.byte 1
.endr
== values
.irp r, 1, 2, 3
.byte \r
.endr
.irp r, "1", 2
.byte \r
.endr
.irp r, "1,2", 3, (1 + 2), 1 + 4
.byte \r
.endr
.balign 4, 0
.irp r,x0,x1
mov \r, #0
.endr
.irp a, 1,2
.irp b, 3,4
.byte \a\b
.endr
.endr
.irp x, 1, 2; .byte \x; .endr
== values of the rest
.macro s_m regs:vararg
.irp r, \regs
str \r, [sp, #-16]!
.endr
.endm
s_m x0, x1, x30
== characters
.irpc c, 123
.byte \c
.endr
.irpc c, "45"
.byte '\c', \c\c
.endr
== labels and macros from repetitions
.irp n,1,2
s_l\n: .byte \n
.macro s_m\n x
.byte \n, \x
.endm
.endr
.byte s_l2 - s_l1
s_m1 5
s_m2 6
== numeric labels in repetitions and macros
1: nop
.rept 2
b 1b
b 1f
1:
.endr
.macro s_m
1: cbz x0, 1b
b 1f
.endm
s_m
s_m
1: b 1b
== all conditions on numbers
.irp n, -1, 0, 1
.ifeq \n
.byte 1
.endif
.ifne \n
.byte 2
.endif
.ifge \n
.byte 3
.endif
.ifgt \n
.byte 4
.endif
.ifle \n
.byte 5
.endif
.iflt \n
.byte 6
.endif
.if \n
.byte 7
.endif
.endr
== elseif and else
.irp n, 1, 2, 3, 4
.if \n == 1
.byte 1
.elseif \n == 2
.byte 2
.elseif \n == 3
.if 1
.byte 31
.else
.byte 32
.endif
.else
.if 0
.byte 41
.elseif 1
.byte 42
.elseif undefined_here
.endif
.endif
.endr
== on one line
.if 0 ; .byte 1 ; .else ; .byte 2 ; .endif ; .byte 3
== what isn't assembled isn't read
.if 0
.bogus 5
.rept 2
.macro s_x
.if 7
.elseif garbage garbage
.else
.endif
garbage garbage, [
.else
.byte 1
.endif
== defined symbols
.ifdef s_foo
.byte 1
.endif
s_foo:
.ifdef s_foo
.byte 2
.endif
.ifndef s_bar
.byte 3
.endif
.set s_bar, 5
.ifndef s_bar
.byte 4
.endif
.ifnotdef s_nosuch
.byte 5
.endif
.balign 4, 1
b s_undefined
.ifdef s_undefined
.byte 6
.endif
.globl s_glob
.ifdef s_glob
.byte 7
.endif
s_alias .req x3
.ifdef s_alias
.byte 8
.endif
.ifdef x0
.byte 9
.endif
== blank
.ifb
.byte 1
.endif
.ifb x
.byte 2
.endif
.ifnb x
.byte 3
.endif
.ifnb
.byte 4
.endif
.ifb ""
.byte 5
.endif
== same text
.ifc a,a
.byte 1
.endif
.ifc a, a
.byte 2
.endif
.ifc a b , a b
.byte 3
.endif
.ifc 'a','a'
.byte 4
.endif
.ifc "a","a"
.byte 5
.endif
.ifc "a",a
.byte 6
.endif
.ifc A,a
.byte 7
.endif
.ifnc a,b
.byte 8
.endif
.ifc a,b,c
.byte 9
.endif
.ifc ,
.byte 10
.endif
.ifc  a  , a
.byte 11
.endif
== same strings
.ifeqs "a","a"
.byte 1
.endif
.ifeqs "a", "b"
.byte 2
.endif
.ifnes "a","b"
.byte 3
.endif
.ifeqs "a\n","a\n"
.byte 4
.endif
== conditions on places
s_a: nop
nop
.if . - s_a == 8
.byte 1
.endif
s_b:
.if s_b - s_a - 9
.byte 2
.else
.byte 3
.endif
== names of registers
s_foo .req x3
s_bar .req W4
s_vec .req v5
s_qq .req q6
mov s_foo, x1
add s_foo, s_foo, s_foo, lsl #2
mov s_bar, s_bar
add s_vec.4s, s_vec.4s, s_vec.4s
ldr s_qq, [s_foo]
ldr s_foo, [sp, s_foo, lsl #3]
ldp s_foo, x2, [sp], #16
ld1 {s_vec.2d}, [s_foo]
ld1 {v4.2d - s_vec.2d}, [x0]
mov s_vec.s[1], w0
ins s_vec.d[0], x1
s_two .req s_foo
mov s_two, S_TWO
fp .req x29
mov fp, lr
.unreq s_foo
s_foo .req x9
mov s_foo, s_two
== places
.byte 1
.org 4
.byte 2
.org 8, 0xff
.byte 3
.p2align 2
s_a: .org s_a + 8
nop
.org . + 4
nop
== padding with patterns
.hword 1
.p2alignw 3, 0x1234
.p2alignl 4, 0x11223344
.p2align 4, 5
.byte 1
.balign 4
.balignw 8, 0x1234
.balignl 16, 0x11223344
.balignl 16, 0x11223344
== floating-point numbers
.float nan,inf,-nan,-inf, NaN, INF, Infinity
.double nan, -nan, inf, -inf
.float -1.5, +2, 3, 1.5e+3, .5, 5., 1e-40, 0.1, 3.4028235e38, 1.17549430e-38
.double 0.1, 1e308, 4.9e-324, 2.2250738585072011e-308
.single 1.5
== characters
.byte '\\', '\n', '\t', '\r', '\b', '\f', '\'', '\"', '"', '\0', '\1', '\e', '\a', '\v'
.byte 'a', ''', ' ', ';', '/', 'a' + 1, ','
.p2align 2, 0
cmp w0, #'\n'
mov w0, 'z'
== strings
.ascii "\n\t\r\b\f\"\\", "\101\1012\0", "a;b//c/*d*/", "é"
.asciz "", "one", "two"
.string "three"
.ascii "a" "b", "c"
.byte
== wide integers
.octa 1, 0x0123456789abcdef0123456789abcdef
.octa 12345678901234567890123456789
== Motorola's data
.dc 1, 2
.dc.b 1, 2
.dc.w 1
.dc.l 1
.dc.a 1
.dc.s 1.5
.dc.d 1.5
.dcb 2, 7
.dcb.b 2, 7
.dcb.w 2, 7
.dcb.l 2, 7
.dcb.s 1, 1.5
.dcb.d 1, 1.5
.ds 2
.ds.b 2
.ds.w 2
.ds.l 2
.ds.d 1
.ds.s 1
.ds.p 1
.ds.x 1
== the alternate syntax
.altmacro
.macro s_m a,b
.byte \a, \b
.byte a, b
.endm
s_m %1+2, %(3*4)
s_m <5>, 6
.irp q, 1, 2
.byte q
.endr
.noaltmacro
== text in the alternate syntax
.altmacro
.macro s_m a
.ascii "a"
.ascii "\a"
.endm
s_m <x,y>
s_m <x!>z>
.noaltmacro
== redefined symbols
s_a = 1
.byte s_a
s_a = s_a + 1
.byte s_a
.set s_a, 7
.byte s_a
.equiv s_b, s_a
.byte s_b
add x0, x0, s_a
.set s_a, 9
add x0, x0, s_a
== references before and between definitions
.byte s_x, s_y
s_x = 1
s_x = 2
.byte s_x
s_y = s_z
s_z = 3
s_here = .
.balign 4, 0
.long . - s_here
s_here = .
.long 0, s_here - .
b s_here
s_here = .
b s_here
ldr x0, s_here
.set s_here, s_here + 4
b s_here + 4
.set s_here, s_fwd
b s_here
s_fwd:
.set s_here, s_fwd + 4
b s_here
ldr x1, =s_n
s_n = 0x123456789
.ltorg
ldr x2, =s_n
s_n = 0x987654321
.ltorg
== a prologue as people write it
.macro s_prologue size=16, regs:vararg
stp x29, x30, [sp, #-\size]!
mov x29, sp
.set s_off, 16
.irp r, \regs
str \r, [sp, #s_off]
.set s_off, s_off + 8
.endr
.endm
.macro s_epilogue size=16
ldp x29, x30, [sp], #\size
ret
.endm
s_prologue 64, x19, x20, x21
s_epilogue 64
== tables as people write them
.altmacro
.set s_i, 0
.macro s_entry n
.hword \n * \n
.endm
.rept 8
s_entry %s_i
.set s_i, s_i + 1
.endr
.noaltmacro
== unrolled vectors
.macro s_load from, to
.ifge \to - \from
ld1 {v\from\().4s}, [x0], #16
.endif
.endm
.irpc n, 0123
s_load \n, 2
.endr
""")

GNU = _named(r"""
== macros in other letters
.macro s_m a
.byte \a
.endm
S_M 3
.MACRO s_n
.Byte 2
.EndM
s_n
.REPT 2
.byte 3
.ENDR
.IF 1
.BYTE 4
.ENDIF
== blanks that separate no words
.macro s_m a, b
ldr \a, \b
.endm
s_m x0, [ x1 ]
.macro s_n a, b, shift
add \a, \a, \b, \shift
.endm
s_n x0, x1, lsl #3
== a comma at the end
.macro s_m a, b
.byte \a, \b
.endm
s_m 1, 2,
== local labels in the alternate syntax
.altmacro
.macro s_m a,b
LOCAL l1, l2
l1: .byte a
l2: .byte b, l2-l1
.endm
s_m 1,2
s_m 3,4
.noaltmacro
== joined in the alternate syntax
.altmacro
.macro s_m a
.byte s_x&a, a&1
.endm
s_x2 = 5
s_m 2
.noaltmacro
== values without a comma
.irp r 1 2 3
.byte \r
.endr
.irp r
.byte 5\r
.endr
== other characters
.byte 'a
.byte '\n
.byte 'a + 1
.byte ''
== other escapes
.ascii "\x41\x4142\8\9\e\a\v\q\400\777"
.ascii <1>, "a", <11>
== other floating-point numbers
.double 0f1.5, 0d1.5, 0e1.5
.float16 1.5, nan, inf, 65504, 0.1
.bfloat16 1.5, 1e10, nan, 0.1
== strings of wider characters
.string8 "a"
.string16 "ab\n\x41\101", "b"
.string32 "a"
.string64 "a"
== others
.byte 1
.even
.byte 2, 0
.nop
.func s_foo
s_foo: nop
.endfunc
.title "x"
.list
.eject
.octa -1
s_once == 3
.byte s_once
.ds.b 2, 5
.dcb.b 3
.print "hello"
.warning "careful"
.fail 500
.purgem s_nosuch
== offsets in a structure
.pushsection .data
.struct 0
s_x: .struct s_x + 4
s_y: .struct s_y + 8
s_z:
.popsection
.byte 7, 7, 7
.struct 8
s_a: .skip 4
s_b: .word 0
s_here: .quad 0
s_c = . - s_a
s_d:
.previous
.byte 0
.pushsection .data
.offset 4
s_e: .zero 2
s_f:
.popsection
.byte s_x, s_y, s_z, s_a, s_b, s_c, s_d, s_e, s_f
.balign 4
ldr x0, [x1, s_a]
.pushsection .data
.struct 8
s_g: .skip 4
.subsection 1
s_h: .skip 4
s_i:
.popsection
.byte s_g, s_h, s_i
== labels before the end
.macro s_m
.byte 1
s_l: .endm s_m
s_m
""")

CLANG = _named(r"""
== counts of one macro
.macro s_m
.byte \+
.endm
s_m
s_m
.rept 2
.byte \+
.endr
== blanks before brackets
.macro s_m a, b
ldr \a, \b
.endm
s_m x0 [sp]
s_m x1 [sp]
== hexadecimal floating-point numbers
.double 0x1p3, 0x1.8p-1, 0x.8p0
.float 0x1.000001p0, 1e999, 1.0e-50
== halfway between two numbers
.float 16777217, 16777219, 0x1.000001p0, 0x1.000003p0
.double 9007199254740993, 9007199254740995
== the other end of macros
.macro s_m a
.byte \a
.endmacro
s_m 1
== a condition that a macro opens
.macro s_m
.if 1
.byte 1
.endm
s_m
.byte 2
.endif
""")

APPLE = _named(r"""
== numbered arguments
.macro s_m
.byte $0, $1, $n
.endmacro
s_m 1, 2
s_m 3, 4, 5
== text of numbered arguments
.macro s_m
.ascii "$0|$1|$2|$n|$$|$x|$10\n"
.endmacro
s_m a b, c d
s_m (1,2), 3
s_m [x0, #8]
s_m
== named arguments
.macro s_m a, b=7
.byte \a, \b
.ascii "$0"
.endm
s_m 1
s_m b=3, a=2
== comments
.macro s_m ; a comment
add $0, $0, #1 %% nop ; another
.endmacro
s_m x0 ; comment
nop // c
.ascii "a;b" ; c
.byte 1 /* x */ ; c
.byte ';' ; c
.if 0 ; comment
.byte 9 ; .endif
.endif
== repetitions and conditions
.irp r, 1, 2
.byte \r
.endr
.rept 2
.byte 1
.endr
.irpc c, 12
.if \c == 1
.byte \c
.endif
.endr
== characters
.byte '\0', '\n', 'a', '''
.double nan
.float inf, -nan
.octa 1
== names of registers
s_reg .req x3
mov s_reg, x1
== what has no bytes
.globl s_main
.private_extern s_x
s_main: mov x0, #0
s_x: ret
.lcomm s_b, 4
.comm s_c, 4, 3
.zerofill __DATA,__bss,s_d,8,3
.zerofill __DATA,__bss
.tbss s_t, 8, 3
.data_region jt32
.long 1
.end_data_region
.data_region
.long 2
.end_data_region
.loh AdrpAdd Ls_1, Ls_2
Ls_1: nop
Ls_2: nop
.desc s_main, 0
.no_dead_strip s_main
.weak_reference s_z
.weak_definition s_w
s_w: nop
.linker_option "-lfoo"
.alt_entry s_y
s_y: nop
.macro nop
ret
.endm
.macros_off
nop
.macros_on
nop
.purgem nop
.dump "x"
.load "x"
.cfi_startproc
nop
.cfi_endproc
.build_version macos, 11, 0	sdk_version 11, 3
.subsections_via_symbols
.weak_def_can_be_hidden s_w
.ident "x"
.align 4, 0x90
""")
