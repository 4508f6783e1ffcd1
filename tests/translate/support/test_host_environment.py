"""The process's floating-point environment: the guest has its own, and the process gets its own back."""

from __future__ import annotations

import ctypes
import math
import platform
import random
import struct
import threading
from functools import cache
from typing import Any

import pytest

import armexec

from ..process_environment import CONTROLS, control_register, environment, layout_known

pytestmark = layout_known
_libm = ctypes.CDLL(None)

SOURCE = """
double run(double a, double b, int n) {{
    double x = a, y = b;
    float s = (float)a, t = (float)b;
    for (int i = 0; i < n; i++) {{
{body}
    }}
    return x + y + s + t;
}}
float narrow(float a, float b) {{ return a * b; }}
float same(float a) {{ return a; }}
double product(double a, double b) {{ return a * b; }}
double quotient(double a, double b) {{ return a / b; }}
int is_zero(double a) {{ return a == 0; }}
double from(long a) {{ return (double)a; }}
void vector(double *a, float *b, int n) {{
    for (int i = 0; i < n; i++) a[i] = a[i] * 0.3 + 1e-310;
    for (int i = 0; i < n; i++) b[i] = b[i] / 3.0f - 1e-40f;
}}
"""
_OPERATIONS = (
    "x = x * y;", "x = x / y;", "y = x - y;", "x = x + y * 0.1;", "y = __builtin_sqrt(y < 0 ? -y : y);",
    "s = s * t;", "s = s / t;", "t = s + t;", "t = (float)x;", "y = s;", "x = (double)(long)(y * 1e3);",
    "x *= 1e-200;", "y *= 1e200;", "s *= 1e-30f;", "t *= 1e25f;", "if (x < y) x = y * 0x1p-600; else y = t;",
)  # fmt: skip


def _body(rng: random.Random) -> str:
    return "\n".join(rng.choice(_OPERATIONS) for _ in range(rng.randint(3, 8)))


@cache
def _module(seed: int, engine: str) -> armexec.Module:
    return armexec.compile(SOURCE.format(body=_body(random.Random(seed))), language="c", opt="-O2", engine=engine)


def _bits(value: Any) -> Any:
    return struct.pack("<d", value) if isinstance(value, float) else value


_VALUES = (
    5e-324,
    -5e-324,
    1e-310,
    2.2250738585072014e-308,
    0.1,
    -0.3,
    1.0,
    1e300,
    -1.7e308,
    0.0,
    math.inf,
    1e-40,
    1e-46,
)


class _Calls:
    """Some calls, with all that they take made before, so that nothing else computes while they are made."""

    def __init__(self, module: armexec.Module, seed: int) -> None:
        rng = random.Random(seed)
        self._calls: list[tuple[Any, tuple[Any, ...]]] = []
        for _ in range(20):
            a, b = rng.choice(_VALUES), rng.choice(_VALUES)
            self._calls.append((module.run, (a, b, rng.randint(0, 5))))
            self._calls += [(module[name], (a, b)) for name in ("narrow", "product", "quotient")]
            self._calls += [(module.is_zero, (a,)), (module.same, (a,)), (module["from"], (rng.getrandbits(63),))]
        self._doubles = (ctypes.c_double * 9)(*(rng.choice(_VALUES) for _ in range(9)))
        self._singles = (ctypes.c_float * 9)(*(rng.choice(_VALUES) for _ in range(9)))
        self._calls.append((module.vector, (self._doubles, self._singles, 9)))

    def results(self) -> list[Any]:
        results = [function(*arguments) for function, arguments in self._calls]
        return [*results, bytes(self._doubles), bytes(self._singles)]


def _compared(results: list[Any]) -> list[Any]:
    return [_bits(value) for value in results]


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS.keys())
def test_random_programs_give_the_same_bits_in_every_environment(control: int) -> None:
    for seed in range(1):
        module = _module(seed, "translated:O2")
        wanted = _compared(_Calls(module, seed).results())
        calls = _Calls(module, seed)
        before = control_register()
        with environment(control):
            results = calls.results()
            after = control_register()
        assert _compared(results) == wanted, seed
        assert after & ~0x3F == control & ~0x3F
        assert control_register() & ~0x3F == before & ~0x3F


@pytest.mark.long
@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS.keys())
def test_many_random_programs_give_the_same_bits(control: int) -> None:
    for seed in range(100, 125):
        module = _module(seed, "translated:O2")
        wanted = _compared(_Calls(module, seed).results())
        calls = _Calls(module, seed)
        with environment(control):
            results = calls.results()
        assert _compared(results) == wanted, seed


@pytest.mark.parametrize("control", [CONTROLS["flush to zero"], CONTROLS["up"], CONTROLS["to zero"]])
def test_the_engines_agree_in_every_environment(control: int) -> None:
    names = (("narrow", (1e-30, 1e-12)), ("product", (1e-300, 1e-10)), ("quotient", (1.0, 3.0)), ("same", (1e-40,)))
    found = []
    for engine in ("translated", "reference"):
        module = _module(0, engine)
        with environment(control):
            found.append([module[name](*arguments) for name, arguments in names])
    assert _compared(found[0]) == _compared(found[1])
    assert all(value != 0 for value in found[0])


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS.keys())
def test_a_first_call_translates_in_every_environment(control: int) -> None:
    text = f"mov x1, #{control & 0xFFFF}\nfdiv d0, d0, d1\nret"
    function = armexec.function(text, "double(double, double)", engine="translated:O2")
    with environment(control):
        result = function(1.0, 0.0)
        after = control_register()
    assert result == math.inf
    assert after & ~0x3F == control & ~0x3F


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS.keys())
def test_after_a_fault_the_environment_is_the_process_s(control: int) -> None:
    text = "fdiv d0, d0, d1\nldr d1, [x0]\nfadd d0, d0, d1\nret"
    function = armexec.function(text, "double(long, double, double)", engine="translated")
    caught = []
    with environment(control):
        for _ in range(2):
            try:
                function(16, 1.0, 0.0)
            except armexec.MemoryFault as error:
                caught.append(error)
        after = control_register()
    assert [error.address for error in caught] == [16, 16]
    assert after & ~0x3F == control & ~0x3F


def test_a_thread_that_inherits_an_environment() -> None:
    module = _module(0, "translated:O2")
    found = []
    with environment(CONTROLS["flush to zero"]):
        thread = threading.Thread(target=lambda: found.append((control_register(), module.product(5e-324, 1.0))))
        thread.start()
        thread.join()
    assert found == [(found[0][0], 5e-324)]
    assert found[0][0] & ~0x3F == CONTROLS["flush to zero"]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the flag of MXCSR")
def test_code_found_while_the_guest_runs_is_looked_for_in_the_process_s_environment() -> None:
    """A call through a pointer goes through Python; the guest's environment is there again afterwards."""
    text = """
    first:
        stp x29, x30, [sp, #-16]!
        adr x9, second
        blr x9
        fmul d0, d0, d1
        ldp x29, x30, [sp], #16
        ret
    second:
        fmul d0, d0, d1
        ret
    """
    function = armexec.function(text, "double(double, double)", engine="translated:O0")
    with environment(CONTROLS["as -ffast-math sets it"]):
        results = [function(5e-324, 1.0) for _ in range(2)]
        after = control_register()
    assert results == [5e-324, 5e-324]
    assert after & ~0x3F == CONTROLS["as -ffast-math sets it"]
