"""The values that semantic functions compute with: bit vectors of a width, and vectors of them.

Each machine has its own; see `isa.machine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias, TypeVar

__all__ = ["Lanes", "Value", "ValueOrInt", "Vector", "VectorOrInt"]


class Value(Protocol):  # noqa: PLW1641 (it is never hashed: its equality is a Value)
    """A bit vector of `width` bits. An int operand is taken modulo 2**width; two Values must be of one width."""

    @property
    def width(self) -> int: ...

    def __add__(self, other: ValueOrInt, /) -> Value: ...
    def __sub__(self, other: ValueOrInt, /) -> Value: ...
    def __mul__(self, other: ValueOrInt, /) -> Value: ...
    def __and__(self, other: ValueOrInt, /) -> Value: ...
    def __or__(self, other: ValueOrInt, /) -> Value: ...
    def __xor__(self, other: ValueOrInt, /) -> Value: ...
    def __invert__(self) -> Value: ...
    def __neg__(self) -> Value: ...

    # A shift by `width` or more has no meaning: mask the amount first.
    def __lshift__(self, amount: ValueOrInt, /) -> Value: ...
    def __rshift__(self, amount: ValueOrInt, /) -> Value:
        """Logical shift right."""

    def asr(self, amount: ValueOrInt, /) -> Value:
        """Arithmetic shift right."""

    def ror(self, amount: ValueOrInt, /) -> Value:
        """Rotate right; here the amount is taken modulo the width."""

    # Comparisons give a Value of one bit.
    def __eq__(self, other: ValueOrInt, /) -> Value: ...  # type: ignore[override]
    def __ne__(self, other: ValueOrInt, /) -> Value: ...  # type: ignore[override]
    def ult(self, other: ValueOrInt, /) -> Value: ...
    def ule(self, other: ValueOrInt, /) -> Value: ...
    def slt(self, other: ValueOrInt, /) -> Value: ...
    def sle(self, other: ValueOrInt, /) -> Value: ...

    def zero_extend(self, width: int, /) -> Value:
        """This value in `width` bits, at least its own, filled with zeros."""

    def sign_extend(self, width: int, /) -> Value:
        """This value in `width` bits, at least its own, filled with the sign."""

    def bits(self, low: int, width: int, /) -> Value:
        """The `width` bits from bit `low` up, as a Value of that width."""

    def udiv(self, other: ValueOrInt, /) -> Value:
        """Unsigned quotient; by zero it is zero, as UDIV's."""

    def sdiv(self, other: ValueOrInt, /) -> Value:
        """Signed quotient towards zero; by zero it is zero, and the minimum by -1 is the minimum, as SDIV's."""

    def clz(self) -> Value:
        """The count of leading zeros, of the same width."""

    def popcount(self) -> Value: ...

    def reverse_bits(self) -> Value: ...

    def reverse_bytes(self) -> Value: ...

    def vector(self, esize: int, /) -> Vector:
        """The same bits as lanes of `esize` bits, lane 0 lowest."""


ValueOrInt: TypeAlias = Value | int


class Vector(Protocol):
    """`lanes` elements of `esize` bits each. Operations are lane by lane; an int stands for that number in every lane.

    Comparisons give a mask: lanes of all ones or all zeros, in the same shape.
    """

    @property
    def lanes(self) -> int: ...
    @property
    def esize(self) -> int: ...

    def __add__(self, other: VectorOrInt, /) -> Vector: ...
    def __sub__(self, other: VectorOrInt, /) -> Vector: ...
    def __mul__(self, other: VectorOrInt, /) -> Vector: ...
    def __and__(self, other: VectorOrInt, /) -> Vector: ...
    def __or__(self, other: VectorOrInt, /) -> Vector: ...
    def __xor__(self, other: VectorOrInt, /) -> Vector: ...
    def __invert__(self) -> Vector: ...
    def __neg__(self) -> Vector: ...

    # Shift amounts, in every lane, must be below esize.
    def __lshift__(self, amount: VectorOrInt, /) -> Vector: ...
    def __rshift__(self, amount: VectorOrInt, /) -> Vector:
        """Logical shift right."""

    def asr(self, amount: VectorOrInt, /) -> Vector: ...

    def eq(self, other: VectorOrInt, /) -> Vector: ...
    def ult(self, other: VectorOrInt, /) -> Vector: ...
    def ule(self, other: VectorOrInt, /) -> Vector: ...
    def slt(self, other: VectorOrInt, /) -> Vector: ...
    def sle(self, other: VectorOrInt, /) -> Vector: ...

    def choose(self, when_ones: Vector, when_zeros: Vector, /) -> Vector:
        """Lanes of one or the other, chosen by this mask; the shapes are this one's."""

    def smin(self, other: VectorOrInt, /) -> Vector: ...
    def smax(self, other: VectorOrInt, /) -> Vector: ...
    def umin(self, other: VectorOrInt, /) -> Vector: ...
    def umax(self, other: VectorOrInt, /) -> Vector: ...
    def abs(self) -> Vector:
        """The absolute value; the minimum stays as it is."""

    def clz(self) -> Vector: ...
    def popcount(self) -> Vector: ...
    def reverse_bits(self) -> Vector: ...

    def polynomial_multiply(self, other: Vector, /) -> Vector:
        """PolynomialMult(): products over {0, 1}, without carries, in lanes twice as wide."""

    def zero_extend(self, esize: int, /) -> Vector:
        """Each lane widened to `esize` bits with zeros."""

    def sign_extend(self, esize: int, /) -> Vector: ...

    def truncate(self, esize: int, /) -> Vector:
        """The low `esize` bits of each lane."""

    def view(self, esize: int, /) -> Vector:
        """The same bits as lanes of another size."""

    def value(self) -> Value:
        """The same bits as one Value."""

    def lane(self, index: int, /) -> Value: ...
    def insert(self, index: int, value: Value, /) -> Vector:
        """A copy of this vector with one lane replaced."""

    def lower(self) -> Vector:
        """The lower half of the lanes."""

    def upper(self) -> Vector: ...
    def concat(self, upper: Vector, /) -> Vector:
        """Twice as many lanes: this one's, and above them the other's."""

    def shuffle(self, other: Vector, indices: Sequence[int], /) -> Vector:
        """Lanes picked by number: this one's come first, then the other's. Any count of lanes results."""

    def table(self, indices: Vector, /) -> Vector:
        """The byte that each byte of `indices` names, zero where there is none (TBL); lanes are bytes."""


VectorOrInt: TypeAlias = Vector | int

Lanes = TypeVar("Lanes", Value, Vector)
"""Floating-point and saturating operations take Values or, lane by lane, Vectors."""
