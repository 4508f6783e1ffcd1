"""Floating-point arguments and results: Python floats, C's types, and the bits in V registers."""

from __future__ import annotations

import ctypes
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
        # As C converts: beyond the largest number it is infinity.
        return int.from_bytes(bytes(ctypes.c_float(value)), "little")
    if abs(value) >= _HALF_LIMIT:
        value = float("inf") if value > 0 else float("-inf")
    return int.from_bytes(struct.pack("<e", value), "little")


def from_bits(bits: int, size: int) -> float:
    """The number that is in the low bits of a V register."""
    low = bits & (1 << 8 * size) - 1
    return float(struct.unpack({2: "<e", 4: "<f", 8: "<d"}[size], low.to_bytes(size, "little"))[0])


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
