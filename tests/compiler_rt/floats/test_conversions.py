"""Conversions between the narrower formats and 128-bit integers, bfloat16, and powers."""

from __future__ import annotations

import random
from ctypes import c_uint64
from fractions import Fraction

import pytest

from armexec.module import Module
from engines import AVAILABLE

from ..helpers import TARGETS, module
from . import exact

FORMATS = {"hf": exact.HALF, "bf": exact.BFLOAT, "sf": exact.SINGLE, "df": exact.DOUBLE}
TYPES = {"hf": "_Float16", "bf": "__bf16", "sf": "float", "df": "double"}
BITS = {"hf": "unsigned short", "bf": "unsigned short", "sf": "unsigned", "df": "unsigned long"}


def _source() -> str:
    lines = ["typedef __int128 s128; typedef unsigned __int128 u128;"]
    mode = '__asm__ volatile("msr fpcr, %0" : : "r"(mode << 22) : "memory");'
    for f, t in TYPES.items():
        for name, integer in ((f"__fix{f}ti", "s128"), (f"__fixuns{f}ti", "u128")):
            lines.append(
                f"{integer} {name}({t}); void b{name}(const void *a, void *r) {{ *(u128 *)r = {name}(*({t} *)a); }}"
            )
        for name, integer in ((f"__floatti{f}", "s128"), (f"__floatunti{f}", "u128")):
            lines.append(
                f"{t} {name}({integer}); void b{name}(const void *a, void *r, unsigned long mode) {{ {mode} "
                f"{t} x = {name}(*({integer} *)a); mode = 0; {mode} *(u128 *)r = 0; *({t} *)r = x; }}"
            )
    for name, result, parameter in _FORMATS:
        lines.append(
            f"{TYPES[result]} {name}({TYPES[parameter]}); void b{name}(const void *a, void *r, unsigned long mode) "
            f"{{ {mode} {TYPES[result]} x = {name}(*({TYPES[parameter]} *)a); mode = 0; {mode} *(u128 *)r = 0; "
            f"*({TYPES[result]} *)r = x; }}"
        )
    return "\n".join(lines)


_FORMATS = [
    ("__truncsfbf2", "bf", "sf"),
    ("__truncdfbf2", "bf", "df"),
    ("__trunchfbf2", "bf", "hf"),
    ("__extendbfsf2", "sf", "bf"),
    ("__extendbfdf2", "df", "bf"),
    ("__truncsfhf2", "hf", "sf"),
    ("__truncdfhf2", "hf", "df"),
    ("__truncdfsf2", "sf", "df"),
    ("__extendhfsf2", "sf", "hf"),
    ("__extendhfdf2", "df", "hf"),
    ("__extendsfdf2", "df", "sf"),
]


def call(m: Module, name: str, operand: int, mode: int | None = None) -> int:
    a, r = ((c_uint64 * 2)(operand & (1 << 64) - 1, operand >> 64), (c_uint64 * 2)())
    m[f"b{name}"](a, r, *(() if mode is None else (mode,)))
    return r[0] | r[1] << 64


def integers(r: random.Random) -> int:
    bits = r.getrandbits(128) >> r.randrange(128)
    # Halfway between two numbers of some format, or next to it.
    if r.random() < 0.5:
        kept = r.choice([8, 11, 24, 53])
        shift = max(bits.bit_length() - kept, 1)
        bits = (bits >> shift << shift | 1 << shift - 1) + r.choice([-1, 0, 0, 1])
    return (-bits if r.random() < 0.5 else bits) & (1 << 128) - 1


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("f", FORMATS)
def test_integers_are_rounded_once(engine: str, f: str) -> None:
    m, to, r = module(_source(), engine, flags=()), FORMATS[f], random.Random(1)
    for i in range(8 if engine == "reference" else 100):
        bits, mode = integers(r), i % 4
        assert call(m, f"__floatunti{f}", bits, mode) == to.rounded(Fraction(bits), mode), (hex(bits), mode)
        value = bits - (bits >> 127 << 128)
        assert call(m, f"__floatti{f}", bits, mode) == to.rounded(Fraction(value), mode), (hex(bits), mode)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("f", FORMATS)
def test_to_integers(engine: str, f: str) -> None:
    m, of, r = module(_source(), engine, flags=()), FORMATS[f], random.Random(2)
    for i in range(8 if engine == "reference" else 100):
        bits = r.getrandbits(of.width)
        if i % 2:  # of a magnitude that fits
            bits = bits & ~of.infinity | min(of.bias + r.randrange(-2, 130), 2 * of.bias) << of.fraction
        if i == 0:
            bits = of.infinity | of.sign
        whole = int(of.value(bits)) if of.is_finite(bits) else 1 << 200
        if not of.is_finite(bits) and bits & of.sign:
            whole = -whole
        for name, least, most in ((f"__fix{f}ti", -1 << 127, (1 << 127) - 1), (f"__fixuns{f}ti", 0, (1 << 128) - 1)):
            assert call(m, name, bits) == min(max(whole, least), most) & (1 << 128) - 1, (name, hex(bits))


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize(("name", "result", "parameter"), _FORMATS)
def test_formats(engine: str, name: str, result: str, parameter: str) -> None:
    m, to, of, r = module(_source(), engine, flags=()), FORMATS[result], FORMATS[parameter], random.Random(3)
    for i in range(8 if engine == "reference" else 100):
        bits, mode = r.getrandbits(of.width), i % 4
        if i % 3 == 0 and of.fraction > to.fraction:  # halfway, or next to it
            cut = of.fraction - to.fraction
            bits = (bits >> cut << cut | 1 << cut - 1) + r.choice([-1, 0, 0, 1])
        if not of.is_finite(bits):
            bits &= ~of.sign & of.infinity
            assert call(m, name, bits, mode) == to.infinity
            quiet = bits | 1 << of.fraction - 1
            assert call(m, name, quiet, mode) == to.infinity | 1 << to.fraction - 1
            assert call(m, name, bits | 1, mode) & to.infinity | 1 << to.fraction - 1 > to.infinity
            continue
        assert call(m, name, bits, mode) == to.rounded(of.value(bits), mode, bits & of.sign != 0), (hex(bits), mode)


POWERS = """
double __powidf2(double, int); float __powisf2(float, int);
double d(double x, int n) { return __powidf2(x, n); }
float s(float x, int n) { return __powisf2(x, n); }
double q(double x, int n) { return (double)__builtin_powil(x, n); }
"""


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", TARGETS)
def test_powers(engine: str, target: str) -> None:
    m = module(POWERS, engine, target, flags=())
    assert [m.d(2.0, n) for n in (0, 1, 10, -2)] == [1.0, 2.0, 1024.0, 0.25]
    assert m.d(-3.0, 3) == -27.0
    assert m.d(1.0, -(1 << 31)) == 1.0
    assert m.d(2.0, -(1 << 31)) == 0.0
    assert m.s(1.5, 5) == 7.59375
    assert m.d(1.1, 7) == pytest.approx(1.1**7, rel=1e-15)
    assert m.q(1.1, 7) == pytest.approx(1.1**7, rel=1e-15)
