"""Truncated and corrupted objects: an image or an armexec.Error, never anything else, and never for long."""

from __future__ import annotations

import random
import struct

import pytest

from armexec.errors import Error
from armexec.objects import load_image

from .helpers import GCC, compiled, gcc_compiled
from .sources import CPLUSPLUS, DATA

BASE = 0x4000_0000
INTERESTING = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 60, (1 << 64) - 1]


def seeds() -> list[bytes]:
    made = [
        compiled(DATA, "-gdwarf-5"),
        compiled(DATA, "-gdwarf-4", opt="-O0"),
        compiled(CPLUSPLUS, "-ffunction-sections", language="c++", opt="-O1"),
        compiled(DATA, target="apple"),
        compiled(CPLUSPLUS, language="c++", opt="-O0", target="apple"),
    ]
    return [*made, gcc_compiled(DATA, "-O2", "-g")] if GCC else made


def mutated(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    kind = rng.randrange(10)
    if kind == 0:
        return bytes(out[: rng.randrange(len(out))])
    for _ in range(rng.choice([1, 1, 2, 4, 16, 64])):
        # The headers, tables and DWARF are what is read; they stand at both ends.
        at = rng.choice(
            [
                rng.randrange(len(out)),
                rng.randrange(min(len(out), 64)),
                rng.randrange(min(len(out), 3000)),
                len(out) - 1 - rng.randrange(min(len(out), 3000)),
            ]
        )
        if kind < 4:
            out[at] = rng.randrange(256)
        elif kind < 6:
            out[at] ^= 1 << rng.randrange(8)
        elif kind < 9:
            size = rng.choice([1, 2, 4, 8])
            at &= -size
            value = struct.pack("<Q", rng.choice(INTERESTING))[:size]
            out[at : at + size] = value[: len(out) - at]
        else:
            other = rng.randrange(len(out))
            length = rng.randrange(1, 64)
            out[at : at + length] = out[other : other + length]
    return bytes(out)


def exercise(data: bytes) -> str:
    """Use all of an image; how far it went."""
    try:
        image = load_image(data, "fuzzed.o")
    except Error as e:
        return "refused" if "fuzzed.o" in str(e) else "refused without saying what"
    assert image.size <= 1 << 32
    reached = "loaded"
    try:
        for offset, content in image.place(BASE & -image.align, lambda name: BASE + 0x100000):
            assert offset >= 0
            assert offset + len(content) <= image.size
        reached = "placed"
    except Error:
        pass
    for f in image.functions[:40]:
        image.line_of(f.offset)
        image.symbol_at(f.offset)
        try:
            image.find(f.source_name)
            str(f.prototype)
            reached = "read"
        except Error:
            pass
    image.undefined()
    repr(image)
    return reached


def fuzz(count: int, seed: int) -> dict[str, int]:
    rng = random.Random(seed)
    reached = {"refused": 0, "loaded": 0, "placed": 0, "read": 0}
    sources = seeds()
    for i in range(count):
        data = mutated(sources[i % len(sources)], rng)
        try:
            reached[exercise(data)] += 1
        except Exception as e:
            raise AssertionError(f"mutation {i} of seed {seed}") from e
    return reached


def test_mutations() -> None:
    reached = fuzz(300, 1)
    # The mutations must reach all of the code, not just the first check.
    assert min(reached["refused"], reached["placed"], reached["read"]) >= 5, reached


@pytest.mark.long
def test_many_mutations() -> None:
    fuzz(10_000, 2)


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_truncated_at_every_place(target: str) -> None:
    data = compiled("int g = 4; int *h = &g; int fn(int num) { return num + g; }", opt="-O0", target=target)
    for length in range(0, len(data), 7):
        exercise(data[:length])
    assert exercise(data) == "read"
