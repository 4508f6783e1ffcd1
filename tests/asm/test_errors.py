"""Messages: where, what was expected, and what to write instead."""

from __future__ import annotations

import pytest

from armexec import AssemblyError
from armexec.asm import assemble

#: A line, the column of the mistake, and parts of the message.
MISTAKES: list[tuple[str, int, list[str]]] = [
    ("add x0, x1 x2", 12, ["expected ','", "'x2'", "add <Xd>, <Xn>, <Xm>"]),
    ("add x0 x1, x2", 8, ["expected ','"]),
    ("add x0, w1, x2", 9, ["X0-X30, XZR or SP", "'w1'", "one size"]),
    ("add w0, x1, w2", 9, ["W0-W30, WZR or WSP", "one size"]),
    ("add x0, x1, w2", 15, ["expected an extend", "uxtw"]),
    ("mul x0, x1, sp", 13, ["X0-X30 or XZR", "'sp'", "mul <Xd>, <Xn>, <Xm>"]),
    ("and x0, sp, x1", 9, ["X0-X30 or XZR"]),
    ("adds sp, sp, #1", 6, ["'sp'"]),
    ("add w31, w0, w1", 5, ["'w31'", "wzr", "wsp"]),
    ("mov x31, x0", 5, ["xzr", "sp (the stack pointer)"]),
    ("add x0, x1, #5000", 13, ["5000 is out of range 0..4095"]),
    ("ldr x0, [x1, #32761]", 14, ["32761 is out of range 0..32760 in steps of 8, or -256..255"]),
    ("ldr x0, [x1, #-300]", 14, ["-300", "-256..255"]),
    ("ldp x0, x1, [sp, #4]", 18, ["4 is not a multiple of 8"]),
    ("ldp x0, x1, [sp, #600]", 18, ["600 is out of range -512..504"]),
    ("ldr x0, [x1, #300", 18, ["expected ']'", "end of the line"]),
    ("ldr x0, x1, #8]", 9, ["expected '['"]),
    ("ldr w0, [w1]", 10, ["X0-X30 or SP", "64-bit"]),
    ("ldr x0, [x1, x2, lsl #2]", 14, ["shift amount 2 must be 0 or 3"]),
    ("ldr x0, [x1, w2]", 16, ["uxtw", "sxtw"]),
    ("b .Lnowhere", 3, ["'.Lnowhere' is not defined"]),
    ("cbz x0, 5f", 9, ["no label '5' in that direction"]),
    ("cbz x0", 7, ["expected ','", "cbz <Xt>, <label>"]),
    ("lsl x0, x1, #64", 13, ["shift amount 64 is out of range 0..63"]),
    ("mov x0, #0x123456789abcdef0", 9, ["more than one instruction", "ldr", "movk"]),
    ("mov w0, #0x1ffffffff", 9, ["does not fit 32 bits"]),
    ("movz x0, #65536", 10, ["out of range 0..65535"]),
    ("movk x0, #1, lsl #8", 10, ["shift 8 must be 0, 16, 32 or 48"]),
    ("and x0, x1, #5", 13, ["0x5 is not a bitmask immediate"]),
    ("push {x29, x30}", 1, ["no push and pop", "stp x29, x30, [sp, #-16]!"]),
    ("pop {r4, pc}", 1, ["ldp x29, x30, [sp], #16"]),
    ("movs r0, #1", 1, ["doesn't set the flags"]),
    ("mov r0, #1", 5, ["r0 is an x0 or a w0"]),
    ("addeq x0, x1, x2", 1, ["only branches have conditions", "csel"]),
    ("mov eax, 1", 5, ["eax is a register of x86"]),
    ("mov %rax, %rbx", 5, ["x86"]),
    ("ldmia sp!, {x0, x1}", 1, ["ldp and stp"]),
    ("bx lr", 1, ["ret"]),
    ("call foo", 1, ["`bl`"]),
    ("jne foo", 1, ["b.ne"]),
    ("sbu x0, x1, x2", 1, ["unknown mnemonic 'sbu'", "did you mean", "sub"]),
    ("csel x0, x1, x2, zz", 18, ["expected a condition (eq, ne"]),
    ("b.xx foo", 1, ["the conditions are eq, ne"]),
    ("tbz w0, #32, .", 5, ["bit number 32 is out of range 0..31"]),
    ("ubfx w0, w1, #30, #5", 14, ["width 5 is out of range 1..2"]),
    ("add x0, x1, x2, lsl #64", 17, ["out of range 0..63"]),
    ("ret w0", 5, ["X0-X30", "'w0'"]),
    ("add", 4, ["end of the line"]),
    ("add x0, x1, #", 13, ["expected", "immediate 0..4095"]),
    ("add x0, x1, #abc", 14, ["symbol (abc) can't stand here"]),
    ("add x0, x1, #0x1g", 14, ["'0x1g' is not a number"]),
    ("add x0, x1, #08", 14, ["octal"]),
    ("add x0, x1, 5 ; a comment", 17, ["a comment begins with //"]),
    ("add x0, x1, 5 # comment", 15, ["begins with //"]),
    ("add x0, x1, 5 @ comment", 15, ["begins with //"]),
    ("label add x0, x1, x2", 1, ["`label:`"]),
    ("add x0, x1, (((1)", 18, ["expected ')'"]),
    ("b .+3", 3, ["distance 3 is not a multiple of 4"]),
    ("b.eq .+0x200000", 6, ["out of range -1048576..1048572"]),
    ("mov x0, x1, x2", 13, ["expected a shift", "not 'x2'"]),
    ("mov x0, x1!", 11, ["expected the end of the line"]),
    ("ld1 {v0.16b, v1.8b}, [x0]", 5, ["v1.8b can't follow v0.16b: a list's registers have one arrangement"]),
    ("bic x0, x1, #5", 13, ["0x5 is not the complement of a bitmask immediate"]),
    ("1: bfi x0, x1, 1b, #3", 16, ["expected a bit number 0..63, not the label 1"]),
    ("add w0, w1, w2, lsl later", 21, ["not 'later'"]),
    ("mrs x0, foo", 9, ["a system register"]),
    (".word 5,", 9, ["expected a number or a symbol"]),
    (".byte 300", 7, ["300 does not fit 1 byte"]),
    (".ascii abc", 8, ["string in double quotes"]),
    ('.ascii "abc', 8, ['closing "']),
    (".aling 2", 1, ["unknown directive .aling", ".align"]),
    (".align 63", 1, ["2**0..2**24"]),
    (".balign 3", 1, ["power of two"]),
    (".space 1152921504606846976", 1, ["can't be reserved"]),
    (".word 1/0", 7, ["division by zero"]),
    (".byte x, 0, 0, 0", 7, ["an address does not fit 1 byte"]),
    (".if 1", 1, ["no end", ".endif"]),
    (".if", 1, ["expected a number"]),
    (".if label", 5, ["must be a number by now", "'label'"]),
    (".if 1 2", 7, ["unexpected '2'"]),
    (".ifc a", 1, ["two texts and a comma"]),
    (".ifeqs a, b", 8, ["two strings in double quotes"]),
    (".else", 1, [".else without .if"]),
    (".elseif 1", 1, [".elseif without .if"]),
    (".endif", 1, [".endif without .if"]),
    (".if 1; .else; .else; .endif", 15, [".else after .else (in line 2)"]),
    (".if 1; .else; .elseif 2; .endif", 15, [".elseif after .else"]),
    (".if 1; .endif 5", 15, ["expected the end of the line after .endif"]),
    (".macro m", 1, ["no end", ".endm"]),
    (".macro prologue; .endm; prolog", 25, ["unknown mnemonic 'prolog'", "did you mean the macro prologue?"]),
    (".elif 1", 1, ["unknown directive .elif", ".elseif"]),
    (".endmacr", 1, ["unknown directive .endmacr", ".endmacro"]),
    (".macro", 1, ["the macro's name"]),
    (".macro m(a); .endm", 1, ["the macro's name and its parameters"]),
    (".macro m a, a; .endm", 13, ["two parameters named 'a'"]),
    (".macro m a:foo; .endm", 10, ["'foo' is no kind of parameter", "req or vararg"]),
    (".macro m a:vararg, b; .endm", 20, ["'a' takes all that is left"]),
    (".macro m; .endm; .macro m; .endm", 18, ["'m' is defined already (in line 2)", ".purgem"]),
    (".macro m a; .endm; m 1, 2", 25, ["too many arguments: 'm' takes 1", "double quotes"]),
    (".macro m a:req; .endm; m", 24, ["'m' needs an argument for 'a'"]),
    (".macro m a; .endm; m b=2", 22, ["'m' has no parameter named 'b'", "its parameters are a"]),
    (".macro m a, b; .endm; m b=2, 3", 30, ["all others must be named"]),
    (".endm", 1, [".endm without .macro before it"]),
    (".endr", 1, [".endr without .rept, .irp or .irpc"]),
    (".exitm", 1, [".exitm outside of a macro"]),
    (".rept 2", 1, ["no end", ".endr"]),
    (".rept -1; .endr", 1, ["the count -1 is negative"]),
    (".rept 1 << 40; nop; .endr", 1, ["more than 4000000 lines"]),
    (".rept 1 << 40; .endr", 1, ["more than 4000000 lines"]),
    (".rept x; .endr", 7, ["must be a number by now"]),
    (".irp; .endr", 1, ["expected a name, a comma and values"]),
    ('.error "boom"', 1, ["boom"]),
    (".error", 1, [".error stands in the source"]),
    (".err", 1, [".err stands in the source"]),
    (".fail 5", 1, [".fail 5"]),
    (".abort", 1, [".abort"]),
    (".include no", 10, ["the file's name in double quotes"]),
    ('.include "no/such"', 10, ["can't read 'no/such'", "No such file"]),
    ('.incbin "no/such"', 9, ["can't read 'no/such'"]),
    ('.include "/dev/zero"', 10, ["'/dev/zero' is not a regular file"]),
    ('.incbin "/dev/zero"', 9, ["'/dev/zero' is not a regular file"]),
    ('.incbin "/"', 9, ["'/' is a directory"]),
    ('.include "/"', 10, ["'/' is a directory"]),
    ('.include "a\\0b"', 10, ["no name of a file"]),
    ('.incbin "x", -1', 1, ["can't be negative"]),
    ("a .req foo", 8, ["expected a register", "'foo'"]),
    ("a .req v1.4s", 8, ["expected a register without an arrangement"]),
    (".org . - 8", 6, ["8 bytes before the current one"]),
    (".org fwd", 6, ["must be a number by now"]),
    (".balignl 8, 5; .byte 1; .balignl 8, 5", 25, ["no multiple of the pattern's 4"]),
    (".nops 3", 1, ["no whole NOP instructions"]),
    (".float 0x40490fdb", 8, ["not a floating-point number", ".word"]),
    (".float 1+2", 8, ["not a floating-point number"]),
    (".struct -1", 1, ["out of range"]),
    (".struct; .byte 1; .text", 16, ["has no contents"]),
    (".struct; nop", 1, ["instructions can't stand there"]),
    (".struct; .word elsewhere; .text", 16, ["has no contents", "an address"]),
    (".bss; .quad x; .text", 13, ["section .bss has no contents"]),
    (".octa x", 7, ["must be a number by now"]),
    (".ds -1", 1, ["can't be reserved"]),
    (".dcb.b 1, 300", 11, ["300 does not fit 1 byte"]),
]


