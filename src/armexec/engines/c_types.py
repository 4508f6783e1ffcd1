"""The ctypes classes of what functions pass as integers."""

from __future__ import annotations

import ctypes
from typing import Any

from armexec.abi.placement import Part

__all__ = ["integer_class"]

_INTEGERS: dict[tuple[str, int], type[ctypes._SimpleCData[Any]]] = {
    ("unsigned", 1): ctypes.c_uint8,
    ("signed", 1): ctypes.c_int8,
    ("unsigned", 2): ctypes.c_uint16,
    ("signed", 2): ctypes.c_int16,
    ("unsigned", 4): ctypes.c_uint32,
    ("signed", 4): ctypes.c_int32,
    # Pointers too: c_void_p gives None for null.
    ("unsigned", 8): ctypes.c_uint64,
    ("signed", 8): ctypes.c_int64,
}


def integer_class(part: Part) -> type[ctypes._SimpleCData[Any]] | None:
    """The class of an integer or a pointer; None for a floating-point number."""
    return _INTEGERS.get((part.format, part.size))
