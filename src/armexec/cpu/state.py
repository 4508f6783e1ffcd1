"""The registers of one thread of the guest in memory, as all engines see them."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from armexec.cpu.registers import STATE_FIELDS

__all__ = ["OFFSETS", "CpuState"]

_TYPES: Mapping[int, Any] = {1: ctypes.c_uint8, 8: ctypes.c_uint64}


class CpuState(ctypes.Structure):
    """The registers, and the exclusive monitor: `exclusive_bits` is the size of what it watches, 0 for nothing."""

    _fields_ = (
        *((f.name, _TYPES[f.size] * f.length if f.length > 1 else _TYPES[f.size]) for f in STATE_FIELDS),
        ("exclusive_address", ctypes.c_uint64),
        ("exclusive_bits", ctypes.c_uint64),
        ("exclusive_value", ctypes.c_uint8 * 16),
    )


OFFSETS: Mapping[str, int] = MappingProxyType({name: getattr(CpuState, name).offset for name, *_ in CpuState._fields_})
"""The offset of each field of `CpuState`, in bytes."""
