"""Functions of Python that a worker process calls."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import numpy as np
import pytest

import armexec
from armexec.module.guest_callbacks import Callbacks
from engines import needs_processes

pytestmark = needs_processes

SOURCE = """
typedef struct { int (*f)(int); int x; } bound;
typedef struct { double x, y; } point;
int apply(int (*f)(int), int x) { return f(x) + 1; }
int through(bound b) { return b.f(b.x); }
point moved(point (*f)(point, const double *), point p, const double *by) { return f(p, by); }
void each(void (*f)(const int *, unsigned long), const int *a, int n) { for (int i = 0; i < n; i++) f(a + i, i); }
void name(void (*f)(const char *)) { f("called"); }
void change(void (*f)(int *), int *a) { f(a); a[0] += 1; }
int outside(int x);
int ask(int x) { return outside(x); }
int (*kept)(int);
void keep(int (*f)(int)) { kept = f; }
int again(int x) { return kept(x); }
int twice(int x) { return 2 * x; }
int one(void) { return 1; }
int two(void) { return 2; }
int value(void) { return one(); }
typedef int (*compare)(const int *, const int *);
void sort(int *a, int n, compare less) {
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && less(a + j, a + j - 1) < 0; j--) { int t = a[j]; a[j] = a[j - 1]; a[j - 1] = t; }
}
"""


def _outside(x: int) -> int:
    return x * 10


@pytest.fixture(scope="module", params=["translated", "reference"])
def module(request: pytest.FixtureRequest) -> Iterator[armexec.Module]:
    imports = {"outside": armexec.callback(_outside, "int(int)", engine=request.param)}
    with armexec.compile(SOURCE, "c", engine=request.param, imports=imports, isolate="process") as made:
        yield made


def test_functions_are_called(module: armexec.Module) -> None:
    assert module.apply(lambda x: 2 * x, 20) == 41
    assert module.apply(armexec.callback(lambda x: 3 * x, "int(int)"), 20) == 61
    assert module.apply(module.twice, 4) == 9
    assert module.through((lambda x: x + 1, 4)) == 5
    assert module.ask(4) == 40
    assert module.missing == {}


def test_values_and_pointers(module: armexec.Module) -> None:
    point = module.types["point"]
    by = np.array([10.0, 20.0])

    def move(p, by):  # type: ignore[no-untyped-def]
        return point(x=p.x + by[0], y=p.y + by.array(2)[1])

    assert module.moved(move, (1, 2), by) == point(x=11, y=22)
    seen = []
    module.each(lambda p, i: seen.append((p[0], i)), [5, 6], 2)
    assert seen == [(5, 0), (6, 1)]
    module["name"](lambda text: seen.append(text.text()))
    assert seen[-1] == "called"
    numbers = np.zeros(1, dtype=np.int32)

    def change(p):  # type: ignore[no-untyped-def]
        p[0] = 41

    module.change(change, numbers)
    assert numbers[0] == 42


def test_a_pointer_that_leads_nowhere_is_an_error(module: armexec.Module) -> None:
    def read(p, i):  # type: ignore[no-untyped-def]
        return p.cast("int *")[1 << 40]

    with pytest.raises(armexec.Error, match="doesn't allow a read"):
        module.each(read, [1], 1)


def test_sort_by_a_key(module: armexec.Module) -> None:
    numbers = np.random.default_rng(1).integers(-50, 50, 30).astype(np.int32)
    expected = sorted(numbers.tolist(), key=abs)
    module.sort(numbers, 30, lambda a, b: abs(a[0]) - abs(b[0]))
    assert [abs(x) for x in numbers.tolist()] == [abs(x) for x in expected]


class Own(Exception):
    pass


def test_exceptions_pass_unchanged(module: armexec.Module) -> None:
    error = Own("mine")

    def failing(x: int) -> int:
        raise error

    with pytest.raises(Own) as caught:
        module.apply(failing, 1)
    assert caught.value is error
    assert any(frame.name == "failing" for frame in traceback.extract_tb(error.__traceback__))
    assert module.apply(lambda x: x, 1) == 2

    with pytest.raises(KeyError, match="20"):
        module.apply({}.__getitem__, 20)
    with pytest.raises(armexec.SignatureError, match="the result, `int`"):
        module.apply(lambda x: "text", 20)


def test_nested_calls(module: armexec.Module) -> None:
    def down(n: int) -> int:
        return module.apply(down, n - 1) if n else 0

    assert module.apply(down, 50) == 51

    def deep(n: int) -> int:
        if not n:
            raise Own
        return module.apply(deep, n - 1)

    with pytest.raises(Own):
        module.apply(deep, 20)
    assert module.apply(down, 3) == 4


def test_what_the_guest_keeps(module: armexec.Module) -> None:
    module.keep(lambda x: x + 7)
    assert module.again(1) == 8
    module.globals["kept"] = lambda x: x + 9
    assert module.again(1) == 10


def test_many_functions_are_forgotten(module: armexec.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Callbacks, "KEPT", 20)
    for i in range(100):
        assert module.apply(lambda x, i=i: x + i, 0) == i + 1
    assert len(module._session._callbacks) < 50  # type: ignore[attr-defined]
    assert len(module.worker.addresses) <= 21  # type: ignore[attr-defined]


def test_replace(module: armexec.Module) -> None:
    assert module.value() == 1
    module.replace("one", lambda: 5)
    assert module.value() == 5
    module.replace("one", module.two)
    assert module.value() == 2
    module.replace("one", None)
    assert module.value() == 1


def test_what_cant_be_passed(module: armexec.Module) -> None:
    here = armexec.function("ret", "int(int)")
    with pytest.raises(armexec.SignatureError, match="isn't code of this module's worker process"):
        module.apply(here, 1)
    with pytest.raises(armexec.SignatureError, match="can't be called so"):
        module.apply(lambda: 1, 1)
    with pytest.raises(armexec.LoadError, match="only functions of Python"):
        armexec.compile("int g(int); int f(int x) { return g(x); }", "c", imports={"g": 4096}, isolate="process")
    source = "int g(int); int f(int x) { return g(x); }"
    with armexec.compile(source, "c", isolate="process") as other:
        assert list(other.missing) == ["g"]
        with pytest.raises(armexec.UndefinedSymbol):
            other.f(1)
