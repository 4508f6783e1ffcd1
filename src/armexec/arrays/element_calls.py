"""Loops in Python: one call of the guest for each element, on any engine.

The bits of arguments and results aren't looked at on the way, so that NaNs stay as they are.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import AbstractContextManager

from armexec.abi.frames.block import BLOCK_SIZE, STACK_OFFSET, STACK_SIZE_OFFSET, ArgumentFrame, place_offset
from armexec.abi.placement import CallingConvention, Placement, StackSlot
from armexec.objects import CType, Prototype

__all__ = ["ElementCalls"]

_POINTER = ctypes.sizeof(ctypes.c_void_p)


class ElementCalls:
    """The loop of a ufunc. `enter` calls the guest by a frame; `limits` gives what holds while a loop runs."""

    def __init__(
        self,
        prototype: Prototype,
        convention: CallingConvention,
        enter: Callable[[int], None],
        limits: Callable[[], AbstractContextManager[object]],
    ) -> None:
        """Plan the calls. Raises SignatureError where a type can't be passed."""
        placement = Placement.of(prototype, convention)
        self._enter, self._limits = enter, limits
        self._stack_size = placement.stack_size
        # For each operand: its size, whether it is signed, whether it is a bool, and its parts.
        self._inputs = [
            (
                parameter.type.size,
                _is_signed_integer(parameter.type),
                parameter.type.kind == "bool",
                [(place_offset(part), part.offset, part.size, _width(part.place)) for part in parts],
            )
            for parameter, parts in zip(prototype.parameters, placement.arguments, strict=True)
        ]
        self._result_size = prototype.result.size
        self._is_bool = prototype.result.kind == "bool"
        self._result = [(place_offset(part), part.offset, part.size) for part in placement.result]

    def __call__(self, arguments: int, dimensions: int, steps: int) -> None:
        """Go through the elements. The addresses are those of NumPy's arrays of operands, of sizes, and of steps."""
        count = len(self._inputs) + 1
        pointers = list((ctypes.c_ssize_t * count).from_address(arguments))
        strides = list((ctypes.c_ssize_t * count).from_address(steps))
        number = ctypes.c_ssize_t.from_address(dimensions).value
        frame = ArgumentFrame(BLOCK_SIZE + self._stack_size, 16)
        with self._limits():
            for _ in range(number):
                self._call(frame, pointers)
                pointers = [pointer + stride for pointer, stride in zip(pointers, strides, strict=True)]

    def _call(self, frame: ArgumentFrame, pointers: list[int]) -> None:
        data = frame.data
        data[:] = bytes(len(data))
        data[STACK_OFFSET : STACK_OFFSET + 8] = (frame.address + BLOCK_SIZE).to_bytes(8, "little")
        data[STACK_SIZE_OFFSET : STACK_SIZE_OFFSET + 8] = self._stack_size.to_bytes(8, "little")
        for (size, is_signed, is_bool, parts), pointer in zip(self._inputs, pointers, strict=False):
            value = ctypes.string_at(pointer, size)
            if is_bool:
                # NumPy's arrays of bools may be views of other bytes.
                value = bytes([value != b"\0"])
            for at, offset, length, width in parts:
                part = value[offset : offset + length]
                if width > length:
                    part = part.ljust(width, b"\xff" if is_signed and part[-1] & 0x80 else b"\0")
                data[at : at + len(part)] = part
        self._enter(frame.address)
        result = bytearray(self._result_size)
        for at, offset, length in self._result:
            result[offset : offset + length] = data[at : at + length]
        if self._is_bool:
            result[0] = result[0] != 0
        ctypes.memmove(pointers[-1], bytes(result), len(result))


def _is_signed_integer(ctype: CType) -> bool:
    return ctype.kind in ("int", "enum") and ctype.signed


def _width(place: object) -> int:
    """How many bytes a value is extended to."""
    return place.size if isinstance(place, StackSlot) else 8
