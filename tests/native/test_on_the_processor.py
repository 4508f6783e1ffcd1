"""What only the native engine has: host functions called by code that Python hasn't entered, and the thread's stack."""

from __future__ import annotations

import ctypes
import gc
import threading
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import armexec
from armexec.callbacks import HostFunction
from armexec.cpu.call_frame import CallFrame
from armexec.engines import get_engine
from armexec.objects import load_image
from engines import AVAILABLE

pytestmark = pytest.mark.skipif("native" not in AVAILABLE, reason="only an AArch64 processor runs the guest's words")

LONG = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long, ctypes.c_long)


@pytest.fixture(scope="module")
def guest() -> armexec.Module:
    """`call(f, x)` is `f(x) + 1`; `start` does that for a `struct pair *`, as the function of a thread."""
    return armexec.compile(
        """
        struct pair { long (*f)(long); long x, result; };
        long call(long (*f)(long), long x) { return f(x) + 1; }
        void *start(struct pair *pair) { pair->result = call(pair->f, pair->x); return 0; }
        """,
        language="c",
        engine="native",
    )


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The exceptions that couldn't be raised."""
    seen: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda hook: seen.append(hook.exc_value))
    yield seen
    seen.clear()


class Refusal(Exception):
    pass


def refusing() -> HostFunction:
    """A host function `long(long)` that refuses 3."""

    def called(frame: CallFrame) -> None:
        if frame.x[0] == 3:
            raise Refusal
        frame.x[0] *= 2

    return get_engine("native").host_functions().add(called)


def test_a_call_from_c_goes_on_with_zero(guest: armexec.Module, unraisable: list[Any]) -> None:
    host = refusing()
    call = LONG(guest["call"].address)
    assert call(host.address, 4) == 9
    assert call(host.address, 3) == 1
    assert [type(error) for error in unraisable] == [Refusal]


def test_calls_from_c_within_a_call_dont_skip_python(guest: armexec.Module, unraisable: list[Any]) -> None:
    host = refusing()
    direct = LONG(guest["call"].address)
    seen = SimpleNamespace(inner=0)

    def between(frame: CallFrame) -> None:
        seen.inner = direct(host.address, 3)
        raise ValueError(seen.inner)

    outer = get_engine("native").host_functions().add(between)
    with pytest.raises(ValueError, match=r"^1$"):
        guest["call"](outer.address, 5)
    assert [type(error) for error in unraisable] == [Refusal]


class Pair(ctypes.Structure):
    _fields_ = (("f", ctypes.c_void_p), ("x", ctypes.c_long), ("result", ctypes.c_long))


def test_threads_that_python_doesnt_know(guest: armexec.Module, unraisable: list[Any]) -> None:
    host = refusing()
    libc = ctypes.CDLL(None)
    pairs = [Pair(host.address, x) for x in range(8)]
    threads = [ctypes.c_uint64() for _ in pairs]
    for thread, pair in zip(threads, pairs, strict=True):
        begun = libc.pthread_create(
            ctypes.byref(thread), None, ctypes.c_void_p(guest["start"].address), ctypes.byref(pair)
        )
        assert not begun
    for thread in threads:
        assert not libc.pthread_join(thread, None)
    assert [pair.result for pair in pairs] == [1, 3, 5, 1, 9, 11, 13, 15]
    assert [type(error) for error in unraisable] == [Refusal]


def test_recursion_without_end_is_an_error(guest: armexec.Module) -> None:
    def again(frame: CallFrame) -> None:
        guest["call"](host.address, frame.x[0])

    host = get_engine("native").host_functions().add(again)
    with pytest.raises(RecursionError):
        guest["call"](host.address, 1)
    assert guest["call"](refusing().address, 1) == 3


@pytest.mark.parametrize("text", ["f: ret", "f: svc #0\nret", "f: bl other\nret"])
def test_nothing_keeps_an_image_that_is_gone(text: str) -> None:
    made = load_image(armexec.assemble(text).object(), "t.o")
    f = armexec.Module(made, "native")["f"].with_signature("void(void)")
    if text == "f: ret":
        f()
    else:
        with pytest.raises(armexec.Error):
            f()
    image = weakref.ref(made)
    del f, made
    # The host functions in it go first.
    gc.collect()
    gc.collect()
    assert image() is None


def test_undefined_symbols_leave_each_thread() -> None:
    module = armexec.compile(
        "long other(long); long f(long x) { return x % 2 ? other(x) + 1 : x; }", language="c", engine="native"
    )
    wrong: list[object] = []

    def work() -> None:
        for x in range(100):
            try:
                result: object = module["f"](x)
            except armexec.UndefinedSymbol as error:
                result = error.name
            if result != ("other" if x % 2 else x):
                wrong.append(result)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
