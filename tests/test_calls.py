"""Calls of functions of every kind of argument and result, in both directions, on every engine."""

from __future__ import annotations

import array
import gc
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import armexec
from engines import AVAILABLE

TEXT = """
#include <stdarg.h>
#include <stdbool.h>
typedef struct { double x, y; } point;
typedef struct { char c; short s; int i; } small;
typedef struct { long p[5]; } big;
typedef struct { float f[3]; } hfa;
typedef struct { unsigned a : 3, b : 7; int c : 22; } bits;
typedef union { int i; float f; } either;
typedef struct { int id; long (*call)(long); } table;
enum color { RED = 1, GREEN, BLUE = 7 };

point middle(point a, point b) { point r = {(a.x + b.x) / 2, (a.y + b.y) / 2}; return r; }
small next(small v) { v.c++; v.s++; v.i++; return v; }
big fill(long v) { big b; for (int i = 0; i < 5; i++) b.p[i] = v * i; return b; }
long total(int k, big b) { long s = k; for (int i = 0; i < 5; i++) s += b.p[i]; return s; }
hfa twice(hfa v) { for (int i = 0; i < 3; i++) v.f[i] *= 2; return v; }
bits swap(bits v) { bits r = {v.b & 7, v.a, -v.c}; return r; }
either bump(either v) { v.i++; return v; }
enum color brighter(enum color c) { return c == RED ? GREEN : BLUE; }
bool both(bool a, bool b) { return a && b; }
__int128 square(__int128 x) { return x * x; }
long double halve(long double x) { return x / 2; }
_Float16 plus(_Float16 a, _Float16 b) { return a + b; }
_Complex double times(_Complex double a, _Complex double b) { return a * b; }
long many(int a, int b, int c, int d, int e, int f, int g, int h, long i, signed char j, double x, short k) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + (long)x + 11 * k;
}
double floats(double a, float b, double c, double d, double e, double f, double g, double h, double i, float j) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}
long sum(int n, ...) { va_list l; long s = 0; va_start(l, n); while (n--) s += va_arg(l, long); va_end(l); return s; }
double mixed(const char *kinds, ...) {
    va_list l; double s = 0; va_start(l, kinds);
    for (; *kinds; kinds++)
        s += *kinds == 'i' ? va_arg(l, int) : *kinds == 'd' ? va_arg(l, double) : va_arg(l, point).y;
    va_end(l);
    return s;
}
long apply(long (*f)(long), long x) { return f(x) + 1; }
long nested(long (*f)(long), long n) { return n ? f(n - 1) + 1 : 0; }
point map(point (*f)(point, double), point p, double k) { return f(p, k); }
big make(big (*f)(int), int n) { return f(n); }
float narrow(float (*f)(float, _Bool, signed char, unsigned short), float x) { return f(x, 1, -3, 65535); }
void sort(int *a, long n, int (*compare)(const int *, const int *)) {
    for (long i = 1; i < n; i++)
        for (long j = i; j > 0 && compare(&a[j - 1], &a[j]) > 0; j--) { int t = a[j]; a[j] = a[j - 1]; a[j - 1] = t; }
}
long by_table(table t, long x) { return t.call(x) + t.id; }
long by_pointer(const table *t, long x) { return t->call(x) + t->id; }
static long (*kept)(long);
void keep(long (*f)(long)) { kept = f; }
long use(long x) { return kept(x); }
void visit(void (*f)(int), int n) { for (int i = 0; i < n; i++) f(i); }
long more(long (*f)(long, long, long, long, long, long, long, long, long, signed char, double)) {
    return f(1, 2, 3, 4, 5, 6, 7, 8, 9, -10, 11.5);
}
const char *pick(const char *(*f)(const char *), const char *s) { return f(s); }
extern long outside(long, double);
long through(long x) { return outside(x, 0.5) * 2; }
"""


def outside(x: int, y: float) -> int:
    return int(x * y * 4)


@pytest.fixture(scope="module", params=AVAILABLE)
def mod(request: pytest.FixtureRequest) -> Iterator[armexec.Module]:
    with armexec.compile(TEXT, "c", "-O1", engine=request.param, imports={"outside": outside}) as made:
        yield made


