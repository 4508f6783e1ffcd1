"""The ranges of native guest code, where a handler of signals can look them up at any time.

A table has a pointer to the next one, the number of its entries, and entries of a begin and an end. Tables are never
freed. An entry is changed so that it is never larger than it should be.
"""

from __future__ import annotations

import ctypes
import threading
import weakref

from armexec.forks import hold

__all__ = ["CodeRanges", "code_ranges"]

_ENTRIES = 255


class _Table(ctypes.Structure):
    _fields_ = (
        ("next", ctypes.c_uint64),
        ("count", ctypes.c_uint64),
        ("entries", ctypes.c_uint64 * (2 * _ENTRIES)),
    )


class CodeRanges:
    """The ranges. `address` is that of the first table."""

    def __init__(self) -> None:
        # An RLock: the garbage collector may remove ranges while this thread holds the lock.
        self._lock = hold(threading.RLock())
        self._tables = [_Table(0, _ENTRIES)]
        self._free = [(0, 2 * n) for n in reversed(range(_ENTRIES))]
        self.address = ctypes.addressof(self._tables[0])

    def add(self, begin: int, end: int, owner: object) -> None:
        """Add a range, for as long as an object exists."""
        with self._lock:
            if not self._free:
                self._tables.append(_Table(0, _ENTRIES))
                number = len(self._tables) - 1
                self._free = [(number, 2 * n) for n in reversed(range(_ENTRIES))]
                self._tables[-2].next = ctypes.addressof(self._tables[-1])
            at = self._free.pop()
            entries = self._tables[at[0]].entries
            entries[at[1]] = begin
            entries[at[1] + 1] = end
        weakref.finalize(owner, self._remove, at).atexit = False

    def _remove(self, at: tuple[int, int]) -> None:
        with self._lock:
            entries = self._tables[at[0]].entries
            entries[at[1] + 1] = 0
            entries[at[1]] = 0
            self._free.append(at)

    def __contains__(self, address: int) -> bool:
        return any(
            begin <= address < end
            for table in self._tables
            for begin, end in zip(table.entries[::2], table.entries[1::2], strict=True)
        )


code_ranges = CodeRanges()
"""Those of this process."""
