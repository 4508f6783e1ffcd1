"""Strings and floating-point numbers of assembly text as bytes."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["FORMATS", "float_bytes", "string_bytes"]

_ESCAPE = re.compile(rb"\\(?:([0-9]{1,3})|[xX]([0-9a-fA-F]*)|(.))", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def string_bytes(text: str) -> bytes:
    """The bytes of a string's contents, in UTF-8.

    Escapes are those of GNU as: `\\b \\f \\n \\r \\t \\v`, up to three octal digits, `\\x` and hexadecimal digits,
    whose low 8 bits count. Other characters after a backslash stand for themselves.
    """

    def replace(match: re.Match[bytes]) -> bytes:
        if match[1]:
            value = 0
            for digit in match[1]:
                value = value * 8 + digit - ord("0")
            return bytes([value & 0xFF])
        if match[2] is not None:
            return bytes([int(match[2][-2:] or b"0", 16)])
        return _ESCAPED.get(match[3], match[3])

    return _ESCAPE.sub(replace, text.encode())


class _Format(NamedTuple):
    """A format of IEEE 754: its size, and the bits of its exponent."""

    size: int
    exponent: int


FORMATS = {"half": _Format(2, 5), "bfloat16": _Format(2, 8), "single": _Format(4, 8), "double": _Format(8, 11)}
"""The formats of floating-point numbers."""
_DECIMAL = re.compile(r"(?:0[a-z])?(?:(\d+)\.?(\d*)|\.(\d+))(?:e([-+]?\d{1,9}))?", re.IGNORECASE | re.ASCII)
_HEXADECIMAL = re.compile(r"0x(?:([\da-f]+)\.?([\da-f]*)|\.([\da-f]+))p([-+]?\d{1,9})", re.IGNORECASE | re.ASCII)
_MOST_DIGITS = 4000
"""Maximum number of digits that Python's int reads."""
_FARTHEST = 20_000
"""Maximum exponent, decimal or binary. Beyond it every format has infinity or zero."""


def float_bytes(text: str, format: str) -> bytes | None:
    """The nearest number in one of the FORMATS, or None if the text is none. Numbers too large are infinite.

    NaN has all bits set but for the sign, as GNU as and LLVM write it. Decimal numbers may begin with `0f`, `0d` or
    another letter after a zero, as in GNU as, and hexadecimal ones have an exponent, as in LLVM.
    """
    size, width = FORMATS[format]
    sign = text[:1] == "-"
    text = text[1:] if text[:1] in ("-", "+") else text
    infinity = ((1 << width) - 1) << (8 * size - 1 - width)
    lower = text.lower()
    if lower == "nan":
        bits = (1 << 8 * size - 1) - 1
    elif lower in ("inf", "infinity"):
        bits = infinity
    else:
        ratio = _ratio(text)
        if ratio is None:
            return None
        bits = min(_nearest(*ratio, 8 * size - width, width), infinity)
    return (bits | sign << 8 * size - 1).to_bytes(size, "little")


def _ratio(text: str) -> tuple[int, int] | None:
    """The exact value of a number as numerator and denominator."""
    for pattern, base, digit in ((_HEXADECIMAL, 2, 4), (_DECIMAL, 10, 1)):
        match = pattern.fullmatch(text)
        if match is None:
            continue
        fraction = match[2] or match[3] or ""
        digits = ((match[1] or "") + fraction).lstrip("0")
        exponent = int(match[4] or 0) - digit * len(fraction)
        if not digits or exponent + digit * len(digits) < -_FARTHEST:
            return 0, 1
        if exponent > _FARTHEST:
            return 1 << _FARTHEST, 1
        if len(digits) > _MOST_DIGITS:
            return None
        value = int(digits, 16 if base == 2 else 10)
        return (value * base**exponent, 1) if exponent >= 0 else (value, base**-exponent)
    return None


def _nearest(numerator: int, denominator: int, precision: int, width: int) -> int:
    """The bits of the nearest number, without the sign; of two the even one."""
    if not numerator:
        return 0
    exponent = numerator.bit_length() - denominator.bit_length()
    if numerator << max(-exponent, 0) < denominator << max(exponent, 0):
        exponent -= 1
    bias = (1 << width - 1) - 1
    unit = max(exponent, 1 - bias) - (precision - 1)
    whole, rest = divmod(numerator << max(-unit, 0), denominator << max(unit, 0))
    twice, divisor = 2 * rest, denominator << max(unit, 0)
    whole += twice > divisor or (twice == divisor and whole & 1)
    # The hidden bit and a carry from rounding add to the exponent. Subnormal numbers have no hidden bit.
    return whole + ((unit + precision - 1 + bias - 1) << precision - 1)
