"""Ranges that armexec itself mapped, which can be accessed without a system call."""

from __future__ import annotations

import bisect
import ctypes
import threading
from collections.abc import Callable

from ..forks import hold
from .protection import Protection

__all__ = ["MAPPED_RANGES", "MappedRange", "MappedRanges"]


class MappedRange:
    """Bytes from `start` to `end` with a protection that doesn't change; `view` is their content."""

    __slots__ = ("end", "protection", "readable", "start", "toggled", "view", "writable")

    def __init__(self, start: int, size: int, protection: Protection, toggled: bool) -> None:
        self.start = start
        self.end = start + size
        self.protection = protection
        self.readable = Protection.READ in protection
        self.writable = Protection.WRITE in protection
        self.toggled = toggled
        self.view = memoryview((ctypes.c_ubyte * size).from_address(start)).cast("B")


class MappedRanges:
    """Ranges that don't overlap, sorted. Any thread may change the table; a reader sees it before or after.

    `changes` counts changes. A range is removed before its memory is freed.
    """

    def __init__(self) -> None:
        # An RLock: the garbage collector may run finalizers, which free regions, while this thread holds the lock.
        self._lock = hold(threading.RLock())
        self._table: tuple[list[int], list[MappedRange]] = ([], [])
        self.changes = 0

    def add(self, start: int, size: int, protection: Protection, *, toggled: bool = False) -> None:
        """Add a range. The process map may show `toggled` ones as `rwx` (macOS's MAP_JIT pages)."""
        if protection is Protection.NONE:
            return
        mapped = MappedRange(start, size, protection, toggled)
        self._change(lambda ranges: [*ranges, mapped])

    def remove(self, start: int, size: int) -> None:
        """Remove every range that begins in `start` to `start + size`."""
        self._change(lambda ranges: [r for r in ranges if not start <= r.start < start + size])

    def _change(self, change: Callable[[list[MappedRange]], list[MappedRange]]) -> None:
        with self._lock:
            while True:
                before = self._table
                ranges = sorted(change(before[1]), key=lambda mapped: mapped.start)
                after = [mapped.start for mapped in ranges], ranges
                # Try again if a finalizer has changed the table. One assignment replaces it: readers need no lock.
                if self._table is before:
                    self.changes += 1
                    self._table = after
                    return

    def find(self, address: int) -> MappedRange | None:
        """The range that holds `address`, or None."""
        starts, ranges = self._table
        index = bisect.bisect_right(starts, address) - 1
        if index >= 0:
            mapped = ranges[index]
            if address < mapped.end:
                return mapped
        return None


MAPPED_RANGES = MappedRanges()
