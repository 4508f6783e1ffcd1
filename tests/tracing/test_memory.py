"""Memory that changes or goes away while a call is traced: the interpreter of Python never crashes."""

from __future__ import annotations

import gc
import mmap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import armexec
from armexec.debugger.open import target_of

from .compare import EAGER, traced

SOURCE = """
typedef void (*function)(int);
long walk(int *a, int n, function f, int rounds) {
    long s = 0;
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < n; i++) s += a[i]++;
        f(r);
    }
    return s;
}
long look(const int *a, int n, function f, int rounds) {
    long s = 0;
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < n; i++) s += a[i];
        f(r);
    }
    return s;
}
long total(const int *a, long n, int rounds) {
    long s = 0;
    for (int r = 0; r < rounds; r++) for (long i = 0; i < n; i++) s += a[i];
    return s;
}
"""


@pytest.fixture(scope="module")
def module() -> Any:
    with armexec.compile(SOURCE, "c", flags=["-O1"], engine="translated") as made:
        yield made


@pytest.mark.slow
def test_an_array_that_is_resized_is_accessed_no_more_at_once(module: Any) -> None:
    large = np.zeros(1 << 20, np.int32)

    def shrink(number: int) -> None:
        if number == 2:
            large.resize(16, refcheck=False)
            gc.collect()

    # What was behind the array may be mapped still, or be a fault. It isn't the guest's, which only reads it.
    trace = traced(target_of(module.look, large, 40_000, shrink, 4), EAGER)
    assert trace.result is not None or isinstance(trace.error, armexec.MemoryFault)
    assert len(trace) > 3 * 40_000


def test_reads_behind_the_end_fault(module: Any) -> None:
    memory = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    data = np.frombuffer(memory, np.int32)
    for policy in (EAGER, None):
        trace = traced(target_of(module.total, data, 1 << 28, 1), policy, limit=30_000)
        # The system may have mapped something behind it.
        assert isinstance(trace.error, armexec.MemoryFault) or trace.stop.reason == "instruction limit"


def test_files_that_become_shorter_are_read_by_the_interpreter(module: Any, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(mmap.PAGESIZE * 2))
    data = np.memmap(tmp_path / "data", np.int32, "r")
    trace = traced(target_of(module.total, data, 200, 1), EAGER)
    assert trace.result == 0
    call = module.total.prepare(data, 200, 1)
    assert call.prepared.lent() == []


def test_constant_memory_is_never_written(module: Any) -> None:
    data = np.arange(3000, dtype=np.int32)
    data.flags.writeable = False
    (begin, end, is_writable) = module.total.prepare(data, 3000, 1).prepared.lent()[0]
    assert (begin, end - begin, is_writable) == (data.ctypes.data, data.nbytes, False)
    trace = traced(target_of(module.total, data, 3000, 2), EAGER)
    assert trace.result == 2 * int(data.sum())


def test_a_module_that_is_closed_meanwhile_goes_on() -> None:
    with armexec.compile(SOURCE, "c", engine="translated") as module:
        data = np.zeros(100, np.int32)
        trace = traced(target_of(module.walk, data, 100, lambda number: module.close(), 5), EAGER)
        assert trace.error is not None or trace.result == 100 * (0 + 1 + 2 + 3 + 4)


def test_other_threads_map_and_unmap_meanwhile(module: Any) -> None:
    done = threading.Event()

    def others() -> None:
        while not done.is_set():
            with armexec.compile("int one(void) { return 1; }", "c", engine="translated") as other:
                assert other.one() == 1

    thread = threading.Thread(target=others)
    thread.start()
    try:
        data = np.ones(50_000, np.int32)
        for _ in range(3):
            assert armexec.trace(module.total, data, 50_000, 4).result == 200_000
    finally:
        done.set()
        thread.join()


def test_traces_in_several_threads(module: Any) -> None:
    found: list[int] = []

    def work(number: int) -> None:
        data = np.full(2000, number, np.int32)
        found.append(armexec.trace(module.total, data, 2000, 3).result)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [6000 * number for number in range(4)]
