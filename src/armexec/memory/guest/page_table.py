"""A table of pages for code that the host executes: where each is in the host's memory, and what may be done there.

Translated code looks each access up here, before it makes it, and leaves an access that isn't allowed to the
interpreter. So an access never faults on the host, whatever the guest does, and addresses of the guest mean the same
wherever the host has memory of its own.

The table has two levels. An entry is the distance from guest to host address, which is a multiple of the page's size,
with `READ` and `WRITE` in its low bits; 0 is a page that can't be accessed at once. Tables are mapped when they are
first needed, and the system gives their pages as they are touched.
"""

from __future__ import annotations

import ctypes
import mmap

__all__ = ["LEVEL_2_BITS", "LIMIT", "PAGE", "PAGE_BITS", "READ", "ROOTS", "WRITE", "PageTable"]

READ, WRITE = 1, 2
PAGE_BITS = 12
PAGE = 1 << PAGE_BITS
"""The size of a page of the guest, whatever that of the host's pages is."""
LIMIT = 1 << 48
"""The end of the addresses that a program of user space has."""
LEVEL_2_BITS = 21
"""Pages of a table of the second level, as a power of two: 16 MiB of table for 8 GiB of addresses."""
_SPAN = 1 << PAGE_BITS + LEVEL_2_BITS
ROOTS = LIMIT // _SPAN
"""Entries of the first level. One more stands for all addresses above: nothing is there."""
_MASK = (1 << 64) - 1


class _Table:
    """A table of the second level. It is freed with the object."""

    def __init__(self) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
        self.pages = mmap.mmap(-1, 8 << LEVEL_2_BITS, flags=flags)
        self.entries = (ctypes.c_uint64 * (1 << LEVEL_2_BITS)).from_buffer(self.pages)
        self.address = ctypes.addressof(self.entries)


class PageTable:
    """`address` is that of the first level, for code that looks pages up."""

    def __init__(self) -> None:
        self._empty = _Table()
        self._tables: dict[int, _Table] = {}
        self._roots = (ctypes.c_uint64 * (ROOTS + 1))(*[self._empty.address] * (ROOTS + 1))
        self.address = ctypes.addressof(self._roots)

    def set(self, begin: int, end: int, distance: int, flags: int) -> None:
        """Set the entries of the pages from `begin` to `end`: `distance` from guest to host, and what is allowed."""
        entry = distance & _MASK | flags if flags else 0
        while begin < end:
            root, offset = divmod(begin, _SPAN)
            stop = min(end, (root + 1) * _SPAN)
            count = stop - begin >> PAGE_BITS
            table = self._tables.get(root)
            if table is None and entry:
                table = self._tables[root] = _Table()
                self._roots[root] = table.address
            if table is not None and not entry and count == 1 << LEVEL_2_BITS:
                del self._tables[root]
                self._roots[root] = self._empty.address
            elif table is not None:
                first = offset >> PAGE_BITS
                data = entry.to_bytes(8, "little") * count
                ctypes.memmove(table.address + 8 * first, data, len(data))
            begin = stop

    def entry(self, address: int) -> int:
        """The entry of the page that an address is in."""
        table = self._tables.get(address // _SPAN)
        return 0 if table is None else int(table.entries[address % _SPAN >> PAGE_BITS])
