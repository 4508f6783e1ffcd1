"""Calls without ctypes of functions that have a thread pointer: thread-local variables, and the guest's C library."""

from __future__ import annotations

import gc
import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import armexec
from armexec.engines.translated import settle
from armexec.translate.python_calls.vectorcall import is_possible
from program.guest import needs_c

pytestmark = pytest.mark.skipif(not is_possible(), reason="needs CPython with a GIL")

THREAD_LOCAL = """
typedef struct { long a; double b; } pair;
_Thread_local long counter = 5;
long bump(long by) { return counter += by; }
pair of_pair(pair v) { v.a += counter++; return v; }
long fails(long *p) { counter++; return *p; }
"""
LIBRARY = r"""
#include <stdlib.h>
#include <string.h>
long number(const char *text) { return strtol(text, 0, 0); }
long grow(long n) { char *p = malloc(n); long sum = 0; memset(p, 1, n); for (long i = 0; i < n; i++) sum += p[i];
                    free(p); return sum; }
long fails(long *p) { return *p; }
long each(long (*f)(long), long n) { long sum = 0; for (long i = 0; i < n; i++) sum += f(i); return sum; }
"""
OUTPUT = r"""
#include <stdio.h>
int show(int x) { printf("%d;", x); return x; }
int each(int (*f)(int), int n) { int sum = 0; for (int i = 0; i < n; i++) sum += f(i); printf("%d;", sum); return sum; }
int fails(int *p) { printf("before;"); return *p; }
"""


def _fast(function: Any, *, builtin: bool = True) -> Any:
    for _ in range(2):  # what is called once is left as it is
        with pytest.raises(armexec.SignatureError):
            function(*[None] * 99)
    settle(10)
    assert isinstance(type(function).__call__, types.BuiltinFunctionType) == builtin
    return function


def _in_threads(work: Callable[[int], None], count: int = 4) -> None:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_each_thread_has_its_variables() -> None:
    with armexec.compile(THREAD_LOCAL, "c", "-O1", "linux", engine="translated") as m:
        bump, of_pair, fails = _fast(m.bump), _fast(m.of_pair), _fast(m.fails)
        found: list[Any] = []

        def work(n: int) -> None:
            for _ in range(500):
                bump(n)
            found.append((n, bump(0), of_pair((n, 0.5)).a, bump(0)))

        _in_threads(work)
        assert sorted(found) == [(n, 5 + 500 * n, n + 5 + 500 * n, 6 + 500 * n) for n in range(4)]
        with pytest.raises(armexec.MemoryFault):
            fails(8)
        assert bump(0) == 6
        with pytest.raises(armexec.SignatureError, match="argument 1"):
            bump("text")
    with pytest.raises(armexec.Error, match="closed"):
        bump(1)


def test_closing_gives_the_memory_back() -> None:
    m = armexec.compile(THREAD_LOCAL, "c", "-O1", "linux", engine="translated")
    assert _fast(m.bump)(1) == 6
    region = weakref.ref(m.loaded.region)  # type: ignore[attr-defined]
    m.close()
    gc.collect()
    assert region() is None


@needs_c
def test_the_library_is_one_thread() -> None:
    m = armexec.compile(LIBRARY, "c", target="linux", engine="translated:O0")
    number, grow, fails, each = _fast(m.number), _fast(m.grow), _fast(m.fails), _fast(m.each)
    results: list[int] = []

    def work(n: int) -> None:
        for i in range(50):
            results.append(grow(100 * i) + number(b"0x10"))
            with pytest.raises(armexec.MemoryFault):
                fails(8)

    _in_threads(work)
    assert sorted(results) == sorted([100 * i + 16 for i in range(50)] * 4)
    # Python is called inside, and calls the guest in turn.
    assert each(lambda n: grow(n) + 1, 10) == 45 + 10
    with pytest.raises(KeyError):
        each({}.__getitem__, 1)
    thread: Any = m.loaded.thread
    before = sys.getrefcount(thread), sys.getrefcount(thread._lock)
    for _ in range(1000):
        assert number(b"7") == 7
    after = sys.getrefcount(thread), sys.getrefcount(thread._lock)
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 10


@needs_c
def test_output_is_there_after_each_call(capfd: pytest.CaptureFixture[str]) -> None:
    m = armexec.compile(OUTPUT, "c", target="linux", engine="translated:O0")
    show, each, fails = (_fast(function, builtin=False) for function in (m.show, m.each, m.fails))
    for n in range(3):
        assert show(n) == show(x=n) == n
        assert capfd.readouterr().out == f"{n};{n};"
    assert each(show, 3) == 3
    assert capfd.readouterr().out == "0;1;2;3;"
    with pytest.raises(armexec.MemoryFault):
        fails(8)
    assert capfd.readouterr().out == "before;"
    _in_threads(lambda n: [show(n) for _ in range(20)] and None)
    assert sorted(capfd.readouterr().out.split(";")[:-1]) == sorted("0123" * 20)
