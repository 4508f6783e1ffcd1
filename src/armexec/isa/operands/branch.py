"""Operands of branches: a register that may be left out, and the bit that TBZ and TBNZ test."""

from __future__ import annotations

from typing import NamedTuple

from ..syntax import Cursor, Expression, OperandError, Register
from .basic import Context, Fields, GeneralRegister, Operand, Piece

__all__ = ["DefaultRegister", "TestedBit"]


class DefaultRegister(GeneralRegister):
    """An X register that need not be written when it is number `default`: that of RET (30), of SYS (31)."""

    def __init__(self, field: str, default: int) -> None:
        super().__init__("x", field)
        self.default = Register("x", default)


class _Bit(NamedTuple):
    register: Register
    number: int | Expression


class TestedBit(Operand):
    """`<R><t>, #<imm>` in Rt:b5:b40. Bits 0-31 may be written of X or W registers, and are printed of W."""

    fields = ("Rt", "b5", "b40")

    def parse(self, cursor: Cursor) -> _Bit:
        register = cursor.register(("x", "w"), "a register W0-W30 or WZR, X0-X30 or XZR")
        cursor.expect(",")
        return _Bit(register, cursor.value(f"a bit number 0..{63 if register.kind == 'x' else 31}"))

    def encode(self, value: _Bit) -> dict[str, int]:
        register, number = value
        last = 63 if register.kind == "x" else 31
        if not isinstance(number, int) or not 0 <= number <= last:
            raise OperandError(f"bit number {number} is out of range 0..{last} of {register.name}")
        return {"Rt": register.number, "b5": number >> 5, "b40": number & 31}

    def resolved(self, value: _Bit, number: int) -> _Bit:
        return value._replace(number=number)

    def decode(self, fields: Fields) -> _Bit:
        return _Bit(Register("x" if fields["b5"] else "w", fields["Rt"]), fields["b5"] << 5 | fields["b40"])

    def pieces(self, value: _Bit) -> tuple[Piece, ...]:
        return Piece("register", value.register), Piece("immediate", value.number)

    def text(self, value: _Bit, context: Context) -> str:
        return f"{value.register.name}, #{value.number}"
