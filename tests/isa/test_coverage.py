"""What is described against the table of all encodings."""

from __future__ import annotations

from itertools import combinations

import pytest

from armexec.isa import Form, all_instructions, decode
from armexec.isa.coverage import coverage, encodings, known_encoding

FORMS = [form for described in all_instructions() for form in described.forms]
TABLE = {encoding.name: encoding for encoding in encodings()}


def test_the_table_is_whole() -> None:
    rows = coverage()
    assert len(rows) == len(TABLE) == 3863
    assert sum(bool(row.alias_of) for row in rows) == 250
    assert {row.group for row in rows} == {"Base", "SIMD-FP", "SVE", "SME"}


def test_all_base_encodings_of_the_m1_are_implemented() -> None:
    base = [row for row in coverage() if row.group == "Base" and row.apple == "m1"]
    assert [row.encoding for row in base if row.status != "implemented"] == []
    assert sum(not row.alias_of for row in base) == 557


def test_a_reason_is_given_exactly_for_what_is_unsupported() -> None:
    for row in coverage():
        assert row.status in ("implemented", "unsupported")
        assert (row.reason != "") == (row.status == "unsupported"), row


def test_reasons() -> None:
    reasons = {row.encoding: row.reason for row in coverage()}
    assert reasons["WFET_only_systeminstrswithreg"] == "FEAT_WFxT is newer than the M1: the M4 is the first to have it"
    assert reasons["IRG_64I_dp_2src"] == "Apple silicon doesn't have FEAT_MTE"
    assert reasons["add_z_zz_"] == "Apple silicon has no SVE"
    assert reasons["ADD_32_addsub_imm"] == ""


def test_forms_lie_within_the_encodings_they_are_named_after() -> None:
    for form in FORMS:
        encoding = TABLE[form.name]
        assert not encoding.alias_of, form
        assert form.mask & encoding.mask == encoding.mask, form
        assert form.value & encoding.mask == encoding.value, form
        assert set(encoding.excluded) <= set(form.excluded), form
        assert form.feature == encoding.feature, form


def excludes(one: Form, other: Form) -> bool:
    """Whether `one` says that none of the other's words are its."""
    return any(other.mask & mask == mask and other.value & mask == value for mask, value in one.excluded)


def test_forms_overlap_only_as_special_cases() -> None:
    # Decoding tries the form with more fixed bits first: NOP before HINT.
    for one, other in combinations(FORMS, 2):
        if not (one.value ^ other.value) & one.mask & other.mask and not (excludes(one, other) or excludes(other, one)):
            assert one.mask != other.mask, (one, other)
            assert one.mask | other.mask in (one.mask, other.mask), (one, other)


def test_aliases_lie_within_the_aliases_they_are_named_after() -> None:
    for described in all_instructions():
        for alias in described.aliases:
            encoding = TABLE.get(alias.name)
            if encoding is not None and encoding.alias_of:
                assert alias.mask & encoding.mask == encoding.mask, alias
                assert alias.value & encoding.mask == encoding.value, alias


@pytest.mark.parametrize(
    ("word", "name"),
    [
        (0x9AC01020, "IRG_64I_dp_2src"),
        (0x04200000, "add_z_zz_"),
        (0xD5031000, "WFET_only_systeminstrswithreg"),
    ],
)
def test_known_encodings_that_are_not_described(word: int, name: str) -> None:
    assert decode(word) is None
    assert known_encoding(word) == name


@pytest.mark.parametrize("word", [0xFFFFFFFF, 0x0BC00000, 0x00010000])
def test_undefined_words_have_no_encoding(word: int) -> None:
    # The second is `add` with the shift `ror`: within a described encoding, and UNDEFINED all the same.
    assert decode(word) is None
    assert known_encoding(word) is None
