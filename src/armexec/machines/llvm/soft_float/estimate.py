"""Estimates of reciprocals and of their square roots, from tables. The operations are those of `fp.estimate`."""

from __future__ import annotations

from armexec.isa.machine import Rounding
from armexec.machines.fp.estimate import unsigned_reciprocal_square_root_estimate as root_estimate
from armexec.machines.fp.formats import HALF, Format
from armexec.machines.llvm.soft_float.function import SoftFunction
from armexec.machines.llvm.values import Value, emit
from armexec.machines.system import DZC, FZ, FZ16, IXC, OFC, UFC

__all__ = [
    "reciprocal_estimate",
    "reciprocal_exponent",
    "reciprocal_square_root_estimate",
    "unsigned_reciprocal_estimate",
    "unsigned_reciprocal_square_root_estimate",
]


def _reciprocal(s: SoftFunction, top: Value) -> Value:
    """Of 256 <= top < 512, as `fp.estimate`."""
    divisor = top * 2 + 1
    quotient = emit(s.builder, 64, f"udiv i64 {1 << 19}, {divisor.text}")
    return quotient + 1 >> 1


def _reciprocal_square_root(s: SoftFunction, top: Value) -> Value:
    """Of 128 <= top < 512."""
    # Of two that share an entry in the upper half there is one.
    entries = [root_estimate(i << 23) >> 23 for i in range(128, 512)]
    table = "[" + ", ".join(f"i16 {entry}" for entry in entries) + "]"
    s.table = f"@square_roots = internal constant [384 x i16] {table}"
    pointer = s.builder.line(f"getelementptr i16, ptr @square_roots, i64 {(top - 128).text}")
    return emit(s.builder, 16, f"load i16, ptr {pointer}").zero_extend(64)


def reciprocal_estimate(s: SoftFunction, fmt: Format) -> Value:
    """FPRecipEstimate."""
    a = s.unpack(fmt, s.operands[0])
    mantissa, exponent = s.normalize(a.mantissa, a.exponent)
    leading = exponent + 63
    estimate = _reciprocal(s, s.choose(a.mantissa == 0, s.word(256), mantissa >> 55))
    biased = s.word(fmt.bias - 1) - leading
    fraction = estimate << fmt.fraction_bits - 8
    normal = (biased - 1 << fmt.fraction_bits) + fraction
    tiny = biased.slt(1)
    denormal = fraction >> s.choose(tiny, s.at_most(s.word(1) - biased, 63), s.word(0))
    number = ~(a.nan | a.infinite | a.zero)
    large = leading.slt(fmt.min_exponent - 2) & number
    flush = s.mode(FZ16 if fmt is HALF else FZ) & ~leading.slt(-fmt.min_exponent) & number
    result = s.choose(tiny, denormal, normal)
    result = s.choose(flush, s.word(0), result)
    s.signal(UFC, flush & ~large)
    to_infinity = s.is_rounding(Rounding.TIEEVEN) | s.choose(
        a.sign, s.is_rounding(Rounding.NEGINF), s.is_rounding(Rounding.POSINF)
    )
    largest = s.choose(to_infinity, s.word(fmt.infinity), s.word(fmt.max_normal))
    result = s.choose(large, largest, result)
    s.signal(OFC | IXC, large)
    result = s.choose(a.infinite, s.word(0), s.choose(a.zero, s.word(fmt.infinity), result))
    s.signal(DZC, a.zero)
    return s.process_nans(fmt, [a], s.signed(a.sign, result, fmt))


def reciprocal_square_root_estimate(s: SoftFunction, fmt: Format) -> Value:
    """FPRSqrtEstimate."""
    a = s.unpack(fmt, s.operands[0])
    mantissa, exponent = s.normalize(a.mantissa, a.exponent)
    above = exponent + 64
    half = (above + 1).asr(1)
    nine = mantissa >> 55
    scaled = s.choose((above & 1) != 0, nine >> 1, nine)
    estimate = _reciprocal_square_root(s, s.choose(a.mantissa == 0, s.word(128), scaled))
    result = (s.word(fmt.bias - 1) - half << fmt.fraction_bits) + (estimate << fmt.fraction_bits - 8)
    result = s.choose(a.infinite, s.word(0), result)
    result = s.choose(a.zero, s.signed(a.sign, fmt.infinity, fmt), result)
    s.signal(DZC, a.zero)
    return s.finish(fmt, [a], result, a.sign & ~a.zero)


def reciprocal_exponent(s: SoftFunction, fmt: Format) -> Value:
    """FPRecpX."""
    a = s.unpack(fmt, s.operands[0])
    bits = a.bits.zero_extend(64)
    exponent = bits & fmt.infinity
    inverted = s.choose(exponent == 0, s.word(fmt.infinity - fmt.leading), exponent ^ fmt.infinity)
    return s.process_nans(fmt, [a], bits & fmt.sign | inverted)


def unsigned_reciprocal_estimate(s: SoftFunction) -> Value:
    """UnsignedRecipEstimate, of 32 bits."""
    a = s.operands[0].zero_extend(64)
    top = s.choose((a >> 31) != 0, a >> 23, s.word(256))
    return s.choose((a >> 31) != 0, _reciprocal(s, top) << 23, s.word(0xFFFF_FFFF))


def unsigned_reciprocal_square_root_estimate(s: SoftFunction) -> Value:
    """UnsignedRSqrtEstimate, of 32 bits."""
    a = s.operands[0].zero_extend(64)
    top = s.choose((a >> 30) != 0, a >> 23, s.word(128))
    return s.choose((a >> 30) != 0, _reciprocal_square_root(s, top) << 23, s.word(0xFFFF_FFFF))
