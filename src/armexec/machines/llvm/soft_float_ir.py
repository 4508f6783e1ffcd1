"""Floating point by integers, written for the translating machine: the same rules as those of `fp`, without branches.

A finite number is mantissa * 2**exponent. Operations are exact, or exact but for a last bit that stands for all that is
below it, until `encode` rounds them, once. A function takes the operands' bits and FPCR, and gives a result and FPSR's
flags.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from armexec.isa.machine import Rounding
from armexec.machines.fp.estimate import unsigned_reciprocal_square_root_estimate
from armexec.machines.fp.formats import BFLOAT16, FORMATS, HALF, SINGLE, Format
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.values import Value, const, emit, select
from armexec.machines.system import AHP, DN, DZC, FZ, FZ16, IDC, IOC, IXC, OFC, RMODE, UFC

__all__ = ["soft_function"]


@dataclass
class _Number:
    """What bits stand for. `mantissa` and `exponent` (64 bits, signed) are of a finite number, 0 for others."""

    format: Format
    bits: Value
    sign: Value
    mantissa: Value
    exponent: Value
    zero: Value
    infinite: Value
    nan: Value
    signalling: Value


class _Soft:
    """One function in the making."""

    def __init__(self, widths: tuple[int, ...], fpcr: int | None = None) -> None:
        b = self.builder = Builder()
        self.operands = [Value(b, width, f"%a{i}") for i, width in enumerate(widths)]
        self.fpcr = Value(b, 64, "%fpcr") if fpcr is None else const(b, 64, fpcr)
        self.flags = const(b, 64, 0)
        self.rounding: Value | Rounding = self.fpcr >> RMODE & 3

    def mode(self, flag: int) -> Value:
        return (self.fpcr & flag) != 0

    def word(self, value: int) -> Value:
        return const(self.builder, 64, value)

    def bit(self, value: bool) -> Value:
        return const(self.builder, 1, int(value))

    def choose(self, condition: Value, a: Value, b: Value) -> Value:
        return select(condition, a, b)

    def signal(self, flag: int, condition: Value) -> None:
        self.flags = self.flags | self.choose(condition, self.word(flag), self.word(0))

    # -- from bits, and back -----------------------------------------------------------------------------------------
    def unpack(self, fmt: Format, bits: Value, *, converting: bool = False) -> _Number:
        sign = bits.slt(0)
        wide = bits.zero_extend(64)
        exponent = wide >> fmt.fraction_bits & fmt.exponent_mask
        fraction = wide & fmt.fraction_mask
        is_special = exponent == fmt.exponent_mask
        if fmt is HALF and converting:
            is_special = is_special & ~self.mode(AHP)
        no_fraction = fraction == 0
        is_denormal = (exponent == 0) & ~no_fraction
        if not (fmt is HALF and converting):
            flushed = is_denormal & self.mode(FZ16 if fmt is HALF else FZ)
            if fmt is not HALF:
                self.signal(IDC, flushed)
        else:
            flushed = self.bit(False)
        nan = is_special & ~no_fraction
        mantissa = self.choose(exponent == 0, fraction, fraction | fmt.leading)
        mantissa = self.choose(is_special | flushed, self.word(0), mantissa)
        position = self.choose(exponent == 0, self.word(fmt.ulp_exponent), exponent + (fmt.ulp_exponent - 1))
        zero = (exponent == 0) & no_fraction | flushed
        signalling = nan & ((fraction & fmt.quiet) == 0)
        return _Number(fmt, bits, sign, mantissa, position, zero, is_special & no_fraction, nan, signalling)

    def signed(self, sign: Value, magnitude: Value | int, fmt: Format) -> Value:
        """A sign and a magnitude, as 64 bits."""
        if isinstance(magnitude, int):
            magnitude = self.word(magnitude)
        return sign.zero_extend(64) << fmt.width - 1 | magnitude

    def is_rounding(self, mode: Rounding) -> Value:
        if isinstance(self.rounding, Rounding):
            return self.bit(self.rounding is mode)
        return self.rounding == int(mode) if mode <= Rounding.ZERO else self.bit(False)

    def round_up(self, sign: Value, odd: Value, rest: Value, half: int) -> Value:
        """Whether a magnitude whose part below the last bit is `rest` goes up."""
        some = rest != 0
        tie = rest == half
        above = const(self.builder, rest.width, half).ult(rest)
        up = self.is_rounding(Rounding.TIEEVEN) & (above | tie & odd)
        up = up | self.is_rounding(Rounding.TIEAWAY) & (above | tie)
        up = up | self.is_rounding(Rounding.POSINF) & some & ~sign
        up = up | self.is_rounding(Rounding.NEGINF) & some & sign
        return up | self.is_rounding(Rounding.ODD) & some & ~odd

    def shift_right(self, value: Value, amount: Value) -> Value:
        """By less than the width; the last bit of the result stands for all that is lost."""
        shifted = value >> amount
        lost = (shifted << amount) != value
        return shifted | lost.zero_extend(value.width)

    def normalize(self, mantissa: Value, exponent: Value) -> tuple[Value, Value]:
        """With the leading bit at the top; of zero anything."""
        count = self.at_most(mantissa.clz(), mantissa.width - 1)
        return mantissa << count, exponent - self.resized(count, 64)

    def resized(self, value: Value, width: int) -> Value:
        return value.bits(0, width) if width < value.width else value.zero_extend(width)

    def at_most(self, value: Value, limit: int) -> Value:
        return self.choose(value.ult(limit), value, const(self.builder, value.width, limit))

    def encode(
        self, fmt: Format, sign: Value, mantissa: Value, exponent: Value, valid: Value, *, converting: bool = False
    ) -> Value:
        """As `fp.rounding.encode`, into 64 bits; the flags only where `valid`. Twice as wide as the result or more."""
        width, kept = mantissa.width, fmt.fraction_bits + 1
        mantissa, exponent = self.normalize(mantissa, exponent)
        binade = exponent + (width - 1 - fmt.min_exponent)
        tiny = binade.slt(0)
        below = self.choose(tiny, self.at_most(-binade, kept + 2), self.word(0))
        mantissa = self.shift_right(mantissa, self.resized(below, width))
        cut = width - kept
        integer, rest = mantissa >> cut, mantissa & (1 << cut) - 1
        up = self.round_up(sign, (integer & 1) != 0, rest, 1 << cut - 1)
        inexact = (rest != 0) & valid
        magnitude = self.resized(integer, 64) + up.zero_extend(64)
        magnitude = magnitude + (self.choose(tiny, self.word(0), binade) << fmt.fraction_bits)
        ignores_mode = fmt is HALF and converting
        flushed = self.bit(False) if ignores_mode else tiny & self.mode(FZ16 if fmt is HALF else FZ)
        magnitude = self.choose(flushed, self.word(0), magnitude)
        inexact = inexact & ~flushed
        self.signal(UFC, tiny & inexact | flushed & valid)
        too_large = self.word(fmt.infinity).ule(magnitude)
        if fmt is HALF and converting:
            alternative = self.mode(AHP)
            beyond = self.word(fmt.sign).ule(magnitude) & alternative
            too_large = too_large & ~alternative
            self.signal(IOC, beyond & valid)
            inexact = inexact & ~beyond
            magnitude = self.choose(beyond, self.word(fmt.sign - 1), magnitude)
        to_infinity = self.is_rounding(Rounding.TIEEVEN) | self.choose(
            sign, self.is_rounding(Rounding.NEGINF), self.is_rounding(Rounding.POSINF)
        )
        largest = self.choose(to_infinity, self.word(fmt.infinity), self.word(fmt.max_normal))
        magnitude = self.choose(too_large, largest, magnitude)
        self.signal(OFC, too_large & valid)
        self.signal(IXC, inexact | too_large & valid)
        return self.signed(sign, magnitude, fmt)

    # -- NaNs --------------------------------------------------------------------------------------------------------
    def process_nans(
        self, fmt: Format, numbers: list[_Number], result: Value, bits: list[Value] | None = None
    ) -> Value:
        """`result`, or the NaN of the first operand that is one. `bits`: the operands as they are in `fmt`."""
        patterns = bits or [n.bits.zero_extend(64) for n in numbers]
        default = self.mode(DN)
        for kind in ("nan", "signalling"):
            for number, pattern in zip(reversed(numbers), reversed(patterns), strict=True):
                nan = self.choose(default, self.word(fmt.default_nan), pattern | fmt.quiet)
                result = self.choose(getattr(number, kind), nan, result)
        for number in numbers:
            self.signal(IOC, number.signalling)
        return result

    def any_nan(self, *numbers: _Number) -> Value:
        found = numbers[0].nan
        for number in numbers[1:]:
            found = found | number.nan
        return found

    # -- sums --------------------------------------------------------------------------------------------------------
    def sum(
        self, kept: int, a: tuple[Value, Value, Value], b: tuple[Value, Value, Value]
    ) -> tuple[Value, Value, Value]:
        """Of (sign, mantissa, exponent), mantissas of at most `kept` bits: the same; the last bit stands for all below.

        The widths of the mantissas are equal, and at least 2 * kept + 4.
        """
        width = a[1].width
        numbers = []
        for sign, mantissa, exponent in (a, b):
            shifted, position = self.normalize(mantissa, exponent)
            # Leave a bit for the carry. A zero is far below everything.
            position = self.choose(mantissa == 0, self.word(-(1 << 20)), position + 1)
            numbers.append((sign, shifted >> 1, position))
        (sign_a, large, top), (sign_b, small, low) = numbers
        swap = top.slt(low)
        sign_a, sign_b = self.choose(swap, sign_b, sign_a), self.choose(swap, sign_a, sign_b)
        large, small = self.choose(swap, small, large), self.choose(swap, large, small)
        top, low = self.choose(swap, low, top), self.choose(swap, top, low)
        small = self.shift_right(small, self.resized(self.at_most(top - low, width - 1), width))
        difference = large - small
        negative = large.ult(small)
        unlike = sign_a ^ sign_b
        magnitude = self.choose(unlike, self.choose(negative, -difference, difference), large + small)
        sign = self.choose(unlike & negative, sign_b, sign_a)
        return sign, magnitude, top

    def encode_sum(self, fmt: Format, sign: Value, mantissa: Value, exponent: Value, valid: Value) -> Value:
        zero = mantissa == 0
        result = self.encode(fmt, sign, mantissa, exponent, valid & ~zero)
        return self.choose(zero, self.signed(self.is_rounding(Rounding.NEGINF), 0, fmt), result)

    def add(self, fmt: Format, *, flip: bool) -> Value:
        a, b = (self.unpack(fmt, v) for v in self.operands)
        sign_b = ~b.sign if flip else b.sign
        width = _wide(2 * fmt.fraction_bits + 8)
        invalid = a.infinite & b.infinite & (a.sign ^ sign_b)
        valid = ~(self.any_nan(a, b) | a.infinite | b.infinite)
        total = self.sum(
            fmt.fraction_bits + 1,
            (a.sign, a.mantissa.zero_extend(width) if width > 64 else a.mantissa, a.exponent),
            (sign_b, b.mantissa.zero_extend(width) if width > 64 else b.mantissa, b.exponent),
        )
        zeros = a.zero & b.zero & ~(a.sign ^ sign_b)
        result = self.encode_sum(fmt, *total, valid & ~zeros)
        result = self.choose(zeros, self.signed(a.sign, 0, fmt), result)
        result = self.choose(b.infinite, self.signed(sign_b, fmt.infinity, fmt), result)
        result = self.choose(a.infinite, self.signed(a.sign, fmt.infinity, fmt), result)
        return self.finish(fmt, [a, b], result, invalid)

    def finish(
        self, fmt: Format, numbers: list[_Number], result: Value, invalid: Value, bits: list[Value] | None = None
    ) -> Value:
        """The default NaN where the operation is invalid, and the operands' NaNs."""
        invalid = invalid & ~self.any_nan(*numbers)
        self.signal(IOC, invalid)
        result = self.choose(invalid, self.word(fmt.default_nan), result)
        return self.process_nans(fmt, numbers, result, bits)

    # -- products ----------------------------------------------------------------------------------------------------
    def product(self, a: _Number, b: _Number, width: int) -> tuple[Value, Value]:
        wide = [self.resized(n.mantissa, width) for n in (a, b)]
        return wide[0] * wide[1], a.exponent + b.exponent

    def multiply(self, fmt: Format, *, extended: bool) -> Value:
        a, b = (self.unpack(fmt, v) for v in self.operands)
        sign = a.sign ^ b.sign
        zero, infinite = a.zero | b.zero, a.infinite | b.infinite
        mantissa, exponent = self.product(a, b, _wide(2 * fmt.fraction_bits + 2))
        result = self.encode(fmt, sign, mantissa, exponent, ~(zero | infinite | self.any_nan(a, b)))
        result = self.choose(zero, self.signed(sign, 0, fmt), result)
        result = self.choose(infinite, self.signed(sign, fmt.infinity, fmt), result)
        if extended:
            result = self.choose(zero & infinite, self.signed(sign, fmt.power_of_two(1), fmt), result)
        return self.finish(fmt, [a, b], result, self.bit(False) if extended else zero & infinite)

    def multiply_add(self, fmt: Format, factors: Format) -> Value:
        c = self.unpack(fmt, self.operands[0])
        a, b = (self.unpack(factors, v) for v in self.operands[1:])
        sign = a.sign ^ b.sign
        zero, infinite = a.zero | b.zero, a.infinite | b.infinite
        kept = max(2 * factors.fraction_bits + 2, fmt.fraction_bits + 1)
        width = _wide(2 * kept + 4)
        mantissa, exponent = self.product(a, b, width)
        total = self.sum(kept, (c.sign, self.resized(c.mantissa, width), c.exponent), (sign, mantissa, exponent))
        zeros = zero & c.zero & ~(sign ^ c.sign)
        finite = ~(infinite | c.infinite | self.any_nan(a, b, c))
        result = self.encode_sum(fmt, *total, finite & ~zeros)
        result = self.choose(zeros, self.signed(sign, 0, fmt), result)
        result = self.choose(c.infinite, self.signed(c.sign, fmt.infinity, fmt), result)
        result = self.choose(infinite, self.signed(sign, fmt.infinity, fmt), result)
        both = infinite & zero & ~self.any_nan(a, b)
        invalid = both | infinite & c.infinite & (sign ^ c.sign)
        patterns = None
        if factors is not fmt:
            patterns = [c.bits.zero_extend(64), *(self.convert_nan(n, fmt) for n in (a, b))]
        result = self.finish(fmt, [c, a, b], result, invalid, patterns)
        # Infinity times zero is invalid also with a quiet NaN as the addend.
        even_so = both & c.nan & ~c.signalling
        self.signal(IOC, even_so)
        return self.choose(even_so, self.word(fmt.default_nan), result)

    def step(self, fmt: Format, constant: int, halvings: int) -> Value:
        first = self.operands[0] ^ fmt.sign
        a, b = self.unpack(fmt, first), self.unpack(fmt, self.operands[1])
        sign = a.sign ^ b.sign
        zero, infinite = a.zero | b.zero, a.infinite | b.infinite
        kept = 2 * fmt.fraction_bits + 2
        width = _wide(2 * kept + 4)
        mantissa, exponent = self.product(a, b, width)
        unbounded = infinite & ~zero
        mantissa = self.choose(zero | infinite, const(self.builder, width, 0), mantissa)
        one = (self.bit(False), const(self.builder, width, constant), self.word(0))
        total_sign, total, position = self.sum(kept, one, (sign, mantissa, exponent))
        valid = ~(unbounded | self.any_nan(a, b))
        result = self.encode_sum(fmt, total_sign, total, position - halvings, valid)
        result = self.choose(unbounded, self.signed(sign, fmt.infinity, fmt), result)
        return self.process_nans(fmt, [a, b], result)

    # -- quotients and roots -----------------------------------------------------------------------------------------
    def divide(self, fmt: Format) -> Value:
        a, b = (self.unpack(fmt, v) for v in self.operands)
        sign = a.sign ^ b.sign
        kept = fmt.fraction_bits + 1
        top, position_a = self.normalize(a.mantissa, a.exponent)
        bottom, position_b = self.normalize(b.mantissa, b.exponent)
        # Bit by bit: LLVM divides 128 bits by a library that may not be there.
        rest, divisor, quotient = top >> 64 - kept, bottom >> 64 - kept, self.word(0)
        for i in range(kept + 3):
            if i:
                rest = rest << 1
            fits = divisor.ule(rest)
            rest = self.choose(fits, rest - divisor, rest)
            quotient = quotient << 1 | fits.zero_extend(64)
        exact = (quotient << 1 | (rest != 0).zero_extend(64)).zero_extend(128)
        invalid = a.zero & b.zero | a.infinite & b.infinite
        special = invalid | a.infinite | b.infinite | a.zero | b.zero | self.any_nan(a, b)
        result = self.encode(fmt, sign, exact, position_a - position_b - (kept + 3), ~special)
        result = self.choose(a.zero | b.infinite, self.signed(sign, 0, fmt), result)
        result = self.choose(a.infinite | b.zero, self.signed(sign, fmt.infinity, fmt), result)
        self.signal(DZC, b.zero & ~(a.zero | a.infinite | self.any_nan(a, b)))
        return self.finish(fmt, [a, b], result, invalid)

    def square_root(self, fmt: Format) -> Value:
        (a,) = (self.unpack(fmt, v) for v in self.operands)
        mantissa, exponent = self.normalize(a.mantissa, a.exponent)
        # mantissa / 2**64 * 2**even, in 1/4 ... 1.
        odd = exponent & 1
        mantissa = mantissa >> odd
        exponent = exponent + odd
        root, rest = self.word(0), self.word(0)
        for i in range(fmt.fraction_bits + 4):
            pair = mantissa >> 62 - 2 * i & 3 if i < 32 else self.word(0)
            rest = rest << 2 | pair
            trial = root << 2 | 1
            fits = trial.ule(rest)
            rest = self.choose(fits, rest - trial, rest)
            root = root << 1 | fits.zero_extend(64)
        count = fmt.fraction_bits + 4
        exact = (root << 1 | (rest != 0).zero_extend(64)).zero_extend(128)
        position = exponent.asr(1) + (32 - count - 1)
        special = a.zero | a.infinite | a.nan | a.sign
        result = self.encode(fmt, self.bit(False), exact, position, ~special)
        result = self.choose(a.infinite, self.word(fmt.infinity), result)
        result = self.choose(a.zero, self.signed(a.sign, 0, fmt), result)
        return self.finish(fmt, [a], result, a.sign & ~a.zero)

    # -- order -------------------------------------------------------------------------------------------------------
    def order(self, n: _Number) -> Value:
        """An integer ordered as the number is."""
        magnitude = n.bits.zero_extend(64) & n.format.sign - 1
        return self.choose(n.zero, self.word(0), self.choose(n.sign, -magnitude, magnitude))

    def compare(self, fmt: Format, what: str) -> Value:
        a, b = (self.unpack(fmt, v) for v in self.operands)
        nan = self.any_nan(a, b)
        self.signal(IOC, a.signalling | b.signalling if what in ("eq", "cmp") else nan)
        x, y = self.order(a), self.order(b)
        if what == "eq":
            return self.ones((x == y) & ~nan)
        if what == "ge":
            return self.ones(y.sle(x) & ~nan)
        if what == "gt":
            return self.ones(y.slt(x) & ~nan)
        result = self.choose(x == y, self.word(0b0110), self.choose(x.slt(y), self.word(0b1000), self.word(0b0010)))
        return self.choose(nan, self.word(0b0011), result)

    def ones(self, condition: Value) -> Value:
        return condition.sign_extend(64)

    def extreme(self, fmt: Format, *, least: bool, number: bool) -> Value:
        operands = self.operands
        if number:
            first, second = operands
            instead = const(self.builder, fmt.width, fmt.infinity | (0 if least else fmt.sign))
            quiet_a, quiet_b = ((v & fmt.default_nan) == fmt.default_nan for v in operands)
            operands = [
                self.choose(quiet_a & ~quiet_b, instead, first),
                self.choose(quiet_b & ~quiet_a, instead, second),
            ]
        a, b = (self.unpack(fmt, v) for v in operands)
        x, y = self.order(a), self.order(b)
        first_wins = x.sle(y) if least else y.sle(x)
        best = self.choose(first_wins, x, y)
        result = self.choose(first_wins, a.bits, b.bits).zero_extend(64)
        sign = a.sign | b.sign if least else a.sign & b.sign
        result = self.choose(best == 0, self.signed(sign, 0, fmt), result)
        return self.process_nans(fmt, [a, b], result)

    # -- conversion --------------------------------------------------------------------------------------------------
    def convert_nan(self, n: _Number, target: Format) -> Value:
        fraction = n.bits.zero_extend(64) & n.format.fraction_mask
        shift = target.fraction_bits - n.format.fraction_bits
        fraction = fraction << shift if shift >= 0 else fraction >> -shift
        return self.signed(n.sign, fraction | target.default_nan, target)

    def convert(self, fmt: Format, target: Format) -> Value:
        a = self.unpack(fmt, self.operands[0], converting=True)
        valid = ~(a.nan | a.infinite | a.zero)
        mantissa = a.mantissa.zero_extend(128)
        result = self.encode(target, a.sign, mantissa, a.exponent, valid, converting=True)
        result = self.choose(a.zero, self.signed(a.sign, 0, target), result)
        nan = self.choose(self.mode(DN), self.word(target.default_nan), self.convert_nan(a, target))
        infinity = self.signed(a.sign, target.infinity, target)
        invalid = a.signalling
        if target is HALF:
            alternative = self.mode(AHP)
            nan = self.choose(alternative, self.signed(a.sign, 0, target), nan)
            infinity = self.choose(alternative, self.signed(a.sign, target.sign - 1, target), infinity)
            invalid = invalid | (a.nan | a.infinite) & alternative
        self.signal(IOC, invalid)
        result = self.choose(a.infinite, infinity, result)
        return self.choose(a.nan, nan, result)

    def to_integer(self, a: _Number, fraction_bits: int = 0) -> tuple[Value, Value]:
        """The magnitude next to the number, of 192 bits, and whether it differs; saturated far beyond 2**64."""
        width, point = 192, 66
        exponent = a.exponent + fraction_bits
        left = self.choose(exponent.slt(0), self.word(0), self.at_most(exponent, 70))
        right = self.choose(exponent.slt(0), self.at_most(-exponent, 130), self.word(0))
        value = a.mantissa.zero_extend(width) << point << self.resized(left, width)
        value = self.shift_right(value, self.resized(right, width))
        integer, rest = value >> point, value & (1 << point) - 1
        up = self.round_up(a.sign, (integer & 1) != 0, rest, 1 << point - 1)
        return integer + up.zero_extend(width), rest != 0

    def to_fixed(self, fmt: Format, size: int, fraction_bits: int, *, signed: bool) -> Value:
        a = self.unpack(fmt, self.operands[0])
        integer, inexact = self.to_integer(a, fraction_bits)
        integer = self.choose(a.infinite, const(self.builder, 192, 1 << 100), integer)
        highest = (1 << size - 1) - 1 if signed else (1 << size) - 1
        lowest = 1 << size - 1 if signed else 0
        limit = self.choose(a.sign, const(self.builder, 192, lowest), const(self.builder, 192, highest))
        beyond = limit.ult(integer)
        integer = self.choose(beyond, limit, integer)
        invalid = beyond | a.nan
        self.signal(IOC, invalid)
        self.signal(IXC, inexact & ~invalid & ~a.infinite)
        low = integer.bits(0, 64)
        return self.choose(a.nan, self.word(0), self.choose(a.sign, -low, low))

    def to_javascript(self, fmt: Format) -> Value:
        """The integer in the low 32 bits, Z in bit 32."""
        a = self.unpack(fmt, self.operands[0])
        self.rounding = Rounding.ZERO
        magnitude, inexact = self.to_integer(a)
        # What is beyond 2**64 is taken modulo 2**32 by itself.
        shift = self.choose(a.exponent.slt(0), self.word(0), a.exponent)
        large = self.choose(shift.ult(32), a.mantissa << self.at_most(shift, 31), self.word(0))
        low = self.choose(a.exponent.slt(0), magnitude.bits(0, 64), large)
        low = self.choose(a.sign, -low, low) & 0xFFFF_FFFF
        special = a.nan | a.infinite
        limit = self.choose(a.sign, const(self.builder, 192, 1 << 31), const(self.builder, 192, (1 << 31) - 1))
        beyond = limit.ult(magnitude)
        self.signal(IOC, special | beyond)
        self.signal(IXC, inexact & ~special & ~beyond)
        exact = ~(special | beyond | inexact) & (~a.zero | (a.bits == 0))
        low = self.choose(special, self.word(0), low)
        return low | exact.zero_extend(64) << 32

    def from_fixed(self, target: Format, fraction_bits: int, *, signed: bool) -> Value:
        a = self.operands[0]
        sign = a.slt(0) if signed else self.bit(False)
        wide = a.sign_extend(64) if signed else a.zero_extend(64)
        magnitude = self.choose(sign, -wide, wide)
        zero = magnitude == 0
        result = self.encode(target, sign, magnitude.zero_extend(128), self.word(-fraction_bits), ~zero)
        return self.choose(zero, self.word(0), result)

    def round_integral(self, fmt: Format, *, exact: bool, size: int = 0) -> Value:
        a = self.unpack(fmt, self.operands[0])
        integer, inexact = self.to_integer(a)
        integral = ~a.exponent.slt(0)
        special = a.nan | a.infinite
        number = integer.bits(0, 128)
        zero = number == 0
        # Exact, whatever the rounding.
        value = self.encode(fmt, a.sign, number, self.word(0), self.bit(False))
        value = self.choose(zero, self.signed(a.sign, 0, fmt), value)
        value = self.choose(integral & ~a.zero, a.bits.zero_extend(64), value)
        if size:
            limit = self.choose(
                a.sign, const(self.builder, 192, 1 << size - 1), const(self.builder, 192, (1 << size - 1) - 1)
            )
            beyond = limit.ult(integer) | special
            self.signal(IOC, beyond)
            self.signal(IXC, inexact & ~beyond)
            return self.choose(beyond, self.word(fmt.sign | fmt.power_of_two(size - 1)), value)
        if exact:
            self.signal(IXC, inexact & ~special)
        value = self.choose(a.infinite, a.bits.zero_extend(64), value)
        return self.process_nans(fmt, [a], value)

    # -- estimates ---------------------------------------------------------------------------------------------------
    def reciprocal(self, top: Value) -> Value:
        """Of 256 <= top < 512, as `fp.estimate`."""
        divisor = top * 2 + 1
        quotient = emit(self.builder, 64, f"udiv i64 {1 << 19}, {divisor.text}")
        return quotient + 1 >> 1

    def reciprocal_square_root(self, top: Value) -> Value:
        """Of 128 <= top < 512."""
        # Of two that share an entry in the upper half there is one.
        entries = [unsigned_reciprocal_square_root_estimate(i << 23) >> 23 for i in range(128, 512)]
        table = "[" + ", ".join(f"i16 {entry}" for entry in entries) + "]"
        self.table = f"@square_roots = internal constant [384 x i16] {table}"
        pointer = self.builder.line(f"getelementptr i16, ptr @square_roots, i64 {(top - 128).text}")
        return emit(self.builder, 16, f"load i16, ptr {pointer}").zero_extend(64)

    table = ""

    def reciprocal_estimate(self, fmt: Format) -> Value:
        a = self.unpack(fmt, self.operands[0])
        mantissa, exponent = self.normalize(a.mantissa, a.exponent)
        leading = exponent + 63
        estimate = self.reciprocal(self.choose(a.mantissa == 0, self.word(256), mantissa >> 55))
        biased = self.word(fmt.bias - 1) - leading
        fraction = estimate << fmt.fraction_bits - 8
        normal = (biased - 1 << fmt.fraction_bits) + fraction
        tiny = biased.slt(1)
        denormal = fraction >> self.choose(tiny, self.at_most(self.word(1) - biased, 63), self.word(0))
        number = ~(a.nan | a.infinite | a.zero)
        large = leading.slt(fmt.min_exponent - 2) & number
        flush = self.mode(FZ16 if fmt is HALF else FZ) & ~leading.slt(-fmt.min_exponent) & number
        result = self.choose(tiny, denormal, normal)
        result = self.choose(flush, self.word(0), result)
        self.signal(UFC, flush & ~large)
        to_infinity = self.is_rounding(Rounding.TIEEVEN) | self.choose(
            a.sign, self.is_rounding(Rounding.NEGINF), self.is_rounding(Rounding.POSINF)
        )
        largest = self.choose(to_infinity, self.word(fmt.infinity), self.word(fmt.max_normal))
        result = self.choose(large, largest, result)
        self.signal(OFC | IXC, large)
        result = self.choose(a.infinite, self.word(0), self.choose(a.zero, self.word(fmt.infinity), result))
        self.signal(DZC, a.zero)
        return self.process_nans(fmt, [a], self.signed(a.sign, result, fmt))

    def reciprocal_square_root_estimate(self, fmt: Format) -> Value:
        a = self.unpack(fmt, self.operands[0])
        mantissa, exponent = self.normalize(a.mantissa, a.exponent)
        above = exponent + 64
        half = (above + 1).asr(1)
        nine = mantissa >> 55
        scaled = self.choose((above & 1) != 0, nine >> 1, nine)
        estimate = self.reciprocal_square_root(self.choose(a.mantissa == 0, self.word(128), scaled))
        result = (self.word(fmt.bias - 1) - half << fmt.fraction_bits) + (estimate << fmt.fraction_bits - 8)
        result = self.choose(a.infinite, self.word(0), result)
        result = self.choose(a.zero, self.signed(a.sign, fmt.infinity, fmt), result)
        self.signal(DZC, a.zero)
        return self.finish(fmt, [a], result, a.sign & ~a.zero)

    def reciprocal_exponent(self, fmt: Format) -> Value:
        a = self.unpack(fmt, self.operands[0])
        bits = a.bits.zero_extend(64)
        exponent = bits & fmt.infinity
        inverted = self.choose(exponent == 0, self.word(fmt.infinity - fmt.leading), exponent ^ fmt.infinity)
        return self.process_nans(fmt, [a], bits & fmt.sign | inverted)

    def unsigned_reciprocal_estimate(self) -> Value:
        a = self.operands[0].zero_extend(64)
        top = self.choose((a >> 31) != 0, a >> 23, self.word(256))
        return self.choose((a >> 31) != 0, self.reciprocal(top) << 23, self.word(0xFFFF_FFFF))

    def unsigned_reciprocal_square_root_estimate(self) -> Value:
        a = self.operands[0].zero_extend(64)
        top = self.choose((a >> 30) != 0, a >> 23, self.word(128))
        return self.choose((a >> 30) != 0, self.reciprocal_square_root(top) << 23, self.word(0xFFFF_FFFF))

    def bfloat(self, operation: str) -> Value:
        """BFAdd or BFMulH: rounded to odd, where overflow gives infinity."""
        self.rounding = Rounding.ODD
        result = self.add(SINGLE, flip=False) if operation == "bfadd" else self.multiply(SINGLE, extended=False)
        overflow = (self.flags & OFC) != 0
        return result + overflow.zero_extend(64)


