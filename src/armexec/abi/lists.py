"""Lists as arguments for pointers: each is copied into an array, which is copied back after the call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from armexec.abi.floats import from_bits, to_bits
from armexec.abi.integers import INTEGER_KINDS, integer_range
from armexec.errors import SignatureError
from armexec.objects import CType

__all__ = ["ListCopy", "copy_list"]

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
            size = self.element.size
            self.values[:] = [
                _value(self.element, self.data[at : at + size]) for at in range(0, len(self.values) * size, size)
            ]


def copy_list(target: CType | None, values: Sequence[Any], address_of: Callable[[CType, Any], int]) -> ListCopy:
    """Copy a list or tuple into an array of `target`, or of bytes for a pointer to void.

    Args:
        address_of: gives the address to pass for an element that is itself a pointer.

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
    data = bytearray()
    for position, value in enumerate(values):
        try:
            data += _bytes(element, value, address_of)
        except SignatureError as error:
            raise SignatureError(f"element {position}: {error}") from None
    # One byte at least: an empty list has an address too.
    return ListCopy(values if changes else None, element, data or bytearray(1))  # type: ignore[arg-type]


def _bytes(element: CType, value: Any, address_of: Callable[[CType, Any], int]) -> bytes:
    """One element as it is in memory. Raises SignatureError."""
    size = element.size
    if element.kind == "pointer":
        return address_of(element, value).to_bytes(size, "little")
    if element.kind in INTEGER_KINDS:
        try:
            number = int(value.__index__())
        except (AttributeError, TypeError):
            raise SignatureError(f"{value!r:.60} is no integer, as `{element}` wants") from None
        low, high = integer_range(element)
        if not low <= number <= high:
            raise SignatureError(f"{number} is out of range {low}..{high} for `{element}`")
        return (number & (1 << 8 * size) - 1).to_bytes(size, "little")
    if element.kind == "float" and size in (2, 4, 8):
        if not (hasattr(type(value), "__float__") or hasattr(type(value), "__index__")):
            raise SignatureError(f"{value!r:.60} is no number, as `{element}` wants")
        try:
            return to_bits(float(value), element).to_bytes(size, "little")
        except (OverflowError, TypeError, ValueError) as error:
            raise SignatureError(f"{value!r:.60} is no number, as `{element}` wants: {error}") from None
    raise SignatureError(f"an array of {element} can't be made of a list: pass an array, a buffer or an address")


def _value(element: CType, data: bytearray) -> Any:
    if element.kind == "float":
        return from_bits(int.from_bytes(data, "little"), element)
    number = int.from_bytes(data, "little", signed=integer_range(element)[0] < 0)
    return bool(number) if element.kind == "bool" else number
