"""Functions applied to arrays: ufuncs beside those of Numba and NumPy, and beside one call for each element.

It is measured in a process of its own, in which Numba comes first: armexec imports llvmlite without the callbacks that
Numba needs.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from armexec.bench.contenders.host_build import host_library
from armexec.bench.figures import Series
from armexec.bench.measurements.array_kernels import ARRAY_KERNELS, SOURCE, ArrayKernel
from armexec.bench.measurements.children import python
from armexec.errors import CompileError

__all__ = ["PLACES", "ArrayTimes", "measure_arrays"]

PLACES = ("memory", "cache")
"""Arrays that no cache holds, once; and small ones, many times."""
ArrayTimes: TypeAlias = "dict[str, dict[str, dict[str, Series]]]"
"""Seconds of processor time for `_COUNT` elements, in each round: by kernel, by place, by who takes part."""

_COUNT, _QUICK_COUNT = 10_000_000, 1_000_000
_SMALL = 10_000
_CALLS = 20_000
"""Elements of those that make a call for each, whose times are extrapolated."""
_LONG = 5
"""Slow kernels are measured in fewer rounds."""


def measure_arrays(rounds: int, *, quick: bool) -> ArrayTimes:
    """Measure all kernels. Raises Error."""
    program = f"from {__name__} import _main; _main({rounds}, {_QUICK_COUNT if quick else _COUNT})"
    found: ArrayTimes = json.loads(python(["-c", program]).output)
    return found


def _main(rounds: int, count: int) -> None:
    """Print the times as JSON."""
    numba = importlib.import_module("numba") if importlib.util.find_spec("numba") is not None else None
    import armexec
    from armexec.engines.translated import settle

    with armexec.compile(SOURCE, "c", opt=2) as module:
        found: ArrayTimes = {}
        for name, kernel in ARRAY_KERNELS.items():
            ways: dict[str, Callable[..., Any]] = {"armexec": module[name].ufunc}
            if numba is not None:
                types = [getattr(numba, kernel.dtype)] * (kernel.inputs + 1)
                signature = types[0](*types[1:])
                ways["numba"] = numba.vectorize([signature], fastmath={"contract"})(kernel.python)
            if kernel.numpy is not None:
                ways["numpy"] = kernel.numpy
            settle(60)
            few = rounds if name != "rounds" else min(rounds, _LONG)
            found[name] = {place: _measure(kernel, ways, place, few, count) for place in PLACES}
            if name == "add":
                found[name]["memory"] |= _one_by_one(module[name].bytes, rounds, count)
    print(json.dumps(found))


def _measure(
    kernel: ArrayKernel, ways: dict[str, Callable[..., Any]], place: str, rounds: int, count: int
) -> dict[str, Series]:
    import numpy as np

    size, repeats = (count, 1) if place == "memory" else (_SMALL, count // _SMALL)
    random = np.random.default_rng(1)
    inputs: list[Any] = [random.random(size).astype(kernel.dtype) for _ in range(kernel.inputs)]
    if kernel.scalar:
        inputs[0] = inputs[0][0]
    outputs = {name: np.zeros(size, kernel.dtype) for name in ways}
    times: dict[str, Series] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            out = outputs[name]
            start = time.thread_time()
            for _ in range(repeats):
                way(*inputs, out)
            if number:  # the first round warms
                times[name].append(time.thread_time() - start)
    first, *others = outputs.values()
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-5)
    return times


def _one_by_one(words: bytes, rounds: int, count: int) -> dict[str, Series]:
    """The times of those that call `add` for each element, extrapolated."""
    import numpy as np

    a = np.random.default_rng(1).random(_CALLS)
    ways: dict[str, Callable[[], Any]] = {}
    try:
        with host_library(SOURCE, ("-O2",)) as library:
            host: Any = library.add
            host.argtypes, host.restype = (ctypes.c_double, ctypes.c_double), ctypes.c_double
            function = np.frompyfunc(host, 2, 1)
            ways["frompyfunc, ctypes"] = lambda: function(a, a)
    except CompileError:
        pass
    if importlib.util.find_spec("unicorn") is not None:
        ways["unicorn"] = _in_unicorn(words, a)
    times: dict[str, Series] = {name: [] for name in ways}
    for _ in range(min(rounds, _LONG)):
        for name, way in ways.items():
            start = time.thread_time()
            way()
            times[name].append((time.thread_time() - start) * count / _CALLS)
    return times


def _in_unicorn(words: bytes, a: Any) -> Callable[[], Any]:
    # Unicorn is GPL and no part of armexec: it is looked up by its name only here.
    unicorn: Any = importlib.import_module("unicorn")
    registers: Any = importlib.import_module("unicorn.arm64_const")
    machine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    machine.mem_map(0x10000, 0x1000)
    machine.mem_write(0x10000, words)
    write, start, lr = machine.reg_write, machine.emu_start, registers.UC_ARM64_REG_LR
    d0, d1 = registers.UC_ARM64_REG_D0, registers.UC_ARM64_REG_D1
    bits = a.view("u8").tolist()

    def run() -> None:
        for each in bits:
            write(d0, each)
            write(d1, each)
            write(lr, 0x1000)
            start(0x10000, 0x1000)
            machine.reg_read(d0)

    return run
