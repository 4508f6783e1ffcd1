"""The types of a variadic function's further arguments, told from Python's values or classes.

C's default argument promotions (C17, 6.5.2.2) leave `int` or wider and `double`. A Python int is passed as a `long`,
which is also right where the function reads an `int`: the lower half of a register or of a slot is the same.
"""

from __future__ import annotations

import ctypes
import enum
import operator
import sys
from collections.abc import Sequence
from typing import Any

from armexec.abi.placement import CallingConvention
from armexec.abi.values import StructValue
from armexec.abi.values.codec import shown
from armexec.errors import SignatureError
from armexec.objects import CType, Prototype

__all__ = ["promoted", "type_of_class", "variable_arguments"]

_SIGNED = {
    size: CType("int", size, name, True, align=size)
    for size, name in ((1, "signed char"), (2, "short"), (4, "int"), (8, "long"))
}
_UNSIGNED = {
    size: CType("int", size, name, False, align=size)
    for size, name in ((1, "unsigned char"), (2, "unsigned short"), (4, "unsigned int"), (8, "unsigned long"))
}
_INT, _LONG, _UNSIGNED_LONG = _SIGNED[4], _SIGNED[8], _UNSIGNED[8]
_FLOAT = CType("float", 4, "float", True, align=4)
_DOUBLE = CType("float", 8, "double", True, align=8)
_LONG_DOUBLE = CType("float", 16, "long double", True, align=16)
_COMPLEX_FLOAT = CType("complex", 8, "_Complex float", target=_FLOAT, align=4)
_COMPLEX = CType("complex", 16, "_Complex double", target=_DOUBLE, align=8)
_COMPLEX_LONG = CType("complex", 32, "_Complex long double", target=_LONG_DOUBLE, align=16)
_TEXT = CType("pointer", 8, target=CType("int", 1, "char", const=True, align=1), align=8)
_POINTER = CType("pointer", 8, target=CType("void", name="void", const=True), align=8)

_CHARACTERS = "cu"
"""ctypes' codes of characters, whose values are text."""
# The Apple ABI's long double is a double.
_APPLE = {id(_LONG_DOUBLE): _DOUBLE, id(_COMPLEX_LONG): _COMPLEX}


def promoted(ctype: CType) -> CType:
    """The type of a further argument after the default argument promotions."""
    if ctype.kind in ("bool", "int", "enum") and ctype.size < 4:
        return _INT
    if ctype.kind == "float" and ctype.size == 4:
        return _DOUBLE
    return ctype


def variable_arguments(
    prototype: Prototype, values: Sequence[Any], convention: CallingConvention
) -> tuple[tuple[Any, ...], list[CType], list[Any]]:
    """A key that is the same for the same types, the types of values as further arguments, and what is passed for them.

    - an int is a `long`, or an `unsigned long` where only that has it; a bool is one too;
    - a float is a `double`, a complex number `_Complex double`;
    - NumPy's scalars and ctypes' simple objects, such as `numpy.longdouble(1)` and `ctypes.c_char(b"a")`, have the type
      that they have in C; a NumPy half is a `double`;
    - text is a `const char *`; None, arrays, buffers and lists are pointers;
    - the value of a struct or union is passed as that.

    Raises:
        SignatureError: a value has no such type.
    """
    keys: list[Any] = []
    types: list[CType] = []
    passed: list[Any] = []
    for position, value in enumerate(values, len(prototype.parameters) + 1):
        try:
            ctype, content = _typed(value)
        except SignatureError as error:
            raise SignatureError(f"`{prototype}`: argument {position}: {error}") from None
        if convention == "apple":
            ctype = _APPLE.get(id(ctype), ctype)
        passed.append(content)
        types.append(ctype)
        keys.append(type(content) if isinstance(content, StructValue) else id(ctype))
    return tuple(keys), types, passed


def type_of_class(kind: Any, convention: CallingConvention) -> CType | None:
    """The type that a Python class stands for: int, float, complex, str, one of ctypes, of NumPy or of structs' values;
    None for others."""
    known = {int: _LONG, float: _DOUBLE, complex: _COMPLEX, str: _TEXT, bytes: _TEXT, bool: _INT}.get(kind)
    if known is not None or not isinstance(kind, type):
        return known
    found: CType | None = None
    if issubclass(kind, StructValue):
        found = getattr(kind, "ctype", None)
        return found if isinstance(found, CType) else None
    if issubclass(kind, enum.IntEnum):
        return _LONG
    if issubclass(kind, ctypes._SimpleCData):
        found = _ctypes_type(kind)
    elif issubclass(kind, ctypes._Pointer):
        found = _POINTER
    elif kind.__module__ == "numpy":
        found = _numpy_class(kind)
    return _APPLE.get(id(found), found) if convention == "apple" else found


def _numpy_class(kind: Any) -> CType | None:
    import numpy as np

    return _numpy_type(np.dtype(kind)) if issubclass(kind, np.generic) and kind is not np.generic else None


def _ctypes_type(kind: Any) -> CType | None:
    """The type of one of ctypes' simple classes, by its code: see ctypes, "Fundamental data types"."""
    code = kind._type_
    if code in "?cbhilqBHILQ":
        return (_UNSIGNED if code in "?cBHILQ" else _SIGNED)[ctypes.sizeof(kind)]
    if code == "u":
        return _UNSIGNED[4]
    known = {"f": _FLOAT, "d": _DOUBLE, "g": _LONG_DOUBLE, "z": _TEXT, "F": _COMPLEX_FLOAT, "D": _COMPLEX}
    return known.get(code, _POINTER if code in "ZP" else None)


def _numpy_type(dtype: Any) -> CType | None:
    """The type of a NumPy scalar, None if it has none of C's: see NumPy, "Scalars"."""
    if dtype.kind in "biu":
        return (_SIGNED if dtype.kind == "i" else _UNSIGNED)[dtype.itemsize]
    return {
        "e": _DOUBLE,
        "f": _FLOAT,
        "d": _DOUBLE,
        "g": _LONG_DOUBLE,
        "F": _COMPLEX_FLOAT,
        "D": _COMPLEX,
        "G": _COMPLEX_LONG,
    }.get(dtype.char)


def _is_numpy(value: Any) -> bool:
    # Whoever has a value of NumPy's has imported it. Another thread may just be importing it.
    numpy = sys.modules.get("numpy")
    return isinstance(value, (getattr(numpy, "generic", ()), getattr(numpy, "ndarray", ())))


def _typed(value: Any) -> tuple[CType, Any]:
    """The type of a value, and what is passed for it. Raises SignatureError."""
    kind = type(value)
    if isinstance(value, ctypes._SimpleCData):
        found = _ctypes_type(kind)
        if found is not None and found.kind != "pointer":
            content = value.value
            return promoted(found), ord(content) if kind._type_ in _CHARACTERS else content
        return found or _POINTER, value
    if _is_numpy(value) and value.shape == ():
        found = _numpy_type(value.dtype)
        if found is _COMPLEX_LONG:
            return found, (value.real, value.imag)
        if found is not None:
            return promoted(found), value.item() if found.kind == "int" else value
    return _type_of(value), value


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
