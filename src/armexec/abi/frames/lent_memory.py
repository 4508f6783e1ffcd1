"""The memory of what Python passes to the guest by its address."""

from __future__ import annotations

import ctypes
from typing import Any

from armexec.abi.buffers import address_of
from armexec.abi.lists import ListCopy
from armexec.abi.values.structs import StructValue, address_of_value

__all__ = ["memory_of"]

_CTYPES = (ctypes.Structure, ctypes.Union, ctypes.Array, ctypes._SimpleCData)


def memory_of(owner: Any) -> tuple[int, int] | None:
    """The begin and the end of an object's memory, which it has as long as it exists; None where that isn't known."""
    if isinstance(owner, ListCopy):
        return (owner.address, owner.address + len(owner.data)) if owner.data else None
    if isinstance(owner, StructValue):
        begin = address_of_value(owner)
        return begin, begin + owner.ctype.size
    if isinstance(owner, _CTYPES):
        begin = ctypes.addressof(owner)
        return begin, begin + ctypes.sizeof(owner)
    interface = getattr(owner, "__array_interface__", None)
    if isinstance(interface, dict) and interface.get("strides") is None:
        begin = int(interface["data"][0])
        return begin, begin + int(getattr(owner, "nbytes", 0))
    if isinstance(owner, memoryview | bytes):
        view = memoryview(owner)
        begin = address_of(view) if view.nbytes else 0
        return begin, begin + view.nbytes
    return None
