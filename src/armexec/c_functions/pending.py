"""Exceptions that came up where C had called the guest: Python raises them when the thread is back.

CPython raises a class in a thread when asked (PyThreadState_SetAsyncExc), between two of its instructions. The class
that is given makes, instead of an instance, the exception that was kept.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from typing import Any

from armexec.forks import in_child

__all__ = ["keep", "symbols"]

_KEY = "armexec: an exception is to be raised"
"""In a thread's own dictionary, as long as one is."""
_failed: dict[int, BaseException] = {}
"""By thread, from `keep` to `take`."""
_count = ctypes.c_uint64()
_kept = ctypes.c_uint64()


def keep(error: BaseException) -> None:
    """Keep what the call of this thread has raised."""
    _failed[threading.get_ident()] = error
    _kept.value = len(_failed)


def _take() -> Any:
    """The class to be raised on this thread, None for nothing."""
    error = _failed.pop(threading.get_ident(), None)
    _kept.value = len(_failed)
    if error is None:
        return None
    thread = threading.current_thread()
    try:
        sys._getframe(1)
    except ValueError:
        # No function of Python has called C on this thread, so none can get the exception.
        threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))
        return None
    own = _dictionary()
    if _KEY not in own:
        own[_KEY] = True
        _count.value += 1

    def raised(_kind: type) -> BaseException:
        if _dictionary().pop(_KEY, None):
            _count.value -= 1
        return error

    members = {"__new__": raised, "__slots__": ()}
    try:
        return type(type(error).__name__, (type(error),), members)
    except TypeError:
        # Some classes can't have subclasses.
        return type(type(error).__name__, (BaseException,), members)


_get_dictionary = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))


def _dictionary() -> dict[str, bool]:
    """That of this thread of Python's, which goes with it."""
    # The reference is borrowed: `py_object` as the result would give it back.
    own: dict[str, bool] = ctypes.cast(_get_dictionary(), ctypes.py_object).value
    return own


def _forked() -> None:
    _failed.clear()
    _kept.value = 0


in_child(_forked)


def symbols() -> dict[str, int]:
    """What a thunk needs: the addresses of objects, which live as long as this module, and of numbers."""
    return {
        "keep": id(keep),
        "take": id(_take),
        "none": id(None),
        "key": id(_KEY),
        "waiting": ctypes.addressof(_count),
        "kept": ctypes.addressof(_kept),
    }
