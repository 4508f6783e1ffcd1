"""Scalar floating point: fused multiplication and addition, comparison, selection, immediates."""

from __future__ import annotations

import math

import pytest

from armexec.machines import system

from ..machine import execute
from .floats import (
    LETTERS,
    SIZES,
    UPPER,
    bits,
    flags,
    run,
)


@pytest.mark.parametrize("size", SIZES)
def test_fused(size: int) -> None:
    s = LETTERS[size]
    a, n, m = 1.5, 2.25, -3.0
    text = "\n".join(
        f"{name} {s}{i}, {s}5, {s}6, {s}7" for i, name in enumerate(["fmadd", "fmsub", "fnmadd", "fnmsub"])
    )
    machine = run(text, v5=bits(n, size), v6=bits(m, size), v7=bits(a, size))
    expected = [a + n * m, a - n * m, -a - n * m, -a + n * m]
    assert machine.vectors[:4] == [bits(e, size) for e in expected]


def test_fused_operands_are_negated_before_their_nans_are_seen() -> None:
    one, nan, minus_nan = 0x3F80_0000, 0x7FC0_1234, 0xFFC0_1234
    names = ["fmadd", "fmsub", "fnmadd", "fnmsub"]
    for nans, expected in (
        ({5: nan}, [nan, minus_nan, minus_nan, nan]),
        ({6: nan}, [nan] * 4),
        ({7: nan}, [nan, nan, minus_nan, minus_nan]),
    ):
        text = "\n".join(f"{name} s{i}, s5, s6, s7" for i, name in enumerate(names))
        assert execute(text, vectors={5: one, 6: one, 7: one, **nans}).vectors[:4] == expected
    # The addend's comes first.
    assert run("fmadd s0, s1, s2, s3", v1=nan, v2=nan + 1, v3=nan + 2).vectors[0] == nan + 2
    assert run("fmls v0.2s, v1.2s, v2.2s", v0=one, v1=nan, v2=one).vectors[0] & 0xFFFF_FFFF == minus_nan
    # A product is negated after.
    assert run("fnmul s0, s1, s2", v1=nan, v2=one).vectors[0] == minus_nan


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("n", "m", "nzcv"), [(1.5, 2.5, 0b1000), (2.5, 1.5, 0b0010), (0.0, -0.0, 0b0110), (math.nan, 0.0, 0b0011)]
)
def test_comparison(size: int, n: float, m: float, nzcv: int) -> None:
    s = LETTERS[size]
    vectors = {0: bits(n, size), 1: bits(m, size)}
    forms = [f"{s}0, {s}1"] + ([f"{s}0, #0.0"] if m == 0 else [])
    for form in forms:
        for mnemonic in ("fcmp", "fcmpe"):
            machine = execute(f"{mnemonic} {form}", vectors=vectors)
            assert flags(machine) == nzcv
            # Any NaN is invalid for FCMPE, a quiet one isn't for FCMP.
            assert machine.system_registers[system.FPSR] == (system.IOC if math.isnan(n) and mnemonic == "fcmpe" else 0)


@pytest.mark.parametrize("size", SIZES)
def test_conditional_comparison(size: int) -> None:
    s = LETTERS[size]
    vectors = {0: bits(math.nan, size), 1: bits(1.0, size)}
    for mnemonic in ("fccmp", "fccmpe"):
        for cond, nzcv, holds in (("eq", 0b0100, True), ("eq", 0b0000, False), ("al", 0b0000, True)):
            machine = execute(f"{mnemonic} {s}0, {s}1, #9, {cond}", vectors=vectors, nzcv=nzcv)
            assert flags(machine) == (0b0011 if holds else 9)
            # What isn't compared raises nothing.
            raised = system.IOC if holds and mnemonic == "fccmpe" else 0
            assert machine.system_registers[system.FPSR] == raised


@pytest.mark.parametrize("size", SIZES)
def test_selection_and_immediates(size: int) -> None:
    s = LETTERS[size]
    text = (
        f"fmov {s}0, #1.5\nfmov {s}1, #-0.125\nfcsel {s}2, {s}0, {s}1, mi\nfcsel {s}3, {s}0, {s}1, pl\nfmov {s}4, {s}3"
    )
    machine = execute(text, vectors={2: -1 & (1 << 128) - 1, 4: UPPER}, nzcv=0b1000)
    assert machine.vectors[:5] == [bits(n, size) for n in (1.5, -0.125, 1.5, -0.125, -0.125)]
