"""The meaning of conditional compares and selects, against Python's integers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ..machine import execute
from .integers import ONES, conditions, holds, u64


@given(x=u64, y=u64, nzcv=st.integers(0, 15), given=st.integers(0, 15), condition=conditions)
def test_conditional_compare(x: int, y: int, nzcv: int, given: int, condition: str) -> None:
    machine = execute(f"ccmp x1, x2, #{given}, {condition}", {1: x, 2: y}, nzcv=nzcv)
    if holds(condition, nzcv):
        assert machine.NZCV.value == execute("cmp x1, x2", {1: x, 2: y}).NZCV.value
    else:
        assert machine.NZCV.value == given


@given(x=u64, y=u64, nzcv=st.integers(0, 15), condition=conditions)
def test_conditional_select(x: int, y: int, nzcv: int, condition: str) -> None:
    registers, true = {1: x, 2: y}, holds(condition, nzcv)
    for name, otherwise in (("csel", y), ("csinc", y + 1), ("csinv", ~y), ("csneg", -y)):
        machine = execute(f"{name} x0, x1, x2, {condition}", registers, nzcv=nzcv)
        assert machine.registers[0] == (x if true else otherwise & ONES)
    assert execute(f"cset w0, {condition}", nzcv=nzcv).registers[0] == true
    assert execute(f"csetm x0, {condition}", nzcv=nzcv).registers[0] == (ONES if true else 0)
