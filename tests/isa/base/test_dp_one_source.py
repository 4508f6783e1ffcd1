"""The meaning of data processing (1 source), against Python's integers and the compiler's builtins."""

from __future__ import annotations

import pytest
from hypothesis import given

from armexec import compile
from engines import AVAILABLE

from ..machine import execute
from .integers import signed, u64


@given(x=u64)
def test_counts_and_reversals(x: int) -> None:
    registers = {1: x}
    same = [x >> bit & 1 == x >> 63 for bit in range(62, -1, -1)]
    assert execute("cls x0, x1", registers).registers[0] == (*same, False).index(False)
    assert execute("clz w0, w1", registers).registers[0] == 32 - (x & 0xFFFF_FFFF).bit_length()
    data = x.to_bytes(8, "little")
    swapped = b"".join(data[place : place + 2][::-1] for place in range(0, 8, 2))
    assert execute("rev16 x0, x1", registers).registers[0] == int.from_bytes(swapped, "little")
    assert execute("rev16 w0, w1", registers).registers[0] == int.from_bytes(swapped[:4], "little")
    swapped = data[3::-1] + data[:3:-1]
    assert execute("rev32 x0, x1", registers).registers[0] == int.from_bytes(swapped, "little")
    assert execute("rbit x0, x1", registers).registers[0] == int(f"{x:064b}"[::-1], 2)


@given(x=u64)
def test_counts_of_ones_and_trailing_zeros(x: int) -> None:
    registers = {1: x}
    low = x & 0xFFFF_FFFF
    assert execute("cnt x0, x1", registers).registers[0] == x.bit_count()
    assert execute("cnt w0, w1", registers).registers[0] == low.bit_count()
    assert execute("ctz x0, x1", registers).registers[0] == (x & -x).bit_length() - 1 + 65 * (x == 0)
    assert execute("ctz w0, w1", registers).registers[0] == (low & -low).bit_length() - 1 + 33 * (low == 0)


@given(x=u64)
def test_absolute_value(x: int) -> None:
    assert execute("abs x0, x1", {1: x}).registers[0] == abs(signed(x))
    assert execute("abs w0, w1", {1: x}).registers[0] == abs(signed(x, 32))


@pytest.mark.parametrize("engine", [name for name in AVAILABLE if name != "native"])
def test_what_the_compiler_makes_of_builtins(engine: str) -> None:
    source = """
        int ones(unsigned long a) { return __builtin_popcountl(a); }
        int zeros(unsigned a) { return a ? __builtin_ctz(a) : 32; }
        long most(long a, long b) { return a > b ? a : b; }
        unsigned at_most_9(unsigned a) { return a < 9 ? a : 9; }
        int distance(int a) { return a < 0 ? -a : a; }
    """
    mod = compile(source, "c", "-O2", flags=("-march=armv8.9-a+cssc",), engine=engine)
    made = " ".join(mod[name].assembly for name in ("ones", "zeros", "most", "at_most_9", "distance"))
    assert {"cnt", "ctz", "smax", "umin", "abs"} <= set(made.split())
    assert (mod.ones(0xF0F0), mod.zeros(0), mod.zeros(40)) == (8, 32, 3)
    assert (mod.most(-5, 3), mod.at_most_9(100), mod.distance(-7)) == (3, 9, 7)


@given(pointer=u64, modifier=u64)
def test_disabled_keys_leave_pointers_alone(pointer: int, modifier: int) -> None:
    registers = {1: pointer, 31: modifier}
    for name in ("pacia", "pacib", "pacda", "pacdb", "autia", "autib", "autda", "autdb"):
        assert execute(f"{name} x1, sp", registers).registers[1] == pointer
    for name in ("paciza", "pacdzb", "autizb", "autdza"):
        assert execute(f"{name} x1", registers).registers[1] == pointer


@given(pointer=u64)
def test_stripped_pointers_are_addresses(pointer: int) -> None:
    low = pointer & (1 << 48) - 1
    expected = low | 0xFFFF << 48 if pointer >> 55 & 1 else low
    for text, number in (("xpaci x1", 1), ("xpacd x1", 1), ("xpaclri", 30)):
        assert execute(text, {number: pointer}).registers[number] == expected