# -- arguments and results --------------------------------------------------------------------------------------------
def test_structs(mod: armexec.Module) -> None:
    point = mod.types["point"]
    assert mod.middle(point(1, 2), (3, 4)) == point(2, 3)
    assert repr(mod.middle({"x": 1, "y": 2}, point(x=0, y=0))) == "point(x=0.5, y=1.0)"
    assert mod.next(mod.types["small"](c=1, s=2, i=3)) == mod.types["small"](2, 3, 4)
    made = mod.fill(3)
    assert list(made.p) == [0, 3, 6, 9, 12]
    assert mod.total(7, made) == 37
    assert list(mod.twice(([0.5, 1, 1.5],)).f) == [1, 2, 3]
    swapped = mod.swap(mod.types["bits"](a=5, b=100, c=-9))
    assert (swapped.a, swapped.b, swapped.c) == (4, 5, 9)
    assert mod.bump(mod.types["either"](f=1.0)).i == 0x3F800001
    array_of = np.zeros(2, point.dtype)
    array_of["x"] = [1, 2]
    assert mod.middle(array_of[0], array_of[1]).x == 1.5


def test_numbers(mod: armexec.Module) -> None:
    assert mod.brighter("RED") == mod.brighter(1) == 2
    assert mod.both(True, 1) is True
    assert mod.square(-(1 << 60)) == 1 << 120
    assert mod.halve(1.5) == 0.75
    assert mod.plus(0.5, 2) == 2.5
    assert mod.times(1 + 2j, 3 - 1j) == (1 + 2j) * (3 - 1j)


def test_arguments_on_the_stack(mod: armexec.Module) -> None:
    assert mod.many(1, 2, 3, 4, 5, 6, 7, 8, 100, -3, 7.9, -2) == 204 + 900 - 30 + 7 - 22
    assert mod.floats(*range(1, 11)) == sum(n * n for n in range(1, 11))
    with pytest.raises(armexec.SignatureError, match=r"argument 10 is 200, out of range -128..127"):
        mod.many(1, 2, 3, 4, 5, 6, 7, 8, 9, 200, 0, 0)


def test_variadic_functions(mod: armexec.Module) -> None:
    assert mod.sum(0) == 0
    assert mod.sum(12, *range(12)) == 66
    assert mod.mixed("idi", 1, 2.5, 3) == 6.5
    assert mod.mixed("pd", mod.types["point"](1, 2), 0.25) == 2.25
    with pytest.raises(armexec.SignatureError, match="argument 2: <object object"):
        mod.sum(1, object())


# -- functions of Python ----------------------------------------------------------------------------------------------
def test_callables(mod: armexec.Module) -> None:
    assert [mod.apply(lambda x, k=k: k * x, 20) for k in range(5)] == [1, 21, 41, 61, 81]
    # As often as it takes to be made faster.
    for n in range(100):
        assert mod.apply(outside_of, n) == 3 * n + 1
    assert mod.map(lambda p, k: (p.x * k, p.y * k), (1, 2), 3) == mod.types["point"](3, 6)
    assert list(mod.make(lambda n: ([n] * 5,), 4).p) == [4] * 5
    assert mod.narrow(lambda x, flag, low, high: x if (flag, low, high) == (True, -3, 65535) else 0, 1.5) == 1.5
    assert mod.more(lambda *given: int(sum(given))) == 46
    seen: list[int] = []
    mod.visit(lambda n: seen.append(n) or n, 3)
    assert seen == [0, 1, 2]


def outside_of(x: int) -> int:
    return 3 * x


def test_pointers_lead_to_memory(mod: armexec.Module) -> None:
    numbers = array.array("i", [5, 3, 9, 1, 7])
    mod.sort(numbers, len(numbers), lambda a, b: a[0] - b[0])
    assert numbers.tolist() == [1, 3, 5, 7, 9]
    firsts: list[Any] = []

    def compare(a: Any, b: Any) -> int:
        firsts.append((a.array(1).tolist(), a.cast("unsigned char *")[0], isinstance(a, int)))
        return 0

    mod.sort(array.array("i", [258, 1]), 2, compare)
    assert firsts == [([258], 2, True)]
    assert mod["pick"].returning(str)(lambda s: b"yes" if s.text() == "good" else None, "good") == "yes"


