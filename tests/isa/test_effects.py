"""What instructions do, as their semantic functions tell it, compared with Arm's names and with Capstone."""

from __future__ import annotations

import re

import capstone
import pytest

from armexec.asm import assemble
from armexec.isa import Decoded, decode

from .every_encoding import decoded_words

COUNT = 5


def one(text: str) -> Decoded:
    (word,) = assemble(text).words
    decoded = decode(word)
    assert decoded is not None
    return decoded


def _from_name(name: str) -> tuple[bool, bool, bool]:
    """Whether an encoding loads, stores, and does both as one, by Arm's name of it."""
    if re.match(r"(LD(ADD|CLR|EOR|SET|[SU]MAX|[SU]MIN)(A|L|AL)?[BH]?_|SWP|CAS)", name):
        return True, True, True
    return name.startswith("LD"), name.startswith("ST"), False


def test_memory() -> None:
    """Loads begin with LD, stores with ST, but for the atomic ones and system operations, which words alone tell."""
    compared = 0
    for decoded in decoded_words(COUNT):
        effects, name = decoded.effects, decoded.form.name
        if not name.startswith("SYS_"):
            assert (effects.is_load, effects.is_store, effects.is_atomic) == _from_name(name), name
            compared += effects.is_load or effects.is_store
    assert compared > 1500
    assert one("dc zva, x0").effects.is_store
    assert not one("dc cvac, x0").effects.is_store


UNLIKE_CAPSTONE = r"(BRK|DCPS\d|DRPS|ERET(A[AB])?|HLT|HVC|SMC|MRS|MSR|SYS|SYSL|UDF)_"
"""Exceptions that Capstone puts into no group, and system registers, which it knows no privileges of."""


def test_control_flow() -> None:
    """What ends a block is in one of Capstone's groups of control flow."""
    engine = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    engine.detail = True
    groups = {capstone.CS_GRP_JUMP, capstone.CS_GRP_CALL, capstone.CS_GRP_RET, capstone.CS_GRP_INT}
    ends = 0
    for decoded in decoded_words(2):
        theirs = next(engine.disasm(decoded.word.to_bytes(4, "little"), 0), None)
        if theirs is not None and not re.match(UNLIKE_CAPSTONE, decoded.form.name):
            assert bool(decoded.effects.control) == bool(groups & set(theirs.groups)), decoded.form.name
            ends += bool(decoded.effects.control)
    assert ends > 20


@pytest.mark.parametrize(
    "text",
    [
        "fadd v0.4s, v1.4s, v2.4s",
        "fmla v0.2d, v1.2d, v2.d[1]",
        "mla v0.8h, v1.8h, v2.h[3]",
        "sqadd v0.16b, v1.16b, v2.16b",
        "bsl v0.16b, v1.16b, v2.16b",
        "ushr v0.2d, v1.2d, #3",
        "scvtf v0.4s, v1.4s",
    ],
)
def test_lanewise(text: str) -> None:
    assert one(text).effects.is_lanewise


@pytest.mark.parametrize(
    "text",
    [
        "add x0, x1, x2",
        "fadd d0, d1, d2",
        "addp v0.4s, v1.4s, v2.4s",
        "dup v0.4s, v1.s[0]",
        "zip1 v0.4s, v1.4s, v2.4s",
        "sdot v0.4s, v1.16b, v2.16b",
        "smull v0.4s, v1.4h, v2.4h",
        "xtn v0.4h, v1.4s",
        "fcmla v0.4s, v1.4s, v2.4s, #90",
        "movi v0.4s, #1",
        "ld1 {v0.4s}, [x0]",
        "ins v0.s[1], w0",
        "umaxv s0, v1.4s",
        "aese v0.16b, v1.16b",
    ],
)
def test_not_lanewise(text: str) -> None:
    assert not one(text).effects.is_lanewise
