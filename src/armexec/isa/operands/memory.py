"""Operands of the load and store classes: offsets, register offsets, prefetch operations."""

from __future__ import annotations

from typing import NamedTuple

from ..syntax import Cursor, OperandError, Register, general_register
from . import relocation_operators
from .basic import Context, Fields, Immediate, Label, NamedImmediate, Operand, Piece
from .relocation_operators import load_store

__all__ = [
    "LITERAL",
    "PREFETCH",
    "RANGE_PREFETCH",
    "AuthenticatedOffset",
    "RegisterOffset",
    "ScaledOffset",
]


class ScaledOffset(Immediate):
    """The unsigned offset in imm12 of an access of `size` bytes, in units of that, or a symbol's low bits."""

    def __init__(self, size: int) -> None:
        super().__init__("imm12", scale=size, default=0, relocations=load_store(size))


class AuthenticatedOffset(Immediate):
    """The offset of LDRAA and LDRAB: S:imm9, a signed count of 8 bytes."""

    def __init__(self) -> None:
        super().__init__("imm9", scale=8, signed=True, default=0)
        self.fields = ("imm9", "S")
        self.width = 9

    @property
    def low(self) -> int:
        return -4096

    @property
    def high(self) -> int:
        return 4088

    def encode(self, value: int) -> dict[str, int]:
        return super().encode(value) | {"S": int(value < 0)}

    def decode(self, fields: Fields) -> int:
        return 8 * (fields["imm9"] - 512 * fields["S"])


# The extends of an address by the field `option`; the others are UNDEFINED. LSL stands for UXTX.
_ADDRESS_EXTENDS = {"uxtw": 2, "lsl": 3, "sxtw": 6, "sxtx": 7}
_ADDRESS_EXTEND_NAMES = {value: name for name, value in _ADDRESS_EXTENDS.items()}


class _Index(NamedTuple):
    """A register offset. `amount` is None where no shift is written."""

    register: Register
    option: int
    amount: int | None


class RegisterOffset(Operand):
    """`<Xm>{, lsl|sxtx {#<amount>}}` or `<Wm>, uxtw|sxtw {#<amount>}` in Rm:option:S, for `size` bytes.

    The amount is 0, or log2(size) where S is set. For bytes both are 0, so there a written amount sets S.
    """

    fields = ("Rm", "option", "S")

    def __init__(self, size: int) -> None:
        self.shift = size.bit_length() - 1

    @property
    def _amounts(self) -> str:
        return f"#0 or #{self.shift}" if self.shift else "#0"

    def parse(self, cursor: Cursor) -> _Index:
        register = cursor.register(("w", "x"), "a register X0-X30 or XZR, or W0-W30 or WZR with uxtw or sxtw")
        names = ("lsl", "sxtx") if register.kind == "x" else ("uxtw", "sxtw")
        expected = f"{names[0]} or {names[1]}"
        if not cursor.punctuation(","):
            if register.kind == "w":
                raise cursor.fail(f"', {names[0]}' or ', {names[1]}' after a W register")
            return _Index(register, _ADDRESS_EXTENDS["lsl"], None)
        name = cursor.word(names, expected)
        amount: int | None = None
        if name == "lsl" or cursor.token.kind == "value" or cursor.token.text == "#":
            amount = cursor.number(f"an amount {self._amounts}")
        return _Index(register, _ADDRESS_EXTENDS[name], amount)

    def encode(self, value: _Index) -> dict[str, int]:
        if value.amount not in (None, 0, self.shift):
            raise OperandError(f"shift amount {value.amount} must be {self._amounts.replace('#', '')} for this access")
        shifted = value.amount is not None and value.amount == self.shift
        return {"Rm": value.register.number, "option": value.option, "S": int(shifted)}

    def decode(self, fields: Fields) -> _Index:
        option = fields["option"]
        register = general_register("x" if option & 1 else "w", fields["Rm"], sp=False)
        return _Index(register, option, self.shift if fields["S"] else None)

    def pieces(self, value: _Index) -> tuple[Piece, ...]:
        name, register = _ADDRESS_EXTEND_NAMES[value.option], Piece("register", value.register)
        if name == "lsl" and value.amount is None:
            return (register,)
        return register, Piece("shift", name, value.amount or 0)

    def text(self, value: _Index, context: Context) -> str:
        name = _ADDRESS_EXTEND_NAMES[value.option]
        if value.amount is not None:
            return f"{value.register.name}, {name} #{value.amount}"
        return value.register.name if name == "lsl" else f"{value.register.name}, {name}"


class _PrefetchOperation(NamedImmediate):
    """`<type><target><policy>` (pldl1keep), or the number of one without a name."""

    def __init__(self) -> None:
        names = {
            f"{kind}{target}{policy}": kind_bits << 3 | target_bits << 1 | policy_bit
            for kind_bits, kind in enumerate(("pld", "pli", "pst"))
            for target_bits, target in enumerate(("l1", "l2", "l3", "slc"))
            for policy_bit, policy in enumerate(("keep", "strm"))
        }
        super().__init__("Rt", names, what="a prefetch operation")

    # The system-level cache is FEAT_PRFMSLC's: LLVM reads its names everywhere, and prints them only with that.
    def pieces(self, value: int) -> tuple[Piece, ...]:
        return (Piece("immediate", value),) if value >> 1 & 3 == 3 else super().pieces(value)

    def text(self, value: int, context: Context) -> str:
        return f"#{value}" if value >> 1 & 3 == 3 else super().text(value, context)


class _RangePrefetchOperation(NamedImmediate):
    """The operation of RPRFM, six bits in option<2>:option<0>:S:Rt<2:0>, by its name or number."""

    def __init__(self) -> None:
        names = {"pldkeep": 0, "pstkeep": 1, "pldstrm": 4, "pststrm": 5}
        super().__init__("Rt", names, what="a range prefetch operation")
        self.fields = ("option", "S", "Rt")

    def encode(self, value: int) -> dict[str, int]:
        if not 0 <= value < 64:
            raise OperandError(f"immediate {value} is out of range 0..63")
        return {"option/101": value >> 3 & 4 | value >> 4 & 1, "S": value >> 3 & 1, "Rt/00111": value & 7}

    def decode(self, fields: Fields) -> int:
        option = fields["option"]
        return (option & 4) << 3 | (option & 1) << 4 | fields["S"] << 3 | fields["Rt"] & 7


RANGE_PREFETCH = _RangePrefetchOperation()
PREFETCH = _PrefetchOperation()
"""The operation of PRFM and PRFUM, in Rt."""

LITERAL = Label("imm19", scale=4, relocations=relocation_operators.LITERAL)
"""The pc-relative address of a literal."""
