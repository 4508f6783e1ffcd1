"""Functions that are called for each element of sequences."""

from __future__ import annotations

import array
import functools
import os
import signal
import threading
import time
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import armexec
from armexec.arrays import mapping
from engines import AVAILABLE, needs_processes

SOURCE = """
typedef struct { double x, y; unsigned char tag : 3; } point;
point half(point p, double by) { p.x /= by; p.y /= by; return p; }
double norm(point p) { return p.x * p.x + p.y * p.y; }
long sum(const long *values, int count) { long all = 0; for (int i = 0; i < count; i++) all += values[i]; return all; }
void scale(float *values, int count) { for (int i = 0; i < count; i++) values[i] *= 2; }
int length(const char *text) { int n = 0; while (text[n]) n++; return n; }
const char *tail(const char *text) { return text + 1; }
unsigned long top(unsigned long x) { return ~x; }
int load(const int *p) { return *p; }
int apply(int (*f)(int), int x) { return f(x); }
double spin(int n) { volatile double x = n; for (int i = 0; i < n; i++) x = x / 3 + i; return x; }
void forever(void) { for (volatile int i = 0;; i++); }
void waits(int x) { for (volatile int i = 0; x;); }
"""


@pytest.fixture(scope="module", params=[name for name in AVAILABLE if name != "reference"])
def mod(request: pytest.FixtureRequest) -> armexec.Module:
    return armexec.compile(SOURCE, "c", "-O1", engine=request.param)


def test_structs(mod: armexec.Module) -> None:
    point = mod.types["point"]
    values = [point(n, 2 * n, n % 8) for n in range(20)]
    halves = mod.half.map(values, 2)
    assert halves.dtype == point.dtype
    assert halves["y"].tolist() == [float(n) for n in range(20)]
    # Bit-fields too are there.
    assert [point.from_bytes(half.tobytes()).tag for half in halves] == [n % 8 for n in range(20)]
    assert mod.norm.map(halves).tolist() == [mod.norm(half) for half in halves]
    assert mod.norm.map([(3, 4, 0)] * 2).dtype == np.float64
    assert mod.norm.map(((3, 4, 0), (1, 1, 0))).tolist() == [25, 2]
    # The tuple of its members is one struct.
    for one in (point(8, 4, 0), (8, 4, 0), {"x": 8, "y": 4, "tag": 0}):
        assert mod.half.map(one, [2, 4])["x"].tolist() == [4, 2]


def test_pointers_and_what_all_calls_get(mod: armexec.Module) -> None:
    rows = np.arange(12).reshape(3, 4)
    assert mod.sum.map(rows, 4).tolist() == [6, 22, 38]
    assert mod.sum.map(rows, [1, 2, 3]).tolist() == [0, 9, 27]
    assert mod.sum.map(repeat(rows[1]), range(5)).tolist() == [0, 4, 9, 15, 22]
    assert mod.sum.map(repeat([5, 6], 2), np.array([1, 2])).tolist() == [5, 11]
    floats = np.ones((2, 3), np.float32)
    assert mod.scale.map(floats, 3) is None
    assert (floats == 2).all()
    assert mod.apply.map(lambda x: x + 1, array.array("i", [1, 2])).tolist() == [2, 3]


def test_text(mod: armexec.Module) -> None:
    assert mod["length"].map(["a", "bcd", b""]).tolist() == [1, 3, 0]
    assert mod.tail.returning(str).map(["ab", "c"]) == ["b", ""]
    assert mod["length"].map(np.array(["ab", "c"])).tolist() == [2, 1]


def test_results_have_numpys_types(mod: armexec.Module) -> None:
    made = mod.top.map(np.array([0, 1], np.uint64))
    assert (made.dtype, made.tolist()) == (np.uint64, [2**64 - 1, 2**64 - 2])
    empty = mod.norm.map([])
    assert (empty.dtype, empty.shape) == (np.float64, (0,))
    assert mod["length"].map(()).dtype == np.int32


@pytest.mark.parametrize("threads", [None, 1, 2, 5])
def test_threads_give_the_same_results(mod: armexec.Module, threads: int | None) -> None:
    numbers = [n % 50 for n in range(2000)]
    assert mod.spin.map(numbers, threads=threads).tolist() == [mod.spin(n) for n in numbers]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 300)), st.integers(1, 4))
def test_it_is_pythons_map(numbers: list[int], threads: int) -> None:
    function = _steps()
    assert function.map(numbers, threads=threads).tolist() == list(map(function, numbers))


