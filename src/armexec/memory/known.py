"""The ranges that armexec itself mapped, so that their accesses need no system call."""

from __future__ import annotations

import bisect
import ctypes
import threading

from .protection import Protection

__all__ = ["KNOWN", "KnownRange", "KnownRanges"]


class KnownRange:
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


class KnownRanges:
    """Ranges that don't overlap, sorted. Any thread may change it: a reader sees it before or after."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._table: tuple[list[int], list[KnownRange]] = ([], [])

    def add(self, start: int, size: int, protection: Protection, *, toggled: bool = False) -> None:
        """Remember a range. `toggled`: one that the process map may show `rwx` (macOS's toggled pages)."""
        if protection is Protection.NONE:
            return
        with self._lock:
            ranges = [*self._table[1], KnownRange(start, size, protection, toggled)]
            self._set(ranges)

    def remove(self, start: int, size: int) -> None:
        """Forget every range that begins in `start` to `start + size`."""
        with self._lock:
            self._set([r for r in self._table[1] if not start <= r.start < start + size])

    def _set(self, ranges: list[KnownRange]) -> None:
        ranges.sort(key=lambda known: known.start)
        # One assignment, so that readers need no lock.
        self._table = ([known.start for known in ranges], ranges)

    def find(self, address: int) -> KnownRange | None:
        """The range that holds `address`, or None."""
        starts, ranges = self._table
        index = bisect.bisect_right(starts, address) - 1
        if index >= 0:
            known = ranges[index]
            if address < known.end:
                return known
        return None


KNOWN = KnownRanges()
