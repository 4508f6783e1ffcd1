"""Translated functions called, bound and dropped from many threads at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest

from armexec.objects import Parameter, Prototype
from samples import one_of

from ..guest import FIB, LONG, functions, load

T = TypeVar("T")
THREADS = 8
PROGRAM = f"""{FIB}
    sum: mov x1, #0
    more: cbz x0, done
         add x1, x1, x0
         sub x0, x0, #1
         b more
    done: mov x0, x1
         ret
    """


def _together(task: Callable[[int], T], count: int = THREADS) -> list[T]:
    barrier = Barrier(count)

    def run(index: int) -> T:
        barrier.wait(timeout=60)
        return task(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count), timeout=120))


def test_the_same_function_in_eight_threads() -> None:
    (fib,) = functions(PROGRAM, "fib/1")
    assert _together(lambda index: [fib(n + index) for n in range(10)]) == [
        [_fib(n + index) for n in range(10)] for index in range(THREADS)
    ]


def _fib(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def test_binding_calling_and_dropping_in_eight_threads() -> None:
    """Each thread has an image of its own, and one that they share, in pieces translated as they are reached."""
    shared, labels = load(PROGRAM, tier="O1", limit=3)
    one = (Parameter("", LONG),)

    def work(index: int) -> list[int]:
        results = []
        for round_ in range(3):
            own, _ = load(PROGRAM, tier="O1", limit=3 + index)
            for image in (shared, own):
                for name in ("fib", "sum"):
                    function = image.bind(labels[name], Prototype(name, LONG, one))
                    results.append(function(5 + index + round_))
        return results

    def wanted(index: int) -> list[int]:
        numbers = [5 + index + round_ for round_ in range(3) for _ in range(2)]
        return [value for n in numbers for value in (_fib(n), n * (n + 1) // 2)]

    assert _together(work) == [wanted(index) for index in range(THREADS)]


SPIN = """
import ctypes, threading, time
import armexec
wait = armexec.function({text!r}, "long(void *)", engine="translated:{tier}")
flag = ctypes.c_uint64()
wait.address
threading.Timer(0.3, lambda: setattr(flag, "value", 7)).start()
print(wait(ctypes.addressof(flag)))
"""


@pytest.mark.parametrize("tier", one_of(2, ["O2", "O0"]))
@pytest.mark.parametrize(
    "text",
    [
        "1: ldr x1, [x0]\ncbz x1, 1b\nmov x0, x1\nret",
        "mov x2, #7\n1: ldr w1, [x0]\nyield\ncmp x1, x2\nb.ne 1b\nmov x0, x1\nret",
        "1: ldr q0, [x0]\nfmov x1, d0\ncbz x1, 1b\nmov x0, x1\nret",
    ],
)
def test_a_loop_sees_what_another_thread_stores(text: str, tier: str) -> None:
    # In a process of its own, which can be ended where the loop doesn't.
    code = SPIN.format(text=text, tier=tier)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "7\n", done.stderr
