"""Code for Linux and code for Apple's systems that call each other: only where both have the same places."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

import armexec

CALLEE = r"""
#include <stdarg.h>
long plain(long a, double b, int *c) { return a + (long)b + *c; }
int narrow(short a) { return a; }
short gives_narrow(int a) { return (short)a; }
int nine(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j) { return i * 10 + j; }
int further(int n, ...) { va_list l; va_start(l, n); n = va_arg(l, int); va_end(l); return n; }
"""
CALLER = r"""
long plain(long, double, int *);
int narrow(short);
short gives_narrow(int);
int nine(int, int, int, int, int, int, int, int, int, int);
int further(int, ...);
long call_plain(void) { int c = 3; return plain(1, 2.5, &c); }
int call_narrow(int x) { return narrow(x); }
int call_gives_narrow(int x) { return gives_narrow(x); }
int call_nine(void) { return nine(1, 2, 3, 4, 5, 6, 7, 8, 9, 10); }
int call_further(void) { return further(1, 7); }
long by_pointer(long (*f)(long, double, int *)) { int c = 3; return f(1, 2.5, &c); }
int nine_by_pointer(int (*f)(int, int, int, int, int, int, int, int, int, int)) {
    return f(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
}
"""
NAMES = ("plain", "narrow", "gives_narrow", "nine", "further")


@pytest.fixture(scope="module")
def callees() -> dict[str, armexec.Module]:
    return {
        target: armexec.compile(CALLEE, "c", "-O1", target=target, engine="translated:O0")
        for target in ("linux", "apple")
    }


@pytest.mark.parametrize(
    ("caller", "callee", "refused"),
    [
        ("linux", "linux", ()),
        ("apple", "apple", ()),
        # Apple's callers extend small arguments, and its callees small results.
        ("linux", "apple", ("narrow", "nine", "further")),
        ("apple", "linux", ("gives_narrow", "nine", "further")),
    ],
)
def test_imports(callees: dict[str, armexec.Module], caller: str, callee: str, refused: tuple[str, ...]) -> None:
    given = callees[callee]
    for name in NAMES:
        for value in (given, given[name]):
            message = f"the import '{name}' is code for another system"
            with pytest.raises(armexec.LoadError, match=message) if name in refused else nullcontext():
                made = armexec.compile(CALLER, "c", "-O1", target=caller, engine="translated:O0", imports={name: value})
            if name in refused:
                continue
            call = made[f"call_{name}"]
            if name in ("narrow", "gives_narrow"):
                assert [call(x) for x in (5, -5, 0x18000)] == [5, -5, -0x8000]
            else:
                assert call() == {"plain": 6, "nine": 100, "further": 7}[name]


def test_function_pointers(callees: dict[str, armexec.Module]) -> None:
    made = armexec.compile(CALLER, "c", "-O1", target="apple", engine="translated:O0")
    for callee in callees.values():
        assert made.by_pointer(callee.plain) == 6
    assert made.nine_by_pointer(callees["apple"].nine) == 100
    with pytest.raises(armexec.SignatureError, match=r"nine.* is code for another system"):
        made.nine_by_pointer(callees["linux"].nine)
