"""What loops of ufuncs know of their thread."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache

__all__ = ["current_thread_state", "failed_key"]

_libc = ctypes.CDLL(None)
_keys: list[ctypes.c_uint64] = []


@cache
def failed_key() -> int:
    """The address of the pthread key of whether a loop of a ufunc has raised; for `@failed_key`."""
    key = ctypes.c_uint64()
    if _libc.pthread_key_create(ctypes.byref(key), None):
        raise OSError("pthread_key_create failed")
    _keys.append(key)
    return ctypes.addressof(key)


@cache
def current_thread_state() -> int:
    """The address of the function of Python that gives the thread state that has the GIL, or null."""
    # Public since Python 3.13.
    for name in ("PyThreadState_GetUnchecked", "_PyThreadState_UncheckedGet"):
        with suppress(AttributeError):
            return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
    raise OSError("this Python doesn't tell which thread has the GIL")
