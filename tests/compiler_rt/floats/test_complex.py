"""Products and quotients of complex numbers: ISO C, annex G.5.1."""

from __future__ import annotations

import itertools
import math
import random
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engines import AVAILABLE

from .. import libgcc
from ..helpers import TARGETS, module

TYPES = {"hc": "_Float16", "sc": "float", "dc": "double", "tc": "long double"}
# Bits of the significand, and the exponents of numbers that neither overflow nor underflow.
PRECISION = {"hc": (11, 14), "sc": (24, 126), "dc": (53, 1022), "tc": (113, 1022)}
# Through the functions and not by operators: clang makes some of them itself.
SOURCE = "\n".join(
    f"""
{t} _Complex __mul{c}3({t}, {t}, {t}, {t}), __div{c}3({t}, {t}, {t}, {t});
void mul{c}(const double *v, double *r) {{
    {t} _Complex z = __mul{c}3(({t})v[0], ({t})v[1], ({t})v[2], ({t})v[3]);
    r[0] = (double)__real__ z; r[1] = (double)__imag__ z;
}}
void div{c}(const double *v, double *r) {{
    {t} _Complex z = __div{c}3(({t})v[0], ({t})v[1], ({t})v[2], ({t})v[3]);
    r[0] = (double)__real__ z; r[1] = (double)__imag__ z;
}}
"""
    for c, t in TYPES.items()
)
_CASES = " ".join(
    f"case {2 * i}: mul{c}((double *)(in + 8), (double *)out); break;"
    f" case {2 * i + 1}: div{c}((double *)(in + 8), (double *)out); break;"
    for i, c in enumerate(TYPES)
)
ORACLE = f"""
#define IN 40
#define OUT 16
void one(const unsigned char *in, unsigned char *out) {{ switch ((int)*(double *)in) {{ {_CASES} }} }}
"""


def part(r: random.Random, c: str) -> float:
    bits, exponents = PRECISION[c]
    spread = min(exponents // 4, 200)
    value = math.ldexp(r.getrandbits(min(bits, 53)) + 1, r.randrange(-spread, spread) - min(bits, 53))
    return math.copysign(value, r.random() - 0.5)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("c", TYPES)
def test_close_to_the_exact_value(engine: str, c: str) -> None:
    """The error is a few units in the last place of the magnitude."""
    m, r, out = module(SOURCE, engine, flags=()), random.Random(1), np.zeros(2)
    for i in range(12 if engine == "reference" else 80):
        v = np.array([part(r, c) for _ in range(4)])
        if c == "hc":
            v = v.astype(np.float16).astype(np.float64)
        if c == "sc":
            v = v.astype(np.float32).astype(np.float64)
        x, y, z, w = (Fraction(float(f)) for f in v)
        if i % 2 and (z or w):
            m[f"div{c}"](v, out)
            n = z * z + w * w
            wanted = (x * z + y * w) / n, (y * z - x * w) / n
        else:
            m[f"mul{c}"](v, out)
            wanted = x * z - y * w, x * w + y * z
        size = max(abs(wanted[0]), abs(wanted[1]))
        bits, exponents = PRECISION[c]
        if not Fraction(2) ** -exponents < size < Fraction(2) ** exponents:
            continue
        allowed = 6 * size / Fraction(2) ** min(bits, 53)
        if c == "hc":  # a part may be subnormal
            allowed += Fraction(2) ** -24
        error = max(abs(Fraction(float(g)) - e) for g, e in zip(out, wanted, strict=True))
        assert error <= allowed, (c, i % 2, v, out)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_quotients_at_the_ends_of_the_range(engine: str) -> None:
    m, out = module(SOURCE, engine, flags=()), np.zeros(2)
    largest, least = 1.7e308, 5e-324
    for v, wanted in [
        ((largest, largest, largest, largest), (1.0, 0.0)),
        ((largest, 0, 2, 1), (largest / 5 * 2, -largest / 5)),
        ((least * 3, 0, least, 0), (3.0, 0.0)),
        ((least * 3, least * 3, 1e-320, 1e-320), (least * 3 / 1e-320, 0.0)),
        ((1.0, 0, least, 0), (math.inf, None)),
        ((1e300, 1e-300, 1.0, 0.0), (1e300, 1e-300)),
    ]:
        m.divdc(np.array(v, float), out)
        for given, expected in zip(out, wanted, strict=True):
            assert expected is None or given == pytest.approx(expected, rel=1e-15), (v, out)


def special(v: float) -> str:
    return "nan" if math.isnan(v) else "inf" if math.isinf(v) else "0" if v == 0 else "finite"


def test_infinities_nans_and_zeros_as_libgcc(tmp_path: Path) -> None:
    """Each part is infinite, a NaN or zero where libgcc's is, with its sign."""
    libgcc.required()
    values = [0.0, -0.0, 1.0, -2.0, math.inf, -math.inf, math.nan]
    every = [(float(kind), *v) for kind in range(2 * len(TYPES)) for v in itertools.product(values, repeat=4)]
    cases = random.Random(2).sample(every, 1500)
    data = b"".join(struct.pack("<5d", *case) for case in cases)
    source = SOURCE + ORACLE
    wanted = libgcc.run(source, data, tmp_path)
    batch = (
        source
        + "void batch(const unsigned char *in, unsigned char *out, long n)"
        + "{ for (long i = 0; i < n; i++) one(in + i * IN, out + i * OUT); }"
    )
    m, out = module(batch, "translated", flags=()), bytearray(16 * len(cases))
    m["batch"](data, out, len(cases))
    for case, given, expected in zip(
        cases, struct.iter_unpack("<2d", out), struct.iter_unpack("<2d", wanted), strict=True
    ):
        for g, e in zip(given, expected, strict=True):
            assert special(g) == special(e), (case, given, expected)
            assert math.isnan(g) or special(g) == "0" or math.copysign(1, g) == math.copysign(1, e), (case, given)


@pytest.mark.parametrize("target", TARGETS)
def test_what_compilers_make_of_operators(target: str) -> None:
    source = """
    void f(const double *v, double *r) {
        double _Complex a, b; __real__ a = v[0]; __imag__ a = v[1]; __real__ b = v[2]; __imag__ b = v[3];
        double _Complex p = a * b, q = a / b;
        r[0] = __real__ p; r[1] = __imag__ p; r[2] = __real__ q; r[3] = __imag__ q;
    }
    """
    out = np.zeros(4)
    module(source, "translated", target, flags=()).f(np.array([1.0, 2.0, 3.0, 4.0]), out)
    assert out.tolist() == pytest.approx([-5.0, 10.0, 0.44, 0.08], rel=1e-15)
