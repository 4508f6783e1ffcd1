"""Sums, products, quotients and roots, each rounded once."""

from __future__ import annotations

from math import isqrt

from armexec.machines.fp.environment import Environment, unpack
from armexec.machines.fp.formats import HALF, INFINITY, QUIET_NAN, SINGLE, ZERO, Format
from armexec.machines.fp.nans import convert_nan, invalid, process_nan, process_nans
from armexec.machines.fp.rounding import encode, encode_sum
from armexec.machines.system import DZC

__all__ = [
    "add",
    "divide",
    "multiply",
    "multiply_add",
    "multiply_add_long",
    "multiply_extended",
    "reciprocal_square_root_step",
    "reciprocal_step",
    "square_root",
    "subtract",
]


def add(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPAdd."""
    return _add(env, fmt, a, b, 0)


def subtract(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPSub: as the sum with -b, but a NaN keeps its sign."""
    return _add(env, fmt, a, b, 1)


def _add(env: Environment, fmt: Format, a: int, b: int, flip: int) -> int:
    kind_a, sign_a, mantissa_a, exponent_a = unpack(env, fmt, a)
    kind_b, sign_b, mantissa_b, exponent_b = unpack(env, fmt, b)
    if kind_a >= QUIET_NAN or kind_b >= QUIET_NAN:
        return process_nans(env, fmt, (kind_a, a), (kind_b, b))
    sign_b ^= flip
    if kind_a == INFINITY:
        return invalid(env, fmt) if kind_b == INFINITY and sign_a != sign_b else a
    if kind_b == INFINITY:
        return sign_b << fmt.width - 1 | fmt.infinity
    if kind_a == ZERO and kind_b == ZERO and sign_a == sign_b:
        return sign_a << fmt.width - 1
    return encode_sum(env, fmt, *_sum(sign_a, mantissa_a, exponent_a, sign_b, mantissa_b, exponent_b))


def _sum(sign_a: int, a: int, exponent_a: int, sign_b: int, b: int, exponent_b: int) -> tuple[int, int]:
    """The exact sum of two finite numbers: an integer with its sign, and an exponent."""
    if exponent_a > exponent_b:
        a <<= exponent_a - exponent_b
        exponent_a = exponent_b
    else:
        b <<= exponent_b - exponent_a
    return (-a if sign_a else a) + (-b if sign_b else b), exponent_a


def multiply(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPMul."""
    return _multiply(env, fmt, a, b, extended=False)


def multiply_extended(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPMulX: zero times infinity is two, with the sign of the product."""
    return _multiply(env, fmt, a, b, extended=True)


def _multiply(env: Environment, fmt: Format, a: int, b: int, *, extended: bool) -> int:
    kind_a, sign_a, mantissa_a, exponent_a = unpack(env, fmt, a)
    kind_b, sign_b, mantissa_b, exponent_b = unpack(env, fmt, b)
    if kind_a >= QUIET_NAN or kind_b >= QUIET_NAN:
        return process_nans(env, fmt, (kind_a, a), (kind_b, b))
    sign = sign_a ^ sign_b
    sign_bit = sign << (fmt.width - 1)
    if INFINITY in (kind_a, kind_b):
        if ZERO in (kind_a, kind_b):
            return sign_bit | fmt.power_of_two(1) if extended else invalid(env, fmt)
        return sign_bit | fmt.infinity
    if ZERO in (kind_a, kind_b):
        return sign_bit
    return encode(env, fmt, sign, mantissa_a * mantissa_b, exponent_a + exponent_b)


def multiply_add(env: Environment, fmt: Format, addend: int, a: int, b: int) -> int:
    """FPMulAdd: addend + a * b."""
    return _multiply_add(env, fmt, addend, fmt, a, b)


def multiply_add_long(env: Environment, fmt: Format, addend: int, a: int, b: int) -> int:
    """FPMulAddH: addend + a * b, with a SINGLE addend, which `fmt` is, and HALF factors."""
    assert fmt is SINGLE
    return _multiply_add(env, fmt, addend, HALF, a, b)


def _multiply_add(env: Environment, fmt: Format, addend: int, factors: Format, a: int, b: int) -> int:
    kind_c, sign_c, mantissa_c, exponent_c = unpack(env, fmt, addend)
    kind_a, sign_a, mantissa_a, exponent_a = unpack(env, factors, a)
    kind_b, sign_b, mantissa_b, exponent_b = unpack(env, factors, b)
    infinite = INFINITY in (kind_a, kind_b)
    zero = ZERO in (kind_a, kind_b)
    if kind_c >= QUIET_NAN or kind_a >= QUIET_NAN or kind_b >= QUIET_NAN:
        if kind_c == QUIET_NAN and infinite and zero:
            # Infinity times zero is invalid all the same, and then it isn't the addend's NaN that results.
            return invalid(env, fmt)
        if factors is not fmt:
            a, b = convert_nan(factors, a, fmt), convert_nan(factors, b, fmt)
        return process_nans(env, fmt, (kind_c, addend), (kind_a, a), (kind_b, b))
    sign = sign_a ^ sign_b
    if infinite:
        if zero or (kind_c == INFINITY and sign_c != sign):
            return invalid(env, fmt)
        return sign << fmt.width - 1 | fmt.infinity
    if kind_c == INFINITY:
        return addend
    if zero and kind_c == ZERO and sign == sign_c:
        return sign << fmt.width - 1
    # The product of a zero is the mantissa 0 with any exponent.
    mantissa, exponent = mantissa_a * mantissa_b, exponent_a + exponent_b
    return encode_sum(env, fmt, *_sum(sign_c, mantissa_c, exponent_c, sign, mantissa, exponent))


def divide(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPDiv."""
    kind_a, sign_a, mantissa_a, exponent_a = unpack(env, fmt, a)
    kind_b, sign_b, mantissa_b, exponent_b = unpack(env, fmt, b)
    if kind_a >= QUIET_NAN or kind_b >= QUIET_NAN:
        return process_nans(env, fmt, (kind_a, a), (kind_b, b))
    sign = sign_a ^ sign_b
    sign_bit = sign << (fmt.width - 1)
    if kind_a == kind_b and kind_a in (ZERO, INFINITY):
        return invalid(env, fmt)
    if kind_a == INFINITY:
        return sign_bit | fmt.infinity
    if kind_b == ZERO:
        env.flags |= DZC
        return sign_bit | fmt.infinity
    if kind_a == ZERO or kind_b == INFINITY:
        return sign_bit
    # Three bits more than are kept, and one below them for a remainder.
    shift = max(fmt.fraction_bits + 4 + mantissa_b.bit_length() - mantissa_a.bit_length(), 0)
    quotient, remainder = divmod(mantissa_a << shift, mantissa_b)
    return encode(env, fmt, sign, quotient << 1 | (remainder != 0), exponent_a - exponent_b - shift - 1)


def square_root(env: Environment, fmt: Format, a: int) -> int:
    """FPSqrt."""
    kind, sign, mantissa, exponent = unpack(env, fmt, a)
    if kind >= QUIET_NAN:
        return process_nan(env, fmt, kind, a)
    if kind == ZERO:
        return sign << fmt.width - 1
    if sign:
        return invalid(env, fmt)
    if kind == INFINITY:
        return a
    # A root of three bits more than are kept, and one below them for a remainder; of an even power of two.
    shift = max(2 * (fmt.fraction_bits + 4) - mantissa.bit_length(), 0)
    shift += (exponent - shift) & 1
    mantissa <<= shift
    root = isqrt(mantissa)
    return encode(env, fmt, 0, root << 1 | (root * root != mantissa), (exponent - shift) // 2 - 1)


def reciprocal_step(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPRecipStepFused: 2 - a * b, a step of Newton's method for a reciprocal."""
    return _step(env, fmt, a, b, 2, 0)


def reciprocal_square_root_step(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPRSqrtStepFused: (3 - a * b) / 2, a step of Newton's method for the reciprocal of a square root."""
    return _step(env, fmt, a, b, 3, 1)


def _step(env: Environment, fmt: Format, a: int, b: int, constant: int, halvings: int) -> int:
    """(constant - a * b) / 2**halvings.

    Infinity times zero counts as zero. The first operand's sign is flipped, also that of a NaN.
    """
    a ^= fmt.sign
    kind_a, sign_a, mantissa_a, exponent_a = unpack(env, fmt, a)
    kind_b, sign_b, mantissa_b, exponent_b = unpack(env, fmt, b)
    if kind_a >= QUIET_NAN or kind_b >= QUIET_NAN:
        return process_nans(env, fmt, (kind_a, a), (kind_b, b))
    sign = sign_a ^ sign_b
    if ZERO in (kind_a, kind_b):
        mantissa = 0
    elif INFINITY in (kind_a, kind_b):
        return sign << fmt.width - 1 | fmt.infinity
    else:
        mantissa = mantissa_a * mantissa_b
    integer, exponent = _sum(0, constant, 0, sign, mantissa, exponent_a + exponent_b)
    return encode_sum(env, fmt, integer, exponent - halvings)
