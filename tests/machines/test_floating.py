"""The reference machine's floating point against the independent model, known vectors, and the host's arithmetic."""

from __future__ import annotations

import math
import operator
import random
import struct
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armexec.isa.machine import Machine, Rounding
from armexec.machines import system
from armexec.machines.interpreter.machine import Memory, ReferenceMachine
from armexec.machines.interpreter.values import Bits, Elements

from . import fp_model as model
from .fp_model import DOUBLE, HALF, KINDS, SINGLE, Modes
from .fp_operands import AHP, ALL_MODES, DN, FZ, FZ16, RMODE, interesting, number

UNARY = [
    "square_root",
    "reciprocal_estimate",
    "reciprocal_exponent",
    "reciprocal_square_root_estimate",
]
BINARY = [
    "add",
    "subtract",
    "multiply",
    "multiply_extended",
    "divide",
    "maximum",
    "minimum",
    "maximum_number",
    "minimum_number",
    "equal",
    "greater_equal",
    "greater",
    "reciprocal_step",
    "reciprocal_square_root_step",
]
WIDTHS = [16, 32, 64]
INTEGER_ROUNDINGS = {
    Rounding.TIEEVEN: "even",
    Rounding.POSINF: "up",
    Rounding.NEGINF: "down",
    Rounding.ZERO: "zero",
    Rounding.TIEAWAY: "away",
    Rounding.CURRENT: None,
}


class _NoMemory(Memory):
    def read(self, address: int, size: int) -> bytes:
        raise AssertionError

    def write(self, address: int, data: bytes) -> None:
        raise AssertionError


MACHINE: Any = ReferenceMachine(_NoMemory())


def execute(fpcr: int, name: str, *operands: tuple[int, int], **options: Any) -> tuple[int, int]:
    """A method of the machine on (width, bits): the result's bits and the flags."""
    MACHINE.system_registers[system.FPCR] = fpcr
    MACHINE.system_registers[system.FPSR] = 0
    result = getattr(MACHINE, name)(*(Bits(*operand) for operand in operands), **options)
    return result.value, MACHINE.system_registers[system.FPSR]


def check(fpcr: int, name: str, width: int, bits: tuple[int, ...], expected: tuple[int, int], **options: Any) -> None:
    found = execute(fpcr, name, *((width, b) for b in bits), **options)
    shown = ", ".join(f"0x{b:0{width // 4}x}" for b in bits)
    assert found == expected, (
        f"{name}({shown}, {options}) with FPCR 0x{fpcr:x}: "
        f"0x{found[0]:x} flags 0x{found[1]:x}, the model says 0x{expected[0]:x} flags 0x{expected[1]:x}"
    )


def samples(seed: str, width: int, arity: int, count: int) -> list[tuple[int, ...]]:
    rng = random.Random(seed)
    return [tuple(number(rng, KINDS[width]) for _ in range(arity)) for _ in range(count)]


def compare_operation(name: str, width: int, operands: list[tuple[int, ...]], modes: list[int]) -> None:
    function: Callable[..., tuple[int, int]] = getattr(model, name)
    for i, bits in enumerate(operands):
        fpcr = modes[i % len(modes)]
        check(fpcr, f"fp_{name}", width, bits, function(Modes.of(fpcr), KINDS[width], *bits))


# An odd number of modes, so that they don't run in step with operands.
SAMPLED_MODES = random.Random("modes").sample(ALL_MODES, 37)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str, width: int) -> None:
    operands = samples(f"{name}/{width}", width, 2, 300)
    compare_operation(name, width, operands, SAMPLED_MODES)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "name", ["add", "multiply", "divide", "multiply_extended", "maximum_number", "reciprocal_step"]
)
def test_special_pairs(name: str, width: int) -> None:
    """Zeros, a normal number, infinities and NaNs against each other, in the plainest mode."""
    kind = KINDS[width]
    special = [0, 1, kind.bias << kind.f, kind.inf, kind.inf + 1, kind.nan + 3]
    special += [s | kind.minus for s in special]
    compare_operation(name, width, [(a, b) for a in special for b in special], [0])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, width: int) -> None:
    operands = [(bits,) for bits in interesting(width)] * 3 + samples(f"{name}/{width}", width, 1, 200)
    compare_operation(name, width, operands, SAMPLED_MODES)


