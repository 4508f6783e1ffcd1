"""Values with a known shape and no known bits, for running semantic functions for their effects alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["AbstractFlags", "AbstractValue", "AbstractVector"]


class AbstractValue:
    """A bit vector of `width` bits. As of every Value, its truth can't be asked for."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("width",)

    def __init__(self, width: int) -> None:
        self.width = width

    def _same(self, *_: Any) -> AbstractValue:
        return self

    def _bit(self, *_: Any) -> AbstractValue:
        return AbstractValue(1)

    def _sized(self, width: int) -> AbstractValue:
        return AbstractValue(width)

    def __bool__(self) -> bool:
        raise TypeError("the truth of a value isn't known: use m.select")

    __add__ = __sub__ = __mul__ = __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = _same
    __invert__ = __neg__ = asr = ror = udiv = sdiv = clz = popcount = reverse_bits = reverse_bytes = _same
    __eq__ = __ne__ = _bit  # type: ignore[assignment]
    ult = ule = slt = sle = _bit
    zero_extend = sign_extend = _sized

    def bits(self, low: int, width: int) -> AbstractValue:
        return AbstractValue(width)

    def vector(self, esize: int) -> AbstractVector:
        return AbstractVector(esize, self.width // esize)


class AbstractVector:
    """`lanes` elements of `esize` bits each."""

    __slots__ = ("esize", "lanes")

    def __init__(self, esize: int, lanes: int) -> None:
        self.esize = esize
        self.lanes = lanes

    def _same(self, *_: Any) -> AbstractVector:
        return self

    def _resized(self, esize: int) -> AbstractVector:
        return AbstractVector(esize, self.lanes)

    __add__ = __sub__ = __mul__ = __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = _same
    __invert__ = __neg__ = asr = eq = ult = ule = slt = sle = choose = smin = smax = umin = umax = _same
    abs = clz = popcount = reverse_bits = insert = _same
    zero_extend = sign_extend = truncate = _resized

    def polynomial_multiply(self, other: AbstractVector) -> AbstractVector:
        return AbstractVector(2 * self.esize, self.lanes)

    def view(self, esize: int) -> AbstractVector:
        return AbstractVector(esize, self.esize * self.lanes // esize)

    def value(self) -> AbstractValue:
        return AbstractValue(self.esize * self.lanes)

    def lane(self, index: int) -> AbstractValue:
        return AbstractValue(self.esize)

    def lower(self) -> AbstractVector:
        return AbstractVector(self.esize, self.lanes // 2)

    upper = lower

    def concat(self, upper: AbstractVector) -> AbstractVector:
        return AbstractVector(self.esize, self.lanes + upper.lanes)

    def shuffle(self, other: AbstractVector, indices: Sequence[int]) -> AbstractVector:
        return AbstractVector(self.esize, len(indices))

    def table(self, indices: AbstractVector) -> AbstractVector:
        return indices


class AbstractFlags:
    """PSTATE.{N, Z, C, V}."""

    __slots__ = ()

    N = Z = C = V = AbstractValue(1)
