"""Sessions of calls that have failed: `error.debug()`."""

from __future__ import annotations

import copy
import gc
import pickle
import time
import weakref
from typing import Any

import pytest

import armexec
from engines import AVAILABLE

SOURCE = """
#include <stdarg.h>
int load(const int *p, int n) { return p[n]; }
int deep(int n) { return n ? deep(n - 1) + 1 : *(volatile int *)8; }
int call(int (*f)(int), int x) { return f(x); }
int state;
int once(void) { if (state++) return 1; __builtin_trap(); }
int sum(int n, ...) { va_list v; va_start(v, n); int s = 0; while (n--) s += va_arg(v, int); return s + *(int *)4; }
int endless(int n) { for (;;) n++; return n; }
"""


@pytest.fixture(params=AVAILABLE)
def mod(request: pytest.FixtureRequest) -> Any:
    with armexec.compile(SOURCE, language="c", opt="-O0", engine=request.param) as module:
        yield module


def test_a_session_at_the_fault(mod: Any) -> None:
    # Later calls are faster ones.
    for _ in range(3):
        with pytest.raises(armexec.MemoryFault) as caught:
            mod.load(None, 3)
        with caught.value.debug() as session:
            assert session.error is not None
            assert session.error.address == caught.value.address == 12
            assert session.cpu.pc == caught.value.pc
            time_of_fault = session.time
            session.goto(0)
            assert session.cpu.w[1] == 3
            session.run()
            assert session.time == time_of_fault
        time.sleep(0.1)


def test_the_calls_that_were_going_on(mod: Any) -> None:
    with pytest.raises(armexec.MemoryFault) as caught:
        mod.deep(4)
    with caught.value.debug() as session:
        assert [frame.place.function for frame in session.backtrace] == ["deep"] * 5


def test_named_and_variable_arguments(mod: Any) -> None:
    with pytest.raises(armexec.MemoryFault) as caught:
        mod.load(n=2, p=None)
    with caught.value.debug() as session:
        assert session.error.address == 8
    with pytest.raises(armexec.MemoryFault) as caught:
        mod.sum(2, 30, 12)
    with caught.value.debug() as session:
        assert session.error.address == 4


def test_the_innermost_call_is_meant(mod: Any) -> None:
    with pytest.raises(armexec.MemoryFault) as caught:
        mod.call(lambda x: mod.load(None, x), 7)
    with caught.value.debug() as session:
        assert session.error.address == 28
        assert session.backtrace[-1].place.function == "load"


def test_a_call_that_does_not_fail_again(mod: Any) -> None:
    with pytest.raises(armexec.ExecutionError) as caught:
        mod.once()
    with pytest.raises(armexec.Error, match="doesn't fail with the memory as it is now"):
        caught.value.debug()


def test_limits_begin_at_the_beginning(mod: Any) -> None:
    with armexec.limits(time_limit=0.05), pytest.raises(armexec.TimeLimitExceeded) as caught:
        mod.endless(1)
    with caught.value.debug() as session:
        assert session.time == 0
        session.step(100)
        assert session.time == 100


def test_copies_do_not_know_the_call(mod: Any) -> None:
    with pytest.raises(armexec.MemoryFault) as caught:
        mod.load(None, 3)
    for other in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert str(other) == str(caught.value)
        with pytest.raises(armexec.Error, match="doesn't know its call"):
            other.debug()


def test_programs() -> None:
    text = "int main(int argc, char **argv) { return *(volatile int *)(long)argc; }"
    with pytest.raises(armexec.MemoryFault) as caught:
        armexec.run(text, ["a", "b"], language="c")
    with caught.value.debug() as session:
        assert session.error.address == 3
        assert session.backtrace[0].place.function == "main"


def test_the_module_is_freed_with_the_exception() -> None:
    mod = armexec.compile("int load(int *p) { return *p; }", language="c")
    gone = weakref.ref(mod)
    error: Any = None
    try:
        mod.load(None)
    except armexec.MemoryFault as raised:
        error = raised.with_traceback(None)
    del mod
    with error.debug() as session:
        assert session.error.address == 0
    del error, session
    gc.collect()
    assert gone() is None
