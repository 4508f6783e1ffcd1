"""Stores that wait for the guard of what they store."""

from __future__ import annotations

import ctypes
import math
import struct

import pytest

import armexec
from armexec.errors import MemoryFault

DEFAULT = 0x7FF8_0000_0000_0000
"""Arm's default NaN; x86's has the sign set."""
INFINITY = math.inf

# x0: two numbers that are updated by what is at x1; then two at x2, by other numbers of x1.
UPDATES = """
    ldr q0, [x0]
    ldp q1, q2, [x1]
    ldr d3, [x2]
    ldr d4, [x2, #24]
    fsub v0.2d, v0.2d, v1.2d
    str q0, [x0]
    ldr q5, [x2, #8]
    fadd v5.2d, v5.2d, v2.2d
    str q5, [x2, #8]
    fmul d3, d3, d4
    str d3, [x2]
    ret
"""


def _bits(value: float) -> int:
    return int.from_bytes(struct.pack("<d", value), "little")


def _updates(values: dict[int, float | int], places: tuple[int, int, int], engine: str) -> list[int]:
    """Doublewords 0-15 after UPDATES; `places`: those that x0, x1 and x2 point to."""
    words = (ctypes.c_uint64 * 16)(*(_bits(i + 0.5) for i in range(16)))
    for i, value in values.items():
        words[i] = value if isinstance(value, int) else _bits(value)
    at = ctypes.addressof(words)
    armexec.function(UPDATES, "void(void *, void *, void *)", engine=engine)(*(at + 8 * i for i in places))
    return list(words)


@pytest.mark.parametrize("where", [0, 1, 5, 6, 8, 9, 10, 11])
@pytest.mark.parametrize("places", [(0, 4, 8), (0, 4, 0), (1, 4, 0), (9, 4, 8), (0, 1, 2)])
def test_a_nan_is_right_wherever_it_comes_up(where: int, places: tuple[int, int, int]) -> None:
    values: dict[int, float | int] = {where: INFINITY, where ^ 4: INFINITY, 7: 0xFFF0_0000_0000_0123}
    for bits in ({}, values, {where: 0x7FF0_0000_0000_0001}, {10: INFINITY, 7: -INFINITY}, {0: INFINITY, 4: INFINITY}):
        assert _updates(bits, places, "translated") == _updates(bits, places, "reference")


def test_two_nans_in_a_row() -> None:
    words = _updates({0: INFINITY, 4: INFINITY, 9: -INFINITY, 6: INFINITY}, (0, 4, 8), "translated")
    assert words[0] == words[9] == DEFAULT
    assert words[1] == _bits(1.5 - 5.5)


@pytest.mark.parametrize("engine", ["translated", "reference"])
@pytest.mark.parametrize("second", ["ldr d1, [x1]", "str d1, [x1]", "ldr d3, [x0, #4000]\n ldr d1, [x1]", "udf #0"])
def test_memory_is_right_when_something_faults_after_the_store(engine: str, second: str) -> None:
    text = f"""
        ldr d0, [x0]
        fsub d0, d0, d0
        str d0, [x0]
        {second}
        fadd d1, d1, d0
        str d1, [x0, #8]
        ret
    """
    words = (ctypes.c_uint64 * 1024)(_bits(INFINITY))
    with pytest.raises((MemoryFault, armexec.IllegalInstruction)):
        armexec.function(text, "void(void *, unsigned long)", engine=engine)(ctypes.addressof(words), 8)
    assert words[0] == DEFAULT


def test_stores_to_one_place_stay_in_their_order() -> None:
    text = """
        ldr d0, [x0]
        str x2, [x1]
        ldr d1, [x1]
        fsub d1, d1, d1
        str d1, [x0]
        fadd d2, d1, d0
        str d2, [x0, #8]
        ret
    """
    words = (ctypes.c_uint64 * 2)(_bits(1.0), 0)
    at = ctypes.addressof(words)
    armexec.function(text, "void(void *, void *, unsigned long)", engine="translated")(at, at, _bits(INFINITY))
    assert list(words) == [DEFAULT, DEFAULT]
