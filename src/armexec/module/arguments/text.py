"""Arguments of a function from texts, such as the words of a command line, and as text after the call."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from armexec.abi.integers import INTEGER_KINDS
from armexec.errors import SignatureError
from armexec.objects import CType, Parameter, Prototype

if TYPE_CHECKING:
    from armexec.memory.text import Readable

__all__ = ["guess_prototype", "parse_arguments", "shown_result", "written"]

_Number = TypeVar("_Number", int, float)
_MAX_DIGITS = 1000
"""Maximum number of characters of a number; Python converts longer ones slowly, or not at all."""
_MAX_SHOWN = 60
"""Maximum number of characters of an argument in a message."""


def parse_integer(text: str) -> int | None:
    """An integer in any base Python knows (`-3`, `0x2a`, `0b11`, `1_000`), or None."""
    if len(text) > _MAX_DIGITS:
        return None
    try:
        return int(text, 0)
    except ValueError:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else None


def parse_float(text: str) -> float | None:
    """A number as Python or C writes it (`1.5`, `-2e3`, `0x1.8p3`, `inf`, `nan`, an integer in any base), or None."""
    number = parse_integer(text)
    if number is not None:
        try:
            return float(number)
        except OverflowError:
            return math.inf if number > 0 else -math.inf
    if len(text) > _MAX_DIGITS:
        return None
    for read in (float, float.fromhex):
        try:
            return read(text)
        except (ValueError, OverflowError):
            pass
    return None


def _shown(text: str) -> str:
    """An argument as a message shows it."""
    return repr(text) if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]!r}... ({len(text)} characters)"


def guess_prototype(name: str, texts: Sequence[str], *, compiled: bool) -> Prototype:
    """The prototype to assume for a function that has none: longs, which are whole registers.

    Compiled code takes and returns ints more often, and leaves anything in the upper halves of their registers: with
    `compiled` they are ints, unless an argument needs 64 bits.

    Raises:
        SignatureError: an argument isn't an integer.
    """
    values = [parse_integer(text) for text in texts]
    for text, value in zip(texts, values, strict=True):
        if value is None:
            raise SignatureError(
                f"the function's signature isn't known, and {_shown(text)} is no integer:"
                ' give --signature, as in "int(char *)"'
            )
    numbers = [value for value in values if value is not None]
    if compiled and all(-(1 << 31) <= n < 1 << 31 for n in numbers):
        made = CType("int", 4, "int", True, align=4)
    elif any(n >= 1 << 63 for n in numbers):
        made = CType("int", 8, "unsigned long", False, align=8)
    else:
        made = CType("int", 8, "long", True, align=8)
    return Prototype(name, made, tuple(Parameter("", made) for _ in texts))


def parse_arguments(prototype: Prototype, texts: Sequence[str]) -> list[Any]:
    """One value for each text.

    Integers are written in any base; a pointer to char takes the text itself; other pointers to numbers take an array,
    `[1, 2, 3]`; every pointer takes `null` or an address.

    Raises:
        SignatureError: there are too many or too few, or a text doesn't fit its parameter.
    """
    count = len(prototype.parameters)
    if len(texts) != count:
        plural = "argument" if count == 1 else "arguments"
        raise SignatureError(f"`{prototype}` takes {count or 'no'} {plural}, not {len(texts)}")
    return [
        _value(prototype, position, parameter, text)
        for position, (parameter, text) in enumerate(zip(prototype.parameters, texts, strict=True), 1)
    ]


def _value(prototype: Prototype, position: int, parameter: Parameter, text: str) -> Any:
    ctype = parameter.type
    where = f"`{prototype}`: argument {position}, `{parameter}`"
    if ctype.kind in INTEGER_KINDS:
        if ctype.kind == "bool" and text in ("true", "false"):
            return text == "true"
        number = parse_integer(text)
        if number is None:
            raise SignatureError(f"{where}: {_shown(text)} is no integer")
        return number
    if ctype.kind == "float":
        value = parse_float(text)
        if value is None:
            raise SignatureError(f"{where}: {_shown(text)} is no number")
        return value
    if ctype.kind != "pointer":
        # The call refuses it.
        return text
    target = ctype.target
    if text == "null":
        return 0
    if target is not None and _is_char(target):
        data = text.encode("utf-8", "surrogateescape")
        return data if target.const else ctypes.create_string_buffer(data)
    if text.startswith("[") and text.endswith("]"):
        return _array(where, target, text)
    if ctype.is_reference:
        # In an array, so that its value after the call can be shown.
        return _array(where, target, f"[{text}]")
    number = parse_integer(text)
    if number is not None:
        return number
    raise SignatureError(f"{where}: {_shown(text)} is neither an array such as [1, 2, 3], nor an address, nor null")


def _array(where: str, target: CType | None, text: str) -> list[int] | list[float]:
    """The numbers of `[1, 2, 3]`; the call checks whether they fit. Raises SignatureError."""
    parts = re.split(r"[,\s]+", text[1:-1].strip().rstrip(",")) if text[1:-1].strip() else []
    if target is not None and target.kind == "float":
        return [_element(where, part, parse_float, "number") for part in parts]
    return [_element(where, part, parse_integer, "integer") for part in parts]


def _element(where: str, text: str, parse: Callable[[str], _Number | None], what: str) -> _Number:
    number = parse(text)
    if number is None:
        raise SignatureError(f"{where}: {_shown(text)} is no {what}")
    return number


def _is_char(ctype: CType) -> bool:
    return ctype.kind == "int" and ctype.size == 1 and ctype.name in ("char", "character")


def written(prototype: Prototype, values: Sequence[Any]) -> dict[str, Any]:
    """The contents of the arrays that the function could write to, by the parameters' names."""
    found: dict[str, Any] = {}
    for position, (parameter, value) in enumerate(zip(prototype.parameters, values, strict=True)):
        target = parameter.type.target
        if isinstance(value, ctypes.Array | list) and not (target is not None and target.const):
            name = parameter.name or f"arg{position}"
            found[name] = _text(value.raw) if isinstance(value, ctypes.Array) else [_shown_number(n) for n in value]
    return found


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def shown_result(prototype: Prototype, value: Any, memory: Readable | None = None) -> Any:
    """The result as a value of JSON: text for a char pointer, None for void, else the number. `memory`: that of the
    function; by default this process's."""
    result = prototype.result
    if result.kind == "pointer" and value and result.target is not None and _is_char(result.target):
        text = _string_at(value, memory)
        return value if text is None else text
    return _shown_number(value)


def _shown_number(value: Any) -> Any:
    """The value, as text if it is an infinity or a NaN, which JSON doesn't have."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _string_at(address: int, memory: Readable | None) -> str | None:
    """The text at an address, or None if it can't be read or has no end."""
    from armexec.errors import Error
    from armexec.memory import string_at

    try:
        return _text(string_at(address, memory))
    except Error:
        return None
