"""The block of a call: what engines put into registers and onto the stack, and take out again."""

from __future__ import annotations

import ctypes

from armexec.abi.placement import Part, StackSlot
from armexec.cpu.registers import Kind

__all__ = ["BLOCK_SIZE", "STACK_OFFSET", "X_OFFSET", "ArgumentBlock", "ArgumentFrame", "place_offset"]


class ArgumentBlock(ctypes.Structure):
    """Registers at the call and at the return: X0 to X8, and V0 to V7 as pairs of 64-bit words, the lower one first.

    `stack` is the address of the arguments on the stack: where an engine copies them from for a call of the guest's
    code, and SP at the entry of what the guest calls.
    """

    _fields_ = (
        ("x", ctypes.c_uint64 * 9),
        ("stack", ctypes.c_uint64),
        ("v", ctypes.c_uint64 * 2 * 8),
    )


X_OFFSET = ArgumentBlock.x.offset
STACK_OFFSET = ArgumentBlock.stack.offset
_V_OFFSET = ArgumentBlock.v.offset
BLOCK_SIZE = ctypes.sizeof(ArgumentBlock)


def place_offset(part: Part, stack: int = BLOCK_SIZE) -> int:
    """The offset of a part's place, where the stack arguments begin at the offset `stack`."""
    if isinstance(part.place, StackSlot):
        return stack + part.place.offset
    if part.place.kind is Kind.VECTOR:
        return _V_OFFSET + 16 * part.place.n
    return X_OFFSET + 8 * part.place.n


class ArgumentFrame:
    """Memory of a call: an `ArgumentBlock`, the stack arguments behind it, copies of what is passed by reference, and
    room for a result in memory. `address` is the block's, a multiple of `align`."""

    __slots__ = ("_room", "address", "data")

    def __init__(self, size: int, align: int) -> None:
        self._room = bytearray(size + align)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._room))
        self.address = -(-start // align) * align
        self.data = memoryview(self._room)[self.address - start :][:size]

    @property
    def block(self) -> ArgumentBlock:
        """The registers; a view of the memory."""
        return ArgumentBlock.from_buffer(self.data)
