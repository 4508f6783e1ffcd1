"""Functions of the guest that C calls: by ctypes, threads of C's, SciPy and Numba."""

from __future__ import annotations

import ctypes
import gc
import math
import threading

import numpy as np
import pytest

import armexec
from engines import AVAILABLE

SOURCE = """
typedef struct { double x, y; } point;
enum color { RED, GREEN = 7 };
double square(double x) { return x * x; }
float halve(float x) { return x / 2; }
signed char negate(signed char x) { return -x; }
unsigned short add(unsigned short a, unsigned char b) { return a + b; }
_Bool flip(_Bool b) { return !b; }
enum color next(enum color c) { return c == RED ? GREEN : RED; }
void put(int *p, int v) { *p = v; }
int *second(int *p) { return p + 1; }
unsigned long top(unsigned long x) { return ~x; }
long many(long a, long b, long c, long d, long e, long f, long g, long h, long i, double x) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + (long)x;
}
int load(const int *p) { return *p; }
double wild(double x) { return *(volatile double *)(long)x; }
point mirror(point p) { return (point){p.y, p.x}; }
static double weights[3] = {0.25, 0.5, 0.25};
int blur(double *values, long count, double *result, void *data) {
    *result = 0;
    for (long i = 0; i < count; i++) *result += weights[i] * values[i];
    return 1;
}
"""


@pytest.fixture(scope="module", params=AVAILABLE)
def mod(request: pytest.FixtureRequest) -> armexec.Module:
    return armexec.compile(SOURCE, "c", "-O1", engine=request.param)


def test_every_scalar(mod: armexec.Module) -> None:
    assert mod.square.ctypes(3) == 9
    assert mod.halve.ctypes(5) == 2.5
    assert [mod.negate.ctypes(x) for x in (5, -128, 300)] == [-5, -128, -44]
    assert mod.add.ctypes(65535, 3) == 2
    assert mod.flip.ctypes(True) is False
    assert mod.next.ctypes(0) == 7
    assert mod.top.ctypes(1) == 2**64 - 2
    numbers = [-(10**n) for n in range(9)]
    assert mod.many.ctypes(*numbers, 2.75) == mod.many(*numbers, 2.75)


def test_pointers_are_the_hosts(mod: armexec.Module) -> None:
    value = ctypes.c_int(0)
    mod.put.ctypes(ctypes.byref(value), 42)
    assert value.value == 42
    pair = (ctypes.c_int * 2)(7, 8)
    assert mod.second.ctypes(pair)[0] == 8
    assert list(mod["load"].ctypes.argtypes) == [ctypes.POINTER(ctypes.c_int)]


def test_it_is_one_function_that_has_an_address(mod: armexec.Module) -> None:
    function = mod.square.ctypes
    assert mod.square.ctypes is function
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(1.5) == 2.25


def test_an_exception_comes_when_c_is_back(mod: armexec.Module) -> None:
    load = mod["load"].ctypes
    with pytest.raises(armexec.MemoryFault, match="can't read memory at 0x0") as caught:
        load(None)
    assert caught.value.address == 0
    # And then all is as before.
    assert load(ctypes.byref(ctypes.c_int(3))) == 3
    with pytest.raises(armexec.MemoryFault):
        load(None)


def sort(function: object, count: int) -> list[int]:
    """C's own qsort, with a function that compares."""
    values = (ctypes.c_int * count)(*range(count, 0, -1))
    ctypes.CDLL(None).qsort(values, ctypes.c_size_t(count), ctypes.c_size_t(4), function)
    return list(values)


def test_c_calls_it_many_times() -> None:
    calls = 0

    def seen() -> None:
        nonlocal calls
        calls += 1

    source = "extern void seen(void); int compare(const int *a, const int *b) { seen(); return *a - *b; }"
    mod = armexec.compile(source, "c", "-O1", imports={"seen": armexec.callback(seen, "void(void)")})
    assert sort(mod.compare.ctypes, 50) == list(range(1, 51))
    assert calls > 50


def test_after_a_fault_c_calls_in_vain() -> None:
    calls = 0

    def fails() -> None:
        nonlocal calls
        calls += 1
        raise KeyError("mine")

    source = "extern void fails(void); int compare(const int *a, const int *b) { fails(); return *a - *b; }"
    mod = armexec.compile(source, "c", "-O1", imports={"fails": armexec.callback(fails, "void(void)")})
    for times in (1, 2):
        with pytest.raises(KeyError, match="mine"):
            sort(mod.compare.ctypes, 50)
        assert calls == times


