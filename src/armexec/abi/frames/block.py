"""The block of a call: what engines put into registers and onto the stack, and take out again."""

from __future__ import annotations

import ctypes

from armexec.abi.placement import Part, StackSlot
from armexec.cpu.call_frame import FRAME_OFFSETS, CallFrame
from armexec.cpu.registers import Kind
from armexec.memory import Block

__all__ = ["BLOCK_SIZE", "STACK_OFFSET", "STACK_SIZE_OFFSET", "X_OFFSET", "ArgumentFrame", "place_offset"]


X_OFFSET = FRAME_OFFSETS["x"]
STACK_OFFSET = FRAME_OFFSETS["stack"]
STACK_SIZE_OFFSET = FRAME_OFFSETS["stack_size"]
_V_OFFSET = FRAME_OFFSETS["v"]
BLOCK_SIZE = ctypes.sizeof(CallFrame)


def place_offset(part: Part, stack: int = BLOCK_SIZE) -> int:
    """The offset of a part's place, where the stack arguments begin at the offset `stack`."""
    if isinstance(part.place, StackSlot):
        return stack + part.place.offset
    if part.place.kind is Kind.VECTOR:
        return _V_OFFSET + 16 * part.place.n
    return X_OFFSET + 8 * part.place.n


class ArgumentFrame:
    """Memory of a call: a `CallFrame`, the stack arguments behind it, copies of what is passed by reference, and
    room for a result in memory, except in a sandbox. `address` is the block's, a multiple of `align`."""

    __slots__ = ("_room", "address", "data", "room")

    room: Block
    """Where a result in memory goes, in a sandbox."""

    def __init__(self, size: int, align: int) -> None:
        self._room = bytearray(size + align)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._room))
        self.address = -(-start // align) * align
        self.data = memoryview(self._room)[self.address - start :][:size]

    @property
    def block(self) -> CallFrame:
        """The registers; a view of the memory."""
        return CallFrame.from_buffer(self.data)
