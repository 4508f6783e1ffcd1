"""A sandbox in a process of its own: both walls are there, and values pass as without one."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import numpy as np
import pytest

import armexec
from armexec.isolation import IsolatedModule
from engines import needs_processes

pytestmark = needs_processes

SOURCE = """
struct pair { int a; double b; };
int counter = 5;
char text[8] = "before";
struct pair pairs[3];
long sum(const int *p, long n) { long s = 0; for (long i = 0; i < n; i++) s += p[i]; return s; }
void add(int *p, long n, int by) { for (long i = 0; i < n; i++) p[i] += by; }
void both(int *p, int *q, long n) { for (long i = 0; i < n; i++) { p[i] += 1; q[i] *= 2; } }
long length(const char *s) { long n = 0; while (s[n]) n++; return n; }
long apply(long (*f)(const int *, long), const int *p, long n) { return f(p, n) + f(p, n); }
struct pair swap(struct pair p, struct pair *q) { struct pair old = *q; *q = p; return old; }
long address(const void *p) { return (long)p; }
int peek(long at) { return *(volatile char *)at; }
void poke(long at) { *(volatile char *)at = 1; }
const char *label(void) { return text; }
int (*chosen)(int);
int use(int n) { return chosen(n); }
int twice(int n) { return 2 * n; }
"""


@pytest.fixture(scope="module")
def module() -> Iterator[IsolatedModule]:
    with armexec.compile(SOURCE, "c", "-O1", isolate="process", sandbox=True) as made:
        assert isinstance(made, IsolatedModule)
        yield made


@pytest.mark.parametrize("count", [0, 1, 100, 9000, 300_000])
def test_arrays(module: IsolatedModule, count: int) -> None:
    # From 32 KiB on they pass through shared memory.
    numbers = np.arange(count, dtype=np.int32)
    assert module.sum(numbers, count) == numbers.sum(dtype=np.int64)
    module.add(numbers, count, 3)
    assert (numbers == np.arange(count) + 3).all()
    module.both(numbers, numbers, count)
    assert (numbers == (np.arange(count) + 4) * 2).all()
    wanted = numbers[1:].copy()
    wanted[: count // 2] += 1
    if count > 2:
        # They overlap: the copies do, too.
        module.add(numbers[1:], count // 2, 1)
        assert (numbers[1:] == wanted).all()


def test_text_structs_and_variables(module: IsolatedModule) -> None:
    assert module.length("some text") == 9
    assert module.label.returning(str)() == "before"
    pair = module.types["pair"]
    q = pair(a=1, b=2.5)
    old = module.swap((7, 8.5), q)
    assert (old.a, old.b, q.a, q.b) == (1, 2.5, 7, 8.5)
    module.globals["counter"] = 9
    assert module.globals["counter"] == 9
    assert module.globals["pairs"][1].b == 0.0
    assert module.read(module.sum.offset, 4) == module.sum.bytes[:4]


def test_functions_of_python_read_the_sandbox(module: IsolatedModule) -> None:
    numbers = [3, 4, 5]

    def called(p: armexec.GuestPointer, n: int) -> int:
        assert int(p) < 1 << 32
        return int(sum(p.array(n)))

    assert module.apply(called, numbers, 3) == 24
    assert module.apply(module.sum, numbers, 3) == 24
    with pytest.raises(ZeroDivisionError):
        module.apply(lambda p, n: n // 0, numbers, 3)
    module.globals["chosen"] = module.twice
    assert module.use(4) == 8
    module.replace("twice", lambda n: n + 1)
    assert module.use(4) == 5
    module.replace("twice", None)
    assert module.use(4) == 8


def test_addresses_are_the_sandboxs(module: IsolatedModule) -> None:
    assert module.address(b"abc") < 1 << 32
    assert module.sum.address < 1 << 32
    # What is at 0 isn't mapped, whatever is above the lower 32 bits.
    for at in (0, 1 << 32, 1 << 47, ctypes.addressof(ctypes.c_int())):
        for access in (module.peek, module.poke):
            try:
                access(at)
            except armexec.MemoryFault as error:
                assert error.address % (1 << 32) == at % (1 << 32)  # noqa: PT017
    assert module.worker.sandbox.memory


def test_imports_are_functions_of_python() -> None:
    given = {"outside": armexec.callback(lambda n: n * 3, "int(int)")}
    source = "int outside(int); int call(int n) { return outside(n) + 1; }"
    with armexec.compile(source, "c", isolate="process", sandbox=True, imports=given) as made:
        assert made.call(5) == 16


def test_engines_without_sandboxes_are_refused() -> None:
    with pytest.raises(armexec.HostError, match="no sandboxes"):
        armexec.compile("int f(void) { return 1; }", "c", engine="reference", isolate="process", sandbox=True)


def test_debuggers_are_refused(module: IsolatedModule) -> None:
    with pytest.raises(armexec.SignatureError, match="debugger"):
        armexec.debug(module.twice, 3)


def test_code_of_other_modules_is_refused(module: IsolatedModule) -> None:
    here = armexec.compile("long f(const int *p, long n) { return n; }", "c", sandbox=True)
    with pytest.raises(armexec.SignatureError, match="isn't code of this module's worker"):
        module.apply(here.f, [1], 1)
