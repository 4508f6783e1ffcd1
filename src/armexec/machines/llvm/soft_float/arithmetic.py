"""Sums, products, quotients and roots by integers. The operations are those of `fp.arithmetic` and `fp.bfloat16`."""

from __future__ import annotations

from armexec.isa.machine import Rounding
from armexec.machines.fp.formats import SINGLE, Format
from armexec.machines.llvm.soft_float.conversion import convert_nan
from armexec.machines.llvm.soft_float.function import Number, SoftFunction
from armexec.machines.llvm.values import Value, const
from armexec.machines.system import DZC, IOC, OFC

__all__ = ["add", "bfloat", "divide", "multiply", "multiply_add", "square_root", "step"]


def _sum_of(
    s: SoftFunction, kept: int, a: tuple[Value, Value, Value], b: tuple[Value, Value, Value]
) -> tuple[Value, Value, Value]:
    """Of (sign, mantissa, exponent), mantissas of at most `kept` bits: the same; the last bit stands for all below.

    The widths of the mantissas are equal, and at least 2 * kept + 4.
    """
    width = a[1].width
    numbers = []
    for sign, mantissa, exponent in (a, b):
        shifted, position = s.normalize(mantissa, exponent)
        # Leave a bit for the carry. A zero is far below everything.
        position = s.choose(mantissa == 0, s.word(-(1 << 20)), position + 1)
        numbers.append((sign, shifted >> 1, position))
    (sign_a, large, top), (sign_b, small, low) = numbers
    swap = top.slt(low)
    sign_a, sign_b = s.choose(swap, sign_b, sign_a), s.choose(swap, sign_a, sign_b)
    large, small = s.choose(swap, small, large), s.choose(swap, large, small)
    top, low = s.choose(swap, low, top), s.choose(swap, top, low)
    small = s.shift_right(small, s.resized(s.at_most(top - low, width - 1), width))
    difference = large - small
    negative = large.ult(small)
    unlike = sign_a ^ sign_b
    magnitude = s.choose(unlike, s.choose(negative, -difference, difference), large + small)
    sign = s.choose(unlike & negative, sign_b, sign_a)
    return sign, magnitude, top


def _encode_sum(s: SoftFunction, fmt: Format, sign: Value, mantissa: Value, exponent: Value, valid: Value) -> Value:
    zero = mantissa == 0
    result = s.encode(fmt, sign, mantissa, exponent, valid & ~zero)
    return s.choose(zero, s.signed(s.is_rounding(Rounding.NEGINF), 0, fmt), result)


def add(s: SoftFunction, fmt: Format, *, flip: bool) -> Value:
    """FPAdd; `flip`: FPSub."""
    a, b = (s.unpack(fmt, v) for v in s.operands)
    sign_b = ~b.sign if flip else b.sign
    width = _wide(2 * fmt.fraction_bits + 8)
    invalid = a.infinite & b.infinite & (a.sign ^ sign_b)
    valid = ~(s.any_nan(a, b) | a.infinite | b.infinite)
    total = _sum_of(
        s,
        fmt.fraction_bits + 1,
        (a.sign, a.mantissa.zero_extend(width) if width > 64 else a.mantissa, a.exponent),
        (sign_b, b.mantissa.zero_extend(width) if width > 64 else b.mantissa, b.exponent),
    )
    zeros = a.zero & b.zero & ~(a.sign ^ sign_b)
    result = _encode_sum(s, fmt, *total, valid & ~zeros)
    result = s.choose(zeros, s.signed(a.sign, 0, fmt), result)
    result = s.choose(b.infinite, s.signed(sign_b, fmt.infinity, fmt), result)
    result = s.choose(a.infinite, s.signed(a.sign, fmt.infinity, fmt), result)
    return s.finish(fmt, [a, b], result, invalid)


def _product(s: SoftFunction, a: Number, b: Number, width: int) -> tuple[Value, Value]:
    wide = [s.resized(n.mantissa, width) for n in (a, b)]
    return wide[0] * wide[1], a.exponent + b.exponent


def multiply(s: SoftFunction, fmt: Format, *, extended: bool) -> Value:
    """FPMul; `extended`: FPMulX."""
    a, b = (s.unpack(fmt, v) for v in s.operands)
    sign = a.sign ^ b.sign
    zero, infinite = a.zero | b.zero, a.infinite | b.infinite
    mantissa, exponent = _product(s, a, b, _wide(2 * fmt.fraction_bits + 2))
    result = s.encode(fmt, sign, mantissa, exponent, ~(zero | infinite | s.any_nan(a, b)))
    result = s.choose(zero, s.signed(sign, 0, fmt), result)
    result = s.choose(infinite, s.signed(sign, fmt.infinity, fmt), result)
    if extended:
        result = s.choose(zero & infinite, s.signed(sign, fmt.power_of_two(1), fmt), result)
    return s.finish(fmt, [a, b], result, s.bit(False) if extended else zero & infinite)