@pytest.mark.parametrize(("line", "column", "parts"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistake(line: str, column: int, parts: list[str]) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(f"nop\n{line}\nx: nop", file="t.s")
    error = caught.value
    assert (error.line, error.column, error.source_line) == (2, column, line)
    text = str(error)
    assert [part for part in parts if part not in text] == []
    shown = text.splitlines()
    assert shown[0].startswith(f"t.s:2:{column}: ")
    assert shown[2].index("^") == 4 + column - 1


def test_duplicate_label() -> None:
    with pytest.raises(AssemblyError, match=r"'a' is defined twice \(first in line 1\)"):
        assemble("a: nop\n\tnop\n  a: nop")


def test_instruction_at_an_odd_address() -> None:
    with pytest.raises(AssemblyError, match=r"put \.p2align 2 before it"):
        assemble(".byte 1\nnop")


def test_branch_that_is_too_far_names_its_line() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble("tbz x0, #1, far\n.space 40000\nfar: ret")
    assert (caught.value.line, caught.value.column) == (1, 13)
    assert "40004 bytes away" in str(caught.value)


def test_long_line_is_cut() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble("nop " + " " * 5000 + "x0")
    assert max(map(len, str(caught.value).splitlines())) < 200


def test_lines_with_tabs_keep_the_caret_in_place() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble("\tadd\tx0, w1, x2")
    assert str(caught.value).splitlines()[1:3] == ["    \tadd\tx0, w1, x2", "    \t   \t    ^"]