@pytest.mark.parametrize("width", WIDTHS)
def test_multiply_add(width: int) -> None:
    kind = KINDS[width]
    special = [0, kind.bias << kind.f, kind.inf, kind.inf + 1, kind.nan + 3, kind.minus, kind.minus | kind.inf]
    triples = [(a, b, c) for a in special for b in special for c in special]
    triples += samples(f"fma/{width}", width, 3, 800)
    # Sums that nearly cancel: the addend is the product, rounded.
    for _, a, b in samples(f"cancel/{width}", width, 3, 300):
        product, _ = model.multiply(Modes(), kind, a, b)
        triples.append((product ^ kind.minus, a, b))
    compare_operation("multiply_add", width, triples, SAMPLED_MODES)


def test_multiply_add_long() -> None:
    rng = random.Random("fmlal")
    for i in range(700):
        c, a, b = number(rng, SINGLE), number(rng, HALF), number(rng, HALF)
        fpcr = SAMPLED_MODES[i % len(SAMPLED_MODES)]
        expected = model.multiply_add_long(Modes.of(fpcr), SINGLE, c, a, b)
        assert execute(fpcr, "fp_multiply_add_long", (32, c), (16, a), (16, b)) == expected, (hex(fpcr), c, a, b)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("signal", [False, True])
def test_compare(width: int, signal: bool) -> None:
    pairs = samples(f"compare/{width}", width, 2, 300)
    pairs += [(a, a) for a in interesting(width)]
    for i, (a, b) in enumerate(pairs):
        fpcr = SAMPLED_MODES[i % len(SAMPLED_MODES)]
        expected = model.compare(Modes.of(fpcr), KINDS[width], a, b, signal=signal)
        check(fpcr, "fp_compare", width, (a, b), expected, signal=signal)


@pytest.mark.parametrize("target", WIDTHS)
@pytest.mark.parametrize("width", WIDTHS)
def test_convert(width: int, target: int) -> None:
    if width != target:
        operands = interesting(width) * 2 + [a for (a,) in samples(f"convert/{width}", width, 1, 300)]
        if target < width:
            operands += near_ties(width, target)
        for i, a in enumerate(operands):
            convert_one(SAMPLED_MODES[i % len(SAMPLED_MODES)], width, target, a, Rounding.CURRENT)
            if width == 64 and target == 32:
                convert_one(SAMPLED_MODES[i % len(SAMPLED_MODES)], width, target, a, Rounding.ODD)


def near_ties(width: int, target: int) -> list[int]:
    """Numbers halfway between two of the target's, and beside: normal, denormal and at the ends of its range."""
    wide, narrow = KINDS[width], KINDS[target]
    rng = random.Random(f"ties/{width}/{target}")
    exponents = [
        -narrow.bias - narrow.f,
        -narrow.bias - narrow.f + 1,
        -narrow.bias - 3,
        -narrow.bias,
        1 - narrow.bias,
        0,
    ]
    found = []
    for exponent in [*exponents, narrow.bias - 1, narrow.bias, narrow.bias + 1]:
        kept = max(min(narrow.f, narrow.f + exponent + narrow.bias - 1), 0)
        for _ in range(4):
            fraction = (rng.getrandbits(kept + 1) | 1) << (wide.f - kept - 1)
            pattern = (exponent + wide.bias << wide.f) + fraction
            found += [pattern - 1, pattern, pattern + 1, wide.minus | pattern]
        found.append((exponent + wide.bias << wide.f) + (1 << wide.f) - 1)
    return found


def convert_one(fpcr: int, width: int, target: int, a: int, rounding: Rounding) -> None:
    odd = "odd" if rounding is Rounding.ODD else None
    expected = model.convert(Modes.of(fpcr), KINDS[width], a, target=KINDS[target], rounding=odd)
    found = execute_convert(fpcr, width, target, a, rounding)
    assert found == expected, f"0x{a:x}, {width} to {target} bits, FPCR 0x{fpcr:x}, {rounding.name}"


def execute_convert(fpcr: int, width: int, target: int, a: int, rounding: Rounding) -> tuple[int, int]:
    MACHINE.system_registers.update({system.FPCR: fpcr, system.FPSR: 0})
    result = MACHINE.fp_convert(Bits(width, a), target, rounding=rounding)
    assert result.width == target
    return result.value, MACHINE.system_registers[system.FPSR]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("width", WIDTHS)
