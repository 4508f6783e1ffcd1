"""Ufuncs against NumPy's own, on every engine."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.arrays.kernels import kernels

import armexec
from armexec.libraries.archives import is_built
from engines import AVAILABLE, needs_processes

ENGINES = pytest.mark.parametrize("engine", AVAILABLE)
INTEGERS = {
    "add8": np.int8,
    "addu8": np.uint8,
    "add16": np.int16,
    "addu16": np.uint16,
    "add32": np.int32,
    "addu32": np.uint32,
    "add64": np.int64,
    "addu64": np.uint64,
    "addll": np.int64,
}
FLOATS = {"add": np.float64, "addf": np.float32, "addh": np.float16}
FAST = "translated"


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        yield


def _own_add(dtype: Any) -> np.ufunc:
    """A ufunc that adds two numbers of a type."""
    names = {np.dtype(kind): name for name, kind in {**INTEGERS, **FLOATS}.items() if name != "addll"}
    return kernels(FAST)[names[np.dtype(dtype)]].ufunc


@ENGINES
@pytest.mark.parametrize(("name", "dtype"), [*INTEGERS.items(), *FLOATS.items()])
def test_every_type(engine: str, name: str, dtype: Any) -> None:
    ufunc = kernels(engine)[name].ufunc
    assert ufunc.types == [f"{np.dtype(dtype).char}{np.dtype(dtype).char}->{np.dtype(dtype).char}"]
    a, b = np.arange(5).astype(dtype), np.array([3, 100, 7, 120, 55]).astype(dtype)
    result = ufunc(a, b)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, a + b)


@ENGINES
def test_types_of_parameters_and_result_differ(engine: str) -> None:
    mod = kernels(engine)
    assert mod.mixed.ufunc(np.float32(2), 1.5, np.int32(-4)) == -1
    assert mod.less.ufunc([1.0, np.nan, 3.0], 2.0).tolist() == [True, False, False]
    truth = np.array([0, 1, 2, 255], np.uint8).view(bool)
    assert mod.both.ufunc(truth, truth).view(np.uint8).tolist() == [0, 1, 1, 1]
    assert mod.add_minus.ufunc(np.int8(-5), np.uint16(60000), 7) == 59988
    assert mod.convert.ufunc([1.9, -2.9, np.nan, 1e300]).tolist() == [1, -2, 0, 2**31 - 1]
    assert mod.many.ufunc(*np.int32([1, 2, 3, 4, 5, 6, 7, 8, -9]), np.int8(-10)) == 86
    assert mod.turn.ufunc([1 + 2j]).tolist() == [2 + 4j]
    assert mod.look.ufunc(np.arange(6, dtype=np.uint32)).tolist() == [1, 2, 4, 8, 1, 2]
    assert mod.calling.ufunc([1.0, 2.0]).tolist() == [5, 13]
    assert mod.counted.ufunc([0, 0, 0]).tolist() == [1, 2, 3]
    mod.globals["calls"] = 0


@ENGINES
def test_casting_is_numpys(engine: str) -> None:
    add = kernels(engine).add.ufunc
    assert add(np.float32(0.5), np.int32(1)).dtype == np.float64
    with pytest.raises(TypeError, match="safely"):
        kernels(engine).addf.ufunc(np.float64(1), np.float64(2))
    single = kernels(engine).addf.ufunc(np.array([1.0], np.float32), 2)
    assert single.dtype == np.float32
    assert add(1, 2, dtype=np.float64) == 3
    out = np.zeros(2, np.float32)
    add([1.0, 2.0], 1.0, out=out, casting="same_kind")
    assert out.tolist() == [2, 3]


@ENGINES
def test_scalars_and_empty_arrays(engine: str) -> None:
    add = kernels(engine).add.ufunc
    assert add(1.0, 2.0) == 3.0
    assert isinstance(add(1.0, 2.0), np.float64)
    assert add(np.array(1.0), np.array(2.0)) == 3.0
    assert add([], []).shape == (0,)
    assert add(np.zeros((3, 0, 2)), 1.0).shape == (3, 0, 2)
    with pytest.raises(ValueError, match="no identity"):
        add.reduce([])


@ENGINES
def test_the_ways_of_calling(engine: str) -> None:
    mod = kernels(engine)
    add, sub = mod.add.ufunc, mod.sub.ufunc
    a = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(sub.outer(a[0, 0], a[1]), np.subtract.outer(a[0, 0], a[1]))
    np.testing.assert_array_equal(sub.reduce(a, axis=1), np.subtract.reduce(a, axis=1))
    np.testing.assert_array_equal(sub.accumulate(a, axis=2), np.subtract.accumulate(a, axis=2))
    np.testing.assert_array_equal(sub.reduceat(a, [0, 2, 1], axis=2), np.subtract.reduceat(a, [0, 2, 1], axis=2))
    mine, theirs = a[0, 0].copy(), a[0, 0].copy()
    sub.at(mine, [0, 1, 1, 3], 10.0)
    np.subtract.at(theirs, [0, 1, 1, 3], 10.0)
    np.testing.assert_array_equal(mine, theirs)
    assert mod.add32.ufunc.reduce(np.arange(5, dtype=np.int32)) == 10
    # NumPy knows `add` by its name, and asks for 64 bits unless it is told otherwise.
    named = armexec.function("add w0, w0, w1; ret", "int add(int, int)", engine=engine).ufunc
    assert named.reduce(np.arange(5, dtype=np.int32), dtype=np.int32) == 10
    where = a % 3 == 0
    np.testing.assert_array_equal(add(a, 1, where=where, out=a.copy()), np.add(a, 1, where=where, out=a.copy()))
    with pytest.raises(ValueError, match="not reorderable"):
        sub.reduce(a, axis=(0, 1))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_shapes_strides_and_masks(data: st.DataObject) -> None:
    """Any two arrays that are broadcast, in any layout, with a mask and an output in any."""
    dtype = data.draw(st.sampled_from([np.float64, np.float32, np.int32, np.int8, np.uint16, np.float16]))
    shapes = data.draw(arrays.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=7))
    elements = st.integers(0, 100).map(float) if np.dtype(dtype).kind == "f" else st.integers(0, 100)

    def operand(shape: tuple[int, ...]) -> Any:
        base = data.draw(arrays.arrays(dtype, tuple(2 * n for n in shape), elements=elements))
        steps = [data.draw(st.sampled_from([1, 2, -1, -2])) for _ in shape]
        view = base[tuple(slice(None, None, step) for step in steps)]
        view = view[tuple(slice(0, n) for n in shape)]
        return view.T.copy().T if data.draw(st.booleans()) else view

    a, b = operand(shapes.input_shapes[0]), operand(shapes.input_shapes[1])
    where = data.draw(arrays.arrays(bool, shapes.input_shapes[2]))
    out = np.broadcast_to(operand(shapes.result_shape), shapes.result_shape).copy()
    expected = np.add(a, b, out=out.copy(), where=where)
    np.testing.assert_array_equal(_own_add(dtype)(a, b, out=out, where=where), expected)
    np.testing.assert_array_equal(_own_add(dtype)(a, b), np.add(a, b))


@given(
    st.integers(1, 3000),
    *(st.tuples(st.integers(0, 40), st.sampled_from([-3, -1, 0, 1, 2, 3])) for _ in range(3)),
    st.sampled_from([np.float64, np.int16]),
)
@settings(max_examples=150, deadline=None)
def test_overlapping_views(
    count: int, left: tuple[int, int], right: tuple[int, int], out: tuple[int, int], dtype: Any
) -> None:
    """Operands that are views of one array, in all ways to overlap."""

    def views(base: Any) -> list[Any]:
        found = []
        for offset, step in (left, right, out):
            at = offset if step >= 0 else offset + 3 * count
            itemsize = base.itemsize
            found.append(np.lib.stride_tricks.as_strided(base[at:], (count,), (step * itemsize,)))
        return found

    mine = np.arange(3 * count + 3 * count + 50).astype(dtype)
    theirs = mine.copy()
    if out[1] == 0:
        return
    a, b, c = views(mine)
    x, y, z = views(theirs)
    np.add(x, y, out=z)
    _own_add(dtype)(a, b, out=c)
    np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("size", [1, 2, 7, 1023, 1024, 1025, 5000])
def test_in_place(size: int) -> None:
    add = kernels(FAST).add.ufunc
    a = np.arange(float(size))
    a[size // 2] = np.nan
    b = a.copy()
    add(a, 1.0, out=a)
    np.testing.assert_array_equal(a, b + 1)
    add(a, a, out=a)
    np.testing.assert_array_equal(a, 2 * (b + 1))
    add(a[:-1], a[1:], out=a[1:])
    b = 2 * (b + 1)
    b[1:] = b[:-1] + b[1:]
    np.testing.assert_array_equal(a, b)


@ENGINES
@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("void(double)", "returns nothing"),
        ("double()", "no parameters"),
        ("double(double *)", "gufunc"),
        ("__int128(int)", "NumPy has no type"),
        ("int(int, ...)", "variadic"),
        ("struct p { int x; }; int f(struct p)", "scalars"),
    ],
)
def test_what_is_no_ufunc(engine: str, signature: str, message: str) -> None:
    function = armexec.function("ret", "int(int)", engine=engine).with_signature(signature)
    with pytest.raises(armexec.SignatureError, match=message):
        function.ufunc  # noqa: B018


def test_long_double() -> None:
    source = "long double f(long double x) { return x / 2; }"
    with pytest.raises(armexec.SignatureError, match="NumPy has no type"):
        armexec.compile(source, "c", target="linux").f.ufunc  # noqa: B018
    apple = armexec.compile(source, "c", target="apple").f.ufunc
    assert apple.types == ["d->d"]
    assert apple(3.0) == 1.5


@needs_processes
def test_a_module_in_a_process_of_its_own_has_none() -> None:
    with (
        armexec.function("fadd d0, d0, d0; ret", "double(double)", isolate="process").module as mod,
        pytest.raises(armexec.Error, match="isolate"),
    ):
        next(iter(mod)).with_signature("double(double)").ufunc  # noqa: B018


@pytest.mark.parametrize("opt", [0, 2])
def test_in_a_sandbox(opt: int) -> None:
    with armexec.compile("double add(double a, double b) { return a + b; }", "c", opt=opt, sandbox=True) as mod:
        a = np.arange(3000.0)
        np.testing.assert_array_equal(mod.add.ufunc(a, a[::-1]), np.full(3000, 2999.0))
        assert mod.add.ufunc.reduce(a) == a.sum()


def test_unoptimized_code() -> None:
    """It keeps its variables on the stack, so it has effects."""
    mod = kernels(FAST, 0)
    a = np.linspace(-3, 3, 3001)
    a[77] = np.nan
    np.testing.assert_array_equal(mod.add.ufunc(a, a), a + a)
    np.testing.assert_array_equal(mod.horner.ufunc(a), kernels(FAST).horner.ufunc(a))
    a = np.arange(3001)
    np.testing.assert_array_equal(
        mod.addu8.ufunc(a.astype(np.uint8), np.uint8(250)), a.astype(np.uint8) + np.uint8(250)
    )


@ENGINES
def test_system_registers_are_those_of_a_call(engine: str) -> None:
    """Every call begins with FPCR zero, whatever the one before has set."""
    if engine == "native":
        pytest.skip("FPCR is the processor's own")
    setter = armexec.function("mov x1, #0x400000; msr fpcr, x1; ret", "long(long)", engine=engine)
    getter = armexec.function("mrs x1, fpcr; add x0, x0, x1; ret", "long(long)", engine=engine)
    for _ in range(2):
        setter(0)
        assert getter.ufunc([1, 2]).tolist() == [1, 2]
        setter.ufunc([0, 0])
        assert getter.ufunc([1, 2]).tolist() == [1, 2]
    both = "mrs x1, fpcr; add x0, x0, x1; mov x1, #0x400000; msr fpcr, x1; ret"
    assert armexec.function(both, "long(long)", engine=engine).ufunc([1, 2, 3]).tolist() == [1, 2, 3]


@pytest.mark.skipif(not is_built("c"), reason="the C library isn't built: pytest -m long builds it")
@pytest.mark.parametrize("sandbox", [False, True])
def test_what_needs_more_than_registers(sandbox: bool) -> None:
    """Arguments on the stack, thread-local variables, and the C library."""
    source = """
    #include <stdio.h>
    int many(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j) { return a - j + i; }
    _Thread_local long local = 5;
    long next(long x) { return x + local++; }
    int digits(int x) { char text[20]; return snprintf(text, sizeof text, "%d", x); }
    """
    with armexec.compile(source, "c", opt=2, target="linux", sandbox=sandbox) as mod:
        numbers = np.arange(10, dtype=np.int32)
        assert mod.many.ufunc(*numbers[:9], numbers).tolist() == [8 - n for n in range(10)]
        assert mod.next.ufunc([10, 10]).tolist() == [15, 16]
        assert mod.digits.ufunc(np.int32([3, -400])).tolist() == [1, 4]
