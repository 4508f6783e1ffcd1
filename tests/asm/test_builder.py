"""Code from Python: every kind of operand, labels, data, and the messages of wrong calls."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.disasm.words import encodings, words_of

from armexec import AssemblyError
from armexec.asm import Builder, assemble
from armexec.asm.builder.generate import method_name, mnemonics_source
from armexec.disasm import disassemble


def operand(a: Builder, text: str) -> Any:
    """Disassembled text as what a builder's method takes."""
    text = text.strip()
    if (match := re.fullmatch(r"([wx]\d+|[wx]zr|w?sp)", text)) is not None:
        return getattr(a, match[1])
    if re.fullmatch(r"#-?(\d+|0x[0-9a-f]+)", text):
        return int(text[1:], 0)
    if (match := re.fullmatch(r"(lsl|lsr|asr|ror|[us]xt[bhwx]) #(\d+)", text)) is not None:
        return (match[1], int(match[2]))
    if (match := re.fullmatch(r"\[(.*)\](!?)", text)) is not None:
        parts = [operand(a, part) for part in match[1].split(",")]
        return a.pre(*parts) if match[2] else parts
    return text


def emit(a: Builder, text: str) -> None:
    mnemonic, _, rest = text.partition(" ")
    parts = re.findall(r"\[[^\]]*\]!?|[^,]+", rest)
    getattr(a, method_name(mnemonic))(*(operand(a, part) for part in parts if part.strip()))


def check_words(count: int) -> None:
    words = [word for form in encodings() for word in words_of(form, count)]
    texts = [instruction.text for instruction in disassemble(words)]
    a = Builder()
    for text in texts:
        emit(a, text)
    pairs = zip(texts, a.assemble().words, assemble("\n".join(texts)).words, strict=True)
    assert [(text, f"{built:08x}", f"{word:08x}") for text, built, word in pairs if built != word] == []


def test_calls_give_the_words_that_text_gives() -> None:
    check_words(6)


@pytest.mark.long
def test_many_calls_give_the_words_that_text_gives() -> None:
    check_words(500)


def test_mnemonics_are_up_to_date() -> None:
    """If not, run scripts/generate-mnemonics."""
    from armexec.asm.builder import mnemonics

    assert Path(mnemonics.__file__).with_suffix(".pyi").read_text() == mnemonics_source()


def test_mnemonics_and_registers_are_attributes() -> None:
    a = Builder()
    assert {"add", "b_eq", "and_", "x0", "wzr", "v31", "lr", "label"} <= set(dir(a))
    assert all(getattr(a, name) is not None for name in dir(a) if not name.startswith("_"))
    assert (a.x3, Builder.x3.name, a.lr) == (Builder.x3, "x3", a.x30)
    assert a.add.__doc__ is not None
    assert a.add.__doc__.startswith("Add an optionally shifted register.")
    assert "add <Xd|SP>, <Xn|SP>, <imm>" in a.add.__doc__
    Builder.add(a, a.x0, a.x1, 5)
    assert a.assemble().words == [0x91001420]
    assert (hasattr(a, "addd"), hasattr(a, "_x"), hasattr(a, "x31")) == (False, False, False)
    with pytest.raises(AttributeError, match="no attribute, mnemonic or register 'addd'"):
        a.addd(a.x0)  # type: ignore[attr-defined]


def test_help_is_short() -> None:
    script = "import armexec, pydoc; print(pydoc.plain(pydoc.render_doc(armexec.Builder)))"
    text = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=60, text=True).stdout
    assert " emit(self, mnemonic: 'str'" in text
    assert len(text.splitlines()) < 200
    assert "addhn" not in text


def check(build: Callable[[Builder], object], text: str) -> None:
    a = Builder()
    build(a)
    built, expected = a.assemble(), assemble(text)
    assert {s.name: bytes(s.data) for s in built.sections} == {s.name: bytes(s.data) for s in expected.sections}
    assert [(r.type, r.symbol, r.addend) for r in built.relocations] == [
        (r.type, r.symbol, r.addend) for r in expected.relocations
    ]