def multiply_add(s: SoftFunction, fmt: Format, factors: Format) -> Value:
    """FPMulAdd; with narrower factors FPMulAddH."""
    c = s.unpack(fmt, s.operands[0])
    a, b = (s.unpack(factors, v) for v in s.operands[1:])
    sign = a.sign ^ b.sign
    zero, infinite = a.zero | b.zero, a.infinite | b.infinite
    kept = max(2 * factors.fraction_bits + 2, fmt.fraction_bits + 1)
    width = _wide(2 * kept + 4)
    mantissa, exponent = _product(s, a, b, width)
    total = _sum_of(s, kept, (c.sign, s.resized(c.mantissa, width), c.exponent), (sign, mantissa, exponent))
    zeros = zero & c.zero & ~(sign ^ c.sign)
    finite = ~(infinite | c.infinite | s.any_nan(a, b, c))
    result = _encode_sum(s, fmt, *total, finite & ~zeros)
    result = s.choose(zeros, s.signed(sign, 0, fmt), result)
    result = s.choose(c.infinite, s.signed(c.sign, fmt.infinity, fmt), result)
    result = s.choose(infinite, s.signed(sign, fmt.infinity, fmt), result)
    both = infinite & zero & ~s.any_nan(a, b)
    invalid = both | infinite & c.infinite & (sign ^ c.sign)
    patterns = None
    if factors is not fmt:
        patterns = [c.bits.zero_extend(64), *(convert_nan(s, n, fmt) for n in (a, b))]
    result = s.finish(fmt, [c, a, b], result, invalid, patterns)
    # Infinity times zero is invalid also with a quiet NaN as the addend.
    even_so = both & c.nan & ~c.signalling
    s.signal(IOC, even_so)
    return s.choose(even_so, s.word(fmt.default_nan), result)


def step(s: SoftFunction, fmt: Format, constant: int, halvings: int) -> Value:
    """FPRecipStepFused and FPRSqrtStepFused: (constant - a * b) / 2**halvings."""
    first = s.operands[0] ^ fmt.sign
    a, b = s.unpack(fmt, first), s.unpack(fmt, s.operands[1])
    sign = a.sign ^ b.sign
    zero, infinite = a.zero | b.zero, a.infinite | b.infinite
    kept = 2 * fmt.fraction_bits + 2
    width = _wide(2 * kept + 4)
    mantissa, exponent = _product(s, a, b, width)
    unbounded = infinite & ~zero
    mantissa = s.choose(zero | infinite, const(s.builder, width, 0), mantissa)
    one = (s.bit(False), const(s.builder, width, constant), s.word(0))
    total_sign, total, position = _sum_of(s, kept, one, (sign, mantissa, exponent))
    valid = ~(unbounded | s.any_nan(a, b))
    result = _encode_sum(s, fmt, total_sign, total, position - halvings, valid)
    result = s.choose(unbounded, s.signed(sign, fmt.infinity, fmt), result)
    return s.process_nans(fmt, [a, b], result)


def divide(s: SoftFunction, fmt: Format) -> Value:
    """FPDiv."""
    a, b = (s.unpack(fmt, v) for v in s.operands)
    sign = a.sign ^ b.sign
    kept = fmt.fraction_bits + 1
    top, position_a = s.normalize(a.mantissa, a.exponent)
    bottom, position_b = s.normalize(b.mantissa, b.exponent)
    # Bit by bit: LLVM divides 128 bits by a library that may not be there.
    rest, divisor, quotient = top >> 64 - kept, bottom >> 64 - kept, s.word(0)
    for i in range(kept + 3):
        if i:
            rest = rest << 1
        fits = divisor.ule(rest)
        rest = s.choose(fits, rest - divisor, rest)
        quotient = quotient << 1 | fits.zero_extend(64)
    exact = (quotient << 1 | (rest != 0).zero_extend(64)).zero_extend(128)
    invalid = a.zero & b.zero | a.infinite & b.infinite
    special = invalid | a.infinite | b.infinite | a.zero | b.zero | s.any_nan(a, b)
    result = s.encode(fmt, sign, exact, position_a - position_b - (kept + 3), ~special)
    result = s.choose(a.zero | b.infinite, s.signed(sign, 0, fmt), result)
    result = s.choose(a.infinite | b.zero, s.signed(sign, fmt.infinity, fmt), result)
    s.signal(DZC, b.zero & ~(a.zero | a.infinite | s.any_nan(a, b)))
    return s.finish(fmt, [a, b], result, invalid)


def square_root(s: SoftFunction, fmt: Format) -> Value:
    """FPSqrt."""
    (a,) = (s.unpack(fmt, v) for v in s.operands)
    mantissa, exponent = s.normalize(a.mantissa, a.exponent)
    # mantissa / 2**64 * 2**even, in 1/4 ... 1.
    odd = exponent & 1
    mantissa = mantissa >> odd
    exponent = exponent + odd
    root, rest = s.word(0), s.word(0)
    for i in range(fmt.fraction_bits + 4):
        pair = mantissa >> 62 - 2 * i & 3 if i < 32 else s.word(0)
        rest = rest << 2 | pair
        trial = root << 2 | 1
        fits = trial.ule(rest)
        rest = s.choose(fits, rest - trial, rest)
        root = root << 1 | fits.zero_extend(64)
    count = fmt.fraction_bits + 4
    exact = (root << 1 | (rest != 0).zero_extend(64)).zero_extend(128)
    position = exponent.asr(1) + (32 - count - 1)
    special = a.zero | a.infinite | a.nan | a.sign
    result = s.encode(fmt, s.bit(False), exact, position, ~special)
    result = s.choose(a.infinite, s.word(fmt.infinity), result)
    result = s.choose(a.zero, s.signed(a.sign, 0, fmt), result)
    return s.finish(fmt, [a], result, a.sign & ~a.zero)


def bfloat(s: SoftFunction, operation: str) -> Value:
    """BFAdd or BFMulH: rounded to odd, where overflow gives infinity."""
    s.rounding = Rounding.ODD
    result = add(s, SINGLE, flip=False) if operation == "bfadd" else multiply(s, SINGLE, extended=False)
    overflow = (s.flags & OFC) != 0
    return result + overflow.zero_extend(64)


def _wide(bits: int) -> int:
    """A width for integers of so many bits."""
    return next(width for width in (64, 128, 192, 256) if width >= bits)
