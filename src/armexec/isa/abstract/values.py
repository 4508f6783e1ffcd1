"""Values with a known shape and no known bits: TOP of the abstract domains."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

__all__ = ["AbstractFlags", "AbstractValue", "AbstractVector", "LaneDependence"]


class AbstractValue:
    """A bit vector of `width` bits, of which nothing is known. As of every Value, its truth can't be asked for."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("width",)

    def __init__(self, width: int) -> None:
        self.width = width

    def _top(self, *_: Any) -> AbstractValue:
        return AbstractValue(self.width)

    def _bit(self, *_: Any) -> AbstractValue:
        return AbstractValue(1)

    def __bool__(self) -> bool:
        raise TypeError("the truth of a value isn't known: use m.select")

    def __add__(self, other: Any) -> AbstractValue:
        return AbstractValue(self.width)

    __sub__ = __mul__ = __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = asr = ror = udiv = sdiv = __add__
    __invert__ = __neg__ = clz = popcount = reverse_bits = reverse_bytes = _top
    __eq__ = __ne__ = _bit  # type: ignore[assignment]
    ult = ule = slt = sle = _bit

    def zero_extend(self, width: int) -> AbstractValue:
        return AbstractValue(width)

    def sign_extend(self, width: int) -> AbstractValue:
        return AbstractValue(width)

    def bits(self, low: int, width: int) -> AbstractValue:
        return AbstractValue(width)

    def vector(self, esize: int) -> AbstractVector:
        return AbstractVector(esize, self.width // esize, LaneDependence.MIXED)


class LaneDependence(IntEnum):
    """Kinds of dependence of a vector's elements: a lattice, whose join is the maximum."""

    UNIFORM = 0
    """All elements are equal, whatever the lanes of registers hold."""
    LANEWISE = 1
    """The same element of vector registers, and what is uniform."""
    MIXED = 2
    """Anything: TOP."""


class AbstractVector:
    """`lanes` elements of `esize` bits each, of which nothing is known but what they depend on."""

    __slots__ = ("dependence", "esize", "lanes")

    def __init__(self, esize: int, lanes: int, dependence: LaneDependence = LaneDependence.MIXED) -> None:
        self.esize = esize
        self.lanes = lanes
        self.dependence = dependence

    def lane_by_lane(self, *others: Any) -> AbstractVector:
        """The result of an operation on each element, which may have further vectors or ints as operands."""
        dependence = self.dependence
        for other in others:
            if isinstance(other, AbstractVector):
                # Lanes of another size are other parts of the register, as the factors of a dot product.
                same = other.esize == self.esize
                dependence = max(dependence, other.dependence if same else LaneDependence.MIXED)
        return AbstractVector(self.esize, self.lanes, dependence)

    def _resized(self, esize: int) -> AbstractVector:
        return AbstractVector(esize, self.lanes, self.dependence if esize == self.esize else LaneDependence.MIXED)

    def __add__(self, other: Any) -> AbstractVector:
        return self.lane_by_lane(other)

    __sub__ = __mul__ = __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = __add__
    __invert__ = __neg__ = asr = eq = ult = ule = slt = sle = choose = smin = smax = umin = umax = lane_by_lane
    abs = clz = popcount = reverse_bits = lane_by_lane
    zero_extend = sign_extend = truncate = _resized

    def polynomial_multiply(self, other: AbstractVector) -> AbstractVector:
        return AbstractVector(2 * self.esize, self.lanes)

    def view(self, esize: int) -> AbstractVector:
        return AbstractVector(esize, self.esize * self.lanes // esize)

    def value(self) -> AbstractValue:
        return AbstractValue(self.esize * self.lanes)

    def lane(self, index: int) -> AbstractValue:
        return AbstractValue(self.esize)

    def insert(self, index: int, value: Any) -> AbstractVector:
        return AbstractVector(self.esize, self.lanes)

    def lower(self) -> AbstractVector:
        return AbstractVector(self.esize, self.lanes // 2)

    upper = lower

    def concat(self, upper: AbstractVector) -> AbstractVector:
        return AbstractVector(self.esize, self.lanes + upper.lanes)

    def shuffle(self, other: AbstractVector, indices: Sequence[int]) -> AbstractVector:
        return AbstractVector(self.esize, len(indices))

    def table(self, indices: AbstractVector) -> AbstractVector:
        return AbstractVector(indices.esize, indices.lanes)


class AbstractFlags:
    """PSTATE.{N, Z, C, V}."""

    __slots__ = ()

    N = Z = C = V = AbstractValue(1)
