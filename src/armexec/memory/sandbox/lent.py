"""Memory of a sandbox for copies of what Python lends to the guest: small blocks, used again and again."""

from __future__ import annotations

import ctypes
from typing import Protocol

from ...forks import renew
from ..region import Region

__all__ = ["Block", "Blocks"]

_SMALLEST = 6
"""Blocks have 64 bytes at least: the largest alignment that code asks for."""
_CARVED = 18
"""Blocks of less than so many address bits are carved from regions of that size."""
_KEPT = 26
"""Larger blocks than 64 MiB are freed at once."""


class _Sandbox(Protocol):
    @property
    def base(self) -> int: ...
    def allocate(self, size: int, align: int = 1) -> Region: ...


class Block:
    """`size` bytes at the host's `host` and the guest's `address`; given back when nothing refers to it."""

    __slots__ = ("_blocks", "_order", "_place", "address", "host", "size")

    def __init__(self, blocks: Blocks, order: int, place: tuple[int, Region], base: int, size: int) -> None:
        self._blocks = blocks
        self._order = order
        self._place = place
        self.host = place[0]
        self.address = place[0] - base
        self.size = size

    def __del__(self) -> None:
        self._blocks.give(self._order, self._place)

    def fill(self, data: bytes) -> None:
        """Copy bytes into it."""
        ctypes.memmove(self.host, data, min(len(data), self.size))

    def read(self) -> bytes:
        """Its bytes."""
        return ctypes.string_at(self.host, self.size)


class Blocks:
    """The blocks of a sandbox, by the powers of two of their sizes."""

    def __init__(self) -> None:
        self._lock = renew(self)
        self._free: dict[int, list[tuple[int, Region]]] = {}

    def take(self, sandbox: _Sandbox, size: int) -> Block:
        """A block of `size` bytes, with anything in it, at a multiple of 64. Raises HostError."""
        order = max(_SMALLEST, (size - 1).bit_length())
        with self._lock:
            free = self._free.setdefault(order, [])
            if not free:
                count = max(1, 1 << _CARVED >> order)
                # A large one takes no more than it needs.
                region = sandbox.allocate(size if order > _KEPT else count << order)
                free += [(region.address + (n << order), region) for n in reversed(range(count))]
            return Block(self, order, free.pop(), sandbox.base, size)

    def give(self, order: int, place: tuple[int, Region]) -> None:
        """Take a block back."""
        if order > _KEPT:
            return
        with self._lock:
            self._free[order].append(place)
