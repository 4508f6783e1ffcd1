"""Operands of the data-processing classes: shifts, extends, bitmask and wide immediates, bitfields."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..pattern import sign_extended
from ..syntax import Cursor, Expression, Mismatch, OperandError, Register, general_register
from . import relocation_operators
from .basic import Context, Fields, Operand, Piece

__all__ = [
    "AddSubImmediate",
    "BitfieldExtract",
    "BitfieldInsert",
    "ExtendedRegister",
    "LogicalImmediate",
    "MovAlias",
    "MovLogicalImmediate",
    "MoveWideImmediate",
    "Shift",
    "ShiftLeftAmount",
    "decode_bit_masks",
    "encode_bit_masks",
]


class _Shifted(NamedTuple):
    """An immediate and the left shift written with it (None: not written)."""

    value: int | Expression
    shift: int | None


def _left_shift(cursor: Cursor, expected: str) -> int | None:
    """`, lsl #n` if it is next."""
    start = cursor.position
    if not cursor.punctuation(","):
        return None
    try:
        cursor.word(("lsl",), expected)
    except Mismatch:
        cursor.position = start
        return None
    return cursor.number(expected)


def _shifted_pieces(value: _Shifted) -> tuple[Piece, ...]:
    number = Piece("immediate", value.value)
    return (number, Piece("shift", "lsl", value.shift)) if value.shift else (number,)


class AddSubImmediate(Operand):
    """`#imm{, lsl #12}` in sh:imm12. A multiple of 4096 up to 4095 * 4096 may be written without the shift.

    `negated`: the alias that writes `add x0, x1, #-5` for a SUB.
    """

    fields = ("sh", "imm12")

    def __init__(self, *, negated: bool = False) -> None:
        self.negated = negated

    def parse(self, cursor: Cursor) -> _Shifted:
        value = cursor.value("an immediate 0..4095, optionally shifted left by 12")
        return _Shifted(value, _left_shift(cursor, "lsl #0 or lsl #12"))

    def encode(self, value: _Shifted) -> dict[str, int]:
        number, shift = value
        assert isinstance(number, int)
        if shift not in (None, 0, 12):
            raise OperandError(f"shift {shift} must be 0 or 12")
        if self.negated:
            # Zero isn't negated: `cmp x0, #0` sets the carry, `cmn x0, #0` clears it.
            number = -number or -1
        if 0 <= number <= 0xFFF:
            return {"sh": int(shift == 12), "imm12": number}
        if shift is None and number & 0xFFF == 0 and 0 <= number >> 12 <= 0xFFF:
            return {"sh": 1, "imm12": number >> 12}
        raise OperandError(f"immediate {value.value} is out of range 0..4095, or a multiple of 4096 up to 16773120")

    def decode(self, fields: Fields) -> _Shifted:
        return _Shifted(fields["imm12"], 12 if fields["sh"] else None)

    def pieces(self, value: _Shifted) -> tuple[Piece, ...]:
        return _shifted_pieces(value)

    def text(self, value: _Shifted, context: Context) -> str:
        return f"#{value.value}" + (f", lsl #{value.shift}" if value.shift else "")

    def resolved(self, value: _Shifted, number: int) -> _Shifted:
        high = isinstance(value.value, Expression) and value.value.modifier.endswith("_hi12")
        return _Shifted(number, 12 if high else value.shift)

    def relocation(self, expression: Expression) -> str:
        try:
            return relocation_operators.ADD[expression.modifier]
        except KeyError:
            return super().relocation(expression)

    def applied(self, value: _Shifted, expression: Expression, number: int) -> _Shifted:
        if expression.modifier != "lo12":
            return super().applied(value, expression, number)  # type: ignore[no-any-return]
        return value._replace(value=number & 0xFFF)


SHIFTS = ("lsl", "lsr", "asr", "ror")


class Shift(Operand):
    """`lsl|lsr|asr|ror #amount` in shift:imm6, left out for lsl #0. `rotate`: whether ror is there."""

    fields = ("shift", "imm6")
    default = (0, 0)

    def __init__(self, size: int, *, rotate: bool) -> None:
        self.size = size
        self.names = SHIFTS if rotate else SHIFTS[:3]

    def parse(self, cursor: Cursor) -> tuple[int, int]:
        expected = f"a shift ({', '.join(self.names)}) by 0..{self.size - 1}"
        shift = SHIFTS.index(cursor.word(self.names, expected))
        amount = cursor.number(expected)
        return shift, amount

    def encode(self, value: tuple[int, int]) -> dict[str, int]:
        shift, amount = value
        if not 0 <= amount < self.size:
            raise OperandError(f"shift amount {amount} is out of range 0..{self.size - 1}")
        return {"shift": shift, "imm6": amount}

    def decode(self, fields: Fields) -> tuple[int, int]:
        return fields["shift"], fields["imm6"]

    def pieces(self, value: tuple[int, int]) -> tuple[Piece, ...]:
        return (Piece("shift", SHIFTS[value[0]], value[1]),)

    def text(self, value: tuple[int, int], context: Context) -> str:
        return f"{SHIFTS[value[0]]} #{value[1]}"


