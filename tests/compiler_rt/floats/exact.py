"""Binary floating-point formats in exact arithmetic: IEEE 754-2019, 3.4 and 4.3."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

NEAREST, UPWARD, DOWNWARD, TO_ZERO = range(4)  # as FPCR.RMode has them


@dataclass(frozen=True)
class Format:
    """A sign, `width - 1 - fraction` bits of the exponent, `fraction` of the fraction."""

    width: int
    fraction: int

    @property
    def sign(self) -> int:
        return 1 << (self.width - 1)

    @property
    def infinity(self) -> int:
        return self.sign - (1 << self.fraction)

    @property
    def bias(self) -> int:
        return (1 << (self.width - 2 - self.fraction)) - 1

    def is_finite(self, bits: int) -> bool:
        return bits & self.infinity != self.infinity

    def is_nan(self, bits: int) -> bool:
        return bits & ~self.sign > self.infinity

    def value(self, bits: int) -> Fraction:
        """The exact value of a finite number."""
        exponent, significand = bits >> self.fraction & 2 * self.bias + 1, bits & (1 << self.fraction) - 1
        if exponent:
            significand |= 1 << self.fraction
        magnitude = Fraction(significand) * Fraction(2) ** (max(exponent, 1) - self.bias - self.fraction)
        return -magnitude if bits & self.sign else magnitude

    def rounded(self, value: Fraction, mode: int, negative_zero: bool = False) -> int:
        """The bits of an exact value."""
        negative = value < 0 or (not value and negative_zero)
        sign, magnitude = (self.sign if negative else 0), abs(value)
        if not magnitude:
            return sign
        exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
        if Fraction(2) ** exponent > magnitude:
            exponent -= 1
        exponent = max(exponent, 1 - self.bias)
        units = magnitude / Fraction(2) ** (exponent - self.fraction)
        whole = units.numerator // units.denominator
        rest = units - whole
        away = {UPWARD: not negative, DOWNWARD: negative, TO_ZERO: False}.get(mode)
        if away is None:
            whole += rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole & 1)
        else:
            whole += bool(rest) and away
        bits = whole + (exponent + self.bias - 1 << self.fraction)
        if bits >= self.infinity:
            return sign | (self.infinity if mode == NEAREST or away else self.infinity - 1)
        return sign | bits


HALF, BFLOAT, SINGLE, DOUBLE, QUAD = Format(16, 10), Format(16, 7), Format(32, 23), Format(64, 52), Format(128, 112)
