"""`struct sigaction` as the C library has it: Linux, sigaction(2); macOS, sys/signal.h (not run there)."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["SA_NODEFER", "SA_ONSTACK", "SA_RESTART", "SA_SIGINFO", "SignalAction"]

_DARWIN = sys.platform == "darwin"
SA_SIGINFO, SA_ONSTACK, SA_NODEFER, SA_RESTART = (
    (0x40, 0x1, 0x10, 0x2) if _DARWIN else (0x4, 0x0800_0000, 0x4000_0000, 0x1000_0000)
)


class _LinuxAction(ctypes.Structure):
    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_uint8 * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


class _DarwinAction(ctypes.Structure):
    _fields_ = (("handler", ctypes.c_void_p), ("mask", ctypes.c_uint32), ("flags", ctypes.c_int))


SignalAction = _DarwinAction if _DARWIN else _LinuxAction
