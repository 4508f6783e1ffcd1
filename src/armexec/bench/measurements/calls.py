"""The cost of a call: `fn(3)` against a bare ctypes call of the host's own function, one by one and over an array."""

from __future__ import annotations

import ctypes
import time
import timeit
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import armexec
from armexec.bench.contenders.host_build import host_library
from armexec.bench.figures import Series, median
from armexec.errors import CompileError

__all__ = ["CTYPES", "ONE_BY_ONE", "measure_calls"]

_SOURCE = "int fn(int num) { return num; }"
ONE_BY_ONE = "fn(3)"
CTYPES = "ctypes fn(3)"


def measure_calls(rounds: int, calls: int) -> dict[str, float]:
    """Nanoseconds of processor time of a call, of which there are `calls` a round: medians by the kind of call.

    CTYPES is missing where the host has no compiler. Raises Error.
    """
    import numpy

    with ExitStack() as stack:
        function = stack.enter_context(armexec.compile(_SOURCE, "c")).fn
        data = list(range(calls))
        ways: dict[str, Callable[[], Any]] = {
            ONE_BY_ONE: _repeated(function, calls),
            "map(fn, list)": lambda: list(map(function, data)),
        }
        ufunc = function.ufunc
        array = numpy.arange(calls, dtype=numpy.int32)
        ways["fn.ufunc(array)"] = lambda: ufunc(array)
        try:
            host: Any = stack.enter_context(host_library(_SOURCE, ("-O2",))).fn
        except CompileError:
            pass
        else:
            host.argtypes, host.restype = (ctypes.c_int,), ctypes.c_int
            ways[CTYPES] = _repeated(host, calls)
        times: dict[str, Series] = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, way in ways.items():
                start = time.thread_time()
                way()
                if number:  # the first round warms
                    times[name].append(time.thread_time() - start)
    return {name: median(series) / calls * 1e9 for name, series in times.items()}


def _repeated(function: Callable[[int], int], calls: int) -> Callable[[], Any]:
    # The loop of timeit costs little beside the call.
    return lambda: timeit.timeit("f(3)", globals={"f": function}, number=calls)
