"""Floating-point numbers in registers, for tests of what instructions do with them.

The numbers are such that sums and products are exact in every precision: rounding, NaNs and the modes belong to the
machines' own tests. Here it is which operands go where, in which order, and into what.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Sequence

from armexec.machines.interpreter.machine import ReferenceMachine

from ..machine import execute

MASK64 = (1 << 64) - 1
FORMATS = {16: "e", 32: "f", 64: "d"}
LETTERS = {16: "h", 32: "s", 64: "d"}
SHAPES = [(64, 16), (128, 16), (64, 32), (128, 32), (128, 64)]
SIZES = [16, 32, 64]


def bits(number: float, size: int) -> int:
    return int.from_bytes(struct.pack(f"<{FORMATS[size]}", number), "little")


def pack(numbers: Sequence[float], esize: int) -> int:
    return sum(bits(n, esize) << i * esize for i, n in enumerate(numbers))


def pack_integers(integers: Sequence[int], esize: int) -> int:
    return sum((n & (1 << esize) - 1) << i * esize for i, n in enumerate(integers))


def arrangement(width: int, esize: int) -> str:
    return f"{width // esize}{LETTERS[esize]}"


def quarters(rng: random.Random, count: int) -> list[float]:
    """Numbers that aren't alike, and whose products and sums are exact in half precision."""
    return [rng.choice((-1, 1)) * (value / 4) for value in rng.sample(range(1, 32), count)]


def powers(rng: random.Random, count: int) -> list[float]:
    return [rng.choice((-1.0, 1.0)) * 2.0 ** rng.randrange(-3, 4) for _ in range(count)]


UPPER = 0x5555_5555_5555_5555 << 64
"""What a write of 64 bits must clear."""


def run(text: str, **vectors: int) -> ReferenceMachine:
    return execute(text, vectors={int(name[1:]): value for name, value in vectors.items()})


def flags(machine: ReferenceMachine) -> int:
    nzcv = machine.NZCV
    return nzcv.N.value << 3 | nzcv.Z.value << 2 | nzcv.C.value << 1 | nzcv.V.value


def away(n: float) -> float:
    return math.copysign(math.floor(abs(n) + 0.5), n)


ROUNDING: dict[str, Callable[[float], float]] = {
    "n": round,
    "m": math.floor,
    "p": math.ceil,
    "z": math.trunc,
    "a": away,
}