def test_threads(mod: armexec.Module) -> None:
    function, load = mod.square.ctypes, mod["load"].ctypes
    found: list[object] = []

    def work(x: float) -> None:
        found.append(function(x))
        try:
            load(None)
        except armexec.MemoryFault as error:
            found.append(type(error))

    threads = [threading.Thread(target=work, args=(float(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(x for x in found if isinstance(x, float)) == [0, 1, 4, 9]
    assert found.count(armexec.MemoryFault) == 4


def test_threads_that_python_does_not_know(mod: armexec.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    libc = ctypes.CDLL(None)
    told: list[type] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: told.append(arguments.exc_type))

    def run(function: object, argument: int) -> int | None:
        thread, result = ctypes.c_ulong(), ctypes.c_void_p()
        assert libc.pthread_create(ctypes.byref(thread), None, function, ctypes.c_void_p(argument)) == 0
        assert libc.pthread_join(thread, ctypes.byref(result)) == 0
        return result.value

    assert run(mod.top.ctypes, 5) == 2**64 - 6
    value = ctypes.c_int(9)
    assert (run(mod["load"].ctypes, ctypes.addressof(value)) or 0) & 0xFFFFFFFF == 9
    run(mod["load"].ctypes, 0)
    assert told == [armexec.MemoryFault]
    assert run(mod.top.ctypes, 5) == 2**64 - 6


def test_what_has_no_place_in_a_register_is_refused(mod: armexec.Module) -> None:
    with pytest.raises(armexec.SignatureError, match="the result has type point"):
        mod.mirror.ctypes  # noqa: B018
    with pytest.raises(armexec.SignatureError, match="the result has type __int128"):
        armexec.function("ret", "__int128 f(long)").ctypes  # noqa: B018
    with pytest.raises(armexec.SignatureError, match="is variadic"):
        armexec.function("ret", "int f(int, ...)").ctypes  # noqa: B018
    function = armexec.function("ret", "void f()")
    function.module.close()
    with pytest.raises(armexec.Error, match="closed"):
        function.ctypes  # noqa: B018


@pytest.mark.skipif("translated" not in AVAILABLE, reason="sandboxes are translated")
def test_a_sandbox_takes_numbers_only() -> None:
    mod = armexec.compile("int add(int a, int b) { return a + b; } int look(int *p) { return *p; }", "c", sandbox=True)
    assert mod.add.ctypes(2, 3) == 5
    with pytest.raises(armexec.SignatureError, match="confined"):
        mod.look.ctypes  # noqa: B018


@pytest.mark.skipif("translated" not in AVAILABLE, reason="limits of instructions are translated")
def test_limits_and_thread_local_variables_hold() -> None:
    forever = armexec.function("b .", "int()", engine="translated", instruction_limit=1000)
    with pytest.raises(armexec.InstructionLimitExceeded):
        forever.ctypes()
    counted = armexec.compile("__thread int n; int counted(void) { return ++n; }", "c", engine="translated").counted
    assert [counted.ctypes(), counted.ctypes(), counted()] == [1, 2, 3]


def test_after_a_replacement_there_is_another() -> None:
    mod = armexec.compile("int one(void) { return 1; } int two(void) { return one() + 1; }", "c")
    assert mod.two.ctypes() == 2
    mod.replace("one", lambda: 40)
    assert mod.two.ctypes() == 41


def test_it_lives_as_long_as_its_address_may_be_called() -> None:
    made = armexec.function("fmul d0, d0, d0; ret", "double(double)").ctypes
    gc.collect()
    assert made(3) == 9


def test_scipy(mod: armexec.Module) -> None:
    pytest.importorskip("scipy", reason="scipy is not installed")
    from scipy import LowLevelCallable, integrate, ndimage

    assert math.isclose(integrate.quad(LowLevelCallable(mod.square.ctypes), 0, 3)[0], 9)
    values = np.random.default_rng(1).random(100)
    found = ndimage.generic_filter(values, LowLevelCallable(mod.blur.ctypes), 3, mode="nearest")
    expected = ndimage.convolve(values, [0.25, 0.5, 0.25], mode="nearest")
    assert np.allclose(found, expected, rtol=1e-15)
    with pytest.raises(armexec.MemoryFault):
        integrate.quad(LowLevelCallable(mod.wild.ctypes), 0, 3)


def test_numba(mod: armexec.Module) -> None:
    numba = pytest.importorskip("numba", reason="numba is not installed")
    square, wild = mod.square.ctypes, mod.wild.ctypes

    @numba.njit
    def total(n: int) -> float:
        found = 0.0
        for i in range(n):
            found += square(i)
        return found

    @numba.njit
    def faults(n: int) -> float:
        found = 0.0
        for i in range(n):
            found += wild(i)
        return found

    assert total(10) == 285
    with pytest.raises(armexec.MemoryFault):
        faults(100_000)
    assert total(3) == 5
