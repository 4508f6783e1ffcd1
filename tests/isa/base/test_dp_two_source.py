"""The meaning of data processing (2 source), against Python's integers and zlib."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..machine import execute
from .integers import ONES, signed, u32, u64


@pytest.mark.parametrize(
    ("text", "x", "y", "quotient"),
    [
        ("udiv x0, x1, x2", 7, 0, 0),
        ("sdiv x0, x1, x2", 7, 0, 0),
        ("sdiv x0, x1, x2", 1 << 63, ONES, 1 << 63),
        ("sdiv w0, w1, w2", 1 << 31, ONES, 1 << 31),
        ("sdiv x0, x1, x2", -7 & ONES, 2, -3 & ONES),
        ("udiv x0, x1, x2", -7 & ONES, 2, (ONES - 6) // 2),
    ],
)
def test_divide(text: str, x: int, y: int, quotient: int) -> None:
    assert execute(text, {1: x, 2: y}).registers[0] == quotient


@given(x=u64, y=u64)
def test_minimum_and_maximum(x: int, y: int) -> None:
    for mnemonic, choose, is_signed in (
        ("smin", min, True),
        ("smax", max, True),
        ("umin", min, False),
        ("umax", max, False),
    ):
        for register, width in (("x", 64), ("w", 32)):
            ones = (1 << width) - 1
            text = f"{mnemonic} {register}0, {register}1, {register}2"
            values = (signed(x, width), signed(y, width)) if is_signed else (x & ones, y & ones)
            assert execute(text, {1: x, 2: y}).registers[0] == choose(values) & ones


@given(data=st.binary(min_size=8, max_size=8), start=u32)
def test_crc32_is_zlibs(data: bytes, start: int) -> None:
    # zlib complements the remainder before and after.
    expected = ~zlib.crc32(data, ~start & 0xFFFF_FFFF) & 0xFFFF_FFFF
    value = int.from_bytes(data, "little")
    assert execute("crc32x w0, w1, x2", {1: start, 2: value}).registers[0] == expected
    for size, letter in ((1, "b"), (2, "h"), (4, "w")):
        expected = ~zlib.crc32(data[:size], ~start & 0xFFFF_FFFF) & 0xFFFF_FFFF
        assert execute(f"crc32{letter} w0, w1, w2", {1: start, 2: value}).registers[0] == expected


def test_crc32c_check_value() -> None:
    # The check value of CRC-32C (RFC 3720, appendix B.4, and the catalogue of CRCs) for "123456789".
    remainder = 0xFFFF_FFFF
    remainder = execute("crc32cx w0, w1, x2", {1: remainder, 2: int.from_bytes(b"12345678", "little")}).registers[0]
    remainder = execute("crc32cb w0, w1, w2", {1: remainder, 2: ord("9")}).registers[0]
    assert remainder ^ 0xFFFF_FFFF == 0xE306_9283


@given(pointer=u64, modifier=u64)
def test_pacga_is_a_code_in_the_upper_half(pointer: int, modifier: int) -> None:
    def code(x: int, y: int) -> int:
        return execute("pacga x0, x1, x2", {1: x, 2: y}).registers[0]

    assert code(pointer, modifier) & 0xFFFF_FFFF == 0
    assert code(pointer, modifier) == code(pointer, modifier)
    assert code(pointer, modifier) != code(pointer ^ 1, modifier) or code(pointer, modifier) != code(
        pointer ^ 2, modifier
    )
