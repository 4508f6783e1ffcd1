"""Memory that arguments point to, copied between two processes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence

from armexec.isolation.protocol import Address, Block

__all__ = ["ALIGNMENT", "Blocks"]

ALIGNMENT = 64
"""A copy's address has the same lower bits as the original's."""


class Blocks:
    """The copies of blocks in a worker."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks
        self._copies: list[memoryview] = []
        self._addresses: list[int] = []
        for data, alignment, _ in blocks:
            # A byte at least: what is empty has an address too.
            room = bytearray(len(data) + ALIGNMENT)
            start = ctypes.addressof(ctypes.c_char.from_buffer(room))
            offset = (alignment - start) % ALIGNMENT
            copy = memoryview(room)[offset : offset + len(data)]
            copy[:] = data
            self._copies.append(copy)
            self._addresses.append(start + offset)

    def address(self, place: Address) -> int:
        """The address of a pointer into a block."""
        number, offset = place
        return self._addresses[number] + offset

    def changed(self) -> Iterator[tuple[int, bytes]]:
        """The numbers and the bytes of the blocks that the guest may change and has changed."""
        for number, ((before, _, writable), copy) in enumerate(zip(self._blocks, self._copies, strict=True)):
            if writable:
                data = bytes(copy)  # the views themselves would be compared byte by byte
                if data != before:
                    yield number, data
