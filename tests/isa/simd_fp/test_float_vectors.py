"""Floating-point instructions on vectors, and the scalar ones of the same names."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable, Sequence

import pytest

from ..machine import execute
from .floats import (
    LETTERS,
    ROUNDING,
    SHAPES,
    SIZES,
    UPPER,
    arrangement,
    bits,
    pack,
    pack_integers,
    powers,
    quarters,
    run,
)

Model = Callable[[float, float, float], float]
"""Of the destination, n and m."""


def mask(result: bool) -> float:
    """What a comparison gives, as the NaN of all ones is told from numbers: in `check`."""
    return math.nan if result else 0.0


BINARY: dict[str, Model] = {
    "fadd": lambda d, n, m: n + m,
    "fsub": lambda d, n, m: n - m,
    "fmul": lambda d, n, m: n * m,
    "fdiv": lambda d, n, m: n / m,
    "fmax": lambda d, n, m: max(n, m),
    "fmin": lambda d, n, m: min(n, m),
    "fmaxnm": lambda d, n, m: max(n, m),
    "fminnm": lambda d, n, m: min(n, m),
}
VECTORS: dict[str, Model] = {**BINARY, "fmla": lambda d, n, m: d + n * m, "fmls": lambda d, n, m: d - n * m}
SCALARS: dict[str, Model] = {**BINARY, "fnmul": lambda d, n, m: -(n * m)}
BOTH: dict[str, Model] = {
    "fabd": lambda d, n, m: abs(n - m),
    "fmulx": lambda d, n, m: n * m,
    "frecps": lambda d, n, m: 2 - n * m,
    "frsqrts": lambda d, n, m: (3 - n * m) / 2,
    "fcmeq": lambda d, n, m: mask(n == m),
    "fcmge": lambda d, n, m: mask(n >= m),
    "fcmgt": lambda d, n, m: mask(n > m),
    "fcmle": lambda d, n, m: mask(n <= m),
    "fcmlt": lambda d, n, m: mask(n < m),
    "facge": lambda d, n, m: mask(abs(n) >= abs(m)),
    "facgt": lambda d, n, m: mask(abs(n) > abs(m)),
    "facle": lambda d, n, m: mask(abs(n) <= abs(m)),
    "faclt": lambda d, n, m: mask(abs(n) < abs(m)),
}
PAIRS: dict[str, Model] = {
    "faddp": BINARY["fadd"],
    "fmaxp": BINARY["fmax"],
    "fminp": BINARY["fmin"],
    "fmaxnmp": BINARY["fmax"],
    "fminnmp": BINARY["fmin"],
}


def masked(numbers: Sequence[float], esize: int) -> int:
    """The numbers' bits, and all ones for a NaN."""
    ones = (1 << esize) - 1
    return sum((ones if math.isnan(n) else bits(n, esize)) << i * esize for i, n in enumerate(numbers))


def operands(mnemonic: str, count: int, seed: int) -> tuple[list[float], list[float], list[float]]:
    rng = random.Random(f"{mnemonic}/{count}/{seed}")
    d, n, m = quarters(rng, count), quarters(rng, count), quarters(rng, count)
    if mnemonic == "fdiv":
        m = powers(rng, count)
    elif mnemonic[:2] == "fc":
        # Some are equal, or equal but for the sign.
        m = [rng.choice((a, -a, b)) for a, b in zip(n, m, strict=True)]
    elif mnemonic[:3] == "fac":
        m = [rng.choice((a, -a, b)) for a, b in zip(n, m, strict=True)]
    return d, n, m


