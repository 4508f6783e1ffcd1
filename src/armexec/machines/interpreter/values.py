"""The values of the reference machine: Python ints with a width, and lists of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["Bits", "Elements"]


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
        return Elements.of(self.value, esize, self.width)


class Elements:
    """Lanes of `esize` bits, each an int 0 <= lane < 2**esize, lane 0 first."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("esize", "values")

    def __init__(self, esize: int, values: Sequence[int]) -> None:
        mask = (1 << esize) - 1
        self.esize = esize
        self.values = [value & mask for value in values]

    @classmethod
    def of(cls, value: int, esize: int, size: int) -> Elements:
        """`size` bits cut into lanes."""
        if size % esize:
            raise TypeError(f"{size} bits aren't whole lanes of {esize}")
        return cls(esize, [value >> low for low in range(0, size, esize)])

    @property
    def lanes(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Elements({self.esize}, {[hex(v) for v in self.values]})"

    def __bool__(self) -> bool:
        raise TypeError("a machine's vector has no truth: use choose")

    def _other(self, other: Elements | int) -> list[int]:
        if isinstance(other, int):
            return [other & ((1 << self.esize) - 1)] * len(self.values)
        if other.esize != self.esize or len(other.values) != len(self.values):
            raise TypeError(f"{self.lanes} x {self.esize} bits and {other.lanes} x {other.esize} bits")
        return other.values

    def _map(self, operation: Callable[[int], int]) -> Elements:
        return Elements(self.esize, [operation(v) for v in self.values])

    def _zip(self, operation: Callable[[int, int], int], other: Elements | int) -> Elements:
        return Elements(self.esize, [operation(a, b) for a, b in zip(self.values, self._other(other), strict=True)])

    def _signed(self, value: int) -> int:
        sign = 1 << (self.esize - 1)
        return (value ^ sign) - sign

    def __add__(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: a + b, other)

    def __sub__(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: a - b, other)

    def __mul__(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: a * b, other)

    def __and__(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: a & b, other)

    def __or__(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: a | b, other)

    def __xor__(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: a ^ b, other)

    def __invert__(self) -> Elements:
        return self._map(lambda a: ~a)

    def __neg__(self) -> Elements:
        return self._map(lambda a: -a)

    def _amounts(self, amount: Elements | int) -> Elements | int:
        values = [amount] if isinstance(amount, int) else amount.values
        if any(not 0 <= v < self.esize for v in values):
            raise ValueError(f"shift of {self.esize} bits by {max(values)}")
        return amount

    def __lshift__(self, amount: Elements | int) -> Elements:
        return self._zip(lambda a, n: a << n, self._amounts(amount))

    def __rshift__(self, amount: Elements | int) -> Elements:
        return self._zip(lambda a, n: a >> n, self._amounts(amount))

    def asr(self, amount: Elements | int) -> Elements:
        return self._zip(lambda a, n: self._signed(a) >> n, self._amounts(amount))

    def eq(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: -(a == b), other)

    def ult(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: -(a < b), other)

    def ule(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: -(a <= b), other)

    def slt(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: -(self._signed(a) < self._signed(b)), other)

    def sle(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: -(self._signed(a) <= self._signed(b)), other)

    def choose(self, when_ones: Elements, when_zeros: Elements) -> Elements:
        ones, zeros = self._other(when_ones), self._other(when_zeros)
        return Elements(self.esize, [a if m else b for m, a, b in zip(self.values, ones, zeros, strict=True)])

    def smin(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: min(self._signed(a), self._signed(b)), other)

    def smax(self, other: Elements | int) -> Elements:
        return self._zip(lambda a, b: max(self._signed(a), self._signed(b)), other)

    def umin(self, other: Elements | int) -> Elements:
        return self._zip(min, other)

    def umax(self, other: Elements | int) -> Elements:
        return self._zip(max, other)

    def abs(self) -> Elements:
        return self._map(lambda a: abs(self._signed(a)))

    def clz(self) -> Elements:
        return self._map(lambda a: self.esize - a.bit_length())

    def popcount(self) -> Elements:
        return self._map(int.bit_count)

    def reverse_bits(self) -> Elements:
        return self._map(lambda a: int(f"{a:0{self.esize}b}"[::-1], 2))

    def polynomial_multiply(self, other: Elements) -> Elements:
        def product(a: int, b: int) -> int:
            result = 0
            for bit in range(self.esize):
                if b >> bit & 1:
                    result ^= a << bit
            return result

        values = [product(a, b) for a, b in zip(self.values, self._other(other), strict=True)]
        return Elements(2 * self.esize, values)

    def zero_extend(self, esize: int) -> Elements:
        return Elements(esize, self.values)

    def sign_extend(self, esize: int) -> Elements:
        return Elements(esize, [self._signed(v) for v in self.values])

    def truncate(self, esize: int) -> Elements:
        return Elements(esize, self.values)

    @property
    def _bits(self) -> int:
        return sum(v << i * self.esize for i, v in enumerate(self.values))

    def view(self, esize: int) -> Elements:
        return Elements.of(self._bits, esize, self.lanes * self.esize)

    def value(self) -> Bits:
        return Bits(self.lanes * self.esize, self._bits)

    def lane(self, index: int) -> Bits:
        return Bits(self.esize, self.values[index])

    def insert(self, index: int, value: Bits) -> Elements:
        if value.width != self.esize:
            raise TypeError(f"{value.width} bits into a lane of {self.esize}")
        return Elements(self.esize, [*self.values[:index], value.value, *self.values[index + 1 :]])

    def lower(self) -> Elements:
        return Elements(self.esize, self.values[: self.lanes // 2])

    def upper(self) -> Elements:
        return Elements(self.esize, self.values[self.lanes // 2 :])

    def concat(self, upper: Elements) -> Elements:
        return Elements(self.esize, self.values + self._other(upper))

    def shuffle(self, other: Elements, indices: Sequence[int]) -> Elements:
        both = self.values + self._other(other)
        return Elements(self.esize, [both[i] for i in indices])

    def table(self, indices: Elements) -> Elements:
        return Elements(8, [self.values[i] if i < self.lanes else 0 for i in indices.values])
