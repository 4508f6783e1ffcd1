"""The floating-point formats, and what a bit pattern of one stands for."""

from __future__ import annotations

from typing import TypeAlias

__all__ = [
    "BFLOAT16",
    "DOUBLE",
    "FINITE",
    "FORMATS",
    "HALF",
    "INFINITY",
    "QUIET_NAN",
    "SIGNALLING_NAN",
    "SINGLE",
    "ZERO",
    "Format",
    "Number",
    "decode",
]

ZERO, FINITE, INFINITY, QUIET_NAN, SIGNALLING_NAN = range(5)
"""FPType of the manual, with denormals among the FINITE ones. What is at least QUIET_NAN is a NaN."""

Number: TypeAlias = tuple[int, int, int, int]
"""A kind, a sign (0 or 1), and of a FINITE number mantissa > 0 and exponent: mantissa * 2**exponent."""


class Format:
    """A binary format: a sign, `exponent_bits`, and `fraction_bits` below a leading bit that isn't stored."""

    def __init__(self, exponent_bits: int, fraction_bits: int) -> None:
        self.width = 1 + exponent_bits + fraction_bits
        self.exponent_bits = exponent_bits
        self.fraction_bits = fraction_bits
        self.sign = 1 << (self.width - 1)
        """The sign bit."""
        self.exponent_mask = (1 << exponent_bits) - 1
        self.leading = 1 << fraction_bits
        """The leading bit of a normal number's mantissa."""
        self.fraction_mask = self.leading - 1
        self.infinity = self.exponent_mask << fraction_bits
        self.quiet = self.leading >> 1
        """The bit that a quiet NaN has and a signalling one hasn't."""
        self.default_nan = self.infinity | self.quiet
        self.max_normal = self.infinity - 1
        self.bias = (1 << exponent_bits - 1) - 1
        self.min_exponent = 1 - self.bias
        """The least normal number is 2**min_exponent."""
        self.ulp_exponent = self.min_exponent - fraction_bits
        """The least denormal number is 2**ulp_exponent."""

    def is_denormal(self, bits: int) -> bool:
        return 0 < bits & (self.sign - 1) < self.leading

    def is_quiet_nan(self, bits: int) -> bool:
        return bits & self.default_nan == self.default_nan

    def power_of_two(self, exponent: int) -> int:
        """2**exponent, a normal number."""
        return exponent + self.bias << self.fraction_bits


HALF = Format(5, 10)
SINGLE = Format(8, 23)
DOUBLE = Format(11, 52)
BFLOAT16 = Format(8, 7)

FORMATS = {16: HALF, 32: SINGLE, 64: DOUBLE}
"""What an element of so many bits is, where an instruction doesn't say that it is a bfloat16."""


def decode(fmt: Format, bits: int) -> Number:
    """What `bits` stand for, without a thought for modes."""
    sign = bits >> (fmt.width - 1)
    exponent = bits >> fmt.fraction_bits & fmt.exponent_mask
    fraction = bits & fmt.fraction_mask
    if exponent == 0:
        return (FINITE if fraction else ZERO), sign, fraction, fmt.ulp_exponent
    if exponent == fmt.exponent_mask:
        if fraction == 0:
            return INFINITY, sign, 0, 0
        return (QUIET_NAN if fraction & fmt.quiet else SIGNALLING_NAN), sign, 0, 0
    return FINITE, sign, fmt.leading | fraction, fmt.ulp_exponent + exponent - 1