def test_operands() -> None:
    def build(a: Builder) -> None:
        a.add(a.x0, a.x1, 5)
        a.add(a.x0, a.x1, a.x2, ("lsl", 3))
        a.add(a.x0, a.sp, a.w1, "uxtw")
        a.sub(a.sp, a.sp, 4096)
        a.ldr(a.x0, [a.sp, 8])
        a.ldr(a.x0, [a.x1])
        a.ldr(a.x0, [a.x1, a.x2, ("lsl", 3)])
        a.stp(a.fp, a.lr, a.pre(a.sp, -16))
        a.ldp(a.fp, a.lr, [a.sp], 16)
        a.cset(a.w0, "ne")
        a.dmb("ish")
        a.b_eq(8)
        a.and_(a.x0, a.x1, 0xFF)
        a.mov(a.x0, np.int64(-1))
        a.emit("MRS", a.x0, "tpidr_el0")
        a.ldr(a.x0, "[x1], #8")
        a.ret()

    check(
        build,
        """
        add x0, x1, 5
        add x0, x1, x2, lsl 3
        add x0, sp, w1, uxtw
        sub sp, sp, 4096
        ldr x0, [sp, 8]
        ldr x0, [x1]
        ldr x0, [x1, x2, lsl 3]
        stp fp, lr, [sp, -16]!
        ldp fp, lr, [sp], 16
        cset w0, ne
        dmb ish
        b.eq .+8
        and x0, x1, 0xff
        mov x0, -1
        mrs x0, tpidr_el0
        ldr x0, [x1], 8
        ret
        """,
    )


def test_labels_data_and_symbols() -> None:
    def build(a: Builder) -> None:
        start = a.here("start")
        done = a.label("done")
        a.cbz(a.w0, done)
        a.b(start)
        a.adrp(a.x0, a.symbol("v"))
        a.add(a.x0, a.x0, a.symbol("v", 4, modifier="lo12"))
        a.bl(a.symbol("outside"))
        a.adr(a.x1, done)
        a.bind(done)
        a.ret()
        a.align(8)
        a.quad(1, start, a.symbol("v", 8))
        a.section(".data")
        a.here("v")
        a.byte(1, 2)
        a.hword(3)
        a.word(4)
        a.data(b"text")

    check(
        build,
        """
        start: cbz w0, done
        b start
        adrp x0, v
        add x0, x0, :lo12:v+4
        bl outside
        adr x1, done
        done: ret
        .p2align 3
        .quad 1, start, v + 8
        .data
        v: .byte 1, 2
        .hword 3
        .word 4
        .ascii "text"
        """,
    )


def test_literals() -> None:
    def build(a: Builder) -> None:
        a.ldr(a.x0, a.literal(0x1122334455667788))
        a.ldr(a.w1, a.literal(0x12345678, 4))
        a.ldr(a.x2, a.literal(a.symbol("v", 8)))
        a.ldr(a.x3, a.literal(0x1122334455667788))
        a.ret()
        a.flush_literals()
        a.nop()

    check(
        build,
        """
        ldr x0, =0x1122334455667788
        ldr w1, =0x12345678
        ldr x2, =v + 8
        ldr x3, =0x1122334455667788
        ret
        .ltorg
        nop
        """,
    )


@pytest.mark.parametrize(
    "value",
    [0, 1, -1, 0xFFFF, 0x10000, 0x123456789ABCDEF0, 0xFFFF_0000_FFFF_1234, 1 << 63, -(1 << 63), 0x5555555555555555],
)
def test_load_immediate(value: int) -> None:
    a = Builder()
    a.load_immediate(a.x5, value)
    result = 0
    for instruction in disassemble(a.assemble()):
        mnemonic, operands = instruction.mnemonic, instruction.text.partition(" ")[2].split(", ")
        number = int(operands[1][1:], 0)
        shift = int(operands[2].split("#")[1]) if len(operands) > 2 else 0
        result = result & ~(0xFFFF << shift) | number << shift if mnemonic == "movk" else number << shift
        result = ~result if mnemonic == "movn" else result
    assert result & (1 << 64) - 1 == value & (1 << 64) - 1


def test_symbols_and_address() -> None:
    a = Builder(address=0x1000)
    a.nop()
    a.global_(a.here("f"))
    a.ret()
    code = a.assemble()
    assert code.symbols == {"f": 0x1004}
    assert [(s.name, s.binding, s.kind) for s in code.all_symbols] == [("f", "global", "function")]