@functools.cache
def _steps() -> armexec.Function:
    source = "int steps(int n) { int i = 0; for (n += 1; n != 1; i++) n = n & 1 ? 3 * n + 1 : n / 2; return i; }"
    return armexec.compile(source, "c", "-O1").steps


def test_long_calls_are_made_by_several_threads(mod: armexec.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    seen = set()

    def note(x: int) -> int:
        seen.add(threading.current_thread().name)
        time.sleep(0.002)
        return x

    assert mod.apply.map(note, range(40)).tolist() == list(range(40))
    assert any(name.startswith("armexec map") for name in seen)
    seen.clear()
    # Short ones aren't, and neither are those whose instructions are counted.
    mod.norm.map([(1, 2, 0)] * 2000)
    if mod.engine != "native":
        with armexec.limits(instruction_limit=10**6):
            mod.apply.map(note, range(10), threads=3)
        assert seen == {threading.current_thread().name}


def test_lengths_have_to_fit(mod: armexec.Module) -> None:
    with pytest.raises(armexec.SignatureError, match=r"sum: argument 2 has 1 element, and argument 1 has 2"):
        mod.sum.map([[1], [2]], [1])
    with pytest.raises(armexec.SignatureError, match="for each element of a list or array, and there is none"):
        mod.spin.map(3)
    with pytest.raises(armexec.SignatureError, match="there is none"):
        mod.spin.map()
    with pytest.raises(armexec.SignatureError, match="argument 1 is a generator, which has no length"):
        mod.spin.map(n for n in range(3))
    for threads in (0, -1, 2.0, True, "2"):
        with pytest.raises(armexec.SignatureError, match="threads is a number of threads"):
            mod.spin.map([1], threads=threads)
    with pytest.raises(armexec.SignatureError, match="progress is True or False"):
        mod.spin.map([1], progress=1)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_exception_tells_its_element(mod: armexec.Module, threads: int) -> None:
    with pytest.raises(armexec.MemoryFault) as caught:
        mod["load"].map([[1]] * 700 + [None] + [[2]] * 100 + [None], threads=threads)
    assert "for element 700, of 802" in caught.value.__notes__[-1]
    with pytest.raises(armexec.SignatureError) as refused:
        mod.spin.map([1, 2, "three"], threads=threads)
    assert "for element 2, of 3" in refused.value.__notes__[-1]
    with pytest.raises(ZeroDivisionError):
        mod.apply.map(lambda x: 1 // x, [1, 0, 1], threads=threads)


def test_limits_hold_in_threads(mod: armexec.Module) -> None:
    started = time.monotonic()
    with pytest.raises(armexec.TimeLimitExceeded), armexec.limits(time_limit=0.1):
        mod.waits.map([1, 1, 1], threads=3)
    assert time.monotonic() - started < 5


@pytest.fixture
def interrupt() -> Iterator[None]:
    """Ctrl-C, soon."""
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    yield
    timer.cancel()


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_ends_all_threads(mod: armexec.Module, threads: int, interrupt: None) -> None:
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        mod.waits.map([1] * 8, threads=threads)
    assert time.monotonic() - started < 5
    while any(thread.name.startswith("armexec map") for thread in threading.enumerate()):
        assert time.monotonic() - started < 10
        time.sleep(0.01)
    assert mod.waits.map([0]) is None


def test_progress(mod: armexec.Module, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(mod.norm.map([(1, 2, 0)] * 30, progress=True)) == 30
    assert "norm was called 30 times in 0." in capsys.readouterr().err
    shown: list[int] = []

    class Bar:
        def __enter__(self) -> Any:
            return shown.append

        def __exit__(self, *_: object) -> None:
            shown.append(-1)

    monkeypatch.setattr(mapping, "progress_bar", lambda what, total: Bar())
    for threads in (None, 2):
        shown.clear()
        mod.spin.map([2000] * 50, threads=threads, progress=True)
        assert shown[-2:] == [50, -1]
        assert shown[:-1] == sorted(shown[:-1])


@pytest.mark.parametrize("isolate", [None, pytest.param("process", marks=needs_processes)])
def test_an_isolated_module_and_the_reference_engine(isolate: str | None) -> None:
    double = armexec.function("add w0, w0, w0; ret", "int(int)", engine="reference", isolate=isolate)
    assert double.map(range(5)).tolist() == [0, 2, 4, 6, 8]
    double.module.close()
