"""The meaning of arithmetic on registers, against Python's integers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ..machine import execute
from .integers import ONES, signed, u32, u64


@given(x=u64, y=u64, carry=st.booleans())
def test_add_and_subtract_with_carry(x: int, y: int, carry: bool) -> None:
    registers, nzcv = {1: x, 2: y}, 2 * carry
    added = execute("adcs x0, x1, x2", registers, nzcv=nzcv)
    assert added.registers[0] == (x + y + carry) & ONES
    assert added.NZCV.C.value == (x + y + carry > ONES)
    assert execute("adc w0, w1, w2", registers, nzcv=nzcv).registers[0] == (x + y + carry) & 0xFFFF_FFFF
    subtracted = execute("sbcs x0, x1, x2", registers, nzcv=nzcv)
    assert subtracted.registers[0] == (x - y - (not carry)) & ONES
    assert subtracted.NZCV.C.value == (x - y - (not carry) >= 0)
    assert execute("ngc x0, x2", registers, nzcv=nzcv).registers[0] == (-y - (not carry)) & ONES


EXTENDS = {
    "uxtb": lambda y: y & 0xFF,
    "uxth": lambda y: y & 0xFFFF,
    "uxtw": lambda y: y & 0xFFFF_FFFF,
    "sxtb": lambda y: signed(y, 8),
    "sxth": lambda y: signed(y, 16),
    "sxtw": lambda y: signed(y, 32),
}


@given(x=u64, y=u64, extend=st.sampled_from(sorted(EXTENDS)), amount=st.integers(0, 4))
def test_extended_register(x: int, y: int, extend: str, amount: int) -> None:
    extended = EXTENDS[extend](y) << amount
    machine = execute(f"add sp, x1, w2, {extend} #{amount}", {1: x, 2: y})
    assert machine.registers[31] == (x + extended) & ONES
    machine = execute(f"cmp sp, w2, {extend} #{amount}", {31: x, 2: y})
    assert machine.NZCV.Z.value == (x == extended & ONES)
    assert machine.NZCV.C.value == (x >= extended & ONES)


@given(x=u64, nzcv=st.integers(0, 15), mask=st.integers(0, 15), shift=st.integers(0, 63))
def test_rmif(x: int, nzcv: int, mask: int, shift: int) -> None:
    rotated = (x >> shift | x << 64 - shift) & 15
    machine = execute(f"rmif x1, #{shift}, #{mask}", {1: x}, nzcv=nzcv)
    assert machine.NZCV.value == rotated & mask | nzcv & ~mask


@given(x=u32, nzcv=st.integers(0, 15), width=st.sampled_from([8, 16]))
def test_setf(x: int, nzcv: int, width: int) -> None:
    flags = execute(f"setf{width} w1", {1: x}, nzcv=nzcv).NZCV
    assert flags.N.value == x >> (width - 1) & 1
    assert flags.Z.value == (x & (1 << width) - 1 == 0)
    assert flags.C.value == nzcv >> 1 & 1
    assert flags.V.value == (x >> width ^ x >> (width - 1)) & 1
