"""The meaning of multiplications, against Python's integers."""

from __future__ import annotations

from hypothesis import given

from ..machine import execute
from .integers import ONES, signed, u64


@given(x=u64, y=u64)
def test_multiply_high(x: int, y: int) -> None:
    assert execute("umulh x0, x1, x2", {1: x, 2: y}).registers[0] == x * y >> 64
    assert execute("smulh x0, x1, x2", {1: x, 2: y}).registers[0] == signed(x) * signed(y) >> 64 & ONES


@given(x=u64, y=u64, a=u64)
def test_multiply_long(x: int, y: int, a: int) -> None:
    registers = {1: x, 2: y, 3: a}
    product = signed(x, 32) * signed(y, 32)
    assert execute("smaddl x0, w1, w2, x3", registers).registers[0] == (a + product) & ONES
    assert execute("smsubl x0, w1, w2, x3", registers).registers[0] == (a - product) & ONES
    product = (x & 0xFFFF_FFFF) * (y & 0xFFFF_FFFF)
    assert execute("umaddl x0, w1, w2, x3", registers).registers[0] == (a + product) & ONES
    assert execute("umnegl x0, w1, w2", registers).registers[0] == -product & ONES
