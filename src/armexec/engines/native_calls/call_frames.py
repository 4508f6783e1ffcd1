"""The frames of calls of functions of Python by native code."""

from __future__ import annotations

import ctypes

from armexec.cpu.call_frame import CallFrame

__all__ = ["HostCall"]


class HostCall(CallFrame):
    """The frame that `call_host` makes: also where the call returns to (X30), and the address that was called."""

    _fields_ = (("link", ctypes.c_uint64), ("address", ctypes.c_uint64))  # type: ignore[assignment]
