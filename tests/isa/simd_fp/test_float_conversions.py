"""Conversions between floating-point numbers, integers and fixed-point numbers, and between precisions."""

from __future__ import annotations

import math
import random

import pytest

from ..machine import execute
from .floats import (
    LETTERS,
    MASK64,
    ROUNDING,
    SHAPES,
    arrangement,
    bits,
    flags,
    pack,
    pack_integers,
    quarters,
    run,
)

TO_INTEGER = {f"fcvt{mode}s": model for mode, model in ROUNDING.items()}


@pytest.mark.parametrize("mnemonic", TO_INTEGER)
@pytest.mark.parametrize(("width", "esize"), SHAPES)
def test_to_integers_and_back(mnemonic: str, width: int, esize: int) -> None:
    T, s, model = arrangement(width, esize), LETTERS[esize], TO_INTEGER[mnemonic]
    unsigned = mnemonic[:-1] + "u"
    for seed in range(8):
        n = quarters(random.Random(seed), width // esize)
        integers = [int(model(a)) for a in n]
        machine = run(
            f"{mnemonic} v0.{T}, v9.{T}\n{unsigned} v1.{T}, v9.{T}\n{mnemonic} {s}2, {s}9\n{unsigned} {s}3, {s}9\n"
            f"{mnemonic} w4, {s}9\n{unsigned} w5, {s}9\n{mnemonic} x6, {s}9\n{unsigned} x7, {s}9\n"
            f"scvtf v4.{T}, v0.{T}\nucvtf v5.{T}, v1.{T}\nscvtf {s}6, {s}2\nucvtf {s}7, {s}3\n"
            f"scvtf {s}10, w4\nucvtf {s}11, w5\nscvtf {s}12, x6\nucvtf {s}13, x7",
            v9=pack(n, esize),
        )
        positive = [max(i, 0) for i in integers]
        ones = (1 << esize) - 1
        assert machine.vectors[0] == pack_integers(integers, esize)
        assert machine.vectors[1] == pack_integers(positive, esize)
        assert machine.vectors[2:4] == [integers[0] & ones, positive[0]]
        assert machine.registers[4:8] == [
            integers[0] & 0xFFFF_FFFF,
            positive[0],
            integers[0] & MASK64,
            positive[0],
        ]
        assert machine.vectors[4] == pack([*map(float, integers)], esize)
        assert machine.vectors[5] == pack([*map(float, positive)], esize)
        back = [bits(float(i), esize) for i in (integers[0], positive[0])]
        assert machine.vectors[6:8] == back
        assert machine.vectors[10:14] == back * 2


@pytest.mark.parametrize(("width", "esize"), SHAPES)
@pytest.mark.parametrize("fraction", [1, 2, 5])
def test_fixed_point(width: int, esize: int, fraction: int) -> None:
    T, s = arrangement(width, esize), LETTERS[esize]
    n = quarters(random.Random(fraction), width // esize)
    machine = run(
        f"fcvtzs v0.{T}, v9.{T}, #{fraction}\nfcvtzu v1.{T}, v9.{T}, #{fraction}\n"
        f"fcvtzs {s}2, {s}9, #{fraction}\nfcvtzu {s}3, {s}9, #{fraction}\n"
        f"fcvtzs w4, {s}9, #{fraction}\nfcvtzu x5, {s}9, #{fraction}\n"
        f"scvtf v4.{T}, v0.{T}, #{fraction}\nucvtf v5.{T}, v1.{T}, #{fraction}\n"
        f"scvtf {s}6, {s}2, #{fraction}\nucvtf {s}7, {s}3, #{fraction}\n"
        f"scvtf {s}10, w4, #{fraction}\nucvtf {s}11, x5, #{fraction}",
        v9=pack(n, esize),
    )
    scaled = [int(a * 2**fraction) for a in n]
    positive = [max(i, 0) for i in scaled]
    assert machine.vectors[:4] == [
        pack_integers(scaled, esize),
        pack_integers(positive, esize),
        scaled[0] & (1 << esize) - 1,
        positive[0],
    ]
    assert machine.registers[4:6] == [scaled[0] & 0xFFFF_FFFF, positive[0]]
    back, back_positive = ([i / 2**fraction for i in v] for v in (scaled, positive))
    assert machine.vectors[4:6] == [pack(back, esize), pack(back_positive, esize)]
    first = [bits(back[0], esize), bits(back_positive[0], esize)]
    assert machine.vectors[6:8] == machine.vectors[10:12] == first


def test_precisions() -> None:
    n = [1.5, -2.25, 3.0, 0.125]
    old = MASK64
    single, double = pack(n, 32), pack(n[:2], 64)
    machine = run(
        "fcvtn v0.4h, v8.4s\nfcvtn2 v1.8h, v8.4s\nfcvtn v2.2s, v9.2d\nfcvtn2 v3.4s, v9.2d\n"
        "fcvtl v4.4s, v1.4h\nfcvtl2 v5.4s, v1.8h\nfcvtl v6.2d, v2.2s\nfcvtl2 v7.2d, v3.4s\n"
        "fcvtxn v10.2s, v9.2d\nfcvtxn2 v11.4s, v9.2d\nfcvtxn s12, d13\n"
        "fcvt h14, s8\nfcvt d15, h14\nfcvt s16, d15\nfcvt h17, d15\nfcvt d18, s16\nfcvt s19, h17",
        v0=-1, v1=old, v2=-1, v3=old, v8=single, v9=double, v11=old, v12=-1, v13=bits(1 + 2**-40, 64),
    )  # fmt: skip
    half = pack(n, 16)
    v = machine.vectors
    assert v[0:4] == [half, old | half << 64, pack(n[:2], 32), old | pack(n[:2], 32) << 64]
    assert v[5:8] == [single, double, double]
    assert v[10:12] == [pack(n[:2], 32), old | pack(n[:2], 32) << 64]
    # Rounded to odd.
    assert v[12] == bits(1.0, 32) | 1
    assert v[14:20] == [bits(1.5, size) for size in (16, 64, 32, 16, 64, 32)]


@pytest.mark.parametrize(
    ("number", "integer", "exact"),
    [(3.0, 3, True), (-3.5, -3, False), (2.0**32 + 5, 5, False), (-0.0, 0, False), (math.inf, 0, False)],
)
def test_javascript(number: float, integer: int, exact: bool) -> None:
    machine = execute("fjcvtzs w0, d0", vectors={0: bits(number, 64)}, nzcv=0b1011)
    assert machine.registers[0] == integer & 0xFFFF_FFFF
    assert flags(machine) == exact << 2