def _used_twice(a: Builder) -> None:
    label = a.here()
    a.bind(label)


def _never_bound(a: Builder) -> None:
    a.cbz(a.w0, a.label("done"))
    a.assemble()


def _literal_never_bound(a: Builder) -> None:
    a.ldr(a.x0, a.literal(a.label()))
    a.assemble()


def _finished(a: Builder) -> None:
    a.nop()
    a.assemble()
    a.nop()


def _too_far(a: Builder) -> None:
    far = a.label("far")
    a.tbz(a.x0, 1, far)
    a.data(bytes(40000))
    a.bind(far)
    a.assemble()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda a: a.add(a.x0, a.w1, a.x2), r"expected a register X0-X30, XZR or SP, not 'w1'\n    add x0, w1, x2\n"),
        (lambda a: a.add(a.x0, a.x1), "expected ',', not the end of the line"),
        (lambda a: a.add(a.x0, a.x1, 5000), "immediate 5000 is out of range 0..4095"),
        (lambda a: a.ldr(a.x0, [a.x1, 3, 4]), r"expected '\]'"),
        (lambda a: a.add(a.x0, a.x1, None), "None is not an operand"),
        (lambda a: a.add(a.x0, a.x1, True), "True is not an operand"),
        (lambda a: a.add(a.x0, a.x1, {}), "{} is not an operand"),
        (lambda a: a.csel(a.x0, a.x1, a.x2, "zz"), "expected a condition"),
        (lambda a: a.b("1f"), "numeric labels are for text"),
        (lambda a: a.add(a.x0, a.x1, '"'), "a string without"),
        (lambda a: a.emit("addd", a.x0), "unknown mnemonic 'addd'\n    addd x0\ndid you mean"),
        (lambda a: a.b(Builder().label("there")), "<Label there> is of another builder"),
        (lambda a: a.bind(Builder().label("there")), "is of another builder"),
        (lambda a: a.bind("there"), "'there' is not a label"),
        (_used_twice, "defined twice"),
        (_never_bound, r"<Label done> is used but was never given its place: call bind\(label\)"),
        (_literal_never_bound, "is used but was never given its place"),
        (_finished, "has assembled its code already"),
        (_too_far, "40004 bytes away"),
        (lambda a: a.label("a b"), "'a b' is no name for a label"),
        (lambda a: a.byte(256), "256 does not fit 1 byte"),
        (lambda a: a.quad(1.5), "1.5 is not an operand"),
        (lambda a: a.data(5), "5 is not bytes"),
        (lambda a: a.align(3), "not a power of two"),
        (lambda a: a.section(".data", "wx"), '"rx", "r" or "rw"'),
        (lambda a: a.literal(1, 3), "a literal of 3 bytes"),
        (lambda a: a.load_immediate(a.x0, 1 << 64), "does not fit the 64 bits of x0"),
        (lambda a: a.load_immediate(a.sp, 1), "sp is not a register"),
        (lambda a: a.global_("f", "nothing"), "function or object"),
    ],
)
def test_wrong_calls(wrong: Callable[[Builder], object], message: str) -> None:
    with pytest.raises(AssemblyError, match=message):
        wrong(Builder())


def test_registers_are_constant() -> None:
    with pytest.raises(AttributeError):
        Builder.x0.number = 5


PROGRAM = """
from armexec import Builder, Code

def double(n: int) -> Code:
    a = Builder()
    again = a.here("again")
    a.add(a.x0, a.x0, a.x0)
    a.subs(a.x1, a.x1, n)
    a.b_ne(again)
    a.ldr(a.x2, [a.sp, 8])
    a.str(a.x2, a.pre(a.sp, -16))
    a.add(a.x0, a.x1, a.x2, ("lsl", 3))
    a.ret()
    return a.assemble()

reveal_type(Builder.add)
a = Builder()
a.added(a.x0)
"""


@pytest.mark.long
def test_types(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(program)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if "error" in line and '"added"' not in line and "Found" not in line] == []
    assert any('has no attribute "added"' in line for line in lines)