def _wide(bits: int) -> int:
    """A width for integers of so many bits."""
    return next(width for width in (64, 128, 192, 256) if width >= bits)


_PLAIN: dict[str, Callable[[_Soft, Format], Value]] = {
    "add": lambda s, f: s.add(f, flip=False),
    "sub": lambda s, f: s.add(f, flip=True),
    "mul": lambda s, f: s.multiply(f, extended=False),
    "mulx": lambda s, f: s.multiply(f, extended=True),
    "div": lambda s, f: s.divide(f),
    "sqrt": lambda s, f: s.square_root(f),
    "fma": lambda s, f: s.multiply_add(f, f),
    "fmal": lambda s, f: s.multiply_add(f, HALF),
    "max": lambda s, f: s.extreme(f, least=False, number=False),
    "min": lambda s, f: s.extreme(f, least=True, number=False),
    "maxnm": lambda s, f: s.extreme(f, least=False, number=True),
    "minnm": lambda s, f: s.extreme(f, least=True, number=True),
    "recps": lambda s, f: s.step(f, 2, 0),
    "rsqrts": lambda s, f: s.step(f, 3, 1),
    **{what: lambda s, f, what=what: s.compare(f, what) for what in ("eq", "ge", "gt", "cmp", "cmpe")},  # type: ignore[misc]
    "recpe": lambda s, f: s.reciprocal_estimate(f),
    "rsqrte": lambda s, f: s.reciprocal_square_root_estimate(f),
    "recpx": lambda s, f: s.reciprocal_exponent(f),
    "urecpe": lambda s, f: s.unsigned_reciprocal_estimate(),
    "ursqrte": lambda s, f: s.unsigned_reciprocal_square_root_estimate(),
    "js": lambda s, f: s.to_javascript(f),
    "bfadd": lambda s, f: s.bfloat("bfadd"),
    "bfmul": lambda s, f: s.bfloat("bfmul"),
    "tobf": lambda s, f: s.convert(f, BFLOAT16),
}


