"""NaNs in ufuncs: the bits are those that the guest's processor gives, which the reference engine knows."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from tests.arrays.kernels import kernels

import armexec

NAMES = {
    "add": 2,
    "sub": 2,
    "fma3": 3,
    "horner": 1,
    "choose": 2,
    "rounds": 1,
    "addf": 2,
    "saxpy": 3,
    "narrow": 1,
    "wide": 1,
    "addh": 2,
    "identity": 1,
    "bits": 1,
    "clear": 1,
    "sign": 1,
    "root": 1,
    "divide": 2,
    "less": 2,
    "convert": 1,
    "calling": 1,
}
_SPECIAL = {
    8: [
        0x7FF0000000000001,
        0xFFF4000000000000,
        0x7FF8000000000123,
        0xFFFFFFFFFFFFFFFF,
        0x7FF0 << 48,
        0xFFF0 << 48,
        1,
        0,
    ],
    4: [0x7F800001, 0xFFA00000, 0x7FC00123, 0xFFFFFFFF, 0x7F800000, 0xFF800000, 1, 0],
    2: [0x7C01, 0xFD00, 0x7E12, 0xFFFF, 0x7C00, 0xFC00, 1, 0],
}


def _numbers(ufunc: np.ufunc, count: int, seed: int) -> list[Any]:
    """Inputs of random bits, of which every third is something special."""
    random = np.random.default_rng(seed)
    found = []
    for char in ufunc.types[0].partition("->")[0]:
        dtype = np.dtype(char)
        bits = random.integers(0, 1 << 8 * dtype.itemsize, count, dtype=f"u{dtype.itemsize}", endpoint=False)
        where = random.random(count) < 0.3
        bits[where] = random.choice(np.array(_SPECIAL[dtype.itemsize], bits.dtype), where.sum())
        found.append(bits.view(dtype))
    return found


def _bits(values: Any) -> Any:
    return values if values.dtype.kind in "iub" else values.view(f"u{values.dtype.itemsize}")


def _singly(function: armexec.Function, inputs: list[Any]) -> Any:
    """The bits of each element by a loop of one: what a call computes, without the way through Python's floats."""
    ufunc = function.ufunc
    return np.array([_bits(ufunc(*(x[i : i + 1] for x in inputs)))[0] for i in range(len(inputs[0]))])


def _check_with_reference(name: str, opt: int, count: int) -> None:
    ours, theirs = kernels("translated", opt)[name], kernels("reference", opt)[name]
    inputs = _numbers(ours.ufunc, count, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = _bits(theirs.ufunc(*inputs)).tolist()
        assert _bits(ours.ufunc(*inputs)).tolist() == expected
        assert _singly(ours, inputs).tolist() == expected


@pytest.mark.parametrize("name", NAMES)
def test_bits_are_those_of_the_reference(name: str) -> None:
    _check_with_reference(name, 2, 12)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("opt", [0, 2])
def test_more_bits_are_those_of_the_reference(name: str, opt: int) -> None:
    _check_with_reference(name, opt, 300)


def _check(name: str, count: int, seed: int) -> None:
    """A large array against calls in small pieces and in other layouts, and doubles against calls from Python."""
    function = kernels("translated")[name]
    ufunc = function.ufunc
    inputs = _numbers(ufunc, count, seed)
    result = _bits(ufunc(*inputs))
    spread = [np.repeat(x, 3)[::3] for x in inputs]
    np.testing.assert_array_equal(_bits(np.ascontiguousarray(ufunc(*spread))), result)
    out = np.zeros(2 * count, ufunc(*(x[:1] for x in inputs)).dtype)[::-2]
    ufunc(*inputs, out=out)
    np.testing.assert_array_equal(_bits(out.copy()), result)
    first = inputs[0]
    if first.dtype == ufunc.types[0][-1]:
        place = first.copy()
        ufunc(place, *inputs[1:], out=place)
        np.testing.assert_array_equal(_bits(place), result)
    if set(ufunc.types[0]) <= set("d->"):
        sample = slice(None, None, max(count // 2000, 1))
        singly = [function(*each) for each in zip(*(x[sample].tolist() for x in inputs), strict=True)]
        np.testing.assert_array_equal(np.array(singly).view("u8"), result[sample])


@pytest.mark.parametrize("name", NAMES)
def test_bits_in_every_layout(name: str) -> None:
    _check(name, 5000, 2)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_bits_of_a_million_patterns(name: str, seed: int) -> None:
    _check(name, 1_000_000, seed)
