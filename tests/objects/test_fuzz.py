"""Truncated and corrupted objects: an image or an armexec.Error, never anything else, and never for long."""

from __future__ import annotations

import pytest
from tests.mutations import outcomes

from armexec.errors import Error
from armexec.objects import load_image

from .helpers import GCC, compiled, gcc_compiled
from .sources import CPLUSPLUS, DATA

BASE = 0x4000_0000


def seeds() -> list[bytes]:
    made = [
        compiled(DATA, "-gdwarf-5"),
        compiled(DATA, "-gdwarf-4", opt="-O0"),
        compiled(CPLUSPLUS, "-ffunction-sections", language="c++", opt="-O1"),
        compiled(DATA, target="apple"),
        compiled(CPLUSPLUS, language="c++", opt="-O0", target="apple"),
    ]
    return [*made, gcc_compiled(DATA, "-O2", "-g")] if GCC else made


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


OUTCOMES = {"refused", "loaded", "placed", "read"}


def test_mutations() -> None:
    reached = outcomes(seeds(), 300, 1, exercise)
    assert reached.keys() <= OUTCOMES
    # The mutations must reach all of the code, not just the first check.
    assert min(reached["refused"], reached["placed"], reached["read"]) >= 5, reached


@pytest.mark.long
def test_many_mutations() -> None:
    assert outcomes(seeds(), 10_000, 2, exercise).keys() <= OUTCOMES


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_truncated_at_every_place(target: str) -> None:
    data = compiled("int g = 4; int *h = &g; int fn(int num) { return num + g; }", opt="-O0", target=target)
    for length in range(0, len(data), 7):
        exercise(data[:length])
    assert exercise(data) == "read"
