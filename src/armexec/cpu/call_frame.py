"""The registers and stack that a call passes, in memory: what calls with arguments of any type go through."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FRAME_OFFSETS", "CallFrame"]


class CallFrame(ctypes.Structure):
    """Arguments before a call, and the result after it (AAPCS64, "Parameter passing" and "Result return").

    `x`: X0 to X8, of which a result has X0 and X1. `v`: V0 to V7, 16 bytes each, of which a result has V0 to V3.
    `stack`: the address of the arguments that are passed on the stack, `stack_size` bytes, a multiple of 16. Where the
    guest calls a host function, it is SP, and the size isn't known.
    """

    _fields_ = (
        ("x", ctypes.c_uint64 * 9),
        ("_padding", ctypes.c_uint64),
        ("v", ctypes.c_uint8 * 128),
        ("stack", ctypes.c_uint64),
        ("stack_size", ctypes.c_uint64),
    )


FRAME_OFFSETS: Mapping[str, int] = MappingProxyType(
    {name: getattr(CallFrame, name).offset for name, *_ in CallFrame._fields_}
)
"""The offset of each field of `CallFrame`, in bytes."""
