"""Limits of native calls: counted ones are interpreted, and a stack's size gives the guest a stack of its own."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

import armexec
from engines import AVAILABLE

pytestmark = pytest.mark.skipif("native" not in AVAILABLE, reason="only an AArch64 processor runs the guest's words")

SOURCE = """
typedef struct { long a[5]; } five;
five change(five v, long by) { for (int i = 0; i < 5; i++) v.a[i] += by; return v; }
double mix(double a, float b, int c, double d, double e, double f, double g, double h, double i, double j)
{ return a + b + c + d + e + f + g + h + i + j; }
long spin(long n) { volatile long i = 0; while (i < n || n < 0) i++; return i; }
long deep(long (*f)(long), long n) { volatile char room[500]; room[n % 500] = n; return f(n) + room[n % 500] * 0; }
long down(long (*f)(long), long n) {
    volatile char room[500];
    room[n % 500] = n;
    f(n);
    return n ? down(f, n - 1) + room[n % 500] * 0 : 0;
}
long peek(long *p) { return *p; }
"""
SIZE = 32 << 10


@pytest.fixture(scope="module")
def native() -> Iterator[armexec.Module]:
    with armexec.compile(SOURCE, "c", "-O1", engine="native") as made:
        yield made


@pytest.fixture(scope="module")
def reference() -> Iterator[armexec.Module]:
    with armexec.compile(SOURCE, "c", "-O1", engine="reference") as made:
        yield made


def counted(call: object) -> tuple[object, int]:
    with armexec.limits(instruction_limit=1 << 40) as limits:
        result = call()  # type: ignore[operator]
    return repr(result), limits.instructions


def test_frames_are_counted_without_what_makes_them(native: armexec.Module, reference: armexec.Module) -> None:
    values = {"a": [1, 2, 3, 4, 5]}
    for name, arguments in (("change", (values, 3)), ("mix", (1.5, 2.5, 3, *range(7))), ("spin", (9,))):
        expected = counted(lambda: reference[name](*arguments))  # noqa: B023
        assert counted(lambda: native[name](*arguments)) == expected  # noqa: B023
        assert repr(native[name](*arguments)) == expected[0]


def test_on_a_stack_of_its_own(native: armexec.Module) -> None:
    with armexec.limits(stack_size=SIZE):
        assert native.change({"a": [1, 2, 3, 4, 5]}, 3).a[4] == 8
        assert native.mix(1.5, 2.5, 3, *range(7)) == 28
        with pytest.raises(armexec.MemoryFault) as caught:
            native.peek(16)
        assert not isinstance(caught.value, armexec.StackOverflow)
        with pytest.raises(ZeroDivisionError):
            native.deep(lambda n: n // 0, 3)
        assert native.deep(lambda n: native.deep(lambda m: m + 1, n), 3) == 4


def overflows_at(native: armexec.Module, count: int) -> bool:
    """Whether so many calls within each other, each of which calls Python, are too much for the stack."""
    try:
        return bool(native.down(lambda n: n, count))
    except armexec.StackOverflow as error:
        return error.size == SIZE


def test_python_runs_on_the_threads_stack(native: armexec.Module) -> None:
    def recursive(n: int) -> int:
        return 0 if not n else 1 + recursive(n - 1)

    with armexec.limits(stack_size=SIZE):
        assert native.deep(lambda n: recursive(200) + n, 3) == 203
        # Where the guest's stack runs out at a call of Python's function, it is an overflow too.
        overflows = [overflows_at(native, count) for count in range(30, 70, 3)]
        assert overflows == sorted(overflows)
        assert not overflows[0]
        assert overflows[-1]


def test_signals_on_a_stack_of_its_own(native: armexec.Module) -> None:
    seen = []

    def handler(*_: object) -> None:
        seen.append(sorted(str(n) for n in range(1000))[-1])

    before = signal.signal(signal.SIGINT, handler)
    try:
        timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with armexec.limits(stack_size=SIZE):
            while not seen:
                assert native.spin(200_000) == 200_000
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    began = time.monotonic()
    with armexec.limits(stack_size=SIZE, time_limit=0.2), pytest.raises(armexec.TimeLimitExceeded, match="spin"):
        native.spin(-1)
    with armexec.limits(instruction_limit=1 << 40, time_limit=0.2), pytest.raises(armexec.TimeLimitExceeded):
        native.spin(-1)
    assert time.monotonic() - began < 30


def test_threads_have_stacks_of_their_own(native: armexec.Module) -> None:
    failed = []

    def work() -> None:
        try:
            for _ in range(20):
                with armexec.limits(stack_size=SIZE):
                    assert native.down(lambda n: n, 10) == 0
                    with pytest.raises(armexec.StackOverflow):
                        native.down(lambda n: n, 100)
                assert native.spin(5) == 5
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_system_calls_are_counted_as_one(native: armexec.Module) -> None:
    texts = []
    for engine in ("native", "reference"):
        function = armexec.function("add x0, x0, #1\nsvc #0\nret", "long(long)", engine=engine)
        with armexec.limits(instruction_limit=100) as limits, pytest.raises(armexec.SystemCallDenied) as caught:
            function(1)
        texts.append((limits.instructions, caught.value.pc - function.address, caught.value.instruction))
        with armexec.limits(instruction_limit=1), pytest.raises(armexec.InstructionLimitExceeded) as stopped:
            function(1)
        assert stopped.value.pc - function.address == 4
    assert texts[0] == texts[1]


def test_undefined_symbols(native: armexec.Module) -> None:
    module = armexec.compile("int missing(int); int f(int n) { return missing(n) + 1; }", "c", engine="native")
    with armexec.limits(instruction_limit=100), pytest.raises(armexec.UndefinedSymbol, match="missing"):
        module.f(1)
