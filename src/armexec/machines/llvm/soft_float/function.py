"""Floating point by integers, written for the translating machine: the same rules as those of `fp`, without branches.

A finite number is mantissa * 2**exponent. Operations are exact, or exact but for a last bit that stands for all that is
below it, until `encode` rounds them, once. A function takes the operands' bits and FPCR, and gives a result and FPSR's
flags.
"""

from __future__ import annotations

from dataclasses import dataclass

from armexec.isa.machine import Rounding
from armexec.machines.fp.formats import HALF, Format
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.values import Value, const, select
from armexec.machines.system import AHP, DN, FZ, FZ16, IDC, IOC, IXC, OFC, RMODE, UFC

__all__ = ["Number", "SoftFunction"]


@dataclass
class Number:
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


class SoftFunction:
    """One function in the making: its operands, its flags so far, and what all operations need."""

    def __init__(self, widths: tuple[int, ...], fpcr: int | None = None) -> None:
        b = self.builder = Builder()
        self.operands = [Value(b, width, f"%a{i}") for i, width in enumerate(widths)]
        self.fpcr = Value(b, 64, "%fpcr") if fpcr is None else const(b, 64, fpcr)
        self.flags = const(b, 64, 0)
        self.rounding: Value | Rounding = self.fpcr >> RMODE & 3
        self.table = ""
        """The definition of the table of square roots, if it uses that."""

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

    def unpack(self, fmt: Format, bits: Value, *, converting: bool = False) -> Number:
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
        return Number(fmt, bits, sign, mantissa, position, zero, is_special & no_fraction, nan, signalling)

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

    def process_nans(self, fmt: Format, numbers: list[Number], result: Value, bits: list[Value] | None = None) -> Value:
        """`result`, or the NaN of the first operand that is one. `bits`: the operands as they are in `fmt`."""
        patterns = bits or [n.bits.zero_extend(64) for n in numbers]
        default = self.mode(DN)
        for which in ([n.nan for n in numbers], [n.signalling for n in numbers]):
            for is_one, pattern in zip(reversed(which), reversed(patterns), strict=True):
                nan = self.choose(default, self.word(fmt.default_nan), pattern | fmt.quiet)
                result = self.choose(is_one, nan, result)
        for number in numbers:
            self.signal(IOC, number.signalling)
        return result

    def any_nan(self, *numbers: Number) -> Value:
        found = numbers[0].nan
        for number in numbers[1:]:
            found = found | number.nan
        return found

    def finish(
        self, fmt: Format, numbers: list[Number], result: Value, invalid: Value, bits: list[Value] | None = None
    ) -> Value:
        """The default NaN where the operation is invalid, and the operands' NaNs."""
        invalid = invalid & ~self.any_nan(*numbers)
        self.signal(IOC, invalid)
        result = self.choose(invalid, self.word(fmt.default_nan), result)
        return self.process_nans(fmt, numbers, result, bits)
