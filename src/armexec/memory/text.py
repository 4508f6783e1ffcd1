"""Null-terminated text in this process's memory."""

from __future__ import annotations

from typing import Protocol

from .host import HostMemory
from .protection import AccessError

__all__ = ["string_at"]

_LIMIT = 1 << 20
_PAGE = 4096


class Readable(Protocol):
    """Memory that can be read by its addresses."""

    def read(self, address: int, size: int) -> bytes: ...


def string_at(address: int, memory: Readable | None = None) -> bytes:
    """The bytes from `address` up to a null byte, which must come within a mebibyte; by default in this process.

    Raises:
        AccessError: at the first address that can't be read, or where the limit is.
    """
    memory = memory or HostMemory()
    data = b""
    while b"\0" not in data:
        if len(data) >= _LIMIT:
            raise AccessError(address + len(data), "read")
        # Up to the page's end: the next page may not be readable.
        start = address + len(data)
        data += memory.read(start, _PAGE - start % _PAGE)
    return data.partition(b"\0")[0]
