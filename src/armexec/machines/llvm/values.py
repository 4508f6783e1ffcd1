"""The values of the translating machine: names of LLVM values, with the Python int of a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from armexec.machines.llvm.machine import LlvmMachine
    from armexec.machines.llvm.shapes import Shapes
    from armexec.machines.llvm.vectors import Vector

__all__ = ["Value"]


class Value:
    """`width` bits: an operand's text, and for a `constant` its Python int.

    `address` is the guest address that a position-independent constant stands for.
    """

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("address", "constant", "machine", "text", "width")

    def __init__(
        self,
        machine: LlvmMachine,
        width: int,
        text: str,
        constant: int | None = None,
        address: int | None = None,
    ) -> None:
        self.machine = machine
        self.width = width
        self.text = text
        self.constant = constant
        self.address = address

    def __repr__(self) -> str:
        return f"<i{self.width} {self.text}>"

    def __bool__(self) -> bool:
        raise TypeError("a machine's value has no truth: use m.select")

    def _const(self, value: int) -> Value:
        return self.machine.const(self.width, value)

    def _operand(self, other: Value | int) -> Value:
        if other.__class__ is int:
            return self.machine.const(self.width, other)
        if other.width != self.width:  # type: ignore[union-attr]
            raise TypeError(f"{self.width} bits and {other.width} bits")  # type: ignore[union-attr]
        return other  # type: ignore[return-value]

    def _binary(self, operation: str, other: Value) -> Value:
        m = self.machine
        m.count += 1
        name = f"%v{m.count}"
        m.out.append(f"{name} = {operation} i{self.width} {self.text}, {other.text}")
        return Value(m, self.width, name)

    def _compare(self, predicate: str, other: Value) -> Value:
        m = self.machine
        m.count += 1
        name = f"%v{m.count}"
        m.out.append(f"{name} = icmp {predicate} i{self.width} {self.text}, {other.text}")
        return Value(m, 1, name)

    @property
    def signed(self) -> int:
        """The constant as two's complement."""
        assert self.constant is not None
        sign = 1 << (self.width - 1)
        return (self.constant ^ sign) - sign

    def __add__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant + b.constant)
            if b.constant == 0:
                return self
            if self.address is not None:
                return self.machine.address(self.address + b.constant & 0xFFFF_FFFF_FFFF_FFFF)
            result = self._binary("add", b)
            self.machine.note_sum(result, self, b.constant)
            return result
        return self._binary("add", b)

    def __sub__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant - b.constant)
            if b.constant == 0:
                return self
            result = self._binary("sub", b)
            self.machine.note_sum(result, self, -b.constant)
            return result
        return self._binary("sub", b)

    def __mul__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None and self.constant is not None:
            return self._const(self.constant * b.constant)
        return self._binary("mul", b)

    def __and__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant & b.constant)
            if b.constant == 0:
                return b
            if b.constant == (1 << self.width) - 1:
                return self
        return self._binary("and", b)

    def __or__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant | b.constant)
            if b.constant == 0:
                return self
        elif self.constant == 0:
            return b
        return self._binary("or", b)

    def __xor__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant ^ b.constant)
            if b.constant == 0:
                return self
        elif self.constant == 0:
            return b
        return self._binary("xor", b)

    def __invert__(self) -> Value:
        return self ^ ((1 << self.width) - 1)

    def __neg__(self) -> Value:
        return self._const(0) - self

    def _shift(self, operation: str, amount: Value | int) -> Value:
        b = self._operand(amount)
        if b.constant is not None:
            if b.constant >= self.width:
                raise ValueError(f"shift of {self.width} bits by {b.constant}")
            if b.constant == 0:
                return self
            if self.constant is not None:
                if operation == "shl":
                    return self._const(self.constant << b.constant)
                return self._const((self.constant if operation == "lshr" else self.signed) >> b.constant)
        return self._binary(operation, b)

    def __lshift__(self, amount: Value | int) -> Value:
        return self._shift("shl", amount)

    def __rshift__(self, amount: Value | int) -> Value:
        return self._shift("lshr", amount)

    def asr(self, amount: Value | int) -> Value:
        return self._shift("ashr", amount)

    def ror(self, amount: Value | int) -> Value:
        if isinstance(amount, int):
            amount %= self.width
            if amount == 0:
                return self
            if self.constant is not None:
                return self._const(self.constant >> amount | self.constant << (self.width - amount))
        b = self._operand(amount)
        return self._intrinsic("fshr", f", i{self.width} {self.text}, i{self.width} {b.text}")

    def _intrinsic(self, name: str, rest: str = "") -> Value:
        m = self.machine
        return m.emit(self.width, f"call i{self.width} @llvm.{name}.i{self.width}(i{self.width} {self.text}{rest})")

    def __eq__(self, other: Value | int) -> Value:  # type: ignore[override]
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return self.machine.const(1, self.constant == b.constant)
        return self._compare("eq", b)

    def __ne__(self, other: Value | int) -> Value:  # type: ignore[override]
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return self.machine.const(1, self.constant != b.constant)
        return self._compare("ne", b)

    def ult(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return self.machine.const(1, self.constant < b.constant)
        return self._compare("ult", b)

    def ule(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return self.machine.const(1, self.constant <= b.constant)
        return self._compare("ule", b)

    def slt(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return self.machine.const(1, self.signed < b.signed)
        return self._compare("slt", b)

    def sle(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return self.machine.const(1, self.signed <= b.signed)
        return self._compare("sle", b)

    def zero_extend(self, width: int) -> Value:
        if width == self.width:
            return self
        m = self.machine
        if self.constant is not None:
            return m.const(width, self.constant)
        return m.emit(width, f"zext i{self.width} {self.text} to i{width}")

    def sign_extend(self, width: int) -> Value:
        if width == self.width:
            return self
        m = self.machine
        if self.constant is not None:
            return m.const(width, self.signed)
        return m.emit(width, f"sext i{self.width} {self.text} to i{width}")

    def bits(self, low: int, width: int) -> Value:
        m = self.machine
        if self.constant is not None:
            return m.const(width, self.constant >> low)
        source = self >> low
        if width == self.width:
            return source
        return m.emit(width, f"trunc i{self.width} {source.text} to i{width}")

    def udiv(self, other: Value | int) -> Value:
        b = self._operand(other)
        m = self.machine
        zero = b == 0
        quotient = self._binary("udiv", m.select(zero, self._const(1), b))
        return m.select(zero, self._const(0), quotient)  # type: ignore[no-any-return]

    def sdiv(self, other: Value | int) -> Value:
        b = self._operand(other)
        m = self.machine
        zero = b == 0
        # The minimum by -1 overflows: dividing it by 1 gives what SDIV gives.
        overflow = (self == 1 << (self.width - 1)) & (b == -1)
        quotient = self._binary("sdiv", m.select(zero | overflow, self._const(1), b))
        return m.select(zero, self._const(0), quotient)  # type: ignore[no-any-return]

    def clz(self) -> Value:
        if self.constant is not None:
            return self._const(self.width - self.constant.bit_length())
        return self._intrinsic("ctlz", ", i1 false")

    def popcount(self) -> Value:
        if self.constant is not None:
            return self._const(self.constant.bit_count())
        return self._intrinsic("ctpop")

    def reverse_bits(self) -> Value:
        if self.constant is not None:
            return self._const(int(f"{self.constant:0{self.width}b}"[::-1], 2))
        return self._intrinsic("bitreverse")

    def reverse_bytes(self) -> Value:
        if self.width == 8:
            return self
        if self.constant is not None:
            return self._const(int.from_bytes(self.constant.to_bytes(self.width // 8, "little"), "big"))
        return self._intrinsic("bswap")

    def vector(self, esize: int) -> Vector:
        from armexec.machines.llvm.vectors import Vector

        return Vector(self.machine, esize, self.width // esize, self.shapes())

    def shapes(self) -> Shapes:
        """The same bits, to be had in other types."""
        from armexec.machines.llvm.shapes import Shapes

        return Shapes(self.machine, self.width, {f"i{self.width}": self.text}, self.constant)

    def plain(self) -> Value:
        """One whose text is there already."""
        return self
