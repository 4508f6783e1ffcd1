"""The meaning of data processing (immediate), against Python's integers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ..machine import execute
from .integers import signed, u64


@given(x=u64, imm=st.integers(-128, 127))
def test_signed_minimum_and_maximum(x: int, imm: int) -> None:
    for register, width in (("x", 64), ("w", 32)):
        ones = (1 << width) - 1
        found = execute(f"smax {register}0, {register}1, #{imm} \n smin {register}2, {register}1, #{imm}", {1: x})
        assert found.registers[0] == max(signed(x, width), imm) & ones
        assert found.registers[2] == min(signed(x, width), imm) & ones


@given(x=u64 | st.integers(0, 512), imm=st.integers(0, 255))
def test_unsigned_minimum_and_maximum(x: int, imm: int) -> None:
    for register, width in (("x", 64), ("w", 32)):
        ones = (1 << width) - 1
        found = execute(f"umax {register}0, {register}1, #{imm} \n umin {register}2, {register}1, #{imm}", {1: x})
        assert found.registers[0] == max(x & ones, imm)
        assert found.registers[2] == min(x & ones, imm)
