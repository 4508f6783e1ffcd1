"""Data processing, branches and system instructions: their text against LLVM's, and back to the same word."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from armexec.asm import assemble
from armexec.isa import Decoded, all_instructions, decode
from armexec.isa.data import rows
from armexec.isa.operands import Context
from armexec.isa.operands.integer import LogicalImmediate
from armexec.isa.system_registers import system_registers

from .llvm import reassembled
from .samples import sample

CHAPTERS = ("branches", "system", "dp_")
FORMS = [
    form
    for described in all_instructions()
    if described.semantics.__module__.rpartition(".base.")[2].startswith(CHAPTERS)
    for form in (*described.forms, *described.aliases)
]
# `dsb #12`, which is `dfb` in the R profile, and LLVM prints it so with every feature on.
R_PROFILE = {0xD5033C9F}
# SYS with a name in later versions of the architecture, which isn't known here.
LATER = ("cosp ", "gic ", "gsb ", "mlbi ", "plbi ")
CONTEXT = Context(0, lambda address: None)


def has_one_spelling(decoded: Decoded) -> bool:
    """False for DFB, and for a bitmask immediate with bits of immr that don't count: another word has the same text."""
    if decoded.word in R_PROFILE:
        return False
    operands = (*decoded.form.operands, *(o for a in decoded.instruction.aliases for o in a.operands))
    for operand in operands:
        if isinstance(operand, LogicalImmediate):
            size = 64 if decoded.fields["sf"] else 32
            if operand.size == size:
                again = operand.encode(operand.decode(decoded.fields))
                return all(decoded.fields[name] == value for name, value in again.items())
    return True


def check(decoded: list[Decoded], directory: Path) -> None:
    ours = [(word.text(CONTEXT), word.word) for word in decoded]
    theirs = reassembled([text for text, _ in ours], directory)
    for place, (text, word) in enumerate(theirs):
        if text.startswith(LATER):
            assert ours[place][0].startswith("sys ")
            theirs[place] = (ours[place][0], word)
    assert theirs == ours
    assert assemble("\n".join(text for text, _ in ours)).words == [word for _, word in ours]


def check_sample(count: int, seed: int, directory: Path) -> None:
    rng = random.Random(seed)
    decoded = [word for form in FORMS for word in sample(form, count, rng, has_one_spelling)]
    assert {word.form.name for word in decoded} >= {form.name for form in FORMS if not form.is_alias}
    check(decoded, directory)


def test_text_is_llvms(tmp_path: Path) -> None:
    check_sample(4, 1, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_text_is_llvms_long(seed: int, tmp_path: Path) -> None:
    check_sample(200, seed, tmp_path)


def test_system_registers_by_name(tmp_path: Path) -> None:
    words = []
    for place, register in enumerate(system_registers().values()):
        for base in (0xD5300000, 0xD5100000):
            words.append(base | (register.number & 0x7FFF) << 5 | place % 32)
    check([d for d in map(decode, words) if d is not None], tmp_path)


def test_system_operations_by_name(tmp_path: Path) -> None:
    words = []
    for _, _, op1, crn, crm, op2, _ in rows("system_operations.tsv"):
        base = 0xD5080000 | int(op1) << 16 | int(crn) << 12 | int(crm) << 8 | int(op2) << 5
        words += [base | 5, base | 31]
    check([d for d in map(decode, words) if d is not None], tmp_path)


def test_all_hints_and_barriers(tmp_path: Path) -> None:
    words = [0xD503201F | number << 5 for number in range(128)]
    words += [0xD503301F | crm << 8 | opc << 5 for crm in range(16) for opc in (2, 4, 5, 6)]
    decoded = [decode(word) for word in words if word not in R_PROFILE]
    assert None not in decoded
    check([d for d in decoded if d is not None], tmp_path)