EXTENDS = ("uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx")


class _Extended(NamedTuple):
    register: Register
    extend: int
    amount: int | None


class ExtendedRegister(Operand):
    """`<R><m>{, <extend> {#<amount>}}` in Rm:option:imm3.

    `lsl` is another name of the extend that changes nothing (uxtw or uxtx by the register's size). It is preferred, and
    left out when the amount is zero, where Rd or Rn (`stack`) is the stack pointer. As in GNU as, the register's size
    doesn't matter where an extend is written, since that says how many bits are taken.
    """

    def __init__(self, size: int, *, stack: tuple[str, ...]) -> None:
        self.size = size
        self.stack = stack
        self.fields = ("Rm", "option", "imm3", *stack)
        self.plain = 2 if size == 32 else 3

    def parse(self, cursor: Cursor) -> _Extended:
        kinds = ("w",) if self.size == 32 else ("w", "x")
        register = cursor.register(kinds, "a register " + " or ".join(f"{k.upper()}0-{k.upper()}30" for k in kinds))
        extend: int | None = None
        amount: int | None = None
        plain = 2 if register.kind == "w" else 3
        if cursor.punctuation(","):
            expected = f"an extend ({', '.join(EXTENDS)} or lsl)"
            name = cursor.word((*EXTENDS, "lsl"), expected)
            extend = plain if name == "lsl" else EXTENDS.index(name)
            if cursor.token.kind == "value" or cursor.token.text == "#":
                amount = cursor.number("an amount 0..4")
            elif name == "lsl":
                raise cursor.fail("an amount 0..4")
        if extend is None:
            extend = plain
            stack = any(t.kind == "register" and t.value.kind == "sp" for t in cursor.tokens[: cursor.position])
            if self.size == 64 and register.kind == "w" and not stack:
                raise cursor.fail(f"an extend ({', '.join(EXTENDS)})")
        return _Extended(register, extend, amount)

    def encode(self, value: _Extended) -> dict[str, int]:
        amount = value.amount or 0
        if not 0 <= amount <= 4:
            raise OperandError(f"extend amount {amount} is out of range 0..4")
        return {"Rm": value.register.number, "option": value.extend, "imm3": amount}

    def decode(self, fields: Fields) -> Any:
        option = fields["option"]
        kind = "x" if self.size == 64 and option & 3 == 3 else "w"
        plain = option == self.plain and any(fields[name] == 31 for name in self.stack)
        return _Extended(general_register(kind, fields["Rm"], sp=False), option, fields["imm3"]), plain

    def pieces(self, value: Any) -> tuple[Piece, ...]:
        (register, option, amount), plain = value
        piece = Piece("register", register)
        if plain:
            return (piece, Piece("shift", "lsl", amount)) if amount else (piece,)
        return piece, Piece("shift", EXTENDS[option], amount)

    def text(self, value: Any, context: Context) -> str:
        (register, option, amount), plain = value
        if plain:
            return f"{register.name}, lsl #{amount}" if amount else register.name
        return f"{register.name}, {EXTENDS[option]}" + (f" #{amount}" if amount else "")


def decode_bit_masks(n: int, imms: int, immr: int, size: int) -> int | None:
    """DecodeBitMasks() of the manual for a logical immediate: the mask, or None where it is reserved."""
    combined = n << 6 | (~imms & 0x3F)
    length = combined.bit_length() - 1
    if length < 1 or (size == 32 and n):
        return None
    levels = (1 << length) - 1
    if imms & levels == levels:
        return None
    s, r = imms & levels, immr & levels
    element = 1 << length
    pattern = (1 << (s + 1)) - 1
    pattern = (pattern >> r | pattern << (element - r)) & ((1 << element) - 1)
    result = 0
    for low in range(0, size, element):
        result |= pattern << low
    return result


def encode_bit_masks(value: int, size: int) -> tuple[int, int, int] | None:
    """N, imms and immr of a logical immediate, or None if the value isn't one."""
    if value in (0, (1 << size) - 1):
        return None
    element = size
    while element > 2:
        half = element // 2
        if value & ((1 << half) - 1) != value >> half & ((1 << half) - 1):
            break
        element = half
    mask = (1 << element) - 1
    value &= mask
    ones = value.bit_count()
    low_ones = (1 << ones) - 1
    for rotation in range(element):
        if (low_ones >> rotation | low_ones << (element - rotation)) & mask == value:
            imms = (~(element * 2 - 1) & 0x3F) | (ones - 1)
            return int(element == 64), imms, rotation
    return None


