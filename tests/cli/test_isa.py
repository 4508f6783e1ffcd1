"""`armexec isa`: pages of instructions by mnemonic and by name, and the coverage by generation."""

from __future__ import annotations

import re

import pytest

from armexec.isa.coverage import coverage
from cli.program import armexec


def parts(text: str) -> list[str]:
    """What stands between the rules."""
    return [part.strip() for part in re.split(r"\n-{50,}\n", text)]


@pytest.mark.parametrize("name", ["FMLA_asimdsame", "fmla_asimdsame_only"])
def test_a_name_has_one_page(name: str) -> None:
    (page,) = parts(armexec("isa", name).out)
    assert page.startswith("FMLA_asimdsame: Multiply and add to Rd, rounded once.")
    headings = [line.strip() for line in page.splitlines() if re.fullmatch(r"  [A-Z]\w+", line)]
    assert headings == ["Encodings", "Arrangements", "UNDEFINED", "Meaning", "Examples"]
    assert "return m.fp_multiply_add(addend, a, b)" in page
    assert "4e22cc20  fmla v0.4s, v1.4s, v2.4s" in page


def test_a_mnemonic_of_several_has_a_list_first() -> None:
    contents, *pages = parts(armexec("isa", "fmla").out)
    assert contents.startswith(f"fmla: {len(pages)} instructions")
    names = [page.partition(":")[0] for page in pages]
    assert names[:2] == ["FMLA_asimdsame", "FMLA_asimdsamefp16"]
    assert all(f"  {name}: " in contents for name in names)
    assert "fmla <Vd>.<T>, <Vn>.<T>, <Vm>.<Ts>[<index>]" in contents


def test_what_is_never_printed_is_only_mentioned() -> None:
    *pages, last = parts(armexec("isa", "add").out)
    assert not any(page.startswith("SUB_addsub_imm") for page in pages)
    assert "SUB_addsub_imm" in last
    # Unless there is nothing else.
    assert "CMGE_asimdsame" in armexec("isa", "cmle").out


def test_aliases_say_when_they_are_printed() -> None:
    page = armexec("isa", "ADD_addsub_imm").out
    assert re.search(r"MOV_ADD_64_addsub_imm .* mov <Xd\|SP>, <Xn\|SP> +printed if Rd == 31 or Rn == 31\n", page)
    assert re.search(r"SUB_ADD_64_addsub_imm .* printed never\n", page)


def test_examples_have_the_mnemonic_that_was_asked_for() -> None:
    for page in parts(armexec("isa", "ld4").out)[1:]:
        examples = page.partition("  Examples\n")[2].splitlines()
        assert examples
        assert all(line.split()[1] == "ld4" for line in examples)


def test_privileged_instructions_say_so() -> None:
    assert "UNDEFINED in user space" in armexec("isa", "eret").out
    assert "user space" not in armexec("isa", "ret").out


def test_coverage_counts_by_generation() -> None:
    text = armexec("isa", "--coverage").out
    had = [row for row in coverage() if row.apple == "m1" and not row.alias_of]
    assert f"\nm1: {sum(row.status == 'implemented' for row in had)} of {len(had)}\n" in text
