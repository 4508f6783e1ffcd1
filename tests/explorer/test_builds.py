"""What a page is told of a source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import armexec
from armexec.explorer.builds.build import Request, build, listing
from armexec.explorer.builds.explain import explain, mnemonic_names, page_of
from armexec.explorer.examples import EXAMPLES
from armexec.isa import all_instructions
from armexec.isa.manual.reference import examples as manual_examples

FN = "int fn(int num) { return num; }"


def test_rows_are_the_function_s_words_and_text() -> None:
    built = build(Request(FN, "c"))
    fn = armexec.compile(FN, "c", target="linux").fn
    assert [row[1] for row in built["rows"]] == list(fn.words)
    assert [row[2] for row in built["rows"]] == fn.assembly.splitlines()
    assert [row[0] for row in built["rows"]] == [0, 4, 8, 12, 16]
    assert built["functions"][0]["signature"] == "int fn(int num)"


def test_rows_have_the_lines_of_their_source() -> None:
    source = "int f(int a) {\n    a++;\n\n    return a;\n}\n"
    lines = [row[3] for row in build(Request(source, "c"))["rows"]]
    assert set(lines) == {1, 2, 4}
    assert lines == sorted(lines)


def test_words_have_their_lines() -> None:
    built = build(Request("# a comment\n0xD10043FF 0xB9000FE0\n\n0xB9400FE0 0x910043FF 0xD65F03C0\n", "hex"))
    assert [row[3] for row in built["rows"]] == [2, 2, 4, 4, 4]
    assert built["rows"][0][2] == "sub sp, sp, #16"


def test_branches_have_their_targets() -> None:
    rows = build(Request("top:\n  cbz x0, done\n  sub x0, x0, #1\n  b top\ndone:\n  ret\n", "assembly"))["rows"]
    assert [row[5] for row in rows] == [12, -1, 0, -1]


def test_the_listing_has_the_source_between() -> None:
    assert f"// source.c:1: {FN}" in listing(Request(FN, "c"))
    assert "d65f03c0" in listing(Request("0xD65F03C0", "hex"))


@pytest.mark.parametrize(
    ("kind", "text", "line"),
    [
        ("c", "int f(void) {\n    return x;\n}", 2),
        ("c++", "int f() {\n\n    return }", 3),
        ("assembly", "f:\n  add x0, x0\n  ret", 2),
        ("hex", "0xD65F03C0\nzz", 2),
    ],
)
def test_mistakes_have_their_places(kind: str, text: str, line: int) -> None:
    from armexec.explorer.messages import failure

    with pytest.raises(armexec.Error) as raised:
        build(Request(text, kind))
    found = failure(raised.value)
    assert next(d["line"] for d in found["diagnostics"] if "error" in d["severity"]) == line
    assert found["message"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["title"]))
def test_examples_build(example: dict[str, str]) -> None:
    built = build(Request(example["text"], example["kind"], example.get("opt", "-O0"), name=example["name"]))
    assert built["rows"]
    assert not built["warnings"]
    if "function" in example:
        assert example["function"] in [f["name"].partition("(")[0] for f in built["functions"]]


def test_the_first_example_is_the_founding_one() -> None:
    first, second = EXAMPLES[:2]
    words = [row[1] for row in build(Request(first["text"], "hex"))["rows"]]
    assert words == [0xD10043FF, 0xB9000FE0, 0xB9400FE0, 0x910043FF, 0xD65F03C0]
    assert words == [row[1] for row in build(Request(second["text"], "c"))["rows"]]


@given(st.integers(0, (1 << 32) - 1))
def test_fields_make_up_the_word(word: int) -> None:
    found = explain(word)
    assert found["text"] == armexec.disassemble([word])[0].text
    if found["fields"]:
        assert sum(width for _, _, width, _, _ in found["fields"]) == 32
        assert sum(value << low for _, low, _, value, _ in found["fields"]) == word
        names = {name for name, *_ in found["fields"]}
        assert all(set(fields) <= names for _, fields in found["operands"])


def test_the_page_is_that_of_armexec_isa() -> None:
    from tests.cli.program import armexec as program

    assert page_of(0xB9000FE0) in program("isa", "str").out
    with pytest.raises(armexec.LoadError, match="no instruction"):
        page_of(0xFFFF_FFFF)


def test_every_described_instruction_has_a_page() -> None:
    for instruction in all_instructions()[::25]:
        for example in manual_examples(instruction)[:1]:
            assert page_of(example.word).startswith(f"{instruction.name}:")


def test_mnemonics_are_those_that_are_described() -> None:
    from armexec.isa import mnemonics

    assert set(mnemonic_names()) == set(mnemonics())
