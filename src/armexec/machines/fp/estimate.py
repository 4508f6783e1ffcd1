"""Estimates of reciprocals and of reciprocal square roots, to eight bits."""

from __future__ import annotations

from math import isqrt

from armexec.machines.fp.environment import Environment, unpack
from armexec.machines.fp.formats import HALF, INFINITY, QUIET_NAN, ZERO, Format
from armexec.machines.fp.nans import invalid, process_nan
from armexec.machines.fp.rounding import overflow
from armexec.machines.system import DZC, UFC

__all__ = [
    "reciprocal_estimate",
    "reciprocal_exponent",
    "reciprocal_square_root_estimate",
    "unsigned_reciprocal_estimate",
    "unsigned_reciprocal_square_root_estimate",
]


def _reciprocal(a: int) -> int:
    """RecipEstimate: of a / 512 in 1/2 ... 1, the reciprocal times 256, for 256 <= a < 512."""
    # The reciprocal of the middle of the interval that a stands for.
    return ((1 << 19) // (a * 2 + 1) + 1) // 2


def _reciprocal_square_root(a: int) -> int:
    """RecipSqrtEstimate: of a / 512 in 1/4 ... 1, the reciprocal square root times 256, for 128 <= a < 512."""
    # Below 1/2 one of the intervals is of one unit, above it of two; the middle in units of 1/1024.
    middle = a * 2 + 1 if a < 256 else (a & ~1) * 2 + 2
    # The largest b with middle * b * b < 2**28.
    b = isqrt(((1 << 28) - 1) // middle)
    return (b + 1) // 2


def reciprocal_estimate(env: Environment, fmt: Format, a: int) -> int:
    """FPRecipEstimate."""
    kind, sign, mantissa, exponent = unpack(env, fmt, a)
    sign_bit = sign << (fmt.width - 1)
    if kind >= QUIET_NAN:
        return process_nan(env, fmt, kind, a)
    if kind == INFINITY:
        return sign_bit
    if kind == ZERO:
        env.flags |= DZC
        return sign_bit | fmt.infinity
    # The number is fraction * 2**leading, with 1 <= fraction < 2.
    leading = exponent + mantissa.bit_length() - 1
    if leading < fmt.min_exponent - 2:
        return overflow(env, fmt, sign, env.rounding)
    if (env.flush_half if fmt is HALF else env.flush) and leading >= -fmt.min_exponent:
        env.flags |= UFC
        return sign_bit
    estimate = _reciprocal(_top_bits(mantissa, 9))
    # It is estimate / 256 * 2**(-leading - 1), perhaps a denormal; either way it is exact or cut off.
    biased = fmt.bias - leading - 1
    fraction = estimate << (fmt.fraction_bits - 8)
    if biased > 0:
        return sign_bit | (biased - 1 << fmt.fraction_bits) + fraction
    return sign_bit | fraction >> (1 - biased)


def reciprocal_square_root_estimate(env: Environment, fmt: Format, a: int) -> int:
    """FPRSqrtEstimate."""
    kind, sign, mantissa, exponent = unpack(env, fmt, a)
    if kind >= QUIET_NAN:
        return process_nan(env, fmt, kind, a)
    if kind == ZERO:
        env.flags |= DZC
        return sign << fmt.width - 1 | fmt.infinity
    if sign:
        return invalid(env, fmt)
    if kind == INFINITY:
        return 0
    # The number is scaled / 512 * 4**half, with 1/4 <= scaled / 512 < 1.
    above = exponent + mantissa.bit_length()
    half = (above + 1) // 2
    scaled = _top_bits(mantissa, 9 - (above & 1))
    estimate = _reciprocal_square_root(scaled)
    return (fmt.bias - half - 1 << fmt.fraction_bits) + (estimate << fmt.fraction_bits - 8)


def _top_bits(mantissa: int, count: int) -> int:
    """The highest `count` bits from the leading one down."""
    shift = mantissa.bit_length() - count
    return mantissa >> shift if shift >= 0 else mantissa << -shift


def reciprocal_exponent(env: Environment, fmt: Format, a: int) -> int:
    """FPRecpX: a power of two whose exponent is the operand's inverted."""
    kind = unpack(env, fmt, a)[0]
    if kind >= QUIET_NAN:
        return process_nan(env, fmt, kind, a)
    exponent = a & fmt.infinity
    inverted = exponent ^ fmt.infinity if exponent else fmt.infinity - fmt.leading
    return a & fmt.sign | inverted


def unsigned_reciprocal_estimate(a: int) -> int:
    """UnsignedRecipEstimate: of a / 2**32 in 1/2 ... 1, in units of 2**-31; all ones below that (URECPE)."""
    return _reciprocal(a >> 23) << 23 if a >> 31 else 0xFFFF_FFFF


def unsigned_reciprocal_square_root_estimate(a: int) -> int:
    """UnsignedRSqrtEstimate: of a / 2**32 in 1/4 ... 1, in units of 2**-31; all ones below that (URSQRTE)."""
    return _reciprocal_square_root(a >> 23) << 23 if a >> 30 else 0xFFFF_FFFF
