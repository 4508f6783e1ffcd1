"""The reference made from the descriptions says what the decoder, the assembler and the sources say."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from armexec import assemble
from armexec.isa import Instruction, all_instructions, decode
from armexec.isa.coverage import known_encoding
from armexec.isa.manual.chapters import documents
from armexec.isa.manual.reference import (
    Example,
    arrangements,
    constants,
    diagram,
    examples,
    meaning,
    rows,
    undefined_when,
)
from armexec.isa.pattern import parse_constraints

DOCS = Path(__file__).parents[2] / "docs" / "instructions"
BY_NAME = {described.name: described for described in all_instructions()}


def test_examples_assemble_to_their_words() -> None:
    for described in all_instructions():
        for example in examples(described):
            assert list(assemble(example.text).words) == [example.word], example


def test_examples_are_there() -> None:
    for described in all_instructions():
        words = [decode(example.word) for example in examples(described)]
        assert all(decoded is not None and decoded.instruction is described for decoded in words)
        # What has no free fields has a single word.
        assert len(words) >= (2 if described.pattern.free else 1), described
    texts = {example.text.split()[0] for described in all_instructions() for example in examples(described)}
    assert {"cmp", "mov", "lsl", "cset", "mul", "b.eq", "ror", "mvn", "cinc"} <= texts


def test_examples_of_a_mnemonic() -> None:
    assert {e.text.split()[0] for e in examples(BY_NAME["LD_multiple"], "ld4")} == {"ld4"}
    assert Example(0xAA0203E0, "mov x0, x2") in examples(BY_NAME["ORR_log_shift"], "mov")
    assert examples(BY_NAME["RET"], "nothing") == examples(BY_NAME["RET"])


@pytest.mark.parametrize("name", ["ADD_addsub_imm", "FMLA_asimdelem_R", "RET", "B_cond", "AESE_cryptoaes"])
def test_diagrams_have_32_bits(name: str) -> None:
    pattern = BY_NAME[name].pattern
    numbers, rule, contents, *_ = diagram(pattern).splitlines()
    assert numbers.split()[0] == "31"
    assert numbers.split()[-1] == "0"
    cells = [cell.strip() for cell in contents.strip("|").split("|")]
    assert len(cells) == len(pattern.fields) == rule.count("+") - 1
    assert [cell.replace(" ", "") for cell in cells] == [
        field.name if field.value is None else f"{field.value:0{field.width}b}" for field in pattern.fields
    ]


def says_undefined(described: Instruction, word: int, text: str) -> bool:
    """What `when Q=0 size=11, or size=0x` says of a word."""
    relation, _, cases = text.partition(" ")
    met = any(
        all(word & c.mask == c.value for c in parse_constraints(case, described.pattern.fields))
        for case in cases.split(", or ")
    )
    return met == (relation == "when") if text else False


@pytest.mark.slow
def test_undefined_cases_are_those_that_do_not_decode() -> None:
    rng = random.Random(1)
    told = 0
    for described in all_instructions():
        text = undefined_when(described)
        told += bool(text)
        for _ in range(30):
            word = rng.getrandbits(32) & ~described.pattern.mask | described.pattern.value
            decoded = decode(word)
            if decoded is not None and decoded.instruction is not described:
                continue
            undefined = decoded is None and known_encoding(word) is None
            assert undefined == says_undefined(described, word, text), (described, f"{word:#x}", text)
    assert told > 200
    assert undefined_when(BY_NAME["ADD_asimdsame"]) == "when Q=0 size=11"
    assert undefined_when(BY_NAME["ADD_asisdsame"]) == "unless size=11"
    assert undefined_when(BY_NAME["CASP"]) == "unless Rs=xxxx0 Rt=xxxx0"
    assert undefined_when(BY_NAME["RET"]) == ""


def test_rows_say_how_forms_narrow_the_pattern() -> None:
    for described in all_instructions():
        for form in (*described.forms, *described.aliases):
            (row,) = rows([form])
            mask, value = described.pattern.mask, described.pattern.value
            for constraint in parse_constraints(row.bits, described.pattern.fields):
                if constraint.equal:
                    mask, value = mask | constraint.mask, value | constraint.value
                else:
                    assert (constraint.mask, constraint.value) in [
                        (m & ~described.pattern.mask, v & ~described.pattern.mask) for m, v in form.excluded
                    ]
            assert (mask, value) == (form.mask, form.value), form
            assert (row.printed == "") == (not form.is_alias)


def test_rows_say_when_an_alias_is_printed() -> None:
    printed = {row.name: row.printed for row in rows(BY_NAME["ADD_addsub_imm"].aliases)}
    assert printed["MOV_ADD_32_addsub_imm"] == "if Rd == 31 or Rn == 31"
    assert printed["SUB_ADD_32_addsub_imm"] == "never"
    assert {row.printed for row in rows(BY_NAME["SUBS_addsub_imm"].aliases)} == {"always", "never"}
    assert all(row.printed for described in all_instructions() for row in rows(described.aliases))
    (conditions,) = rows(BY_NAME["B_cond"].forms)
    assert conditions.syntax.startswith("b.eq|b.ne|")


def test_meaning_has_the_functions_that_are_called() -> None:
    def names(instruction: str) -> list[str]:
        return [function.__code__.co_name for function in meaning(BY_NAME[instruction])]

    assert names("ADD_asimdsame") == ["ADD_asimdsame", "same"]
    assert names("FMLA_asimdsame") == ["FMLA", "vectors", "compute", "sources"]
    assert constants(meaning(BY_NAME["FMLA_asimdsame"]))["accumulating"] == "True"
    assert names("ADD_addsub_shift")[:2] == ["ADD_addsub_shift", "_shifted"]
    assert arrangements(BY_NAME["CNT_asimdmisc"])["T"].startswith("size:Q  00:0 8b, 00:1 16b")


def test_the_documents_are_up_to_date() -> None:
    """`scripts/generate-docs` writes them."""
    wanted = documents()
    assert sorted(path.name for path in DOCS.iterdir()) == sorted(wanted)
    old = [name for name, text in wanted.items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert old == [], "run scripts/generate-docs"


@pytest.mark.slow
def test_links_between_documents_lead_somewhere() -> None:
    texts = documents()
    headings = {
        name: {line.lstrip("# ").lower() for line in text.splitlines() if line.startswith("##")}
        for name, text in texts.items()
    }
    assert sum(len(found) for found in headings.values()) > len(all_instructions())
    for name, text in texts.items():
        for file, anchor in re.findall(r"\]\(([\w.]*)(?:#(\w+))?\)", text):
            assert not anchor or anchor in headings[file or name], (name, file, anchor)