def test_callables_in_structs(mod: armexec.Module) -> None:
    table = mod.types["table"]
    double = armexec.callback(lambda x: 2 * x, "long(long)", engine=mod.engine)
    assert mod.by_table(table(id=1, call=double), 20) == 41
    assert mod.by_table((1, lambda x: 3 * x), 20) == 61
    value = table(2, double)
    assert mod.by_pointer(value, 20) == 42
    assert double(4) == 8
    assert double.__index__() == double.address
    # The struct keeps it.
    address = double.address
    del double
    gc.collect()
    assert mod.by_pointer(value, 30) == 62
    assert value["call"] == address


def test_functions_of_the_guest_as_callables(mod: armexec.Module) -> None:
    assert mod.apply(mod.through, 10) == 41
    mod.keep(mod.through)
    assert mod.use(3) == 12


def test_callables_are_kept(mod: armexec.Module) -> None:
    mod.keep(lambda x: x + 5)
    gc.collect()
    assert mod.use(1) == 6
    dropped = armexec.callback(lambda x: x, "long(long)", engine=mod.engine)
    mod.keep(dropped)
    assert mod.use(1) == 1
    del dropped
    gc.collect()
    with pytest.raises(armexec.Error, match=r"the function of Python at 0x\w+ is gone \(keep it"):
        mod.use(1)


def test_imports(mod: armexec.Module) -> None:
    assert mod.through(7) == 28


def test_exceptions_pass_through_the_guest(mod: armexec.Module) -> None:
    class Own(Exception):
        pass

    error = Own("own")

    def fail(n: int) -> int:
        raise error

    for _ in range(3):
        with pytest.raises(Own) as caught:
            mod.apply(fail, 1)
        assert caught.value is error
        assert traceback.extract_tb(error.__traceback__)[-1].name == "fail"
    assert mod.apply(lambda x: x, 1) == 2


def test_fifty_levels_of_both(mod: armexec.Module) -> None:
    def down(n: int) -> int:
        return int(mod.nested(down, n))

    assert mod.nested(down, 50) == 50

    def fail(n: int) -> int:
        if not n:
            raise KeyError("bottom")
        return int(mod.nested(fail, n))

    with pytest.raises(KeyError, match="bottom") as caught:
        mod.nested(fail, 50)
    names = [entry.name for entry in traceback.extract_tb(caught.value.__traceback__)]
    assert names.count("fail") == 50


def test_endless_recursion(mod: armexec.Module) -> None:
    def endless(n: int) -> int:
        return int(mod.apply(endless, n))

    for _ in range(2):
        with pytest.raises(RecursionError):
            mod.apply(endless, 1)
    assert mod.apply(lambda x: x, 1) == 2


def test_threads(mod: armexec.Module) -> None:
    results: dict[int, int] = {}

    def work(k: int) -> None:
        results[k] = sum(mod.apply(lambda x: k * x, n) for n in range(100))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: k * 4950 + 100 for k in range(4)}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m: m.middle(1, (1, 2)),
            "argument 1, `point a`: 1 is no `point`: give a point, or a dict or tuple",
        ),
        (lambda m: m.middle((1,), (1, 2)), "argument 1, `point a`: point: y must be given"),
        (lambda m: m.middle((1, 2), {"x": 1, "z": 2}), "argument 2, `point b`: point has no member 'z'"),
        (lambda m: m.next((300, 1, 1)), "argument 1, `small v`: member c: 300"),
        (lambda m: m.middle(m.types["small"](1, 2, 3), (1, 2)), "is no `point`"),
        (lambda m: m.brighter("PINK"), "the names of its type are RED, GREEN, BLUE"),
        (lambda m: m.square(1 << 127), "out of range"),
        (lambda m: m.apply(lambda: 1, 1), r"calls its function with 1 argument, and .* can't be called so"),
        (lambda m: m.apply(lambda a, b: 1, 1), "missing a required argument"),
        (lambda m: m.apply(lambda x: "x", 1), "the result, `long`: 'x' is no integer"),
        (lambda m: m.apply(lambda x: 1 << 64, 1), "the result, `long`: .*out of range"),
        (lambda m: m.apply(lambda x: None, 1), "the result, `long`: None"),
        (lambda m: m.map(lambda p, k: (1,), (1, 2), 1), "the result, `point`: point: y must be given"),
        (lambda m: m.apply("f", 1), "argument 1, `long \\(\\*f\\)\\(long\\)`"),
        (lambda m: m.types["pont"], "did you mean point"),
    ],
)
def test_what_does_not_fit(mod: armexec.Module, call: Any, message: str) -> None:
    with pytest.raises(armexec.Error, match=message):
        call(mod)
    assert mod.apply(lambda x: x, 1) == 2


