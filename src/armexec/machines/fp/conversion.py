"""Between formats, to integers and fixed point and back, and to integral numbers."""

from __future__ import annotations

from armexec.isa.machine import Rounding
from armexec.machines.fp.environment import Environment, unpack, unpack_to_convert
from armexec.machines.fp.formats import BFLOAT16, HALF, INFINITY, QUIET_NAN, SIGNALLING_NAN, SINGLE, ZERO, Format
from armexec.machines.fp.nans import convert_nan, process_nan
from armexec.machines.fp.rounding import encode, to_integer
from armexec.machines.system import IOC, IXC

__all__ = [
    "convert",
    "convert_to_bfloat16",
    "from_fixed",
    "round_integral",
    "round_integral_sized",
    "to_fixed",
    "to_fixed_javascript",
]


def convert(env: Environment, fmt: Format, a: int, *, target: Format, rounding: Rounding) -> int:
    """FPConvert."""
    kind, sign, mantissa, exponent = unpack_to_convert(env, fmt, a)
    sign_bit = sign << (target.width - 1)
    alternative = target is HALF and env.alternative_half
    if kind >= QUIET_NAN:
        if kind == SIGNALLING_NAN or alternative:
            env.flags |= IOC
        if alternative:
            return sign_bit
        return target.default_nan if env.default_nan else convert_nan(fmt, a, target)
    if kind == INFINITY:
        if alternative:
            env.flags |= IOC
            return sign_bit | target.sign - 1
        return sign_bit | target.infinity
    if kind == ZERO:
        return sign_bit
    return encode(env, target, sign, mantissa, exponent, rounding, converting=True)


def convert_to_bfloat16(env: Environment, fmt: Format, a: int) -> int:
    """FPConvertBF: from SINGLE, which `fmt` is."""
    assert fmt is SINGLE
    return convert(env, fmt, a, target=BFLOAT16, rounding=Rounding.CURRENT)


def _saturate(value: int, size: int, *, signed: bool) -> int:
    low, high = (-(1 << size - 1), (1 << size - 1) - 1) if signed else (0, (1 << size) - 1)
    return min(max(value, low), high)


def to_fixed(
    env: Environment, fmt: Format, a: int, *, size: int, fraction_bits: int, signed: bool, rounding: Rounding
) -> int:
    """FPToFixed: a * 2**fraction_bits as an integer of `size` bits, saturated; a NaN gives zero."""
    kind, sign, mantissa, exponent = unpack(env, fmt, a)
    mask = (1 << size) - 1
    if kind >= QUIET_NAN:
        env.flags |= IOC
        return 0
    if kind == INFINITY:
        env.flags |= IOC
        return _saturate(-(1 << size) if sign else 1 << size, size, signed=signed) & mask
    integer, inexact = to_integer(sign, mantissa, exponent + fraction_bits, env.resolve(rounding))
    result = _saturate(integer, size, signed=signed)
    if result != integer:
        env.flags |= IOC
    elif inexact:
        env.flags |= IXC
    return result & mask


def to_fixed_javascript(env: Environment, fmt: Format, a: int) -> tuple[int, bool]:
    """FPToFixedJS: the integer towards zero modulo 2**32, and whether nothing of the operand was lost (Z)."""
    kind, sign, mantissa, exponent = unpack(env, fmt, a)
    if kind >= INFINITY:
        env.flags |= IOC
        return 0, False
    integer, inexact = to_integer(sign, mantissa, exponent, Rounding.ZERO)
    if _saturate(integer, 32, signed=True) != integer:
        env.flags |= IOC
        exact = False
    elif inexact:
        env.flags |= IXC
        exact = False
    else:
        # Not exact either: -0, and a denormal that counts as zero.
        exact = kind != ZERO or a == 0
    return integer & 0xFFFF_FFFF, exact


def from_fixed(
    env: Environment, fmt: Format, integer: int, *, size: int, fraction_bits: int, signed: bool, rounding: Rounding
) -> int:
    """FixedToFP: of `size` bits, times 2**-fraction_bits, as a number in `fmt`."""
    if signed and integer >> (size - 1):
        integer -= 1 << size
    if integer == 0:
        return 0
    return encode(env, fmt, int(integer < 0), abs(integer), -fraction_bits, rounding)


def round_integral(env: Environment, fmt: Format, a: int, *, rounding: Rounding, exact: bool) -> int:
    """FPRoundInt: to an integral number of the same sign; with `exact`, a change raises Inexact."""
    kind, sign, mantissa, exponent = unpack(env, fmt, a)
    if kind >= QUIET_NAN:
        return process_nan(env, fmt, kind, a)
    if kind == INFINITY:
        return a
    integer, inexact = to_integer(sign, mantissa, exponent, env.resolve(rounding))
    if inexact and exact:
        env.flags |= IXC
    return _encode_integer(env, fmt, sign, integer)


def round_integral_sized(env: Environment, fmt: Format, a: int, *, size: int, rounding: Rounding) -> int:
    """FPRoundIntN: to an integral number that fits in `size` bits, signed, or else to the least that does."""
    kind, sign, mantissa, exponent = unpack(env, fmt, a)
    if kind < INFINITY:
        integer, inexact = to_integer(sign, mantissa, exponent, env.resolve(rounding))
        if _saturate(integer, size, signed=True) == integer:
            if inexact:
                env.flags |= IXC
            return _encode_integer(env, fmt, sign, integer)
    env.flags |= IOC
    return fmt.sign | fmt.power_of_two(size - 1)


def _encode_integer(env: Environment, fmt: Format, sign: int, integer: int) -> int:
    """An integer that is exact in `fmt`; a zero of this sign."""
    if integer == 0:
        return sign << fmt.width - 1
    return encode(env, fmt, sign, abs(integer), 0, Rounding.ZERO)
