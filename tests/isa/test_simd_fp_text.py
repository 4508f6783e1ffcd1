"""SIMD and floating-point instructions: their text against LLVM's, and back to the same word."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from armexec.asm import assemble
from armexec.isa import Decoded, all_instructions, decode
from armexec.isa.operands import Context

from .llvm import reassembled
from .samples import sample

FORMS = [
    form
    for described in all_instructions()
    if ".simd_fp." in described.semantics.__module__
    for form in (*described.forms, *described.aliases)
]
CONTEXT = Context(0, lambda address: None)


def has_one_spelling(decoded: Decoded) -> bool:
    """False where bits don't count, so that another word has the same text, and for what LLVM calls unpredictable."""
    fields, name = decoded.fields, decoded.form.name
    if name.startswith("INS_asimdins_IV"):
        return fields["imm4"] % (fields["imm5"] & -fields["imm5"]) == 0
    if name.startswith("DUP_asimdins_DR"):
        return fields["imm5"].bit_count() == 1
    return not (name.startswith(("LDP_", "LDNP_")) and fields["Rt"] == fields["Rt2"])


def check_sample(count: int, seed: int, directory: Path) -> None:
    rng = random.Random(seed)
    decoded = [word for form in FORMS for word in sample(form, count, rng, has_one_spelling)]
    assert {word.form.name for word in decoded} >= {form.name for form in FORMS if not form.is_alias}
    ours = [(word.text(CONTEXT), word.word) for word in decoded]
    assert reassembled([text for text, _ in ours], directory) == ours
    assert assemble("\n".join(text for text, _ in ours)).words == [word for _, word in ours]


def test_text_is_llvms(tmp_path: Path) -> None:
    check_sample(4, 1, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_text_is_llvms_long(seed: int, tmp_path: Path) -> None:
    check_sample(200, seed, tmp_path)


SPELLINGS = """\
fmov v0.4s, #1
fmov v0.4s, 1.0
fmov v0.2d, #-1.5e0
fmov v0.4h, #0x1p-1
fmov v0.4s, #0x70
fmov v0.4s, #12.50000000
fmov s0, #0.0
fmov d0, #0.0
fmov h0, #0.0
movi v0.2d, #0
movi v0.2d, #-1
movi d0, #255
movi v0.4s, #0xff, lsl #24
movi v0.4s, #1, lsl #0
movi v0.4s, 1, msl 8
movi v0.8h, #1, LSL #8
ld1 {v0.4s-v3.4s}, [x0]
ld1 {v0.4s - v3.4s}, [x0]
ld1 {v31.4s, v0.4s}, [x0]
ld1 {v30.4s-v1.4s}, [x0]
LD1 {V0.16B}, [SP], 16
ld2 {v0.d-v1.d}[1], [x0], #16
ld3 { v0.b, v1.b, v2.b }[15], [x0], x1
tbl v0.16b, {v30.16b-v1.16b}, v2.16b
umov w0, v1.s[3]
umov x0, v1.d[1]
ins v0.h[1], wzr
ins v0.h[1], v2.h[7]
dup b0, v1.b[3]
ldr q0, [x1, x2, lsl 4]
ldr b0, [x1, x2, lsl #0]
ldr d0, [x1, #-8]
str q0, [x1, #1]
ldr q0, 16
""".splitlines()


def test_spellings(tmp_path: Path) -> None:
    expected = reassembled(SPELLINGS, tmp_path)
    assert assemble("\n".join(SPELLINGS)).words == [word for _, word in expected]
    for text, word in expected:
        decoded = decode(word)
        assert decoded is not None
        assert decoded.text(CONTEXT) == text


def test_relocations_follow_the_size() -> None:
    code = assemble("\n".join(f"ldr {kind}0, [x1, :lo12:there]" for kind in "bhsdq") + "\nldr q0, there")
    sizes = [f"R_AARCH64_LDST{bits}_ABS_LO12_NC" for bits in (8, 16, 32, 64, 128)]
    assert [relocation.type for relocation in code.relocations] == [*sizes, "R_AARCH64_LD_PREL_LO19"]
