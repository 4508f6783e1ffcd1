"""Dot and matrix products of bfloat16 numbers and of bytes, with numbers whose results are exact."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from ..machine import execute
from .floats import UPPER, bits, pack, pack_integers, quarters


def pack_bfloat16(numbers: Sequence[float]) -> int:
    return pack_integers([bits(n, 32) >> 16 for n in numbers], 16)


def groups(values: Sequence[float], count: int) -> list[Sequence[float]]:
    return [values[i : i + count] for i in range(0, len(values), count)]


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("width", [64, 128])
def test_dot_products_of_bfloat16(width: int) -> None:
    rng = random.Random(width)
    d, n, m = quarters(rng, width // 32), quarters(rng, width // 16), quarters(rng, 8)
    Ta, Tb = f"{width // 32}s", f"{width // 16}h"
    sources = {0: pack(d, 32) | UPPER * (width == 64), 1: pack_bfloat16(n), 23: pack_bfloat16(m)}
    expected = [c + dot(a, b) for c, a, b in zip(d, groups(n, 2), groups(m, 2), strict=False)]
    assert execute(f"bfdot v0.{Ta}, v1.{Tb}, v23.{Tb}", vectors=sources).vectors[0] == pack(expected, 32)
    for index, pair in enumerate(groups(m, 2)):
        expected = [c + dot(a, pair) for c, a in zip(d, groups(n, 2), strict=True)]
        assert execute(f"bfdot v0.{Ta}, v1.{Tb}, v23.2h[{index}]", vectors=sources).vectors[0] == pack(expected, 32)


@pytest.mark.parametrize(("mnemonic", "first"), [("bfmlalb", 0), ("bfmlalt", 1)])
def test_widening_products_of_bfloat16(mnemonic: str, first: int) -> None:
    rng = random.Random(mnemonic)
    d, n, m = quarters(rng, 4), quarters(rng, 8), quarters(rng, 8)
    sources = {0: pack(d, 32), 1: pack_bfloat16(n), 7: pack_bfloat16(m)}
    expected = [c + a * b for c, a, b in zip(d, n[first::2], m[first::2], strict=True)]
    assert execute(f"{mnemonic} v0.4s, v1.8h, v7.8h", vectors=sources).vectors[0] == pack(expected, 32)
    for index, factor in enumerate(m):
        expected = [c + a * factor for c, a in zip(d, n[first::2], strict=True)]
        assert execute(f"{mnemonic} v0.4s, v1.8h, v7.h[{index}]", vectors=sources).vectors[0] == pack(expected, 32)


def test_matrix_product_of_bfloat16() -> None:
    rng = random.Random(3)
    d, n, m = quarters(rng, 4), quarters(rng, 8), quarters(rng, 8)
    sources = {0: pack(d, 32), 1: pack_bfloat16(n), 2: pack_bfloat16(m)}
    products = [dot(row, column) for row in groups(n, 4) for column in groups(m, 4)]
    expected = pack([c + p for c, p in zip(d, products, strict=True)], 32)
    assert execute("bfmmla v0.4s, v1.8h, v2.8h", vectors=sources).vectors[0] == expected


def test_bfloat16_from_single_precision() -> None:
    n = [1.0, -2.5, 3.0, 1 + 2**-8]
    source = {1: pack(n, 32), 2: -1 & (1 << 128) - 1, 3: (1 << 64) - 1, 4: UPPER}
    machine = execute("bfcvtn v2.4h, v1.4s\nbfcvtn2 v3.8h, v1.4s\nbfcvt h4, s1", vectors=source)
    # The last is half way: to the even one.
    rounded = pack_bfloat16([1.0, -2.5, 3.0, 1.0])
    assert machine.vectors[2:5] == [rounded, (1 << 64) - 1 | rounded << 64, 0x3F80]


Sign = Callable[[Sequence[int]], list[int]]


def signed(values: Sequence[int]) -> list[int]:
    return [value - 256 if value > 127 else value for value in values]


def unsigned(values: Sequence[int]) -> list[int]:
    return list(values)


@pytest.mark.parametrize("width", [64, 128])
def test_dot_products_of_bytes(width: int) -> None:
    rng = random.Random(width)
    d = [rng.getrandbits(32) for _ in range(width // 32)]
    n, m = list(rng.randbytes(width // 8)), list(rng.randbytes(16))
    n[:4], m[:4] = [255] * 4, [128] * 4
    Ta, Tb = f"{width // 32}s", f"{width // 8}b"
    sources = {0: pack_integers(d, 32) | UPPER * (width == 64), 1: pack_integers(n, 8), 23: pack_integers(m, 8)}
    words = groups(signed(m), 4)
    expected = [c + dot(a, b) for c, a, b in zip(d, groups(n, 4), words, strict=False)]
    machine = execute(f"usdot v0.{Ta}, v1.{Tb}, v23.{Tb}", vectors=sources)
    assert machine.vectors[0] == pack_integers([int(e) for e in expected], 32)
    for index in range(4):
        for mnemonic, a_sign, b_sign in (("usdot", unsigned, signed), ("sudot", signed, unsigned)):
            word = b_sign(m[4 * index : 4 * index + 4])
            expected = [c + dot(a, word) for c, a in zip(d, groups(a_sign(n), 4), strict=True)]
            machine = execute(f"{mnemonic} v0.{Ta}, v1.{Tb}, v23.4b[{index}]", vectors=sources)
            assert machine.vectors[0] == pack_integers([int(e) for e in expected], 32)


@pytest.mark.parametrize(
    ("mnemonic", "a_sign", "b_sign"),
    [("smmla", signed, signed), ("ummla", unsigned, unsigned), ("usmmla", unsigned, signed)],
)
def test_matrix_products_of_bytes(mnemonic: str, a_sign: Sign, b_sign: Sign) -> None:
    rng = random.Random(mnemonic)
    for n, m in (([255] * 16, [128] * 16), (list(rng.randbytes(16)), list(rng.randbytes(16)))):
        d = [rng.getrandbits(32) for _ in range(4)]
        sources = {0: pack_integers(d, 32), 1: pack_integers(n, 8), 2: pack_integers(m, 8)}
        products = [dot(row, column) for row in groups(a_sign(n), 8) for column in groups(b_sign(m), 8)]
        expected = pack_integers([c + int(p) for c, p in zip(d, products, strict=True)], 32)
        assert execute(f"{mnemonic} v0.4s, v1.16b, v2.16b", vectors=sources).vectors[0] == expected