class LogicalImmediate(Operand):
    """A bitmask immediate in N:immr:imms. A 32-bit one may be written negative or as 64 bits of ones above.

    `inverted`: the complement is written (`bic x0, x1, #15` for an AND).
    """

    fields = ("N", "immr", "imms")

    def __init__(self, size: int, *, inverted: bool = False) -> None:
        self.size = size
        self.inverted = inverted

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value("a bitmask immediate")

    def encode(self, value: int) -> dict[str, int]:
        if not -(1 << min(self.size, 63)) <= value < 1 << self.size:
            raise OperandError(f"immediate {value} does not fit {self.size} bits")
        bits = (~value if self.inverted else value) & ((1 << self.size) - 1)
        encoded = encode_bit_masks(bits, self.size)
        if encoded is None:
            complement = "the complement of " if self.inverted else ""
            shown = value & ((1 << self.size) - 1)
            raise OperandError(f"0x{shown:x} is not {complement}a bitmask immediate (a rotated run of ones, repeated)")
        n, imms, immr = encoded
        return {"N": n, "imms": imms, "immr": immr}

    def decode(self, fields: Fields) -> int:
        mask = decode_bit_masks(fields["N"], fields["imms"], fields["immr"], self.size)
        assert mask is not None  # reserved ones are UNDEFINED, and never decoded
        return ~mask & ((1 << self.size) - 1) if self.inverted else mask

    def text(self, value: int, context: Context) -> str:
        return f"#0x{value:x}"


class MovLogicalImmediate(LogicalImmediate):
    """The bitmask immediate of `mov`, which LLVM prints signed."""

    def pieces(self, value: int) -> tuple[Piece, ...]:
        return (Piece("immediate", sign_extended(value, self.size)),)

    def text(self, value: int, context: Context) -> str:
        return f"#{sign_extended(value, self.size)}"


