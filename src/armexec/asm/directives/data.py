"""Directives for data: strings, floating-point and 128-bit numbers, repeated values."""

from __future__ import annotations

import re

from armexec.asm.context import Arguments, Context, Handler
from armexec.asm.expressions import STRING
from armexec.asm.text import FORMATS, float_bytes, string_bytes
from armexec.asm.where import Where

__all__ = ["DATA_DIRECTIVES"]


def _float(text: str, format: str, where: Where, column: int) -> bytes:
    data = float_bytes(text, format)
    if data is None:
        bits = {2: ".hword", 4: ".word", 8: ".quad"}[FORMATS[format].size]
        hint = f"the bits of a number are written with {bits}" if text.lower().startswith("0x") else ""
        raise where.error(f"{text[:40]!r} is not a floating-point number", hint, column=column)
    return data


def _floats(format: str) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        for text, column in arguments:
            a.output.append(_float(text, format, where, column), where)

    return handler


_STRINGS = re.compile(rf"(?:{STRING}\s*)+")
_BYTE = re.compile(r"<(.*)>", re.DOTALL)


def _strings(*, width: int = 1, terminated: bool) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        for text, column in arguments:
            data = _string(a, text, column, where)
            if terminated:
                data += b"\0"
            a.output.reserve(width * len(data), where)
            a.output.append(b"".join(byte.to_bytes(width, "little") for byte in data) if width > 1 else data, where)

    return handler


def _string(a: Context, text: str, column: int, where: Where) -> bytes:
    """The bytes of adjacent strings, or of a number in angle brackets."""
    byte = _BYTE.fullmatch(text)
    if byte is not None:
        return bytes([a.number(byte[1], column + 1, where) & 0xFF])
    if _STRINGS.fullmatch(text) is None:
        what = 'its closing "' if text[:1] == '"' else f"a string in double quotes, not {text[:30]!r}"
        raise where.error(f"expected {what}", column=column)
    return b"".join(string_bytes(part[1:-1]) for part in re.findall(STRING, text))


def _octa(a: Context, arguments: Arguments, where: Where) -> None:
    """`.octa`: 16-byte integers, which are numbers, perhaps with a sign."""
    for text, column in arguments:
        value = _wide(text)
        if value is None:
            value = a.number(text, column, where)
        if not -(1 << 127) <= value < 1 << 128:
            raise where.error(f"{text[:50]} does not fit 16 bytes", column=column)
        a.output.append((value & ((1 << 128) - 1)).to_bytes(16, "little"), where)


_INTEGER = re.compile(r"([-+]?)\s*(?:(0x[\da-f]{1,64})|(0b[01]{1,256})|(0[0-7]{0,80})|([1-9]\d{0,80}))", re.I | re.A)


def _wide(text: str) -> int | None:
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    value = int(match[4], 8) if match[4] else int(match[2] or match[3] or match[5], 0)
    return -value if match[1] == "-" else value


def _repeated_integer(size: int) -> Handler:
    """`.dcb count, value`."""

    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        count = _count(a, arguments, size, where)
        value = a.constant(arguments, 1, where, default=0)
        if not -(1 << 8 * size - 1) <= value < 1 << 8 * size:
            raise where.error(f"{value} does not fit {size} byte{'s' * (size > 1)}", column=arguments[1][1])
        a.output.append((value & ((1 << 8 * size) - 1)).to_bytes(size, "little") * count, where)

    return handler


def _repeated_float(format: str) -> Handler:
    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        count = _count(a, arguments, FORMATS[format].size, where)
        data = (
            _float(*arguments[1][:1], format, where, arguments[1][1])
            if len(arguments) > 1
            else bytes(FORMATS[format].size)
        )
        a.output.append(data * count, where)

    return handler


def _space(size: int) -> Handler:
    """`.ds count, fill`: elements of `size` bytes, all zeros or all the byte `fill`."""

    def handler(a: Context, arguments: Arguments, where: Where) -> None:
        count = _count(a, arguments, size, where)
        fill = a.constant(arguments, 1, where, default=0)
        a.output.append(bytes([fill & 0xFF]) * (count * size), where)

    return handler


def _count(a: Context, arguments: Arguments, size: int, where: Where) -> int:
    count = a.constant(arguments, 0, where)
    a.output.reserve(count * size, where)
    return count


DATA_DIRECTIVES: dict[str, Handler] = {
    ".float": _floats("single"),
    ".single": _floats("single"),
    ".double": _floats("double"),
    ".float16": _floats("half"),
    ".bfloat16": _floats("bfloat16"),
    ".dc.s": _floats("single"),
    ".dc.d": _floats("double"),
    ".ascii": _strings(terminated=False),
    ".asciz": _strings(terminated=True),
    ".string": _strings(terminated=True),
    ".string8": _strings(terminated=True),
    ".string16": _strings(width=2, terminated=True),
    ".string32": _strings(width=4, terminated=True),
    ".string64": _strings(width=8, terminated=True),
    ".octa": _octa,
    ".dcb": _repeated_integer(2),
    ".dcb.b": _repeated_integer(1),
    ".dcb.w": _repeated_integer(2),
    ".dcb.l": _repeated_integer(4),
    ".dcb.s": _repeated_float("single"),
    ".dcb.d": _repeated_float("double"),
    ".ds": _space(2),
    ".ds.b": _space(1),
    ".ds.w": _space(2),
    ".ds.l": _space(4),
    ".ds.s": _space(4),
    ".ds.d": _space(8),
    ".ds.p": _space(12),
    ".ds.x": _space(12),
}
