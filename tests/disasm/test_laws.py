"""Disassembled text assembles to the word it came from: by armexec, and by the wheel's clang."""

from __future__ import annotations

import re

import pytest

from armexec import CompileError
from armexec.asm import assemble
from armexec.disasm import disassemble
from armexec.objects import load_image
from armexec.toolchain import compile_object

from .words import encodings, words_of

#: Everything that the encodings described need.
MARCH = (
    "-march=armv8.9-a+memtag+rng+flagm+sb+ssbs+predres+pauth+lse+rcpc+crc+ls64+profile+wfxt"
    "+fp16+fp16fml+dotprod+aes+sha2+sha3+sm4+bf16+i8mm+rdm+fcma+jscvt"
    # The names of system registers.
    "+brbe+sme+the+d128+rasv2+ite+gcs"
)
#: What clang refuses: UNPREDICTABLE words, which processors have to decode; and Armv8-R registers: no -march has them.
REFUSED = re.compile(r"unpredictable|(?:MPUIR|PRENR|PRSELR|PRBAR\d*|PRLAR\d*)_EL[12]")


def sample(count: int, seed: int = 0) -> list[int]:
    return [word for form in encodings() for word in words_of(form, count, seed)]


def test_every_encoding_has_words() -> None:
    assert [form.name for form in encodings() if not any(words_of(form, 2))] == []


def check_round_trip(words: list[int]) -> None:
    found = disassemble(words)
    lines = "\n".join(f"{i.text}" for i in found)
    again = assemble(lines).words
    wrong = [(f"{i.word:08x}", i.text, f"{w:08x}") for i, w in zip(found, again, strict=True) if i.word != w]
    assert wrong == []


def check_clang(words: list[int]) -> None:
    found = disassemble(words)
    try:
        again = clang_words([i.text for i in found])
    except CompileError as error:
        refused = {d.line: f"{d.message}: {found[d.line - 1].text}" for d in error.diagnostics}
        assert [why for why in refused.values() if not REFUSED.search(why)] == []
        found = [i for n, i in enumerate(found, 1) if n not in refused]
        again = clang_words([i.text for i in found])
    wrong = [(f"{i.word:08x}", i.text, f"{w:08x}") for i, w in zip(found, again, strict=True) if i.word != w]
    assert wrong == []


def clang_words(lines: list[str]) -> list[int]:
    text = "\n".join(lines)
    data = compile_object(text, language="assembler", target="bare", flags=(MARCH,), debug=False).data
    code = load_image(data).segments[0].data
    return [int.from_bytes(code[i : i + 4], "little") for i in range(0, 4 * len(lines), 4)]


def test_assembles_back() -> None:
    check_round_trip(sample(12))


def test_clang_assembles_back() -> None:
    check_clang(sample(12))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 4))
def test_assembles_back_long(seed: int) -> None:
    words = sample(300, seed)
    check_round_trip(words)
    check_clang(words)
