"""Generalized ufuncs of functions that take pointers and lengths, on every engine."""

from __future__ import annotations

import gc
import resource
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import armexec
from armexec.arrays import origin
from engines import AVAILABLE

ENGINES = pytest.mark.parametrize("engine", AVAILABLE)
SOURCE = """
#include <arm_neon.h>
float dot(const float *a, const float *b, long n) {
    float32x4_t s = vdupq_n_f32(0);
    long i = 0;
    for (; i + 4 <= n; i += 4) s = vfmaq_f32(s, vld1q_f32(a + i), vld1q_f32(b + i));
    float r = vaddvq_f32(s);
    for (; i < n; i++) r += a[i] * b[i];
    return r;
}
void matvec(const double *m, const double *v, double *r, int rows, int n) {
    for (int i = 0; i < rows; i++) {
        double s = 0;
        for (int j = 0; j < n; j++) s += m[i * n + j] * v[j];
        r[i] = s;
    }
}
void scale(double k, const double *x, double *y, unsigned n) { for (unsigned i = 0; i < n; i++) y[i] = k * x[i]; }
void minmax(const short *x, short *lo, short *hi, unsigned char n) {
    short a = 32767, b = -32768;
    for (int i = 0; i < n; i++) { if (x[i] < a) a = x[i]; if (x[i] > b) b = x[i]; }
    *lo = a; *hi = b;
}
double norm3(const double *x) { return x[0] * x[0] + x[1] * x[1] + x[2] * x[2]; }
void fault(const long *x, long *y, long n) { for (long i = 0; i < n; i++) y[i] = *(long *)x[i]; }
void forever(const long *x, long *y, long n) { for (;;) __asm__ volatile(""); }
"""


@cache
def _module(engine: str) -> armexec.Module:
    return armexec.compile(SOURCE, "c", opt=2, engine=engine)


@ENGINES
def test_a_dot_product_along_an_axis(engine: str) -> None:
    function = _module(engine).dot
    dot = function.gufunc("(n),(n)->()")
    assert type(dot) is np.ufunc
    assert dot is function.gufunc("(n),(n)->()")
    assert dot is not function.gufunc("(k),(k)->()")
    assert dot.signature == "(n),(n)->()"
    assert origin(dot) == (function, "(n),(n)->()")
    a = np.arange(120, dtype=np.float32).reshape(4, 5, 6)
    np.testing.assert_array_equal(dot(a, a), (a * a).sum(-1))
    np.testing.assert_array_equal(dot(a, a[0, 1]), (a * a[0, 1]).sum(-1))
    np.testing.assert_array_equal(dot(a, a, axis=0), (a * a).sum(0))
    np.testing.assert_array_equal(dot(a, a, axis=1, keepdims=True), (a * a).sum(1, keepdims=True))
    out = np.zeros((5, 4), np.float32).T
    assert dot(a, a, out=out) is out
    np.testing.assert_array_equal(out, (a * a).sum(-1))
    assert dot(a[..., :0], a[..., :0]).tolist() == np.zeros((4, 5)).tolist()
    with pytest.raises(ValueError, match="mismatch"):
        dot(a, a[..., :3])
    with pytest.raises(TypeError, match="cast"):
        dot(a.astype(np.float64), a)


