"""Damaged inputs of readers: good ones with a few random changes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

__all__ = ["mutated", "outcomes"]

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 60, (1 << 64) - 1)
_ENDS = 3000
"""Bytes at both ends of a file in which there are headers, tables and DWARF, which is what is read."""


def mutated(data: bytes, chance: random.Random) -> bytes:
    """An input with a few changes: bits, bytes, numbers at their limits, pieces left out, repeated or copied; or only
    its beginning."""
    out = bytearray(data)
    if out and not chance.randrange(10):
        return bytes(out[: chance.randrange(len(out))])
    moves = not chance.randrange(5)
    for _ in range(chance.choice((1, 1, 2, 4, 8, 16, 64))):
        if not out:
            break
        at = _place(len(out), chance)
        what = chance.randrange(6 if moves else 4)
        length = min(chance.choice((1, 2, 4, 8, 16, 64)), len(out) - at)
        if what == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            out[at] = chance.randrange(256)
        elif what == 2:
            size = chance.choice((1, 2, 4, 8))
            at &= -size
            out[at : at + size] = chance.choice(_NUMBERS).to_bytes(8, "little")[:size][: len(out) - at]
        elif what == 3:
            other = chance.randrange(len(out))
            out[at : at + length] = out[other : other + length].ljust(length, b"\0")
        elif what == 4:
            del out[at : at + length]
        else:
            out[at:at] = out[at : at + length]
    return bytes(out)


def _place(size: int, chance: random.Random) -> int:
    near = min(size, _ENDS)
    return chance.choice(
        (
            chance.randrange(size),
            chance.randrange(min(size, 64)),
            chance.randrange(near),
            size - 1 - chance.randrange(near),
        )
    )


def outcomes(seeds: Sequence[bytes], count: int, seed: int, use: Callable[[bytes], str]) -> Counter[str]:
    """What `use` makes of damaged inputs, each with how often. It mustn't raise anything."""
    chance = random.Random(seed)
    found: Counter[str] = Counter()
    for number in range(count):
        data = mutated(seeds[number % len(seeds)], chance)
        try:
            found[use(data)] += 1
        except Exception as error:
            raise AssertionError(f"mutation {number} of seed {seed}") from error
    return found
