"""How loops of ufuncs end otherwise: faults, limits, Ctrl-C; and threads, and what lives how long."""

from __future__ import annotations

import gc
import signal
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.arrays.kernels import kernels

import armexec
from armexec.arrays import origin
from engines import AVAILABLE

ENGINES = pytest.mark.parametrize("engine", AVAILABLE)
WAYS: dict[str, Callable[[Any, Any], object]] = {
    "call": lambda u, a: u(a),
    "rows": lambda u, a: u(a.reshape(-1, 10)[:, ::3]),
    "cast": lambda u, a: u(a.astype(np.int32)),
    "where": lambda u, a: u(a, where=np.arange(a.size) % 3 != 1, out=a.copy()),
    "at": lambda u, a: u.at(a, np.arange(a.size)),
}
WAYS_OF_TWO: dict[str, Callable[[Any, Any], object]] = {
    "reduce": lambda u, a: u.reduce(a),
    "columns": lambda u, a: u.reduce(a.reshape(-1, 10), axis=0),
    "accumulate": lambda u, a: u.accumulate(a),
    "reduceat": lambda u, a: u.reduceat(a, [0, 5, 2]),
    "outer": lambda u, a: u.outer(a, a[:10]),
}


@ENGINES
@pytest.mark.parametrize("count", [20, 600])
def test_a_fault_leaves_what_came_before(engine: str, count: int) -> None:
    mod = kernels(engine)
    look = mod.follow.ufunc
    good = _table(mod)
    addresses = np.full(count, good)
    addresses[count // 2] = 16
    out = np.zeros(count)
    with pytest.raises(armexec.MemoryFault, match="0x10"):
        look(addresses, out=out)
    assert set(out[: count // 2]) == {1.0}
    assert set(out[count // 2 :]) == {0.0}
    # It is as usable as before.
    assert look(addresses[:3]).tolist() == [1, 1, 1]


def _table(mod: armexec.Module) -> int:
    return int(np.asarray(mod.globals["table"]).ctypes.data)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", [60, 6000])
def test_a_fault_in_every_way_of_calling(way: str, count: int) -> None:
    fault = armexec.function("ldr x0, [x0]; ret", "long(long)").ufunc
    for _ in range(3):
        with pytest.raises(armexec.MemoryFault):
            WAYS[way](fault, np.full(count, 8))


@pytest.mark.parametrize("way", WAYS_OF_TWO)
@pytest.mark.parametrize("count", [60, 6000])
def test_a_fault_in_every_way_of_calling_with_two(way: str, count: int) -> None:
    fault = armexec.function("ldr x0, [x1]; ret", "long(long, long)").ufunc
    for _ in range(3):
        with pytest.raises(armexec.MemoryFault):
            WAYS_OF_TWO[way](fault, np.full(count, 8))


@ENGINES
@pytest.mark.parametrize("shape", [(3,), (1000,), (4, 300, 2)])
def test_time_limit(engine: str, shape: tuple[int, ...]) -> None:
    mod = kernels(engine)
    start = time.monotonic()
    for name in ("forever", "spin"):
        with armexec.limits(time_limit=0.05), pytest.raises(armexec.TimeLimitExceeded):
            mod[name].ufunc(np.ones(shape)[..., ::-1])
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("engine", [e for e in AVAILABLE if e != "native"])
def test_instruction_limit(engine: str) -> None:
    add = kernels(engine).add.ufunc
    a = np.ones(600)
    out = np.zeros(600)
    # fadd and ret.
    with armexec.limits(instruction_limit=2 * 600):
        add(a, a, out=out)
    assert set(out) == {2.0}
    out[:] = 0
    with armexec.limits(instruction_limit=2 * 100 + 1), pytest.raises(armexec.InstructionLimitExceeded):
        add(a, a, out=out)
    assert np.flatnonzero(out).tolist() == list(range(100))
    np.testing.assert_array_equal(add(a, a), a + a)


@pytest.mark.parametrize("engine", [e for e in AVAILABLE if e != "native"])
def test_limits_of_a_module(engine: str) -> None:
    source = 'double f(double a) { while (a < 0) __asm__ volatile(""); return a; }'
    with armexec.compile(source, "c", opt=2, engine=engine, time_limit=0.1) as mod:
        assert mod.f.ufunc([1.0, 2.0]).tolist() == [1, 2]
        with pytest.raises(armexec.TimeLimitExceeded):
            mod.f.ufunc(np.array([[1.0, -1.0]] * 3))
    with armexec.compile(source, "c", opt=2, engine=engine, instruction_limit=500) as mod:
        assert mod.f.ufunc([1.0, 2.0]).tolist() == [1, 2]
        with pytest.raises(armexec.InstructionLimitExceeded):
            mod.f.ufunc([1.0, -1.0])


@ENGINES
def test_stack_overflow(engine: str) -> None:
    with armexec.limits(time_limit=60):
        if engine == "reference":
            with armexec.limits(stack_size=16384), pytest.raises(armexec.StackOverflow):
                kernels(engine).recursive.ufunc([1.0])
            return
        with pytest.raises(armexec.StackOverflow):
            kernels(engine).recursive.ufunc(np.ones(1000))
    assert kernels(engine).add.ufunc(1, 2) == 3


@ENGINES
@pytest.mark.parametrize("shape", [(4,), (4, 1000)])
def test_ctrl_c(engine: str, shape: tuple[int, ...]) -> None:
    forever = kernels(engine).forever.ufunc
    forever_at = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    forever_at.start()
    with pytest.raises(KeyboardInterrupt):
        forever(np.ones(shape))
    forever_at.join()


def test_callbacks_raise_unchanged() -> None:
    def mine(x: float) -> float:
        if x > 3:
            raise KeyError("from Python")
        return x + 1

    source = "double other(double); double f(double a) { return other(a); }"
    with armexec.compile(source, "c", opt=2, imports={"other": mine}) as mod:
        assert mod.f.ufunc(np.arange(4.0)).tolist() == [1, 2, 3, 4]
        for count in (10, 5000):
            with pytest.raises(KeyError, match="from Python"):
                mod.f.ufunc(np.arange(float(count)))


def test_a_ufunc_within_a_ufunc() -> None:
    inner = kernels("translated").add.ufunc

    def mine(x: float) -> float:
        return float(inner(np.full(600, x), 1.0).sum())

    source = "double other(double); double f(double a) { return other(a); }"
    with armexec.compile(source, "c", opt=2, imports={"other": mine}) as mod:
        assert mod.f.ufunc(np.arange(600.0)).tolist() == [600 * (x + 1) for x in range(600)]


@ENGINES
def test_threads(engine: str) -> None:
    mod = kernels(engine)
    count = 30 if engine == "reference" else 20_000
    wrong: list[object] = []

    def work(number: int) -> None:
        a = np.arange(float(count)) + number
        a[number] = np.nan
        for _ in range(3 if engine == "reference" else 20):
            if not np.array_equal(mod.add.ufunc(a, a), a + a, equal_nan=True):
                wrong.append(number)
            try:
                mod.follow.ufunc(np.full(count, 8 + number))
            except armexec.MemoryFault:
                continue
            wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@ENGINES
def test_the_memory_lives_as_long_as_the_ufunc(engine: str) -> None:
    mod = armexec.function("fadd d0, d0, d0; ret", "double(double)", engine=engine).module
    ufunc = next(iter(mod)).with_signature("double(double)").ufunc
    region = weakref.ref(mod.loaded.region)
    found = weakref.ref(mod)
    del mod
    gc.collect()
    assert ufunc(np.arange(3.0)).tolist() == [0, 2, 4]
    assert origin(ufunc) is not None
    del ufunc
    gc.collect()
    assert region() is None
    assert found() is None


@ENGINES
def test_a_ufunc_of_a_closed_module(engine: str) -> None:
    mod = armexec.compile("double f(double a) { return a + 1; }", "c", engine=engine)
    ufunc = mod.f.ufunc
    region = weakref.ref(mod.loaded.region)
    mod.close()
    assert ufunc(2.0) == 3.0
    with pytest.raises(armexec.Error, match="closed"):
        mod.f.ufunc  # noqa: B018
    del ufunc
    assert region() is None


def test_nothing_is_left_of_many() -> None:
    function = armexec.function("fadd d0, d0, d0; ret", "double(double)", engine="translated")
    first = function.ufunc
    units = len(function.module.loaded.translator.units)  # type: ignore[attr-defined]
    assert function.ufunc is first
    del first
    for _ in range(50):
        assert function.ufunc(1.0) == 2
    assert len(function.module.loaded.translator.units) == units  # type: ignore[attr-defined]
