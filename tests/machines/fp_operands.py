"""Operands that matter to floating point, and modes to compute under."""

from __future__ import annotations

import random
from functools import cache

from .fp_model import KINDS, Kind

FZ16, RMODE, FZ, DN, AHP = 1 << 19, 1 << 22, 1 << 24, 1 << 25, 1 << 26

ALL_MODES = [
    rounding * RMODE | fz16 * FZ16 | fz * FZ | dn * DN | ahp * AHP
    for rounding in range(4)
    for fz16 in range(2)
    for fz in range(2)
    for dn in range(2)
    for ahp in range(2)
]


@cache
def interesting(width: int) -> list[int]:
    """Of both signs: zeros, denormals, the ends of the normal numbers, integers, halfway cases, infinities and NaNs."""
    kind = KINDS[width]
    one = kind.bias << kind.f
    least = 1 << kind.f
    magnitudes = [0, 1, 2, 3, least >> 1, (least >> 1) + 1, least >> 2, least - 1]
    magnitudes += [least, least + 1, 2 * least - 1, 2 * least]
    magnitudes += [one - least, one - 1, one, one + 1, one + least - 1, one + least // 2, one + least]
    magnitudes += [kind.inf - 1, kind.inf - 2, kind.inf - least, kind.inf - least // 2]
    magnitudes += [
        kind.inf,
        kind.inf + 1,
        kind.nan - 1,
        kind.nan,
        kind.nan + 5,
        kind.inf + 0x155,
        2 * kind.minus // 2 - 1,
    ]
    # Where integers of 16, 32 and 64 bits end, and where the format has no more halves.
    for exponent in (15, 16, 31, 32, 63, 64, kind.f - 1, kind.f, kind.f + 1):
        if exponent <= kind.bias:
            pattern = kind.bias + exponent << kind.f
            magnitudes += [pattern - 1, pattern, pattern + 1]
    magnitudes += [kind.bias + 1 << kind.f | 1 << kind.f - 2, one - 2 * least, 3 * kind.f << kind.f]
    magnitudes = sorted({m for m in magnitudes if 0 <= m < kind.minus})
    return magnitudes + [m | kind.minus for m in magnitudes]


def number(rng: random.Random, kind: Kind) -> int:
    """A pattern: now and then an interesting one, else one near 1, often with few bits, so that ties happen."""
    choice = rng.random()
    if choice < 0.3:
        return rng.choice(interesting(kind.width))
    if choice < 0.4:
        return rng.getrandbits(kind.width)
    spread = kind.bias if choice < 0.5 else min(kind.f + 2, kind.bias - 1)
    exponent = kind.bias + rng.randint(-spread, spread)
    fraction = rng.getrandbits(kind.f)
    if rng.random() < 0.6:
        fraction &= -1 << rng.randrange(kind.f)
    return rng.getrandbits(1) * kind.minus | exponent << kind.f | fraction
