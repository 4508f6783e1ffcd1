"""The public disassembler: any word, names of targets, and Capstone's opinion."""

from __future__ import annotations

import random
import re
from types import SimpleNamespace

import capstone
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armexec import LoadError
from armexec.asm import assemble
from armexec.disasm import Instruction, disassemble, listing
from armexec.isa import decode

from .words import encodings, words_of


@settings(deadline=None)
@given(st.integers(0, 0xFFFF_FFFF), st.integers(0, 1 << 62).map(lambda n: n * 4))
def test_any_word(word: int, address: int) -> None:
    (found,) = disassemble([word], address=address)
    assert (found.word, found.address, found.bytes) == (word, address, word.to_bytes(4, "little"))
    if decode(word) is None:
        assert (found.text.partition(" //")[0], found.encoding, found.mnemonic) == (f".word 0x{word:08x}", "", ".word")
    else:
        assert found.text.startswith(found.mnemonic)
    if found.encoding == "":
        assert assemble(found.text).words == [word]


@pytest.mark.long
def test_many_words() -> None:
    rng = random.Random(5)
    for _ in range(20):
        words = [rng.getrandbits(32) for _ in range(50_000)]
        assert [i.word for i in disassemble(words)] == words


def test_kinds_of_code() -> None:
    words = [0xD10043FF, 0xD65F03C0]
    data = b"".join(word.to_bytes(4, "little") for word in words)
    expected = [
        Instruction(0, words[0], "sub sp, sp, #16", "SUB_64_addsub_imm"),
        Instruction(4, words[1], "ret", "RET_64R_branch_reg"),
    ]
    for code in (words, tuple(words), data, bytearray(data), memoryview(data), SimpleNamespace(words=words)):
        assert disassemble(code) == expected
    assert disassemble(np.array(words, dtype=np.uint32)) == expected
    assert disassemble(words[1])[0].text == "ret"
    assert disassemble([]) == disassemble(b"") == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (b"\x1f\x20\x03", "3 bytes are not whole instructions"),
        ([1 << 32], "word 0 is 0x100000000, not a 32-bit word"),
        ([0, -1], "word 1 is -0x1"),
        (["ret"], "word 0 is 'ret', not an int"),
        ([1.5], "word 0 is 1.5"),
        (None, "None"),
        (1.5, "1.5"),
    ],
)
def test_what_is_no_code(code: object, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        disassemble(code)


def test_targets() -> None:
    code = assemble(
        "f: nop\nb f\ncbz x0, g\nadr x1, f\nadrp x2, f\nbl out\ntbz w0, #3, g\nldr x3, f\ng: ret", address=0x1000
    )
    found = disassemble(code, address=0x1000, symbols={0x1000: "f", 0x1020: "g", 0x9000: "far"})
    assert [i.text for i in found[:5]] == ["nop", "b f", "cbz x0, g", "adr x1, f", "adrp x2, f"]
    assert [i.target for i in found] == [None, 0x1000, 0x1020, 0x1000, 0x1000, 0x1014, 0x1020, 0x1000, None]
    # An address between names, and one outside the code.
    (inside, outside) = disassemble([0x14000002, 0x14000800], address=0x1000, symbols={0x1000: "f", 0x1004: "g"})
    assert (inside.text, inside.target) == ("b #8", 0x1008)
    assert (outside.text, outside.target) == ("b #8192", 0x3004)
    (between, _, _) = disassemble([0x14000002, 0, 0], address=0x1000, symbols={0x1000: "f"})
    assert between.text == "b f+8"


def test_listing() -> None:
    code = assemble("f: cbz x0, done\n.word 7\ndone: ret")
    assert code.disassembly.splitlines() == [
        "f:",
        "         0:  b4000040  cbz x0, done",
        "         4:  00000007  .word 0x00000007",
        "done:",
        "         8:  d65f03c0  ret",
    ]
    assert listing(b"\x01\x00\x00\x00\x02").splitlines()[-1].endswith("00000002  udf #2")


#: Where Capstone 5 (from LLVM 14) prints something else, and why.
CAPSTONE_DIFFERS = {
    **dict.fromkeys(["GCSB_HD_hints", "CLRBHB_HI_hints", "CHKFEAT_HI_hints"], "an alias that is younger"),
    "BTI_HB_hints": "`bti` became `bti r`",
    "RPRFM_R_ldst_regoff": "an instruction that is younger",
    "DSB_BO_barriers": "`dfb` is of the R profile",
    **dict.fromkeys(
        ["PRFM_P_ldst_pos", "PRFM_P_ldst_regoff", "PRFUM_P_ldst_unscaled", "PRFM_P_loadlit"], "no name at all"
    ),
    **dict.fromkeys(
        ["MSR_SI_pstate", "MRS_RS_systemmove", "MSR_SR_systemmove"], "registers added since, in lower case"
    ),
}


def _normal(text: str) -> str:
    text = re.sub(r"#?-?0x[0-9a-f]+", lambda m: f"#{int(m[0].lstrip('#'), 16)}", text)
    text = re.sub(r"#(-\d+)", lambda m: f"#{int(m[1]) & (1 << 64) - 1}", text)
    return re.sub(r"\s+", " ", text).strip().lower()


def test_capstone_agrees() -> None:
    engine = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    differences = []
    for form in encodings():
        if form.name in CAPSTONE_DIFFERS or "simd_fp" in form.instruction.semantics.__module__:
            continue
        for word in words_of(form, 8):
            theirs = next(engine.disasm(word.to_bytes(4, "little"), 0), None)
            ours = disassemble([word])[0].text
            if theirs is not None and _normal(f"{theirs.mnemonic} {theirs.op_str}") != _normal(ours):
                differences.append((form.name, f"{word:08x}", f"{theirs.mnemonic} {theirs.op_str}", ours))
    assert differences == []
