"""The reference machine's floating-point operations: those of reference_fp, lane by lane, with FPCR and FPSR."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from armexec.machines.reference_values import Bits
from armexec.machines.reference_vectors import Elements

__all__ = ["FloatingPoint"]

_Lanes = TypeVar("_Lanes", Bits, Elements)


class FloatingPoint:
    """The part of the machine that computes with floating-point numbers."""

    system_registers: dict[int, int]

    def _lanes(self, operation: Callable[..., int], *operands: _Lanes, width: int = 0) -> _Lanes:
        """`operation(element..., width of an element)` on Values or lane by lane, into elements of `width` bits."""
        first = operands[0]
        if isinstance(first, Bits):
            scalars = [operand.value for operand in operands if isinstance(operand, Bits)]
            return Bits(width or first.width, operation(*scalars, first.width))
        lanes = [operand.values for operand in operands if isinstance(operand, Elements)]
        return Elements(width or first.esize, [operation(*values, first.esize) for values in zip(*lanes, strict=True)])
