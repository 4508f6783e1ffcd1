"""Conversions between formats, to and from integers, and to integral numbers. The operations are `fp.conversion`'s."""

from __future__ import annotations

from armexec.isa.machine import Rounding
from armexec.machines.fp.formats import HALF, Format
from armexec.machines.llvm.soft_float.function import Number, SoftFunction
from armexec.machines.llvm.values import Value, const
from armexec.machines.system import AHP, DN, IOC, IXC

__all__ = ["convert", "convert_nan", "from_fixed", "round_integral", "to_fixed", "to_javascript"]


def convert_nan(s: SoftFunction, n: Number, target: Format) -> Value:
    """The quiet NaN of another format."""
    fraction = n.bits.zero_extend(64) & n.format.fraction_mask
    shift = target.fraction_bits - n.format.fraction_bits
    fraction = fraction << shift if shift >= 0 else fraction >> -shift
    return s.signed(n.sign, fraction | target.default_nan, target)


def convert(s: SoftFunction, fmt: Format, target: Format) -> Value:
    """FPConvert."""
    a = s.unpack(fmt, s.operands[0], converting=True)
    valid = ~(a.nan | a.infinite | a.zero)
    mantissa = a.mantissa.zero_extend(128)
    result = s.encode(target, a.sign, mantissa, a.exponent, valid, converting=True)
    result = s.choose(a.zero, s.signed(a.sign, 0, target), result)
    nan = s.choose(s.mode(DN), s.word(target.default_nan), convert_nan(s, a, target))
    infinity = s.signed(a.sign, target.infinity, target)
    invalid = a.signalling
    if target is HALF:
        alternative = s.mode(AHP)
        nan = s.choose(alternative, s.signed(a.sign, 0, target), nan)
        infinity = s.choose(alternative, s.signed(a.sign, target.sign - 1, target), infinity)
        invalid = invalid | (a.nan | a.infinite) & alternative
    s.signal(IOC, invalid)
    result = s.choose(a.infinite, infinity, result)
    return s.choose(a.nan, nan, result)


def _to_integer(s: SoftFunction, a: Number, fraction_bits: int = 0) -> tuple[Value, Value]:
    """The magnitude next to the number, of 192 bits, and whether it differs; saturated far beyond 2**64."""
    width, point = 192, 66
    exponent = a.exponent + fraction_bits
    left = s.choose(exponent.slt(0), s.word(0), s.at_most(exponent, 70))
    right = s.choose(exponent.slt(0), s.at_most(-exponent, 130), s.word(0))
    value = a.mantissa.zero_extend(width) << point << s.resized(left, width)
    value = s.shift_right(value, s.resized(right, width))
    integer, rest = value >> point, value & (1 << point) - 1
    up = s.round_up(a.sign, (integer & 1) != 0, rest, 1 << point - 1)
    return integer + up.zero_extend(width), rest != 0


def to_fixed(s: SoftFunction, fmt: Format, size: int, fraction_bits: int, *, signed: bool) -> Value:
    """FPToFixed."""
    a = s.unpack(fmt, s.operands[0])
    integer, inexact = _to_integer(s, a, fraction_bits)
    integer = s.choose(a.infinite, const(s.builder, 192, 1 << 100), integer)
    highest = (1 << size - 1) - 1 if signed else (1 << size) - 1
    lowest = 1 << size - 1 if signed else 0
    limit = s.choose(a.sign, const(s.builder, 192, lowest), const(s.builder, 192, highest))
    beyond = limit.ult(integer)
    integer = s.choose(beyond, limit, integer)
    invalid = beyond | a.nan
    s.signal(IOC, invalid)
    s.signal(IXC, inexact & ~invalid & ~a.infinite)
    low = integer.bits(0, 64)
    return s.choose(a.nan, s.word(0), s.choose(a.sign, -low, low))


def to_javascript(s: SoftFunction, fmt: Format) -> Value:
    """The integer in the low 32 bits, Z in bit 32."""
    a = s.unpack(fmt, s.operands[0])
    s.rounding = Rounding.ZERO
    magnitude, inexact = _to_integer(s, a)
    # What is beyond 2**64 is taken modulo 2**32 by its.
    shift = s.choose(a.exponent.slt(0), s.word(0), a.exponent)
    large = s.choose(shift.ult(32), a.mantissa << s.at_most(shift, 31), s.word(0))
    low = s.choose(a.exponent.slt(0), magnitude.bits(0, 64), large)
    low = s.choose(a.sign, -low, low) & 0xFFFF_FFFF
    special = a.nan | a.infinite
    limit = s.choose(a.sign, const(s.builder, 192, 1 << 31), const(s.builder, 192, (1 << 31) - 1))
    beyond = limit.ult(magnitude)
    s.signal(IOC, special | beyond)
    s.signal(IXC, inexact & ~special & ~beyond)
    exact = ~(special | beyond | inexact) & (~a.zero | (a.bits == 0))
    low = s.choose(special, s.word(0), low)
    return low | exact.zero_extend(64) << 32


def from_fixed(s: SoftFunction, target: Format, fraction_bits: int, *, signed: bool) -> Value:
    """FixedToFP."""
    a = s.operands[0]
    sign = a.slt(0) if signed else s.bit(False)
    wide = a.sign_extend(64) if signed else a.zero_extend(64)
    magnitude = s.choose(sign, -wide, wide)
    zero = magnitude == 0
    result = s.encode(target, sign, magnitude.zero_extend(128), s.word(-fraction_bits), ~zero)
    return s.choose(zero, s.word(0), result)


def round_integral(s: SoftFunction, fmt: Format, *, exact: bool, size: int = 0) -> Value:
    """FPRoundInt; with a size FPRoundIntN."""
    a = s.unpack(fmt, s.operands[0])
    integer, inexact = _to_integer(s, a)
    integral = ~a.exponent.slt(0)
    special = a.nan | a.infinite
    number = integer.bits(0, 128)
    zero = number == 0
    # Exact, whatever the rounding.
    value = s.encode(fmt, a.sign, number, s.word(0), s.bit(False))
    value = s.choose(zero, s.signed(a.sign, 0, fmt), value)
    value = s.choose(integral & ~a.zero, a.bits.zero_extend(64), value)
    if size:
        limit = s.choose(a.sign, const(s.builder, 192, 1 << size - 1), const(s.builder, 192, (1 << size - 1) - 1))
        beyond = limit.ult(integer) | special
        s.signal(IOC, beyond)
        s.signal(IXC, inexact & ~beyond)
        return s.choose(beyond, s.word(fmt.sign | fmt.power_of_two(size - 1)), value)
    if exact:
        s.signal(IXC, inexact & ~special)
    value = s.choose(a.infinite, a.bits.zero_extend(64), value)
    return s.process_nans(fmt, [a], value)
