"""Lists as arguments for pointers: each is copied into an array, which is copied back after the call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from armexec.abi.lending import LentOwners
from armexec.abi.values.codec import codec
from armexec.errors import SignatureError
from armexec.objects import CType

__all__ = ["ListCopy", "copy_list", "write_back"]

_BYTE = CType("int", 1, "unsigned char", align=1)


@dataclass(frozen=True)
class ListCopy:
    """The elements of `values` as an array in memory."""

    values: list[Any] | None
    """The list to change after the call, or None where the array can't have changed."""
    element: CType
    data: bytearray

    @property
    def address(self) -> int:
        return ctypes.addressof(ctypes.c_char.from_buffer(self.data))

    def write_back(self) -> None:
        """Put the array's elements into the list."""
        if self.values is not None:
            size, unpack = self.element.size, codec(self.element).unpack
            self.values[:] = [unpack(self.data[at : at + size]) for at in range(0, len(self.values) * size, size)]


def copy_list(target: CType | None, values: Sequence[Any], alive: list[Any]) -> ListCopy:
    """Copy a list or tuple into an array of `target`, or of bytes for a pointer to void.

    Args:
        alive: gets the objects whose addresses pointers among the elements have.

    Raises:
        SignatureError: an element doesn't fit, or a list can't be an array of the target.
    """
    element = target
    while element is not None and element.kind == "array":
        element = element.target
    if element is None or element.kind == "void":
        element = _BYTE
    changes = isinstance(values, list) and not (target is not None and target.const) and element.kind != "pointer"
    if isinstance(values, tuple) and not (target is not None and target.const):
        raise SignatureError("a tuple can't change, and what it points to isn't const: pass a list or an array")
    if element.size == 0:
        raise SignatureError(f"an array of {element} can't be made of a list: pass an array, a buffer or an address")
    pack = codec(element).pack
    data = bytearray()
    for position, value in enumerate(values):
        try:
            data += pack(value, alive)
        except SignatureError as error:
            raise SignatureError(f"element {position}: {error}") from None
    # One byte at least: an empty list has an address too.
    return ListCopy(values if changes else None, element, data or bytearray(1))  # type: ignore[arg-type]


def write_back(alive: list[Any]) -> None:
    """Copy what was copied into a sandbox back, and arrays that were made of lists back into the lists."""
    if isinstance(alive, LentOwners):
        alive.give_back()
    for item in alive:
        if item.__class__ is ListCopy:
            item.write_back()