class MoveWideImmediate(Operand):
    """`#imm{, lsl #shift}` in hw:imm16 of MOVZ, MOVN and MOVK."""

    fields = ("hw", "imm16")

    def __init__(self, size: int) -> None:
        self.size = size

    @property
    def _shifts(self) -> str:
        return "0 or 16" if self.size == 32 else "0, 16, 32 or 48"

    def parse(self, cursor: Cursor) -> _Shifted:
        value = cursor.value("an immediate 0..65535")
        return _Shifted(value, _left_shift(cursor, f"lsl by {self._shifts}"))

    def encode(self, value: _Shifted) -> dict[str, int]:
        number, shift = value
        assert isinstance(number, int)
        if not 0 <= number <= 0xFFFF:
            raise OperandError(f"immediate {number} is out of range 0..65535")
        if shift is not None and shift not in range(0, self.size, 16):
            raise OperandError(f"shift {shift} must be {self._shifts}")
        return {"hw": (shift or 0) // 16, "imm16": number}

    def decode(self, fields: Fields) -> _Shifted:
        return _Shifted(fields["imm16"], fields["hw"] * 16)

    def pieces(self, value: _Shifted) -> tuple[Piece, ...]:
        return _shifted_pieces(value)

    def text(self, value: _Shifted, context: Context) -> str:
        return f"#{value.value}" + (f", lsl #{value.shift}" if value.shift else "")

    def relocation(self, expression: Expression) -> str:
        try:
            return relocation_operators.MOVE_WIDE[expression.modifier]
        except KeyError:
            return super().relocation(expression)

    def applied(self, value: _Shifted, expression: Expression, number: int) -> _Shifted:
        found = re.fullmatch(r"abs_g([0-3])(_nc|_s)?", expression.modifier)
        if found is None:
            return super().applied(value, expression, number)  # type: ignore[no-any-return]
        low, kind = 16 * int(found[1]), found[2]
        part = number & 0xFFFF_FFFF_FFFF_FFFF
        if kind == "_s":
            if not -(1 << low + 16) <= number < 1 << low + 16:
                raise OperandError(f"{number} does not fit the {low + 17} bits of :{expression.modifier}:")
            part = ~number if number < 0 else number
        elif not kind and part >> low + 16:
            raise OperandError(f"{number} does not fit the {low + 16} bits of :{expression.modifier}:")
        return self.resolved(value, part >> low & 0xFFFF)

    def adjusted(self, word: int, expression: Expression, number: int) -> int:
        # The sign chooses between MOVN (opc 00) and MOVZ (10), whichever was written.
        if not expression.modifier.endswith("_s"):
            return word
        return word & ~(1 << 30) if number < 0 else word | 1 << 30

    def resolved(self, value: _Shifted, number: int) -> _Shifted:
        shift = value.shift
        # The operator (`:abs_g1:`) chooses the 16 bits, and so the shift.
        modifier = value.value.modifier if isinstance(value.value, Expression) else ""
        if shift is None and modifier in relocation_operators.MOVE_WIDE:
            shift = 16 * int(modifier.partition("_g")[2][0])
        return _Shifted(number, shift)


class MovAlias(Operand):
    """The immediate of `mov` in hw:imm16: of MOVZ, or of MOVN if `inverted`."""

    fields = ("hw", "imm16")

    def __init__(self, size: int, *, inverted: bool) -> None:
        self.size = size
        self.inverted = inverted

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value("an immediate")

    def encode(self, value: int) -> dict[str, int]:
        size = self.size
        if not -(1 << min(size, 63)) <= value < 1 << size:
            raise OperandError(f"immediate {value} does not fit {size} bits")
        bits = (~value if self.inverted else value) & ((1 << size) - 1)
        for hw in range(size // 16):
            if bits & ~(0xFFFF << 16 * hw) == 0:
                return {"hw": hw, "imm16": bits >> 16 * hw}
        raise OperandError(
            f"immediate {value} needs more than one instruction: use `ldr` with `=value`, or movz and movk"
        )

    def decode(self, fields: Fields) -> int:
        bits = fields["imm16"] << 16 * fields["hw"]
        if not self.inverted:
            return bits
        return ~bits

    # LLVM prints these signed.
    def pieces(self, value: int) -> tuple[Piece, ...]:
        return (Piece("immediate", sign_extended(value & ((1 << self.size) - 1), self.size)),)

    def text(self, value: int, context: Context) -> str:
        return f"#{sign_extended(value & ((1 << self.size) - 1), self.size)}"


class ShiftLeftAmount(Operand):
    """The amount of the alias LSL (immediate), in immr = -amount mod size and imms = size - 1 - amount."""

    fields = ("immr", "imms")

    def __init__(self, size: int) -> None:
        self.size = size

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value(f"an amount 0..{self.size - 1}")

    def encode(self, value: int) -> dict[str, int]:
        if not 0 <= value < self.size:
            raise OperandError(f"shift amount {value} is out of range 0..{self.size - 1}")
        return {"immr": -value % self.size, "imms": self.size - 1 - value}

    def decode(self, fields: Fields) -> int:
        return self.size - 1 - fields["imms"]

    def text(self, value: int, context: Context) -> str:
        return f"#{value}"


class _Bitfield(Operand):
    """`#lsb, #width` over immr:imms."""

    fields = ("immr", "imms")

    def __init__(self, size: int) -> None:
        self.size = size

    def parse(self, cursor: Cursor) -> tuple[int, int]:
        lsb = cursor.number(f"a bit number 0..{self.size - 1}")
        cursor.expect(",")
        return lsb, cursor.number("a width in bits")

    def _check(self, value: tuple[int, int]) -> None:
        lsb, width = value
        if not 0 <= lsb < self.size:
            raise OperandError(f"bit number {lsb} is out of range 0..{self.size - 1}")
        if not 1 <= width <= self.size - lsb:
            raise OperandError(f"width {width} is out of range 1..{self.size - lsb} for bit number {lsb}")

    def pieces(self, value: tuple[int, int]) -> tuple[Piece, ...]:
        return tuple(Piece("immediate", number) for number in value)

    def text(self, value: tuple[int, int], context: Context) -> str:
        return f"#{value[0]}, #{value[1]}"


class BitfieldInsert(_Bitfield):
    """Position and width of BFI, SBFIZ and UBFIZ: immr = -lsb mod size, imms = width - 1."""

    def encode(self, value: tuple[int, int]) -> dict[str, int]:
        self._check(value)
        return {"immr": -value[0] % self.size, "imms": value[1] - 1}

    def decode(self, fields: Fields) -> tuple[int, int]:
        return -fields["immr"] % self.size, fields["imms"] + 1


class BitfieldExtract(_Bitfield):
    """Position and width of BFXIL, SBFX and UBFX: immr = lsb, imms = lsb + width - 1."""

    def encode(self, value: tuple[int, int]) -> dict[str, int]:
        self._check(value)
        return {"immr": value[0], "imms": value[0] + value[1] - 1}

    def decode(self, fields: Fields) -> tuple[int, int]:
        return fields["immr"], fields["imms"] - fields["immr"] + 1
