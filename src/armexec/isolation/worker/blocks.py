"""Memory that arguments point to, copied between two processes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence

from armexec.isolation.protocol import ALIGNMENT, Address, Block
from armexec.memory import Sandbox

__all__ = ["Blocks"]


class Blocks:
    """The copies of blocks in a worker: in its memory, or in its sandbox."""

    def __init__(self, blocks: Sequence[Block], shared: int, sandbox: Sandbox | None) -> None:
        """Copy blocks. `shared` is the address of shared memory, where some are already. Raises HostError."""
        self._copies: list[tuple[int, bytes, int]] = []
        self._shared: list[tuple[int, int, int]] = []
        self._addresses: list[int] = []
        self._owners: list[object] = []
        for number, (data, place, writable) in enumerate(blocks):
            if isinstance(data, bytes):
                host, address = self._room(len(data), place, sandbox)
                ctypes.memmove(host, data, len(data))
                if writable:
                    self._copies.append((number, data, host))
            elif sandbox is None:
                address = shared + data
            else:
                host, address = self._room(place, data % ALIGNMENT, sandbox)
                ctypes.memmove(host, shared + data, place)
                if writable:
                    self._shared.append((shared + data, host, place))
            self._addresses.append(address)

    def _room(self, size: int, alignment: int, sandbox: Sandbox | None) -> tuple[int, int]:
        """Memory for a copy: its address in this process, and that for the guest, which has some lower bits."""
        # A byte at least: what is empty has an address too.
        if sandbox is not None:
            block = sandbox.borrow(size + ALIGNMENT)
            self._owners.append(block)
            offset = (alignment - block.address) % ALIGNMENT
            return block.host + offset, block.address + offset
        room = ctypes.create_string_buffer(size + ALIGNMENT)
        self._owners.append(room)
        start = ctypes.addressof(room)
        start += (alignment - start) % ALIGNMENT
        return start, start

    def address(self, place: Address) -> int:
        """The guest's address of a pointer into a block."""
        number, offset = place
        return self._addresses[number] + offset

    def changed(self) -> Iterator[tuple[int, bytes]]:
        """The numbers and the bytes of the copies that the guest may change and has changed. What is shared is copied
        back."""
        for to, host, size in self._shared:
            ctypes.memmove(to, host, size)
        for number, before, host in self._copies:
            data = ctypes.string_at(host, len(before))
            if data != before:
                yield number, data
