"""The memory of what Python passes to the guest by its address."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any, TypeAlias

from armexec.abi.buffers import address_of
from armexec.abi.lists import ListCopy
from armexec.abi.values.structs import StructValue, address_of_value

__all__ = ["LentMemory", "memory_of"]

LentMemory: TypeAlias = tuple[int, int, bool]
"""The begin and the end of memory, and whether it may be written."""
_CTYPES = (ctypes.Structure, ctypes.Union, ctypes.Array, ctypes._SimpleCData)


def memory_of(owner: Any) -> LentMemory | None:
    """An object's memory, which it has as long as it exists; None where that isn't known.

    A file's memory is none: it vanishes where the file becomes shorter.
    """
    if isinstance(owner, ListCopy):
        return (owner.address, owner.address + len(owner.data), True) if owner.data else None
    if isinstance(owner, StructValue):
        begin = address_of_value(owner)
        return begin, begin + owner.ctype.size, True
    if isinstance(owner, _CTYPES):
        begin = ctypes.addressof(owner)
        return begin, begin + ctypes.sizeof(owner), True
    interface = getattr(owner, "__array_interface__", None)
    if isinstance(interface, dict) and interface.get("strides") is None and not _is_mapped(owner):
        begin, is_constant = interface["data"]
        return int(begin), int(begin) + int(getattr(owner, "nbytes", 0)), not is_constant
    if isinstance(owner, memoryview | bytes) and not _is_mapped(owner):
        view = memoryview(owner)
        begin = address_of(view) if view.nbytes else 0
        return begin, begin + view.nbytes, not view.readonly
    return None


def _is_mapped(owner: Any) -> bool:
    """Whether memory is an `mmap`'s."""
    while True:
        if isinstance(owner, mmap.mmap):
            return True
        under = owner.obj if isinstance(owner, memoryview) else getattr(owner, "base", None)
        if under is None:
            return False
        owner = under
