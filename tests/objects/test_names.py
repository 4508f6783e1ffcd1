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
        ("_ZNSt3__15beginB9v15007DuE", "std::__1::begin", "std::__1::begin"),
        ("_ZNK1n1K4sizeEDF16_", "n::K::size", "n::K::size"),
        ("_ZL1fDu", "f", "f"),
        ("_Z1mIiEDTplfp_Li1EET_", "m", "m"),
        ("_ZZ4mainENK3$_0clEv", "main::$_0::operator()() const", "main::$_0::operator()"),
        ("_ZZ1fvE1x_0", "f()::x", "f()::x"),
        ("_ZZNK1K1mEiE1y__12_", "K::m(int) const::y", "K::m(int) const::y"),
        ("_ZZ1fvEs", "f()::string literal", "f()::string literal"),
        ("_ZZ1fiENKUlvE_clEv", "f(int)::{lambda()#1}::operator()() const", "f(int)::{lambda()#1}::operator()"),
        ("_ZN1nUliE0_E", "n::{lambda(int)#2}", "n::{lambda(int)#2}"),
        (
            "_ZZZ1fvENKUlvE_clEvE1x",
            "f()::{lambda()#1}::operator()() const::x",
            "f()::{lambda()#1}::operator()() const::x",
        ),
        ("_ZZ1fvENKUlRKiE_clES1_", "_ZZ1fvENKUlRKiE_clES1_", "_ZZ1fvENKUlRKiE_clES1_"),
        ("_Z5UlvE_v", "UlvE_()", "UlvE_"),
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
