"""The address of what a pointer parameter is given: an address, an array, a buffer, text, a ctypes object, or None."""

from __future__ import annotations

import ctypes
import re
from numbers import Integral, Number
from typing import Any

from armexec.errors import SignatureError
from armexec.objects import CType

__all__ = ["pointer_argument", "typed_element"]

_FLOAT_CODES = "efdg"
_TYPE = re.compile(r".(\w)(\d+)")
_FunctionPointer: type[Any] = type(ctypes.pythonapi.Py_IsInitialized).__mro__[1]
_POINTERS = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_wchar_p, ctypes._Pointer, _FunctionPointer)


class _Buffer(ctypes.Structure):
    """Py_buffer (Python/C API, "Buffer Structures"). Its later fields aren't used, but are written to."""

    _fields_ = (("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("rest", ctypes.c_void_p * 16))


def pointer_argument(ctype: CType, value: Any, alive: list[Any]) -> int:
    """The address to pass for the pointer type `ctype`. What must live until the call returns is added to `alive`.

    - an int is an address, and None is null;
    - NumPy arrays, `array.array`, `bytearray` and every other contiguous buffer are passed without a copy; bytes and
      read-only buffers only where the target is const;
    - text is passed as UTF-8 with a null at its end where the target is a const char;
    - ctypes arrays, structures and simple objects are passed by their address, ctypes pointers by their value.

    Raises:
        SignatureError: saying what the value is and what would do.
    """
    if value is None:
        return 0
    if isinstance(value, Integral):
        # NumPy's integers too.
        if 0 <= int(value) < 1 << 64:
            return int(value)
        raise SignatureError(f"{value} is not an address")
    if isinstance(value, Number) and not isinstance(value, ctypes._SimpleCData):
        raise SignatureError(_unusable(value))
    target = ctype.target
    constant = target is not None and target.const
    if isinstance(value, str):
        if not constant or target is None or target.kind != "int" or target.size != 1:
            raise SignatureError("text can only be passed to a const char *: pass a bytearray")
        data = value.encode() + b"\0"
        alive.append(data)
        return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
    if isinstance(value, _POINTERS):
        return ctypes.cast(value, ctypes.c_void_p).value or 0
    if isinstance(value, ctypes.Array | ctypes.Structure | ctypes.Union | ctypes._SimpleCData):
        return ctypes.addressof(value)
    # NumPy has a buffer too, but not for every dtype.
    interface = getattr(value, "__array_interface__", None)
    if isinstance(interface, dict):
        if interface.get("strides") is not None:
            raise SignatureError("the array isn't contiguous: pass numpy.ascontiguousarray(...)")
        address, read_only = interface["data"]
        if read_only and not constant:
            raise SignatureError("the array is read-only, and what it points to isn't const")
        # "<f4", "|V8", "<M8[s]": the order of bytes, the kind, and the size.
        found = _TYPE.match(str(interface["typestr"]))
        kind, size = (found[1], int(found[2])) if found else ("", 0)
        _check_element(target, kind, size, f"of {getattr(value, 'dtype', interface['typestr'])}")
        alive.append(value)
        return int(address)
    try:
        view = memoryview(value)
    except TypeError:
        raise SignatureError(_unusable(value)) from None
    if not view.c_contiguous:
        raise SignatureError("the memory isn't contiguous")
    if view.readonly and not constant:
        raise SignatureError(
            f"{type(value).__name__} can't change, and what it points to isn't const: pass a bytearray or an array"
        )
    code = view.format.lstrip("@=<>!")
    _check_element(target, "f" if code in _FLOAT_CODES else "i", view.itemsize, f"of {view.format!r}")
    # The view keeps the buffer from being moved.
    alive.append(view)
    return _address(view)


def _address(view: memoryview) -> int:
    buffer = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer.argtypes = (ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int)
    ctypes.pythonapi.PyObject_GetBuffer(view, ctypes.byref(buffer), 0)
    try:
        return buffer.buf or 0
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))


def typed_element(target: CType | None) -> CType | None:
    """What an array's elements have to be where a pointer to `target` is wanted; None if they may be anything."""
    if target is None or target.size in (0, 1) or target.kind not in ("int", "float", "enum"):
        return None
    return target


def _check_element(target: CType | None, kind: str, size: int, what: str) -> None:
    """Refuse an array whose elements aren't what the parameter points to; bytes can be anything."""
    target = typed_element(target)
    if target is None or size == 1:
        return
    if size != target.size or (kind == "f") != (target.kind == "float"):
        raise SignatureError(f"the array's elements are {what}, not {target}")


def _unusable(value: Any) -> str:
    what = type(value).__name__
    if isinstance(value, list | tuple):
        return f'a {what} has no address: pass array.array("i", ...), a NumPy array or a ctypes array'
    return f"it must be an address, an array, a buffer or None, not {what}"