def soft_function(name: str, widths: tuple[int, ...], result: int) -> dict[str, str]:
    """The texts, by name, of `{iN, i64} @soft_<name>_<width>(iN..., i64 fpcr)` and what it needs.

    The names are those of `exact_nan`, and others with options: "tofixed<size>_<fraction bits>_<s or u>_<rounding>".
    """
    return _soft_function(name, widths, result)


@cache
def _soft_function(name: str, widths: tuple[int, ...], result: int) -> dict[str, str]:
    soft = _Soft(widths, FZ | DN if name.startswith("bf") else None)
    value = _body(soft, name, widths, result)
    b = soft.builder
    low = value.bits(0, result)
    kind = f"{{i{result}, i64}}"
    first = b.line(f"insertvalue {kind} poison, i{result} {low.text}, 0")
    both = b.line(f"insertvalue {kind} {first}, i64 {soft.flags.text}, 1")
    parameters = ", ".join(f"i{width} %a{i}" for i, width in enumerate(widths))
    full = f"soft_{name}_{widths[0]}"
    text = f"define internal {kind} @{full}({parameters}, i64 %fpcr) noinline nounwind {{"
    found = {full: "\n".join([text, *b.out, f"ret {kind} {both}", "}"])}
    if soft.table:
        found["square_roots"] = soft.table
    return found


def _body(soft: _Soft, name: str, widths: tuple[int, ...], result: int) -> Value:
    fmt = FORMATS.get(widths[0], SINGLE)
    if name in _PLAIN:
        return _PLAIN[name](soft, fmt)
    kind, *options = name.split("_")
    if kind.startswith("tofixed"):
        _set_rounding(soft, options[2])
        return soft.to_fixed(fmt, result, int(options[0]), signed=options[1] == "s")
    if kind.startswith("fromfixed"):
        return soft.from_fixed(FORMATS[result], int(options[0]), signed=options[1] == "s")
    if kind.startswith("rints"):
        _set_rounding(soft, options[0])
        return soft.round_integral(fmt, exact=True, size=int(kind.removeprefix("rints")))
    if kind == "rint":
        _set_rounding(soft, options[0])
        return soft.round_integral(fmt, exact=options[1] == "1")
    if name.endswith("odd"):
        soft.rounding = Rounding.ODD
    return soft.convert(fmt, FORMATS[result])


def _set_rounding(soft: _Soft, name: str) -> None:
    rounding = Rounding[name.upper()]
    if rounding is not Rounding.CURRENT:
        soft.rounding = rounding
