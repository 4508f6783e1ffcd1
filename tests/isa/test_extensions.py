"""Instructions of extensions that aren't described: errors and listings say which."""

from __future__ import annotations

import pytest

from armexec import AssemblyError, Builder, IllegalInstruction, UnsupportedInstruction, compile, disassemble, function
from armexec.asm import assemble
from armexec.disasm import listing
from armexec.isa.extensions import needed_by_word
from armexec.words import parse_words
from engines import AVAILABLE


@pytest.mark.parametrize(
    ("text", "extension"),
    [
        ("ptrue p0.b", "SVE"),
        ("ld1w {z0.s}, p0/z, [x0]", "SVE"),
        ("add z0.s, z1.s, z2.s", "SVE"),
        ("mov z0.b, #0", "SVE"),
        ("ldr z0, [x0]", "SVE"),
        ("cmpeq p0.b, p1/z, z2.b, z3.b", "SVE"),
        ("ands p0.b, p1/z, p2.b, p3.b", "SVE"),
        ("cntb x0", "SVE"),
        ("rdvl x0, #1", "SVE"),
        ("expand z0.b, p0, z1.b", "SVE"),
        ("fmopa za0.s, p0/m, p1/m, z0.s, z1.s", "SME"),
        ("str za[w12, 0], [x0]", "SME"),
        ("smstart", "SME"),
        ("SMSTOP sm", "SME"),
        ("irg x0, x1", "MTE"),
        ("stg x0, [x1]", "MTE"),
        ("cpyfp [x0]!, [x1]!, x2!", "MOPS"),
        ("setp [x0]!, x1!, x2", "MOPS"),
        ("bc.eq 8", "HBC"),
        ("wfet x0", "WFxT"),
        ("sm4e v0.4s, v1.4s", "SM4"),
        ("gcspushm x0", "GCS"),
        ("cbeq x0, x1, 8", "CMPBR"),
        ("ldtadd x0, x1, [x2]", "LSUI"),
        ("famax v0.4s, v1.4s, v2.4s", "FAMINMAX"),
        ("addpt x0, x1, x2", "CPA"),
    ],
)
def test_text(text: str, extension: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(f"f: nop\n  {text}")
    error = caught.value
    mnemonic = text.partition(" ")[0].lower()
    assert error.message == f"{mnemonic} needs {extension}, which armexec doesn't have"
    assert (error.line, error.column, error.source_line, error.hint) == (2, 3, f"  {text}", "")


def test_what_only_looks_like_it() -> None:
    assert assemble("b z1\nldr x0, p1\nz1: p1: nop").words[:2] == [0x14000002, 0x58000020]
    for text in ("movs x0, x1", "addd x0, x1, x2", "add x0, x1, z", "abs v0.4s, x1", "ldr x0, [z]"):
        with pytest.raises(AssemblyError) as caught:
            assemble(text)
        assert "needs" not in str(caught.value)
    a = Builder()
    with pytest.raises(AssemblyError, match="ptrue needs SVE, which armexec doesn't have"):
        a.emit("ptrue", "p0.b")


WORDS = [
    (0x04A20020, "add", "SVE"),
    (0x2518E3E0, "ptrue", "SVE"),
    (0x80808081, "fmopa", "SME"),
    (0xD503477F, "smstart", "SME"),
    (0x54000050, "bc", "HBC"),
    (0x9AC21020, "irg", "MTE"),
    (0x19010440, "cpyfp", "MOPS"),
]


@pytest.mark.parametrize(("word", "mnemonic", "extension"), WORDS)
def test_words(word: int, mnemonic: str, extension: str) -> None:
    assert needed_by_word(word) == (mnemonic, extension)
    (found,) = disassemble([word])
    assert found.text == f".word 0x{word:08x} // {mnemonic} needs {extension}"
    assert assemble(found.text).words == [word]
    assert parse_words(listing([word, 0xD65F03C0])) == [word, 0xD65F03C0]


@pytest.mark.parametrize("engine", [name for name in AVAILABLE if name != "native"])
@pytest.mark.parametrize(("word", "mnemonic", "extension"), WORDS[:3])
def test_running(word: int, mnemonic: str, extension: str, engine: str) -> None:
    text = f"f: cbz x0, 1f\n.word {word:#x}\n1: ret"
    f = function(text, "long(long)", engine=engine)
    assert f(0) == 0
    with pytest.raises(UnsupportedInstruction) as caught:
        f(1)
    error = caught.value
    assert isinstance(error, IllegalInstruction)
    assert str(error).startswith(f"{mnemonic} (0x{word:08x}) needs {extension}, which armexec doesn't have, at ")
    assert (error.word, error.address, error.pc) == (word, f.address + 4, f.address + 4)
    assert error.symbol == "f+0x4"


def test_running_an_alias() -> None:
    f = function("f: .word 0xd503477f", "long()", engine="reference")
    with pytest.raises(IllegalInstruction, match="illegal instruction 0xd503477f: smstart needs SME, which armexec"):
        f()


def test_the_function_and_line_are_named() -> None:
    source = 'long g(long x) {\n  __asm__(".arch_extension sve\\n cntb %0" : "=r"(x));\n  return x;\n}'
    module = compile(source, "c", flags="-g")
    with pytest.raises(UnsupportedInstruction, match=r"cntb .* needs SVE, .* \(g\+0x[0-9a-f]+\), .*:2"):
        module.g(1)


def test_what_no_extension_has() -> None:
    assert needed_by_word(0xFFFF_FFFF) is None
    assert disassemble([0xFFFF_FFFF])[0].text == ".word 0xffffffff"
