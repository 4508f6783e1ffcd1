"""Floating-point arguments and results: Python floats, C's types, and the bits in V registers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import wraps
from typing import Any

from armexec.objects import CType, Prototype

__all__ = ["from_bits", "to_bits", "with_half_bits"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

_DOUBLE = CType("float", 8, "double", True, align=8)
_NUMBER, _BITS = struct.Struct("<d"), struct.Struct("<Q")
_READERS = {2: struct.Struct("<e"), 4: struct.Struct("<f"), 8: _NUMBER}
# Of a double that is a normal number of single precision: its exponents, and the bits that must be zero.
_LEAST_NORMAL, _LARGEST_NORMAL, _LOST = 1023 - 126, 1023 + 127, (1 << 29) - 1
_HALF_LIMIT = 65520.0
"""The least number that is rounded to infinity in half precision."""


def to_bits(value: float, ctype: CType) -> int:
    """The number as it is in a V register, rounded to nearest: a type of 2, 4 or 8 bytes."""
    size = ctype.size
    (bits,) = _BITS.unpack(_NUMBER.pack(value))
    if size == 8:
        return int(bits)
    if size == 4:
        exponent = bits >> 52 & 0x7FF
        if _LEAST_NORMAL <= exponent <= _LARGEST_NORMAL and not bits & _LOST:
            return int(bits >> 63 << 31 | exponent - _LEAST_NORMAL + 1 << 23 | bits >> 29 & 0x7F_FFFF)
        return _narrowed(bits, 23)
    if ctype.format == "bfloat16":
        return _narrowed(bits, 7)
    if abs(value) >= _HALF_LIMIT:
        value = float("inf") if value > 0 else float("-inf")
    return int.from_bytes(struct.pack("<e", value), "little")


def from_bits(bits: int, ctype: CType) -> float:
    """The number of that type in the low bits of a V register."""
    size = ctype.size
    if ctype.format == "bfloat16":
        bits, size = bits << 16, 4
    low = bits & (1 << 8 * size) - 1
    if size == 4 and not low >> 23 & 0xFF:
        # Computed with ints: the processor may be set to make subnormal numbers zero.
        return (low & 0x7F_FFFF) * 2.0**-149 * (-1.0 if low >> 31 else 1.0)
    return float(_READERS[size].unpack(low.to_bytes(size, "little"))[0])


def _narrowed(bits: int, width: int) -> int:
    """A double's bits as those of a number of eight bits of exponent and `width` of fraction, rounded to nearest.

    Numbers beyond the largest become infinity, as in C. Computed with ints, since the processor's rounding mode may be
    another.
    """
    drop, infinity = 52 - width, 0xFF << width
    sign, exponent, fraction = bits >> 63 << 8 + width, bits >> 52 & 0x7FF, bits & (1 << 52) - 1
    if exponent == 0x7FF:
        return sign | infinity | (1 << width - 1 | fraction >> drop if fraction else 0)
    significand = fraction | (1 << 52 if exponent else 0)
    exponent = max(exponent, 1) - (1023 - 127)
    shift = drop + max(1 - exponent, 0)
    quotient, rest = divmod(significand, 1 << shift)
    half = 1 << shift - 1
    quotient += rest > half or (rest == half and quotient & 1)
    # In a normal number the leading bit of the quotient adds one to the exponent.
    return sign | min((max(exponent - 1, 0) << width) + quotient, infinity)


def _is_half(ctype: CType) -> bool:
    return ctype.kind == "float" and ctype.size == 2


def with_half_bits(prototype: Prototype, bound: Callable[..., Any], *, in_doubles: bool = False) -> Callable[..., Any]:
    """A callable that takes and returns half-precision numbers as floats, where `bound` has their bits as integers.

    With `in_doubles`, `bound` has doubles instead, whose low 16 bits are the number, as in a V register.
    """
    halves = [i for i, parameter in enumerate(prototype.parameters) if _is_half(parameter.type)]
    result = _is_half(prototype.result)
    if not halves and not result:
        return bound

    @wraps(bound, assigned=())
    def call(*values: Any) -> Any:
        passed = list(values)
        for i in halves:
            bits = to_bits(passed[i], prototype.parameters[i].type)
            passed[i] = from_bits(bits, _DOUBLE) if in_doubles else bits
        returned = bound(*passed)
        if not result:
            return returned
        return from_bits(to_bits(returned, _DOUBLE) if in_doubles else returned, prototype.result)

    return call
