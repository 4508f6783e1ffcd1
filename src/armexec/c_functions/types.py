"""The classes of ctypes that stand for C's scalars."""

from __future__ import annotations

import ctypes
from typing import Any

from armexec.errors import SignatureError
from armexec.objects import CType, Prototype

__all__ = ["ctypes_of"]

_INTEGERS = {
    (1, True): ctypes.c_int8,
    (1, False): ctypes.c_uint8,
    (2, True): ctypes.c_int16,
    (2, False): ctypes.c_uint16,
    (4, True): ctypes.c_int32,
    (4, False): ctypes.c_uint32,
    (8, True): ctypes.c_int64,
    (8, False): ctypes.c_uint64,
}


def ctypes_of(prototype: Prototype) -> tuple[Any, list[Any]]:
    """The classes of the result (None for void) and of the parameters.

    Raises:
        SignatureError: one is no scalar that C passes in one register.
    """
    if prototype.variadic:
        raise SignatureError(f"`{prototype}` is variadic: a function pointer of C has a fixed number of arguments")
    result = None if prototype.result.kind == "void" else _scalar(prototype.result, prototype, "the result")
    parameters = [
        _scalar(parameter.type, prototype, f"parameter {number}")
        for number, parameter in enumerate(prototype.parameters, 1)
    ]
    return result, parameters


def _scalar(ctype: CType, prototype: Prototype, where: str) -> Any:
    if ctype.kind == "bool" and ctype.size == 1:
        return ctypes.c_bool
    if ctype.kind in ("int", "enum") and (ctype.size, ctype.signed) in _INTEGERS:
        return _INTEGERS[ctype.size, ctype.signed]
    if ctype.kind == "float" and not ctype.format and ctype.size in (4, 8):
        return ctypes.c_float if ctype.size == 4 else ctypes.c_double
    if ctype.kind == "pointer":
        target = ctype.target
        if target is not None and target.kind in ("bool", "int", "float"):
            try:
                return ctypes.POINTER(_scalar(target, prototype, where))
            except SignatureError:
                return ctypes.c_void_p
        return ctypes.c_void_p
    raise SignatureError(
        f"`{prototype}`: {where} has type {ctype}: C calls functions of integers, float, double and pointers; pass a"
        " pointer to it"
    )
