"""The addresses of Python's buffers."""

from __future__ import annotations

import ctypes

__all__ = ["address_of"]


class _Buffer(ctypes.Structure):
    """Py_buffer (Python/C API, "Buffer Structures"). CPython writes to the later fields, which aren't used here."""

    _fields_ = (("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("rest", ctypes.c_void_p * 16))


def address_of(view: memoryview) -> int:
    """The address of a buffer's first byte, also of one that can't be changed."""
    buffer = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer.argtypes = (ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int)
    ctypes.pythonapi.PyObject_GetBuffer(view, ctypes.byref(buffer), 0)
    try:
        return buffer.buf or 0
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))
