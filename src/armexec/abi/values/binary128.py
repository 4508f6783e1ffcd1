"""The format binary128 of IEEE 754, by integers: one bit of sign, 15 of exponent, 112 of fraction."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["from_binary128", "to_binary128"]

_FRACTION = 112
_BIAS = 16383
_INFINITY = 0x7FFF << _FRACTION
_SIGN = 1 << 127
_LARGEST_DECIMAL = 20000
"""Decimals of a larger exponent are infinity or zero, and no Fraction is made of them."""


def to_binary128(value: Any) -> int:
    """The bits of a number, rounded to nearest, ties to even; beyond the largest it becomes infinity.

    Raises TypeError, ValueError or OverflowError for what is no number.
    """
    if isinstance(value, Decimal) and value.is_finite() and value:
        if value.adjusted() > _LARGEST_DECIMAL:
            return _SIGN | _INFINITY if value < 0 else _INFINITY
        if value.adjusted() < -_LARGEST_DECIMAL:
            return _SIGN if value < 0 else 0
        return _rounded(Fraction(value))
    if isinstance(value, int | Fraction):
        return _rounded(Fraction(value))
    # NumPy's long double tells its exact value in this way, and so does a float.
    ratio = getattr(value, "as_integer_ratio", None)
    if ratio is not None and not isinstance(value, Decimal):
        try:
            numerator, denominator = ratio()
        except (OverflowError, ValueError):  # infinities and NaNs
            return _special(float(value))
        if numerator == 0:
            return _SIGN if math.copysign(1.0, float(value)) < 0 else 0
        return _rounded(Fraction(int(numerator), int(denominator)))
    if hasattr(type(value), "__index__"):
        return _rounded(Fraction(value.__index__()))
    if not hasattr(type(value), "__float__"):
        raise TypeError
    return to_binary128(float(value))


def _special(value: float) -> int:
    """The bits of an infinity, or of a NaN with its payload."""
    bits = int.from_bytes(struct.pack("<d", value), "little")
    return int(bits >> 63) << 127 | _INFINITY | (bits & (1 << 52) - 1) << _FRACTION - 52


def _rounded(value: Fraction) -> int:
    if not value:
        return 0
    sign = _SIGN if value < 0 else 0
    numerator, denominator = abs(value.numerator), value.denominator
    exponent = numerator.bit_length() - denominator.bit_length()
    # 2**exponent <= value < 2**(exponent + 1)
    if (numerator << max(-exponent, 0)) < (denominator << max(exponent, 0)):
        exponent -= 1
    shift = _FRACTION - max(exponent, 1 - _BIAS)
    quotient, rest = divmod(numerator << max(shift, 0), denominator << max(-shift, 0))
    double, unit = 2 * rest, denominator << max(-shift, 0)
    quotient += double > unit or (double == unit and quotient & 1)
    # In a normal number the leading bit of the quotient adds one to the exponent.
    bits = (max(exponent, 1 - _BIAS) - 1 + _BIAS << _FRACTION) + quotient
    return sign | (bits if bits < _INFINITY else _INFINITY)


def from_binary128(bits: int) -> float | Fraction:
    """The number: a float where that is exact, a Fraction elsewhere."""
    negative, exponent, fraction = bits >> 127 & 1, bits >> _FRACTION & 0x7FFF, bits & (1 << _FRACTION) - 1
    if exponent == 0x7FFF:
        high = 0x7FF << 52 | fraction >> _FRACTION - 52
        if fraction and not high & (1 << 52) - 1:
            high |= 1
        return float(struct.unpack("<d", struct.pack("<Q", negative << 63 | high))[0])
    if not exponent and not fraction:
        return -0.0 if negative else 0.0
    significand = fraction | (1 << _FRACTION if exponent else 0)
    power = max(exponent, 1) - _BIAS - _FRACTION
    value = Fraction(significand << max(power, 0), 1 << max(-power, 0))
    value = -value if negative else value
    try:
        # Made of ints: the processor may be set to make subnormal numbers zero.
        double = value.numerator / value.denominator
    except OverflowError:
        return value
    return double if Fraction(double) == value else value
