"""The reference machine's values: Python ints with a width."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from armexec.machines.interpreter.vectors import Elements

__all__ = ["Bits"]


class Bits:
    """`width` bits holding `value`, 0 <= value < 2**width."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("value", "width")

    def __init__(self, width: int, value: int) -> None:
        self.width = width
        self.value = value & ((1 << width) - 1)

    def __repr__(self) -> str:
        return f"Bits({self.width}, 0x{self.value:x})"

    def __bool__(self) -> bool:
        raise TypeError("a machine's value has no truth: use m.select")

    def _other(self, other: Bits | int) -> int:
        if isinstance(other, int):
            return other & ((1 << self.width) - 1)
        if other.width != self.width:
            raise TypeError(f"{self.width} bits and {other.width} bits")
        return other.value

    @property
    def signed(self) -> int:
        """The value as two's complement."""
        sign = 1 << (self.width - 1)
        return (self.value ^ sign) - sign

    def _signed_other(self, other: Bits | int) -> int:
        sign = 1 << (self.width - 1)
        return (self._other(other) ^ sign) - sign

    def __add__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value + self._other(other))

    def __sub__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value - self._other(other))

    def __mul__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value * self._other(other))

    def __and__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value & self._other(other))

    def __or__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value | self._other(other))

    def __xor__(self, other: Bits | int) -> Bits:
        return Bits(self.width, self.value ^ self._other(other))

    def __invert__(self) -> Bits:
        return Bits(self.width, ~self.value)

    def __neg__(self) -> Bits:
        return Bits(self.width, -self.value)

    def _amount(self, amount: Bits | int) -> int:
        amount = amount if isinstance(amount, int) else amount.value
        if not 0 <= amount < self.width:
            raise ValueError(f"shift of {self.width} bits by {amount}")
        return amount

    def __lshift__(self, amount: Bits | int) -> Bits:
        return Bits(self.width, self.value << self._amount(amount))

    def __rshift__(self, amount: Bits | int) -> Bits:
        return Bits(self.width, self.value >> self._amount(amount))

    def asr(self, amount: Bits | int) -> Bits:
        return Bits(self.width, self.signed >> self._amount(amount))

    def ror(self, amount: Bits | int) -> Bits:
        count = (amount if isinstance(amount, int) else amount.value) % self.width
        return Bits(self.width, self.value >> count | self.value << (self.width - count))

    def __eq__(self, other: Bits | int) -> Bits:  # type: ignore[override]
        return Bits(1, self.value == self._other(other))

    def __ne__(self, other: Bits | int) -> Bits:  # type: ignore[override]
        return Bits(1, self.value != self._other(other))

    def ult(self, other: Bits | int) -> Bits:
        return Bits(1, self.value < self._other(other))

    def ule(self, other: Bits | int) -> Bits:
        return Bits(1, self.value <= self._other(other))

    def slt(self, other: Bits | int) -> Bits:
        return Bits(1, self.signed < self._signed_other(other))

    def sle(self, other: Bits | int) -> Bits:
        return Bits(1, self.signed <= self._signed_other(other))

    def zero_extend(self, width: int) -> Bits:
        return Bits(width, self.value)

    def sign_extend(self, width: int) -> Bits:
        return Bits(width, self.signed)

    def bits(self, low: int, width: int) -> Bits:
        return Bits(width, self.value >> low)

    def udiv(self, other: Bits | int) -> Bits:
        divisor = self._other(other)
        return Bits(self.width, self.value // divisor if divisor else 0)

    def sdiv(self, other: Bits | int) -> Bits:
        divisor = self._signed_other(other)
        if divisor == 0:
            return Bits(self.width, 0)
        quotient = abs(self.signed) // abs(divisor)
        return Bits(self.width, quotient if (self.signed < 0) == (divisor < 0) else -quotient)

    def clz(self) -> Bits:
        return Bits(self.width, self.width - self.value.bit_length())

    def popcount(self) -> Bits:
        return Bits(self.width, self.value.bit_count())

    def reverse_bits(self) -> Bits:
        return Bits(self.width, int(f"{self.value:0{self.width}b}"[::-1], 2))

    def reverse_bytes(self) -> Bits:
        return Bits(self.width, int.from_bytes(self.value.to_bytes(self.width // 8, "little"), "big"))

    def vector(self, esize: int) -> Elements:
        from armexec.machines.interpreter.vectors import Elements

        return Elements.of(self.value, esize, self.width)
