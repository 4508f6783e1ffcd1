"""Memory that the guest may execute besides the code of images: what it maps or is given for code that it writes.

To the host these pages are data. Engines fetch code from them, and are told when what they have fetched may be out of
date.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable

from ...forks import hold

__all__ = ["EXECUTABLE_RANGES", "ExecutableRanges"]


class ExecutableRanges:
    """Ranges of addresses that may be executed. Any thread may change them; a reader sees them before or after.

    `listeners` are called with a begin, an end, and whether the memory is gone: code there may be another now, or none.
    """

    def __init__(self) -> None:
        # An RLock: the garbage collector may run finalizers, which free memory, while this thread holds the lock.
        self._lock = hold(threading.RLock())
        self._table: tuple[list[int], list[int]] = ([], [])
        self.listeners: list[Callable[[int, int, bool], None]] = []

    def at(self, address: int) -> tuple[int, int] | None:
        """The range (first address, end) that holds an address, None if it may not be executed."""
        starts, ends = self._table
        index = bisect_right(starts, address) - 1
        if index < 0 or address >= ends[index]:
            return None
        return starts[index], ends[index]

    def allow(self, begin: int, end: int) -> None:
        """Let the guest execute a range. Ranges that touch each other become one."""
        with self._lock:
            ranges = self._ranges()
            touching = [(b, e) for b, e in ranges if b <= end and begin <= e]
            apart = [(b, e) for b, e in ranges if not (b <= end and begin <= e)]
            first, last = min([begin, *(b for b, _ in touching)]), max([end, *(e for _, e in touching)])
            self._set([*apart, (first, last)])

    def forbid(self, begin: int, end: int, *, gone: bool = False) -> None:
        """Let the guest execute a range no more; `gone`: its memory is freed next."""
        with self._lock:
            if not self.overlaps(begin, end):
                return
            parts = [part for b, e in self._ranges() for part in ((b, min(e, begin)), (max(b, end), e))]
            self._set([(b, e) for b, e in parts if b < e])
        self._tell(begin, end, gone)

    def changed(self, begin: int, end: int) -> None:
        """The guest's code there may be another now (IC IVAU)."""
        if self.overlaps(begin, end):
            self._tell(begin, end, False)

    def overlaps(self, begin: int, end: int) -> bool:
        """Whether some of a range may be executed."""
        return any(b < end and begin < e for b, e in self._ranges())

    def _ranges(self) -> list[tuple[int, int]]:
        return list(zip(*self._table, strict=True))

    def _set(self, ranges: list[tuple[int, int]]) -> None:
        # One assignment replaces it: readers need no lock.
        ordered = sorted(ranges)
        self._table = [begin for begin, _ in ordered], [end for _, end in ordered]

    def _tell(self, begin: int, end: int, gone: bool) -> None:
        for listener in tuple(self.listeners):
            listener(begin, end, gone)


EXECUTABLE_RANGES = ExecutableRanges()