def test_to_fixed(width: int, size: int, signed: bool) -> None:
    rng = random.Random(f"to fixed/{width}/{size}/{signed}")
    operands = interesting(width) + [number(rng, KINDS[width]) for _ in range(200)]
    for a in operands:
        to_fixed_one(rng.choice(ALL_MODES), width, size, signed, a, rng.choice([0, 0, 1, size // 2, size]), rng)


def to_fixed_one(
    fpcr: int, width: int, size: int, signed: bool, a: int, fraction_bits: int, rng: random.Random
) -> None:
    rounding = rng.choice(list(INTEGER_ROUNDINGS))
    expected = model.to_fixed(
        Modes.of(fpcr),
        KINDS[width],
        a,
        size=size,
        signed=signed,
        rounding=INTEGER_ROUNDINGS[rounding],
        fraction_bits=fraction_bits,
    )
    MACHINE.system_registers.update({system.FPCR: fpcr, system.FPSR: 0})
    result = MACHINE.fp_to_fixed(Bits(width, a), size, signed=signed, rounding=rounding, fraction_bits=fraction_bits)
    found = result.value, MACHINE.system_registers[system.FPSR]
    assert result.width == size
    assert found == expected, (hex(a), width, size, signed, fraction_bits, rounding, hex(fpcr))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("source", WIDTHS)
@pytest.mark.parametrize("width", WIDTHS)
def test_from_fixed(width: int, source: int, signed: bool) -> None:
    rng = random.Random(f"from fixed/{width}/{source}/{signed}")
    kind = KINDS[width]
    ends = [0, 1, 2, 3, 1 << source - 1, (1 << source - 1) - 1, (1 << source) - 1, (1 << source - 1) + 1]
    # One bit too many for the mantissa: ties.
    ties = [((rng.getrandbits(kind.f + 2) | 1 << kind.f + 1 | 1) << rng.randrange(8)) % 2**source for _ in range(100)]
    for a in ends * 4 + ties + [rng.getrandbits(rng.randint(1, source)) for _ in range(100)]:
        fpcr, fraction_bits = rng.choice(ALL_MODES), rng.choice([0, 0, 1, source // 2, source])
        expected = model.from_fixed(Modes.of(fpcr), kind, a, source=source, signed=signed, fraction_bits=fraction_bits)
        MACHINE.system_registers.update({system.FPCR: fpcr, system.FPSR: 0})
        result = MACHINE.fp_from_fixed(Bits(source, a), width, signed=signed, fraction_bits=fraction_bits)
        found = result.value, MACHINE.system_registers[system.FPSR]
        assert result.width == width
        assert found == expected, (hex(a), width, source, signed, fraction_bits, hex(fpcr))


def test_to_fixed_javascript() -> None:
    operands = interesting(64) * 4 + [a for (a,) in samples("js", 64, 1, 400)]
    operands += [struct.unpack("<Q", struct.pack("<d", x))[0] for x in (2.0**31, -(2.0**31), 2.0**32 + 5, 1e300, -1e20)]
    for i, a in enumerate(operands):
        fpcr = SAMPLED_MODES[i % len(SAMPLED_MODES)]
        MACHINE.system_registers.update({system.FPCR: fpcr, system.FPSR: 0})
        integer, exact = MACHINE.fp_to_fixed_javascript(Bits(64, a))
        found = integer.value, exact.value, MACHINE.system_registers[system.FPSR]
        assert (integer.width, exact.width) == (32, 1)
        assert found == model.to_fixed_javascript(Modes.of(fpcr), DOUBLE, a), (hex(a), hex(fpcr))


@pytest.mark.parametrize("width", WIDTHS)
def test_round_integral(width: int) -> None:
    rng = random.Random(f"round/{width}")
    operands = interesting(width) * 4 + [number(rng, KINDS[width]) for _ in range(400)]
    for a in operands:
        round_integral_one(rng.choice(ALL_MODES), width, a, rng.choice(list(INTEGER_ROUNDINGS)), rng.random() < 0.5)


def round_integral_one(fpcr: int, width: int, a: int, rounding: Rounding, exact: bool) -> None:
    name = INTEGER_ROUNDINGS[rounding]
    expected = model.round_integral(Modes.of(fpcr), KINDS[width], a, rounding=name, exact=exact)
    check(fpcr, "fp_round_integral", width, (a,), expected, rounding=rounding, exact=exact)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("width", [32, 64])
def test_round_integral_sized(width: int, size: int) -> None:
    rng = random.Random(f"round/{width}/{size}")
    for a in interesting(width) * 2 + [number(rng, KINDS[width]) for _ in range(300)]:
        fpcr, rounding = rng.choice(ALL_MODES), rng.choice([Rounding.ZERO, Rounding.CURRENT])
        name = INTEGER_ROUNDINGS[rounding]
        expected = model.round_integral_sized(Modes.of(fpcr), KINDS[width], a, size=size, rounding=name)
        check(fpcr, "fp_round_integral_sized", width, (a,), expected, size=size, rounding=rounding)


def test_bf16_convert() -> None:
    rng = random.Random("bfcvt")
    operands = interesting(32) + [number(rng, SINGLE) for _ in range(600)]
    # Halfway between two bfloat16 numbers and beside, denormal ones too.
    operands += [rng.getrandbits(16) << 16 | low for low in (0x7FFF, 0x8000, 0x8001) for _ in range(200)]
    operands += [rng.getrandbits(7) << 16 | low for low in (0x7FFF, 0x8000, 0x8001) for _ in range(50)]
    for i, a in enumerate(operands):
        fpcr = SAMPLED_MODES[i % len(SAMPLED_MODES)]
        check(fpcr, "bf16_convert", 32, (a,), model.bf16_convert(Modes.of(fpcr), SINGLE, a))


def bfloat(rng: random.Random) -> int:
    return number(rng, SINGLE) >> 16


def test_bf16_dot() -> None:
    rng = random.Random("bfdot")
    for _ in range(700):
        a, b = [bfloat(rng), bfloat(rng)], [bfloat(rng), bfloat(rng)]
        addend = number(rng, SINGLE)
        MACHINE.system_registers.update({system.FPCR: rng.choice(ALL_MODES), system.FPSR: 0})
        result = MACHINE.bf16_dot(Elements(32, [addend]), Elements(16, a), Elements(16, b))
        assert result.values == [model.bf16_dot(addend, *a, *b)], (hex(addend), a, b)
        assert MACHINE.system_registers[system.FPSR] == 0


# -- known vectors -----------------------------------------------------------------------------------------------

KNOWN: list[tuple[str, int, int, tuple[int, ...], int, int]] = [
    # name, FPCR, width, operands, result, flags
    ("fp_add", 0, 32, (0x3F80_0000, 0x3380_0000), 0x3F80_0000, 0x10),  # 1 + 2**-24: a tie, to even
    ("fp_add", RMODE, 32, (0x3F80_0000, 0x3380_0000), 0x3F80_0001, 0x10),
    ("fp_add", 2 * RMODE, 32, (0x3F80_0000, 0xBF80_0000), 0x8000_0000, 0),  # 1 - 1 is -0 rounding down
    ("fp_add", 0, 32, (0x7F80_0000, 0xFF80_0000), 0x7FC0_0000, 0x01),  # the default NaN is positive
    ("fp_add", 0, 32, (0x7FC0_0001, 0xFF80_0002), 0xFFC0_0002, 0x01),  # a signalling NaN comes first
    ("fp_add", DN, 32, (0x7FC0_0001, 0xFF80_0002), 0x7FC0_0000, 0x01),
    ("fp_add", FZ, 32, (0x0000_0001, 0x8000_0001), 0x0000_0000, 0x80),
    ("fp_add", FZ16, 16, (0x0001, 0x0001), 0x0000, 0),  # halves are flushed silently
    ("fp_multiply", 0, 64, (0x0010_0000_0000_0000, 0x3FE0_0000_0000_0000), 0x0008_0000_0000_0000, 0),
    ("fp_multiply", FZ, 64, (0x0010_0000_0000_0000, 0x3FE0_0000_0000_0000), 0, 0x08),
    # The largest denormal and more, rounded up to the least normal number: an underflow all the same.
    ("fp_multiply", 0, 32, (0x3F7F_FFFF, 0x0080_0000), 0x0080_0000, 0x18),
    ("fp_multiply", 3 * RMODE, 32, (0x7F7F_FFFF, 0x4000_0000), 0x7F7F_FFFF, 0x14),
    ("fp_multiply_extended", 0, 32, (0xFF80_0000, 0), 0xC000_0000, 0),
    ("fp_divide", 0, 32, (0x3F80_0000, 0x8000_0000), 0xFF80_0000, 0x02),
    ("fp_divide", 0, 32, (0x3F80_0000, 0x4040_0000), 0x3EAA_AAAB, 0x10),
    ("fp_square_root", 0, 32, (0x8000_0000,), 0x8000_0000, 0),
    ("fp_square_root", 0, 32, (0xBF80_0000,), 0x7FC0_0000, 0x01),
    # A quiet NaN plus infinity times zero is the default NaN, but a signalling one wins.
    ("fp_multiply_add", 0, 32, (0x7FC1_2345, 0x7F80_0000, 0), 0x7FC0_0000, 0x01),
    ("fp_multiply_add", 0, 32, (0x7F81_2345, 0x7F80_0000, 0), 0x7FC1_2345, 0x01),
    ("fp_reciprocal_estimate", 0, 32, (0x3F80_0000,), 0x3F7F_8000, 0),
    ("fp_reciprocal_estimate", 0, 32, (0x4040_0000,), 0x3EAA_8000, 0),
    ("fp_reciprocal_estimate", 3 * RMODE, 32, (0x0010_0000,), 0x7F7F_FFFF, 0x14),
    ("fp_reciprocal_square_root_estimate", 0, 32, (0x4080_0000,), 0x3EFF_8000, 0),
    ("fp_reciprocal_exponent", 0, 32, (0x3F80_0000,), 0x4000_0000, 0),
    ("fp_reciprocal_step", 0, 32, (0x7F80_0000, 0), 0x4000_0000, 0),
    ("fp_reciprocal_step", 0, 32, (0x7FC0_0001, 0), 0xFFC0_0001, 0),  # of the negated operand
    ("fp_reciprocal_square_root_step", 0, 32, (0x7F80_0000, 0), 0x3FC0_0000, 0),
    ("fp_maximum", 0, 32, (0x8000_0000, 0), 0, 0),
    ("fp_minimum", 0, 32, (0, 0x8000_0000), 0x8000_0000, 0),
    ("fp_maximum_number", 0, 32, (0x7FC0_0000, 0xBF80_0000), 0xBF80_0000, 0),
    ("fp_maximum_number", 0, 32, (0x7F80_0001, 0xBF80_0000), 0x7FC0_0001, 0x01),
    ("bf16_convert", 0, 32, (0x3F80_8000,), 0x3F80, 0x10),
    ("bf16_convert", 0, 32, (0x7F7F_FFFF,), 0x7F80, 0x14),
    ("unsigned_reciprocal_estimate", 0, 32, (0x7FFF_FFFF,), 0xFFFF_FFFF, 0),
    ("unsigned_reciprocal_estimate", 0, 32, (0x8000_0000,), 0xFF80_0000, 0),
    ("unsigned_reciprocal_square_root_estimate", 0, 32, (0x4000_0000,), 0xFF80_0000, 0),
    ("unsigned_reciprocal_square_root_estimate", 0, 32, (0x3FFF_FFFF,), 0xFFFF_FFFF, 0),
]


@pytest.mark.parametrize(("name", "fpcr", "width", "operands", "result", "flags"), KNOWN)
def test_known(name: str, fpcr: int, width: int, operands: tuple[int, ...], result: int, flags: int) -> None:
    assert execute(fpcr, name, *((width, a) for a in operands)) == (result, flags)


@pytest.mark.parametrize(
    ("fpcr", "width", "a", "target", "result", "flags"),
    [
        (0, 32, 0x477F_F000, 16, 0x7C00, 0x14),  # 65520 is infinity in half precision
        (AHP, 32, 0x477F_F000, 16, 0x7C00, 0x10),  # and 65536 in the alternative format
        (AHP, 32, 0x4800_0000, 16, 0x7FFF, 0x01),
        (AHP, 32, 0xFFC0_0000, 16, 0x8000, 0x01),
        (AHP, 16, 0x7E00, 32, 0x47C0_0000, 0),
        (FZ16, 16, 0x0001, 32, 0x3380_0000, 0),  # conversions don't flush halves
        (FZ, 64, 0x0000_0000_0000_0001, 32, 0, 0x80),
        (0, 32, 0xFF80_0001, 64, 0xFFF8_0000_2000_0000, 0x01),
        (0, 64, 0x7FF4_0000_0000_0001, 32, 0x7FE0_0000, 0x01),
    ],
)
def test_known_conversions(fpcr: int, width: int, a: int, target: int, result: int, flags: int) -> None:
    assert execute_convert(fpcr, width, target, a, Rounding.CURRENT) == (result, flags)


def test_estimates_have_eight_bits() -> None:
    """Both tables over their whole range, against the manual's error bounds."""
    for top in range(256, 512):
        bits, _ = execute(0, "unsigned_reciprocal_estimate", (32, top << 23))
        assert abs(bits / 2**31 * (top + 0.5) / 512 - 1) < 2**-8
    for top in range(128, 512):
        bits, _ = execute(0, "unsigned_reciprocal_square_root_estimate", (32, top << 23))
        assert abs(bits / 2**31 * math.sqrt((top + 0.5) / 512) - 1) < 2**-8
        assert bits >> 23 == round(256 * model.recip_sqrt_estimate(top / 512))


# -- the machine ---------------------------------------------------------------------------------------------------


def test_flags_accumulate() -> None:
    MACHINE.system_registers.update({system.FPCR: 0, system.FPSR: system.QC})
    one, zero = Bits(32, 0x3F80_0000), Bits(32, 0)
    MACHINE.fp_divide(one, zero)
    MACHINE.fp_divide(zero, zero)
    MACHINE.fp_add(one, one)
    assert MACHINE.system_registers[system.FPSR] == system.QC | system.DZC | system.IOC


@pytest.mark.parametrize("width", WIDTHS)
def test_lanes_are_independent(width: int) -> None:
    """A vector operation is the scalar one in every lane, and its flags are all the lanes' together."""
    lanes = 128 // width
    pairs = samples(f"lanes/{width}", width, 2, lanes)
    scalars = [execute(0, "fp_divide", (width, a), (width, b)) for a, b in pairs]
    MACHINE.system_registers.update({system.FPCR: 0, system.FPSR: 0})
    quotients = MACHINE.fp_divide(Elements(width, [a for a, _ in pairs]), Elements(width, [b for _, b in pairs]))
    assert quotients.values == [bits for bits, _ in scalars]
    assert MACHINE.system_registers[system.FPSR] == reduce(operator.or_, (flags for _, flags in scalars))


def test_whole_protocol() -> None:
    """Every floating-point operation that the protocol names is there."""
    names = [name for name in vars(Machine) if name.startswith(("fp_", "bf16_"))]
    assert len(names) >= 30
    assert [name for name in names if not callable(getattr(MACHINE, name, None))] == []


# -- the host's arithmetic -------------------------------------------------------------------------------------------

doubles = st.floats(allow_nan=False).map(lambda x: struct.unpack("<Q", struct.pack("<d", x))[0])
singles = st.floats(width=32, allow_nan=False).map(lambda x: struct.unpack("<I", struct.pack("<f", x))[0])
halves = st.floats(width=16, allow_nan=False).map(lambda x: struct.unpack("<H", struct.pack("<e", x))[0])


def agrees_with_host(width: int, a: int, b: int) -> None:
    """IEEE's operations in the default mode, as NumPy computes them; a NaN is any NaN."""
    kind = np.dtype(f"f{width // 8}").type
    x, y = (np.array([bits], dtype=f"u{width // 8}").view(kind)[0] for bits in (a, b))
    with np.errstate(all="ignore"):
        expected = {"fp_add": x + y, "fp_subtract": x - y, "fp_multiply": x * y, "fp_divide": x / y}
        root = np.sqrt(x)
    found = {name: execute(0, name, (width, a), (width, b))[0] for name in expected}
    found["fp_square_root"] = execute(0, "fp_square_root", (width, a))[0]
    expected["fp_square_root"] = root
    for name, bits in found.items():
        result = np.array([expected[name]], dtype=kind)
        if np.isnan(result[0]):
            assert bits == KINDS[width].nan, name
        else:
            assert bits == int(result.view(f"u{width // 8}")[0]), name


@given(doubles, doubles)
def test_doubles_as_on_the_host(a: int, b: int) -> None:
    agrees_with_host(64, a, b)


@given(singles, singles)
def test_singles_as_on_the_host(a: int, b: int) -> None:
    agrees_with_host(32, a, b)


@given(doubles)
def test_conversions_as_on_the_host(a: int) -> None:
    x = np.float64(struct.unpack("<d", struct.pack("<Q", a))[0])
    with np.errstate(all="ignore"):
        single = int(x.astype("f4").view("u4"))
        half = int(x.astype("f2").view("u2"))
    assert execute_convert(0, 64, 32, a, Rounding.CURRENT)[0] == single
    assert execute_convert(0, 64, 16, a, Rounding.CURRENT)[0] == half


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_as_on_the_host(integer: int) -> None:
    MACHINE.system_registers.update({system.FPCR: 0, system.FPSR: 0})
    result = MACHINE.fp_from_fixed(Bits(64, integer), 64, signed=True)
    assert struct.unpack("<d", struct.pack("<Q", result.value))[0] == float(integer)


# -- half precision, exhaustively --------------------------------------------------------------------------------------

HALF_MODES = [r * RMODE | m for r in range(4) for m in (0, FZ16, DN, AHP, FZ16 | DN | AHP | FZ)]


@pytest.mark.long
@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("fpcr", HALF_MODES)
def test_all_halves_unary(name: str, fpcr: int) -> None:
    compare_operation(name, 16, [(a,) for a in range(0x10000)], [fpcr])


@pytest.mark.long
@pytest.mark.parametrize("fpcr", HALF_MODES)
def test_all_halves_convert(fpcr: int) -> None:
    for a in range(0x10000):
        convert_one(fpcr, 16, 32, a, Rounding.CURRENT)
        convert_one(fpcr, 16, 64, a, Rounding.CURRENT)


@pytest.mark.long
@pytest.mark.parametrize("fpcr", [0, RMODE | AHP, 2 * RMODE | FZ, 3 * RMODE | DN, FZ | FZ16 | AHP])
def test_all_upper_halves_of_singles_convert(fpcr: int) -> None:
    """To half and to bfloat16, with what is cut off below, at and above a tie."""
    rng = random.Random(f"singles/{fpcr}")
    modes = Modes.of(fpcr)
    for upper in range(0x10000):
        for lower in (0, 0x8000, rng.choice([1, 0x7FFF, 0x8001, 0xFFFF, 0x1000, 0x0FFF, 0x1001])):
            a = upper << 16 | lower
            convert_one(fpcr, 32, 16, a, Rounding.CURRENT)
            check(fpcr, "bf16_convert", 32, (a,), model.bf16_convert(modes, SINGLE, a))


@pytest.mark.long
@pytest.mark.parametrize("rounding", INTEGER_ROUNDINGS)
@pytest.mark.parametrize("fpcr", [2 * RMODE, RMODE | FZ16 | DN])
def test_all_halves_round(fpcr: int, rounding: Rounding) -> None:
    for a in range(0x10000):
        round_integral_one(fpcr, 16, a, rounding, exact=True)


@pytest.mark.long
@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("signed", [False, True])
def test_all_halves_to_fixed(size: int, signed: bool) -> None:
    rng = random.Random(f"halves/{size}/{signed}")
    for fpcr in (0, RMODE, 2 * RMODE, 3 * RMODE | FZ16):
        for a in range(0x10000):
            to_fixed_one(fpcr, 16, size, signed, a, rng.choice([0, 1, size]), rng)


@pytest.mark.long
@pytest.mark.parametrize("name", BINARY)
def test_many_pairs_of_halves(name: str) -> None:
    special = interesting(16)
    pairs = [(a, b) for a in special for b in special]
    pairs += samples(f"long/{name}", 16, 2, 20_000)
    for start in range(0, len(HALF_MODES), 5):
        compare_operation(name, 16, pairs, HALF_MODES[start : start + 5])


@pytest.mark.long
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*BINARY, "multiply_add"])
def test_many_operands(name: str, width: int) -> None:
    arity = 3 if name == "multiply_add" else 2
    compare_operation(name, width, samples(f"long/{name}/{width}", width, arity, 20_000), ALL_MODES)
