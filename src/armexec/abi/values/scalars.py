"""Integers, enums, floating-point and complex numbers as C's bytes."""

from __future__ import annotations

from typing import Any

from armexec.abi.floats import from_bits, to_bits
from armexec.abi.integers import integer_range
from armexec.abi.values.codec import Buffer, Codec, Opaque, codec, codec_for, shown
from armexec.errors import SignatureError
from armexec.objects import CType

__all__ = ["Complex", "Float", "Integer", "LongDouble"]


class Integer(Codec):
    """An integer of up to 128 bits, `_Bool` or an enum, which also takes the names of its enumerators."""

    def __init__(self, ctype: CType) -> None:
        super().__init__(ctype)
        self.low, self.high = integer_range(ctype)
        self.names = dict(ctype.enumerators)
        self._signed = self.low < 0

    def number(self, value: Any, low: int, high: int) -> int:
        """The value as an int in a range. Raises SignatureError."""
        if isinstance(value, str) and self.ctype.kind == "enum":
            if value not in self.names:
                known = f"its names are {', '.join(self.names)}" if self.names else "it has no names"
                raise SignatureError(f"{shown(value)} is no enumerator of `{self.ctype}`: {known}")
            value = self.names[value]
        try:
            number = int(value.__index__())
        except (AttributeError, TypeError):
            raise SignatureError(f"{shown(value)} is no integer, as `{self.ctype}` wants") from None
        if not low <= number <= high:
            raise SignatureError(f"{shown(number)} is out of range {low}..{high} for `{self.ctype}`")
        return number

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        number = self.number(value, self.low, self.high)
        return (number & (1 << 8 * self.size) - 1).to_bytes(self.size, "little")

    def unpack(self, data: Buffer) -> int:
        number = int.from_bytes(data, "little", signed=self._signed)
        return number != 0 if self.ctype.kind == "bool" else number

    def dtype(self) -> Any:
        import numpy as np

        if self.ctype.kind == "bool" and self.size == 1:
            return np.dtype(np.bool_)
        return np.dtype(f"<{'i' if self._signed else 'u'}{self.size}") if self.size <= 8 else None


def _as_float(ctype: CType, value: Any) -> float:
    """Raises SignatureError for what is no number."""
    if not (hasattr(type(value), "__float__") or hasattr(type(value), "__index__")):
        raise SignatureError(f"{shown(value)} is no number, as `{ctype}` wants")
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise SignatureError(f"{shown(value)} is no number, as `{ctype}` wants: {error}") from None


class Float(Codec):
    """A float of 16, 32 or 64 bits; rounded to nearest."""

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        return to_bits(_as_float(self.ctype, value), self.ctype).to_bytes(self.size, "little")

    def unpack(self, data: Buffer) -> float:
        return from_bits(int.from_bytes(data, "little"), self.ctype)

    def dtype(self) -> Any:
        """For bfloat16, which NumPy hasn't, the type of its bits: uint16."""
        import numpy as np

        return np.dtype("<u2" if self.ctype.format == "bfloat16" else f"<f{self.size}")


class LongDouble(Codec):
    """binary128, the `long double` of Linux: takes ints, floats, Fractions, Decimals and NumPy's long doubles, rounded
    once to nearest; gives a float where that is exact, and a Fraction elsewhere."""

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        # Imported when it is needed: fractions and decimals take as long to import as all of this room.
        from armexec.abi.values.binary128 import to_binary128

        try:
            return to_binary128(value).to_bytes(16, "little")
        except (TypeError, ValueError, OverflowError):
            raise SignatureError(f"{shown(value)} is no number, as `{self.ctype}` wants") from None

    def unpack(self, data: Buffer) -> Any:
        from armexec.abi.values.binary128 import from_binary128

        return from_binary128(int.from_bytes(data, "little"))

    def dtype(self) -> Any:
        import numpy as np

        return np.dtype(np.longdouble) if np.finfo(np.longdouble).nmant == 112 else None


class Complex(Codec):
    """A complex number. Where a part of binary128 is no float, it gives a tuple of the two parts."""

    def __init__(self, ctype: CType) -> None:
        super().__init__(ctype)
        assert ctype.target is not None
        self.part = codec(ctype.target)

    def pack(self, value: Any, alive: list[Any]) -> bytes:
        if isinstance(value, tuple) and len(value) == 2:
            real, imaginary = value
        elif hasattr(type(value), "__complex__") or hasattr(type(value), "__float__") or hasattr(value, "__index__"):
            try:
                number = complex(value)
            except (OverflowError, TypeError, ValueError) as error:
                raise SignatureError(f"{shown(value)} is no number, as `{self.ctype}` wants: {error}") from None
            real, imaginary = number.real, number.imag
        else:
            raise SignatureError(f"{shown(value)} is no complex number, as `{self.ctype}` wants")
        return self.part.pack(real, alive) + self.part.pack(imaginary, alive)

    def unpack(self, data: Buffer) -> Any:
        half = self.size // 2
        real, imaginary = self.part.unpack(data[:half]), self.part.unpack(data[half:])
        both = isinstance(real, float) and isinstance(imaginary, float)
        return complex(real, imaginary) if both else (real, imaginary)

    def dtype(self) -> Any:
        import numpy as np

        return np.dtype(f"<c{self.size}") if self.size in (8, 16) else None


@codec_for("int", "bool", "enum", "float", "complex")
def _scalar(ctype: CType) -> Codec:
    if ctype.kind in ("int", "bool", "enum") and ctype.size in (1, 2, 4, 8, 16):
        return Integer(ctype)
    if ctype.kind == "float" and ctype.size in (2, 4, 8):
        return Float(ctype)
    if ctype.kind == "float" and ctype.size == 16:
        return LongDouble(ctype)
    if ctype.kind == "complex" and ctype.target is not None:
        return Complex(ctype)
    return Opaque(ctype)
