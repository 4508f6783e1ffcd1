"""What loops of ufuncs ask Python for."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache

from armexec.errors import SignatureError

__all__ = ["current_thread_state", "failed_key", "refuse_length"]

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


def refuse_length(length: int, bits: int) -> int:
    """Raises SignatureError for a dimension that doesn't fit the guest's parameter, which has so many bits for it."""
    raise SignatureError(f"a dimension of {length} elements doesn't fit the function's parameter: it has {bits} bits")
