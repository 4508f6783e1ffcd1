"""Modules that are closed while their functions run."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import armexec
from armexec.memory import process_map

SOURCE = """
static long table[2] = {40, 2};
static long late(long a) { return a + table[1]; }
long (*pointer)(long) = late;
long wait(volatile long *started, volatile long *go) {
    *started = 1;
    while (!*go) ;
    return pointer(table[0]) + *go;
}
long plain(long a) { return a; }
"""
ENGINES = ("translated", "translated:O0", "reference")


def _is_mapped(address: int) -> bool:
    return any(entry.start <= address < entry.end for entry in process_map())


class _Call:
    """A call that waits in another thread, and what comes of it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.flags = (ctypes.c_long * 2)()
        self.result: object = None
        self._thread = threading.Thread(target=self._run, args=(function,))
        self._thread.start()
        limit = time.monotonic() + 30
        while not self.flags[0] and time.monotonic() < limit:
            time.sleep(0.001)
        assert self.flags[0]

    def _run(self, function: Callable[..., Any]) -> None:
        address = ctypes.addressof(self.flags)
        try:
            self.result = function(address, address + 8)
        except BaseException as error:
            self.result = error

    def end(self) -> object:
        self.flags[1] = 1
        self._thread.join(30)
        return self.result


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("is_known", [False, True])
def test_the_memory_goes_when_the_last_call_has_left(engine: str, is_known: bool) -> None:
    module = armexec.compile(SOURCE, language="c", opt="-O1", engine=engine)
    if is_known:
        flags = (ctypes.c_long * 2)(0, 1)
        address = ctypes.addressof(flags)
        # The C function for calls is there when it has been called for a while.
        for _ in range(3):
            assert module.wait(address, address + 8) == 43
            time.sleep(0.05)
    wait, plain = module.wait, module.plain
    base = module.loaded.base
    gc.collect()
    gc.disable()
    try:
        calls = [_Call(wait) for _ in range(2)]
        module.close()
        for use in (lambda: plain(1), lambda: wait(0, 0), lambda: module.plain(1), lambda: module.read(0, 4)):
            with pytest.raises(armexec.Error, match="is closed") as caught:
                use()
            assert type(caught.value) is armexec.Error
        assert _is_mapped(base)
        assert calls[0].end() == 43
        assert _is_mapped(base)
        assert calls[1].end() == 43
        assert not _is_mapped(base)
    finally:
        gc.enable()


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_without_calls_the_memory_goes_at_once(engine: str) -> None:
    gc.disable()
    try:
        module = armexec.compile(SOURCE, language="c", opt="-O1", engine=engine)
        plain, base = module.plain, module.loaded.base
        assert plain(3) == 3
        with pytest.raises(armexec.SignatureError):
            plain(1, 2, 3)
        module.close()
        assert not _is_mapped(base)
    finally:
        gc.enable()


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_closing_and_calling_at_once(engine: str) -> None:
    """Every call gives its result or says that the module is closed, whatever comes first."""
    others: list[BaseException] = []

    def call(module: armexec.Module, barrier: threading.Barrier) -> None:
        barrier.wait(30)
        try:
            for number in range(1000):
                assert module.plain(number) == number
        except armexec.Error as error:
            if "is closed" not in str(error):
                others.append(error)
        except BaseException as error:
            others.append(error)

    for _ in range(4):
        module = armexec.compile(SOURCE, language="c", opt="-O1", engine=engine)
        barrier = threading.Barrier(4)
        threads = [threading.Thread(target=call, args=(module, barrier)) for _ in range(3)]
        for thread in threads:
            thread.start()
        barrier.wait(30)
        module.close()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
    assert not others