@given(
    st.integers(0, 4),
    st.integers(0, 5),
    st.integers(0, 6),
    *(st.tuples(*(st.sampled_from([1, 2, -1, -2]) for _ in range(3))) for _ in range(3)),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_matrices_in_every_layout(
    count: int,
    rows: int,
    columns: int,
    left: tuple[int, ...],
    right: tuple[int, ...],
    out: tuple[int, ...],
    transposed: bool,
) -> None:
    def view(shape: tuple[int, ...], steps: tuple[int, ...]) -> Any:
        whole = np.arange(1.0, 1 + np.prod([2 * n for n in shape])).reshape([2 * n for n in shape])
        spread = whole[tuple(slice(None, None, step) for step in steps[: len(shape)])]
        return spread[tuple(slice(0, n) for n in shape)]

    matrix = view((count, columns, rows), left).swapaxes(1, 2) if transposed else view((count, rows, columns), left)
    vector, result = view((count, columns), right), view((count, rows), out)
    _module("translated").matvec.gufunc("(m,n),(n)->(m)")(matrix, vector, out=result)
    np.testing.assert_array_equal(result, (matrix * vector[:, None]).sum(-1))


@ENGINES
def test_operands_of_every_kind(engine: str) -> None:
    mod = _module(engine)
    scale = mod.scale.gufunc("(),(n)->(n)")
    x = np.arange(10.0)
    np.testing.assert_array_equal(scale([[2.0], [3.0]], x[::3]), np.array([[[2.0]], [[3.0]]]) * x[::3])
    low, high = mod.minmax.gufunc("(n)->(),()")(np.int16([[1, 5, 3], [-3, 2, 9]]))
    assert (low.tolist(), high.tolist()) == ([1, -3], [5, 9])
    norm = mod.norm3.gufunc("(3)->()")
    matrix = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(norm(matrix.T), (matrix**2).sum(0))
    with pytest.raises(ValueError, match="3"):
        norm(matrix)


@ENGINES
def test_a_length_that_does_not_fit(engine: str) -> None:
    minmax = _module(engine).minmax.gufunc("(n)->(),()")
    assert minmax(np.zeros(255, np.int16)) == (0, 0)
    with pytest.raises(armexec.SignatureError, match=r"256 elements.* 8 bits"):
        minmax(np.zeros((2, 256), np.int16))


@pytest.mark.parametrize(
    ("name", "signature", "message"),
    [
        ("dot", "(n),(n)", "is like"),
        ("dot", "n,n->()", "is like"),
        ("dot", "(n),(n)->()->()", "is like"),
        ("dot", 3, "is like"),
        ("dot", "(n,1n)->()", "a dimension is"),
        ("dot", "(0),(n)->()", "a dimension is"),
        ("dot", "(n)->()", r"expected 2 parameters, not 3.*1 input.*the length n"),
        ("dot", "(n),(m)->()", "expected 4 parameters.*the lengths n, m"),
        ("dot", "(n),(n)->(n)", "return void"),
        ("matvec", "(m,n),(n)->()", "expected 5|NumPy|pointer|const"),
        ("scale", "(n),(n)->(n)", "`double k` is input 1, and has to be a pointer"),
        ("scale", "(),()->(n),(n)", "const|expected"),
        ("norm3", "(n)->()", "expected 2 parameters, not 1"),
    ],
)
def test_what_does_not_fit(name: str, signature: Any, message: str) -> None:
    if name == "matvec":
        assert _module("translated")[name].gufunc(signature).signature == signature
        return
    with pytest.raises(armexec.SignatureError, match=message):
        _module("translated")[name].gufunc(signature)


@pytest.mark.parametrize(
    ("prototype", "signature", "message"),
    [
        ("void(const double *, const double *, long)", "(n)->(n)", "pointer to const"),
        ("void(double *, double *, double)", "(n)->(n)", "has to be an integer"),
        ("void(void *, double *, long)", "(n)->(n)", "NumPy has no type"),
        ("int(int, ...)", "()->()", "variadic"),
    ],
)
def test_types_that_do_not_fit(prototype: str, signature: str, message: str) -> None:
    function = armexec.function("ret", "int(int)").with_signature(prototype)
    with pytest.raises(armexec.SignatureError, match=message):
        function.gufunc(signature)


@ENGINES
@pytest.mark.parametrize("step", [1, 2])
def test_faults_and_limits(engine: str, step: int) -> None:
    mod = _module(engine)
    a = np.full((3, 10), 8)[:, ::step]
    with pytest.raises(armexec.MemoryFault):
        mod.fault.gufunc("(n)->(n)")(a)
    with armexec.limits(time_limit=0.05), pytest.raises(armexec.TimeLimitExceeded):
        mod.forever.gufunc("(n)->(n)")(a)
    if engine != "native":
        with armexec.limits(instruction_limit=100), pytest.raises(armexec.InstructionLimitExceeded):
            mod.forever.gufunc("(n)->(n)")(a)


def test_copies_are_given_back() -> None:
    fault = _module("translated").fault.gufunc("(n)->(n)")
    a = np.full((2, 100_000), 8)[:, ::2]
    before = 0
    for number in range(120):
        with pytest.raises(armexec.MemoryFault):
            fault(a)
        if number == 20:
            gc.collect()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # A copy has 400 KB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000


def test_a_sandbox_can_not_reach_arrays() -> None:
    with (
        armexec.compile("long f(const long *x, long n) { return x[n - 1]; }", "c", sandbox=True) as mod,
        pytest.raises(armexec.HostError, match="sandbox"),
    ):
        mod.f.gufunc("(n)->()")
    with armexec.compile("long f(long x, long y) { return x - y; }", "c", sandbox=True) as mod:
        assert mod.f.gufunc("(),()->()")([5, 6], 2).tolist() == [3, 4]