def test_callbacks_of_another_engine() -> None:
    other = armexec.callback(lambda x: x, "long(long)", engine="translated")
    made = armexec.compile("long apply(long (*f)(long), long x) { return f(x); }", "c", engine="reference")
    with pytest.raises(armexec.SignatureError, match=r"is code of the engine 'translated', and .* on 'reference'"):
        made.apply(other, 1)
    with pytest.raises(armexec.SignatureError, match="a callback is a function, not int 3"):
        armexec.callback(3, "int(int)")  # type: ignore[arg-type]


def test_an_import_without_a_prototype() -> None:
    text = ".globl f\nf: stp x29, x30, [sp, #-16]!; bl g; ldp x29, x30, [sp], #16; ret"
    with pytest.raises(armexec.LoadError, match=r"the import 'g': its prototype isn't known: give armexec.callback"):
        armexec.function(text, "long(long)", imports={"g": lambda x: x}, engine="translated")
    double = armexec.callback(lambda x: 2 * x, "long(long)", engine="translated")
    assert armexec.function(text, "long(long)", imports={"g": double}, engine="translated")(21) == 42


# -- functions that are replaced --------------------------------------------------------------------------------------
REPLACED = """
long inner(long x) { return x + 1; }
long (*volatile pointer)(long) = inner;
long other(long x) { return inner(x) * 10; }
long outer(long x) { return other(x) + pointer(x); }
long tail(long x) { return inner(x); }
long factorial(long n) { return n ? n * factorial(n - 1) : 1; }
long use(long n) { return factorial(n); }
long count(long n) { long s = 0; for (long i = 0; i < n; i++) s += inner(i); return s; }
"""


@pytest.fixture(params=[*AVAILABLE, "translated:O0"])
def replaceable(request: pytest.FixtureRequest) -> armexec.Module:
    return armexec.compile(REPLACED, "c", "-O1", flags="-fno-inline", engine=request.param)


def test_replaced_by_a_callable(replaceable: armexec.Module) -> None:
    mod = replaceable
    assert (mod.outer(1), mod.tail(1), mod.count(3)) == (22, 2, 6)
    inner: armexec.Function = mod.replace("inner", lambda x: inner(x) + 100)
    for _ in range(3):
        assert (mod.outer(1), mod.tail(1), mod.count(3)) == (1122, 102, 306)
        assert inner(1) == mod.inner(1) == 2
    mod.replace("inner", lambda x: -x)
    assert (mod.outer(1), mod.tail(5)) == (-11, -5)
    assert mod.replace(inner.offset, None)(1) == 2
    assert (mod.outer(1), mod.tail(1)) == (22, 2)
    # A function that calls itself, or a loop of its own.
    factorial = mod.replace("factorial", lambda n: 7)
    assert (mod.use(4), factorial(4)) == (7, 24)


def test_replaced_by_code(replaceable: armexec.Module) -> None:
    mod = replaceable
    other = armexec.compile("long f(long x) { return 1000 * x; }", "c", engine=mod.engine)
    mod.replace("inner", other.f)
    assert mod.outer(1) == 11000
    mod.replace("inner", armexec.callback(lambda x: 3, "long(long)", engine=mod.engine))
    assert mod.outer(1) == 33
    del other
    gc.collect()
    assert mod.tail(9) == 3


def test_what_cannot_be_replaced(replaceable: armexec.Module) -> None:
    mod = replaceable
    with pytest.raises(armexec.Error, match="no symbol 'innr'; did you mean inner"):
        mod.replace("innr", None)
    with pytest.raises(armexec.Error, match="no function can be at offset 0x7"):
        mod.replace(7, None)
    with pytest.raises(armexec.SignatureError, match="a function is replaced by a callable, not by int 3"):
        mod.replace("inner", 3)  # type: ignore[arg-type]
    with pytest.raises(armexec.SignatureError, match="can't be called so"):
        mod.replace("inner", lambda: 3)
    mod.close()
    with pytest.raises(armexec.Error, match="the module is closed"):
        mod.replace("inner", lambda x: x)
