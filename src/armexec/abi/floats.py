"""Floating-point arguments and results: Python floats, C's types, and the bits in V registers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import wraps
from typing import Any

from armexec.objects import CType, Prototype

__all__ = ["from_bits", "to_bits", "with_half_bits"]

_HALF_LIMIT = 65520.0
"""From here on a number is nearer to infinity than to the largest half."""


def to_bits(value: float, size: int) -> int:
    """The number as it is in a V register, rounded to nearest; `size` in bytes: 2, 4 or 8."""
    if size == 8:
        return int.from_bytes(struct.pack("<d", value), "little")
    if size == 4:
        return _to_single(to_bits(value, 8))
    if abs(value) >= _HALF_LIMIT:
        value = float("inf") if value > 0 else float("-inf")
    return int.from_bytes(struct.pack("<e", value), "little")


def from_bits(bits: int, size: int) -> float:
    """The number that is in the low bits of a V register."""
    low = bits & (1 << 8 * size) - 1
    if size == 4 and not low >> 23 & 0xFF:
        # Not by the processor: this process may have subnormal numbers made zero.
        return (low & 0x7F_FFFF) * 2.0**-149 * (-1.0 if low >> 31 else 1.0)
    return float(struct.unpack({2: "<e", 4: "<f", 8: "<d"}[size], low.to_bytes(size, "little"))[0])


def _to_single(bits: int) -> int:
    """A double's bits as a float's, rounded to nearest, as C converts: beyond the largest number it is infinity.

    Not by the processor, which rounds as this process has set it up.
    """
    sign, exponent, fraction = bits >> 63 << 31, bits >> 52 & 0x7FF, bits & (1 << 52) - 1
    if exponent == 0x7FF:
        return sign | 0x7F80_0000 | (0x40_0000 | fraction >> 29 if fraction else 0)
    significand = fraction | (1 << 52 if exponent else 0)
    exponent = max(exponent, 1) - (1023 - 127)
    shift = 29 + max(1 - exponent, 0)
    quotient, rest = divmod(significand, 1 << shift)
    half = 1 << shift - 1
    quotient += rest > half or (rest == half and quotient & 1)
    # The leading bit of the quotient of a normal number adds one to the exponent.
    return sign | min((max(exponent - 1, 0) << 23) + quotient, 0x7F80_0000)


def _is_half(ctype: CType) -> bool:
    return ctype.kind == "float" and ctype.size == 2


def with_half_bits(prototype: Prototype, bound: Callable[..., Any]) -> Callable[..., Any]:
    """For a callable to which half-precision numbers are integers: one to which they are floats."""
    halves = [i for i, parameter in enumerate(prototype.parameters) if _is_half(parameter.type)]
    result = _is_half(prototype.result)
    if not halves and not result:
        return bound

    @wraps(bound, assigned=())
    def call(*values: Any) -> Any:
        passed = list(values)
        for i in halves:
            passed[i] = to_bits(passed[i], 2)
        returned = bound(*passed)
        return from_bits(returned, 2) if result else returned

    return call
