"""Immediates: floating-point numbers, zeros, and shift amounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...syntax import Cursor, OperandError
from ..basic import Context, Fields, Immediate, Operand, Piece

__all__ = [
    "FIXED_POINT_FRACTION",
    "FLOAT_IMMEDIATE",
    "FloatImmediate",
    "ShiftLeft",
    "ShiftRight",
    "ZeroImmediate",
    "expand_float_immediate",
    "float_immediate_bits",
]


def expand_float_immediate(imm8: int) -> float:
    """VFPExpandImm(): the number that imm8 means in every format. (-1)**s * (16 + mantissa) / 16 * 2**(-3..4)."""
    exponent = (imm8 >> 4 & 7 ^ 4) - 3
    value = (16 + (imm8 & 15)) / 16 * 2.0**exponent
    return -value if imm8 >> 7 else value


def float_immediate_bits(imm8: int, size: int) -> int:
    """VFPExpandImm(): the bits of that number in the format of `size` bits."""
    exponent_bits = {16: 5, 32: 8, 64: 11}[size]
    fraction_bits = size - 1 - exponent_bits
    sign, b, cd = imm8 >> 7, imm8 >> 6 & 1, imm8 >> 4 & 3
    exponent = (1 - b) << exponent_bits - 1 | (b << exponent_bits - 3) - b << 2 | cd
    return sign << size - 1 | exponent << fraction_bits | (imm8 & 15) << fraction_bits - 4


_FLOAT_IMMEDIATES = {expand_float_immediate(imm8): imm8 for imm8 in range(256)}


def _parse_float(cursor: Cursor, expected: str) -> tuple[float, bool]:
    """A number as a float, and whether it was written as a hexadecimal integer."""
    start = cursor.position
    cursor.punctuation("#")
    token = cursor.token
    if token.kind == "float" or (token.kind == "value" and isinstance(token.value, int)):
        cursor.position += 1
        return float(token.value), token.kind == "value" and token.text.lower().startswith("0x")
    cursor.position = start
    raise cursor.fail(expected)


class FloatImmediate(Operand):
    """A floating-point number of eight bits (VFPExpandImm) in fields, high part first.

    `#1.0`, `#1`, `#1e0`, `#0x1p0`; as in LLVM a hexadecimal integer is the encoding itself: `#0x70`.
    """

    def __init__(self, *fields: str) -> None:
        self.fields = fields
        self._widths: tuple[int, ...] = ()

    def bind(self, widths: Mapping[str, int]) -> Operand:
        super().bind(widths)
        self._widths = tuple(widths[name] for name in self.fields)
        return self

    def parse(self, cursor: Cursor) -> tuple[float, bool]:
        return _parse_float(cursor, "a floating-point immediate")

    def encode(self, value: tuple[float, bool]) -> dict[str, int]:
        number, encoded = value
        if encoded:
            if not 0 <= number <= 255:
                raise OperandError(f"the encoding {number:.0f} of a floating-point immediate is out of range 0..255")
            imm8 = int(number)
        else:
            try:
                imm8 = _FLOAT_IMMEDIATES[number]
            except KeyError:
                raise OperandError(
                    f"{number!r} can't be a floating-point immediate: +-n/16 * 2**r, n 16..31, r -3..4"
                ) from None
        return _spread(imm8, self.fields, self._widths)

    def decode(self, fields: Fields) -> tuple[float, bool]:
        return expand_float_immediate(_gather(fields, self.fields, self._widths)), False

    def pieces(self, value: tuple[float, bool]) -> tuple[Piece, ...]:
        return (Piece("float", value[0]),)

    def text(self, value: tuple[float, bool], context: Context) -> str:
        return f"{value[0]:.8f}"


def _spread(value: int, names: tuple[str, ...], widths: tuple[int, ...]) -> dict[str, int]:
    """A number cut into fields, the last one lowest."""
    result = {}
    for name, width in zip(reversed(names), reversed(widths), strict=True):
        result[name] = value & ((1 << width) - 1)
        value >>= width
    return result


def _gather(fields: Fields, names: tuple[str, ...], widths: tuple[int, ...]) -> int:
    value = 0
    for name, width in zip(names, widths, strict=True):
        value = value << width | fields[name]
    return value


FLOAT_IMMEDIATE = FloatImmediate("imm8")
"""The immediate of the scalar FMOV."""


class ZeroImmediate(Operand):
    """The only number that an instruction takes: `#0` or `#0.0`."""

    default = 0

    def __init__(self, text: str) -> None:
        self._text = text

    def parse(self, cursor: Cursor) -> float:
        if "." in self._text:
            return _parse_float(cursor, self._text)[0]
        return cursor.number(self._text)

    def encode(self, value: float) -> dict[str, int]:
        if value != 0 or str(value).startswith("-"):
            raise OperandError(f"{value} can't stand here: only {self._text[1:]}")
        return {}

    def decode(self, fields: Fields) -> float:
        return 0

    def pieces(self, value: float) -> tuple[Piece, ...]:
        return (Piece("float", 0.0) if "." in self._text else Piece("immediate", 0),)

    def text(self, value: float, context: Context) -> str:
        return self._text


class _Shift(Operand):
    """A shift amount in immh:immb, counted from the element's size, which immh's highest bit says."""

    fields = ("immh", "immb")
    dependent = True

    def parse(self, cursor: Cursor) -> Any:
        return cursor.value("a shift amount")

    def text(self, value: int, context: Context) -> str:
        return str(value)

    def _size(self, fields: Fields) -> int:
        return 8 << fields["immh"].bit_length() - 1


class ShiftLeft(_Shift):
    """A left shift, 0 to esize - 1: immh:immb is esize + shift."""

    def encode_after(self, value: int, fields: Fields) -> dict[str, int]:
        size = self._size(fields)
        if not 0 <= value < size:
            raise OperandError(f"shift amount {value} is out of range 0..{size - 1}")
        return {"immh": size + value >> 3, "immb": size + value & 7}

    def decode(self, fields: Fields) -> int:
        return (fields["immh"] << 3 | fields["immb"]) - self._size(fields)


class ShiftRight(_Shift):
    """A right shift, or the fraction bits of a fixed-point number, 1 to esize: immh:immb is 2 * esize - shift."""

    def encode_after(self, value: int, fields: Fields) -> dict[str, int]:
        size = self._size(fields)
        if not 1 <= value <= size:
            raise OperandError(f"shift amount {value} is out of range 1..{size}")
        return {"immh": 2 * size - value >> 3, "immb": 2 * size - value & 7}

    def decode(self, fields: Fields) -> int:
        return 2 * self._size(fields) - (fields["immh"] << 3 | fields["immb"])


class _FixedPointFraction(Immediate):
    """`#<fbits>` of conversions with a general register: scale is 64 - fbits. W needs the constraint scale=1xxxxx."""

    def __init__(self) -> None:
        super().__init__("scale")

    @property
    def low(self) -> int:
        return 1

    @property
    def high(self) -> int:
        return 64

    def encode(self, value: int) -> dict[str, int]:
        return super().encode(value) and {"scale": 64 - value}

    def decode(self, fields: Fields) -> int:
        return 64 - fields["scale"]


FIXED_POINT_FRACTION = _FixedPointFraction()
