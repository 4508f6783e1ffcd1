"""The types of a variadic function's further arguments, told from Python's values.

C's default argument promotions (C17, 6.5.2.2) leave `int` or wider and `double`. A Python int is passed as a `long`,
which is also right where the function reads an `int`: the lower half of a register or of a slot is the same.
"""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Sequence
from typing import Any

from armexec.abi.values import StructValue
from armexec.abi.values.codec import shown
from armexec.errors import SignatureError
from armexec.objects import CType, Prototype

__all__ = ["promoted", "variable_arguments"]

_INT = CType("int", 4, "int", True, align=4)
_LONG = CType("int", 8, "long", True, align=8)
_UNSIGNED_LONG = CType("int", 8, "unsigned long", False, align=8)
_DOUBLE = CType("float", 8, "double", True, align=8)
_COMPLEX = CType("complex", 16, "_Complex double", target=_DOUBLE, align=8)
_TEXT = CType("pointer", 8, target=CType("int", 1, "char", const=True, align=1), align=8)
_POINTER = CType("pointer", 8, target=CType("void", name="void", const=True), align=8)


def promoted(ctype: CType) -> CType:
    """The type of a further argument after the default argument promotions."""
    if ctype.kind in ("bool", "int", "enum") and ctype.size < 4:
        return _INT
    if ctype.kind == "float" and ctype.size == 4:
        return _DOUBLE
    return ctype


def variable_arguments(prototype: Prototype, values: Sequence[Any]) -> tuple[tuple[Any, ...], list[CType], list[Any]]:
    """A key that is the same for the same types, the types of values as further arguments, and what is passed for them.

    - an int is a `long`, or an `unsigned long` where only that has it; a bool is one too;
    - a float and NumPy's floats are `double`, a complex number is `_Complex double`;
    - text is a `const char *`; None, arrays, buffers and lists are pointers;
    - the value of a struct or union is passed as that;
    - ctypes' simple objects, such as `ctypes.c_int(3)`, are passed as numbers and pointers of their types.

    Raises:
        SignatureError: a value has no such type.
    """
    keys: list[Any] = []
    types: list[CType] = []
    passed = [_simple(value) for value in values]
    for position, value in enumerate(passed, len(prototype.parameters) + 1):
        try:
            ctype = _type_of(value)
        except SignatureError as error:
            raise SignatureError(f"`{prototype}`: argument {position}: {error}") from None
        types.append(ctype)
        keys.append(type(value) if isinstance(value, StructValue) else id(ctype))
    return tuple(keys), types, passed


def _simple(value: Any) -> Any:
    """The number of one of ctypes' simple objects, other values as they are."""
    if isinstance(value, ctypes._SimpleCData) and isinstance(value.value, int | float):
        return value.value
    return value


def _index(value: Any) -> int | None:
    """The value as an int, if it is an integer. NumPy's arrays without dimensions may or may not be one."""
    try:
        return operator.index(value)
    except TypeError:
        return None


def _type_of(value: Any) -> CType:
    if isinstance(value, StructValue):
        return value.ctype
    if isinstance(value, str):
        return _TEXT
    if value is None or isinstance(value, list | tuple | bytes | bytearray | memoryview):
        return _POINTER
    if isinstance(value, ctypes._SimpleCData | ctypes.Array | ctypes._Pointer | ctypes.Structure | ctypes.Union):
        return _POINTER
    if getattr(value, "shape", None):
        return _POINTER
    number = _index(value)
    if number is not None:
        if not -(1 << 63) <= number < 1 << 64:
            raise SignatureError(f"{shown(number)} has more than 64 bits: give the function a type for it")
        return _LONG if number < 1 << 63 else _UNSIGNED_LONG
    if hasattr(type(value), "__float__"):
        return _DOUBLE
    if hasattr(type(value), "__complex__"):
        return _COMPLEX
    try:
        memoryview(value)
    except TypeError:
        raise SignatureError(
            f"{shown(value)} can't be passed to `...`: give a number, text, an array, a struct's value or None"
        ) from None
    return _POINTER
