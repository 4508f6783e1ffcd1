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

    def __init__(self, blocks: Sequence[Block], shared: int) -> None:
        """Copy blocks. `shared` is the address of shared memory, where some are already."""
        self._copies: list[tuple[int, bytes, memoryview]] = []
        self._addresses: list[int] = []
        for number, (data, alignment, writable) in enumerate(blocks):
            if isinstance(data, int):
                self._addresses.append(shared + data)
                continue
            # A byte at least: what is empty has an address too.
            room = bytearray(len(data) + ALIGNMENT)
            start = ctypes.addressof(ctypes.c_char.from_buffer(room))
            offset = (alignment - start) % ALIGNMENT
            copy = memoryview(room)[offset : offset + len(data)]
            copy[:] = data
            self._copies.append((number if writable else -1, data, copy))
            self._addresses.append(start + offset)

    def address(self, place: Address) -> int:
        """The address of a pointer into a block."""
        number, offset = place
        return self._addresses[number] + offset

    def changed(self) -> Iterator[tuple[int, bytes]]:
        """The numbers and the bytes of the copies that the guest may change and has changed."""
        for number, before, copy in self._copies:
            if number >= 0:
                data = bytes(copy)  # the views themselves would be compared byte by byte
                if data != before:
                    yield number, data
