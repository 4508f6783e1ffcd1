"""binary128, which C calls long double and _Float128: against exact arithmetic, and against libgcc under qemu."""

from __future__ import annotations

import operator
import random
from fractions import Fraction
from pathlib import Path

import pytest

from engines import AVAILABLE

from .. import libgcc
from . import quad
from .exact import DOWNWARD, QUAD, Format

INVALID, DIVIDE_BY_ZERO, OVERFLOW, UNDERFLOW, INEXACT = 1, 2, 4, 8, 16
OPERATIONS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv}
COMPARISONS = {"eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt}


def calls(seed: int, names: list[str], count: int) -> list[tuple[str, int, int, int]]:
    r = random.Random(seed)
    return [(name, r.randrange(4), *quad.operands(r, name)) for name in names for _ in range(count)]


def run(engine: str, made: list[tuple[str, int, int, int]]) -> list[tuple[int, int]]:
    out = quad.run(engine, b"".join(quad.record(*call) for call in made))
    return [quad.result(out, i) for i in range(len(made))]


def flags_of(exact: Fraction, bits: int, to: Format) -> int:
    if not to.is_finite(bits) or abs(exact) >= Fraction(2) ** (to.bias + 1):
        return OVERFLOW | INEXACT
    if to.value(bits) == exact:
        return 0
    return INEXACT | (UNDERFLOW if abs(exact) < Fraction(2) ** (1 - to.bias) else 0)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_arithmetic_is_exact_and_rounded_once(engine: str) -> None:
    made = calls(1, list(OPERATIONS), 20 if engine == "reference" else 200)
    for (name, mode, a, b), (bits, flags) in zip(made, run(engine, made), strict=True):
        if not (QUAD.is_finite(a) and QUAD.is_finite(b)) or (name == "div" and not QUAD.value(b)):
            continue
        exact = OPERATIONS[name](QUAD.value(a), QUAD.value(b))
        if name in ("mul", "div"):
            negative = bool((a ^ b) & QUAD.sign)
        else:
            signs = a >> 127, (b >> 127) ^ (name == "sub")
            negative = signs == (1, 1) or (signs != (0, 0) and mode == DOWNWARD)
        wanted = QUAD.rounded(exact, mode, negative)
        assert (bits, flags) == (wanted, flags_of(exact, wanted, QUAD)), (name, mode, hex(a), hex(b))


@pytest.mark.parametrize("engine", AVAILABLE)
def test_infinities_and_nans(engine: str) -> None:
    infinity, one, zero = QUAD.infinity, 0x3FFF << 112, 0
    minus = QUAD.sign
    default = infinity | (1 << 112) - 1  # as libgcc's
    quiet, other, signaling = infinity | 1 << 111 | 5, minus | infinity | 1 << 111 | 7, infinity | 9
    cases = [
        ("add", infinity, one, infinity, 0),
        ("add", infinity, minus | infinity, default, INVALID),
        ("sub", infinity, infinity, default, INVALID),
        ("sub", one, infinity, minus | infinity, 0),
        ("mul", infinity, minus | one, minus | infinity, 0),
        ("mul", zero, infinity, default, INVALID),
        ("div", infinity, infinity, default, INVALID),
        ("div", zero, minus, default, INVALID),
        ("div", one, minus, minus | infinity, DIVIDE_BY_ZERO),
        ("div", infinity, zero, infinity, 0),
        ("div", one, minus | infinity, minus, 0),
        # The first that is signaling, else the first; quiet.
        ("add", quiet, other, quiet, 0),
        ("sub", one, other, other, 0),
        ("mul", quiet, signaling, signaling | 1 << 111, INVALID),
        ("div", signaling, quiet, signaling | 1 << 111, INVALID),
        ("neg", signaling, zero, signaling | minus, 0),
        ("truncdf", other, zero, 0xFFF8 << 48, 0),
        ("truncdf", signaling, zero, 0x7FF8 << 48, INVALID),
        ("truncsf", minus | infinity, zero, 0xFF80_0000, 0),
        ("extenddf", 0x7FF0 << 48 | 3, zero, infinity | 1 << 111 | 3 << 60, INVALID),
        ("extendhf", 0xFC00, zero, minus | infinity, 0),
    ]
    got = run(engine, [(name, 0, a, b) for name, a, b, _, _ in cases])
    assert got == [(bits, flags) for *_, bits, flags in cases]


@pytest.mark.parametrize("engine", AVAILABLE)
def test_comparisons(engine: str) -> None:
    r = random.Random(2)
    pairs = [(r.choice(quad.SPECIAL), r.choice(quad.SPECIAL)) for _ in range(40)]
    pairs += [quad.operands(r, "lt") for _ in range(20)]
    for name in (*COMPARISONS, "ge", "unord"):
        for (a, b), (bits, _) in zip(pairs, run(engine, [(name, 0, a, b) for a, b in pairs]), strict=True):
            given = bits - (bits >> 31 << 32)
            unordered = QUAD.is_nan(a) or QUAD.is_nan(b)
            if name == "unord":
                assert bool(given) is unordered
                continue
            compare = {"ge": operator.ge, **COMPARISONS}[name]
            x, y = (QUAD.value(v) if QUAD.is_finite(v) else -(2**20000) if v >> 127 else 2**20000 for v in (a, b))
            assert compare(given, 0) is (name == "ne" if unordered else compare(x, y)), (name, hex(a), hex(b), given)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_conversions_of_formats(engine: str) -> None:
    count = 15 if engine == "reference" else 150
    made = calls(3, [n for n in quad.NAMES if n.startswith(("extend", "trunc"))], count)
    for (name, mode, a, _), (bits, flags) in zip(made, run(engine, made), strict=True):
        narrow = quad.FORMATS[name[-2:]]
        source, to = (narrow, QUAD) if name.startswith("extend") else (QUAD, narrow)
        if source.is_finite(a):
            exact = source.value(a)
            wanted = to.rounded(exact, mode, a >> (source.width - 1) == 1)
            assert (bits, flags) == (wanted, flags_of(exact, wanted, to)), (name, mode, hex(a))


@pytest.mark.parametrize("engine", AVAILABLE)
def test_conversions_of_integers(engine: str) -> None:
    count = 12 if engine == "reference" else 100
    made = calls(4, [n for n in quad.NAMES if n.startswith(("fix", "float"))], count)
    for (name, mode, a, _), (bits, flags) in zip(made, run(engine, made), strict=True):
        width = {"si": 32, "di": 64, "ti": 128}[name[-2:]]
        unsigned = "un" in name
        if name.startswith("float"):
            value = a & (1 << width) - 1
            if not unsigned and value >> (width - 1):
                value -= 1 << width
            wanted = QUAD.rounded(Fraction(value), mode)
            assert (bits, flags) == (wanted, flags_of(Fraction(value), wanted, QUAD)), (name, mode, hex(a))
            continue
        least, most = (0, (1 << width) - 1) if unsigned else (-1 << width - 1, (1 << width - 1) - 1)
        if QUAD.is_finite(a):
            whole, inexact = int(QUAD.value(a)), QUAD.value(a) != int(QUAD.value(a))
        else:
            whole, inexact = (least if a >> 127 else most) * 2 or -1, False
        raised = INVALID if not least <= whole <= most else INEXACT if inexact else 0
        if not QUAD.is_finite(a):
            raised, whole = INVALID, least if a >> 127 else most
        wanted = min(max(whole, least), most) & (1 << width) - 1
        assert (bits, flags) == (wanted, raised), (name, hex(a))


def compare_with_libgcc(seed: int, count: int, folder: Path) -> None:
    libgcc.required()
    made = calls(seed, quad.NAMES, count)
    data = b"".join(quad.record(*call) for call in made)
    wanted, given = libgcc.run(quad.SOURCE, data, folder), quad.run("translated", data)
    for i, call in enumerate(made):
        assert quad.result(given, i) == quad.result(wanted, i), call


def test_as_libgcc(tmp_path: Path) -> None:
    compare_with_libgcc(5, 300, tmp_path)


@pytest.mark.long
def test_as_libgcc_at_length(tmp_path: Path) -> None:
    for seed in range(10, 20):
        compare_with_libgcc(seed, 5000, tmp_path)
