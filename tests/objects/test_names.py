"""Names as written in the source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armexec.objects.names import bare_name, normalize, source_name


@pytest.mark.parametrize(
    ("linkage", "source", "bare"),
    [
        ("fn", "fn", "fn"),
        ("_Z2fni", "fn(int)", "fn"),
        ("_ZL2fnv", "fn()", "fn"),
        ("_Z5twiceIiET_S0_", "twice<int>(int)", "twice<int>"),
        ("_ZN1KC1Ev", "K::K()", "K::K"),
        ("_ZN1VIiED0Ev", "V<int>::~V()", "V<int>::~V"),
        ("_ZNK1K1mEi", "K::m(int) const", "K::m"),
        ("_ZN1KclEi", "K::operator()(int)", "K::operator()"),
        ("_ZplRK1KS1_", "operator+(K const&, K const&)", "operator+"),
        ("_Z1fPFivE", "f(int (*)())", "f"),
        ("_Z1fPKcz", "f(char const*, ...)", "f"),
        ("_ZN12_GLOBAL__N_11fEi", "(anonymous namespace)::f(int)", "(anonymous namespace)::f"),
        ("_Z1fILi3EEvv", "f<3>()", "f<3>"),
        ("_Z2fni.cold", "fn(int) [clone .cold]", "fn"),
        ("_Z1bDuPDu", "b", "b"),
        ("_ZN1n2fnEDuDF16_", "n::fn", "n::fn"),
        ("_ZNK1n1K4sizeEDF16_", "n::K::size", "n::K::size"),
        ("_ZL1fDu", "f", "f"),
        ("_Z1mIiEDTplfp_Li1EET_", "m", "m"),
        ("_Znot mangled", "_Znot mangled", "_Znot mangled"),
        ("_Z", "_Z", "_Z"),
    ],
)
def test_source_names(linkage: str, source: str, bare: str) -> None:
    assert source_name(linkage) == source
    assert bare_name(source) == bare


def test_spelling_does_not_matter() -> None:
    assert normalize("f( const char *,int )") == normalize("f(char const*, int)")
    assert normalize("f(const unsigned long &)") == normalize("f(unsigned long const&)")
    assert normalize("f(void)") == normalize("f()")
    assert normalize("f(unsigned int)") != normalize("f(unsignedint)")


@given(st.text(alphabet="_ZN0123456789EKPRSTILCDvicjlFt.", max_size=40))
def test_any_name_has_a_source_name(text: str) -> None:
    name = source_name("_Z" + text)
    assert isinstance(name, str)
    assert isinstance(bare_name(name), str)
