"""The meaning of data processing (register), against Python's integers and zlib."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armexec import compile
from engines import AVAILABLE

from .machine import execute

ONES = (1 << 64) - 1
u64 = st.integers(0, ONES) | st.sampled_from([0, 1, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 63) - 1, ONES])
u32 = u64.map(lambda value: value & 0xFFFF_FFFF)
conditions = st.sampled_from(["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"])


def signed(value: int, width: int = 64) -> int:
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value


def holds(condition: str, nzcv: int) -> bool:
    n, z, c, v = (bool(nzcv >> bit & 1) for bit in (3, 2, 1, 0))
    return {
        "eq": z,
        "ne": not z,
        "hs": c,
        "lo": not c,
        "mi": n,
        "pl": not n,
        "vs": v,
        "vc": not v,
        "hi": c and not z,
        "ls": not c or z,
        "ge": n == v,
        "lt": n != v,
        "gt": n == v and not z,
        "le": n != v or z,
    }[condition]


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


@given(x=u64)
def test_absolute_value(x: int) -> None:
    assert execute("abs x0, x1", {1: x}).registers[0] == abs(signed(x))
    assert execute("abs w0, w1", {1: x}).registers[0] == abs(signed(x, 32))


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


@given(pointer=u64, modifier=u64)
def test_pacga_is_a_code_in_the_upper_half(pointer: int, modifier: int) -> None:
    def code(x: int, y: int) -> int:
        return execute("pacga x0, x1, x2", {1: x, 2: y}).registers[0]

    assert code(pointer, modifier) & 0xFFFF_FFFF == 0
    assert code(pointer, modifier) == code(pointer, modifier)
    assert code(pointer, modifier) != code(pointer ^ 1, modifier) or code(pointer, modifier) != code(
        pointer ^ 2, modifier
    )