@pytest.mark.parametrize("mnemonic", [*VECTORS, *BOTH])
def test_three_vectors(mnemonic: str) -> None:
    model = (VECTORS | BOTH)[mnemonic]
    for seed, (width, esize) in enumerate(SHAPES * 3):
        d, n, m = operands(mnemonic, width // esize, seed)
        T = arrangement(width, esize)
        expected = masked([model(*lanes) for lanes in zip(d, n, m, strict=True)], esize)
        sources = [pack(v, esize) | (UPPER if width == 64 else 0) for v in (d, n, m)]
        machine = run(f"{mnemonic} v0.{T}, v1.{T}, v2.{T}", v0=sources[0], v1=sources[1], v2=sources[2])
        assert machine.vectors[0] == expected, T


@pytest.mark.parametrize("mnemonic", [*SCALARS, *BOTH])
def test_three_scalars(mnemonic: str) -> None:
    model = (SCALARS | BOTH)[mnemonic]
    for seed, size in enumerate(SIZES * 4):
        d, n, m = operands(mnemonic, 4, seed)
        s = LETTERS[size]
        sources = [pack(v, size) | UPPER for v in (d[:1], n[:1], m[:1])]
        machine = run(f"{mnemonic} {s}0, {s}1, {s}2", v0=sources[0], v1=sources[1], v2=sources[2])
        assert machine.vectors[0] == masked([model(d[0], n[0], m[0])], size), s


@pytest.mark.parametrize("mnemonic", PAIRS)
def test_pairs(mnemonic: str) -> None:
    model = PAIRS[mnemonic]
    for width, esize in SHAPES:
        _, n, m = operands(mnemonic, width // esize, 0)
        T, s = arrangement(width, esize), LETTERS[esize]
        both = n + m
        expected = [model(0, a, b) for a, b in zip(both[::2], both[1::2], strict=True)]
        machine = run(
            f"{mnemonic} v0.{T}, v1.{T}, v2.{T}\n{mnemonic} {s}3, v1.2{s}", v1=pack(n, esize), v2=pack(m, esize), v3=-1
        )
        assert machine.vectors[0] == pack(expected, esize)
        assert machine.vectors[3] == bits(expected[0], esize)


@pytest.mark.parametrize(("mnemonic", "of"), [("fmaxv", max), ("fminv", min), ("fmaxnmv", max), ("fminnmv", min)])
@pytest.mark.parametrize(("width", "esize"), [(64, 16), (128, 16), (128, 32)])
def test_across_lanes(mnemonic: str, of: Callable[[list[float]], float], width: int, esize: int) -> None:
    rng = random.Random(mnemonic)
    n = quarters(rng, width // esize)
    for _ in n:
        n = n[1:] + n[:1]
        text = f"{mnemonic} {LETTERS[esize]}0, v1.{arrangement(width, esize)}"
        assert run(text, v0=UPPER, v1=pack(n, esize)).vectors[0] == bits(of(n), esize)


def test_across_lanes_neighbours_first() -> None:
    # Of two quiet NaNs the first operand's wins: of lanes 1 and 2, that in the lower pair.
    nans = pack_integers([0, 0x7FC0_0001, 0x7FC0_0002, 0], 32)
    assert run("fmaxv s0, v1.4s", v1=nans).vectors[0] == 0x7FC0_0001
    # A signalling one wins before it meets the quiet one: lanes 2 and 3 are compared before the pairs are.
    nans = pack_integers([0x7FC0_0001, 0, 0x7F80_0003, 0x7FC0_0002], 32)
    assert run("fminv s0, v1.4s", v1=nans).vectors[0] == 0x7FC0_0001


ELEMENTS: dict[str, Model] = {
    "fmul": BINARY["fmul"],
    "fmulx": BINARY["fmul"],
    "fmla": VECTORS["fmla"],
    "fmls": VECTORS["fmls"],
}


@pytest.mark.parametrize("mnemonic", ELEMENTS)
@pytest.mark.parametrize(("width", "esize"), SHAPES)
def test_by_element(mnemonic: str, width: int, esize: int) -> None:
    model, T, s = ELEMENTS[mnemonic], arrangement(width, esize), LETTERS[esize]
    d, n, _ = operands(mnemonic, width // esize, 1)
    m = quarters(random.Random(mnemonic), 128 // esize)
    register = 7 if esize == 16 else 23
    for index, factor in enumerate(m):
        text = f"{mnemonic} v0.{T}, v1.{T}, v{register}.{s}[{index}]\n{mnemonic} {s}2, {s}1, v{register}.{s}[{index}]"
        vectors = {0: pack(d, esize), 1: pack(n, esize), 2: bits(d[0], esize) | UPPER, register: pack(m, esize)}
        machine = execute(text, vectors=vectors)
        assert machine.vectors[0] == pack([model(a, b, factor) for a, b in zip(d, n, strict=True)], esize)
        assert machine.vectors[2] == bits(model(d[0], n[0], factor), esize)


@pytest.mark.parametrize("width", [64, 128])
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("subtract", [False, True])
def test_half_precision_into_single(width: int, upper: bool, subtract: bool) -> None:
    rng = random.Random(f"{width} {upper} {subtract}")
    lanes = width // 32
    d, n, m = quarters(rng, lanes), quarters(rng, 8), quarters(rng, 8)
    first = lanes if upper else 0
    mnemonic = f"fml{'s' if subtract else 'a'}l{'2' if upper else ''}"
    sign = -1 if subtract else 1
    sources = {1: pack(n, 16), 2: pack(m, 16), 0: pack(d, 32), 3: pack(d, 32)}
    Ta, Tb = f"{lanes}s", f"{lanes}h"
    for index in range(8):
        machine = execute(
            f"{mnemonic} v0.{Ta}, v1.{Tb}, v2.{Tb}\n{mnemonic} v3.{Ta}, v1.{Tb}, v2.h[{index}]", vectors=sources
        )
        taken = list(zip(d, n[first:], m[first:], strict=False))
        assert machine.vectors[0] == pack([a + sign * b * c for a, b, c in taken], 32)
        assert machine.vectors[3] == pack([a + sign * b * m[index] for a, b, _ in taken], 32)


def complex_numbers(numbers: Sequence[float]) -> list[complex]:
    return [complex(real, imaginary) for real, imaginary in zip(numbers[::2], numbers[1::2], strict=True)]


def parts(numbers: Sequence[complex]) -> list[float]:
    return [part for number in numbers for part in (number.real, number.imag)]


PRODUCTS: dict[tuple[int, int], Callable[[complex, complex], complex]] = {
    (0, 90): lambda n, m: n * m,
    (0, 270): lambda n, m: n.conjugate() * m,
    (180, 270): lambda n, m: -n * m,
    (180, 90): lambda n, m: -n.conjugate() * m,
}


@pytest.mark.parametrize("rotations", PRODUCTS)
@pytest.mark.parametrize(("width", "esize"), SHAPES)
def test_complex_products(rotations: tuple[int, int], width: int, esize: int) -> None:
    rng = random.Random(f"{rotations} {width}")
    T, count = arrangement(width, esize), width // esize
    d, n, m = quarters(rng, count), quarters(rng, count), quarters(rng, count)
    sources = {0: pack(d, esize), 1: pack(n, esize), 2: pack(m, esize)}
    model = PRODUCTS[rotations]
    numbers = [complex_numbers(v) for v in (d, n, m)]
    text = "\n".join(f"fcmla v0.{T}, v1.{T}, v2.{T}, #{rotation}" for rotation in rotations)
    expected = [a + model(b, c) for a, b, c in zip(*numbers, strict=True)]
    assert execute(text, vectors=sources).vectors[0] == pack(parts(expected), esize)
    if (width, esize) in ((64, 32), (128, 64)):
        # FCMLA has no such forms by element.
        return
    for index in range(count // 2):
        element = f"v2.{LETTERS[esize]}[{index}]"
        text = "\n".join(f"fcmla v0.{T}, v1.{T}, {element}, #{rotation}" for rotation in rotations)
        expected = [a + model(b, numbers[2][index]) for a, b in zip(*numbers[:2], strict=True)]
        assert execute(text, vectors=sources).vectors[0] == pack(parts(expected), esize)


@pytest.mark.parametrize(("width", "esize"), SHAPES)
@pytest.mark.parametrize(("rotation", "factor"), [(90, 1j), (270, -1j)])
def test_complex_sums(width: int, esize: int, rotation: int, factor: complex) -> None:
    rng = random.Random(f"{rotation} {width}")
    T, count = arrangement(width, esize), width // esize
    n, m = quarters(rng, count), quarters(rng, count)
    machine = run(f"fcadd v0.{T}, v1.{T}, v2.{T}, #{rotation}", v1=pack(n, esize), v2=pack(m, esize))
    expected = [a + factor * b for a, b in zip(complex_numbers(n), complex_numbers(m), strict=True)]
    assert machine.vectors[0] == pack(parts(expected), esize)


# -- one operand -------------------------------------------------------------------------------------------------------


ONE: dict[str, Callable[[float], float]] = {
    "fabs": abs,
    "fneg": operator.neg,
    **{f"frint{mode}": (lambda n, f=f: math.copysign(f(n), n)) for mode, f in ROUNDING.items()},  # type: ignore[misc]
    "frinti": lambda n: math.copysign(round(n), n),
    "frintx": lambda n: math.copysign(round(n), n),
}
SIZED = {
    "frint32x": ONE["frintx"],
    "frint32z": ONE["frintz"],
    "frint64x": ONE["frintx"],
    "frint64z": ONE["frintz"],
}
ZERO: dict[str, Callable[[float], float]] = {
    "fcmeq": lambda n: mask(n == 0),
    "fcmge": lambda n: mask(n >= 0),
    "fcmgt": lambda n: mask(n > 0),
    "fcmle": lambda n: mask(n <= 0),
    "fcmlt": lambda n: mask(n < 0),
}


@pytest.mark.parametrize("mnemonic", [*ONE, *SIZED])
@pytest.mark.parametrize(("width", "esize"), SHAPES)
def test_one_operand(mnemonic: str, width: int, esize: int) -> None:
    if mnemonic in SIZED and esize == 16:
        return
    model, T, s = (ONE | SIZED)[mnemonic], arrangement(width, esize), LETTERS[esize]
    for seed in range(8):
        n = quarters(random.Random(seed), width // esize)
        machine = run(f"{mnemonic} v0.{T}, v1.{T}\n{mnemonic} {s}2, {s}1", v0=UPPER, v1=pack(n, esize), v2=UPPER)
        assert machine.vectors[0] == pack([model(a) for a in n], esize)
        assert machine.vectors[2] == bits(model(n[0]), esize)


@pytest.mark.parametrize(("width", "esize"), SHAPES)
def test_square_roots_and_estimates(width: int, esize: int) -> None:
    T, s = arrangement(width, esize), LETTERS[esize]
    n = [4.0 ** (i - 2) for i in range(width // esize)]
    text = "\n".join(f"{name} v{i}.{T}, v9.{T}" for i, name in enumerate(["fsqrt", "frecpe", "frsqrte"]))
    text += f"\nfsqrt {s}3, {s}9\nfrecpe {s}4, {s}9\nfrsqrte {s}5, {s}9\nfrecpx {s}6, {s}9"
    machine = run(text, v9=pack(n, esize))
    roots, estimates, root_estimates = (
        pack(v, esize) for v in ([a**0.5 for a in n], [511 / 512 / a for a in n], [511 / 512 / a**0.5 for a in n])
    )
    ones = (1 << esize) - 1
    assert machine.vectors[:6] == [
        roots, estimates, root_estimates, roots & ones, estimates & ones, root_estimates & ones,
    ]  # fmt: skip
    exponent = {16: 0x7C00, 32: 0x7F80_0000, 64: 0x7FF << 52}[esize]
    assert machine.vectors[6] == ~machine.vectors[9] & exponent


def test_integer_estimates() -> None:
    source = pack_integers([0x8000_0000, 0x4000_0000, 0x7FFF_FFFF, 0xFFFF_FFFF], 32)
    machine = run("urecpe v0.4s, v2.4s\nursqrte v1.4s, v2.4s\nurecpe v3.2s, v2.2s", v2=source, v3=UPPER)
    reciprocals = [0xFF80_0000, 0xFFFF_FFFF, 0xFFFF_FFFF, 0x8000_0000]
    assert machine.vectors[0] == pack_integers(reciprocals, 32)
    assert machine.vectors[1] == pack_integers([0xB480_0000, 0xFF80_0000, 0xB500_0000, 0x8000_0000], 32)
    assert machine.vectors[3] == pack_integers(reciprocals[:2], 32)


@pytest.mark.parametrize("mnemonic", ZERO)
@pytest.mark.parametrize(("width", "esize"), SHAPES)
def test_comparison_with_zero(mnemonic: str, width: int, esize: int) -> None:
    T, s = arrangement(width, esize), LETTERS[esize]
    for seed in range(6):
        rng = random.Random(seed)
        n = [rng.choice((0.0, -0.0, a)) for a in quarters(rng, width // esize)]
        machine = run(f"{mnemonic} v0.{T}, v1.{T}, #0.0\n{mnemonic} {s}2, {s}1, #0.0", v1=pack(n, esize), v2=-1)
        expected = masked([ZERO[mnemonic](a) for a in n], esize)
        assert machine.vectors[0] == expected
        assert machine.vectors[2] == expected & (1 << esize) - 1
