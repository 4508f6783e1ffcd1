"""Pages of this process that host code may access at once, since they can't vanish while it runs.

They are at the same addresses for the guest, or in a sandbox at a distance. Host code has the GIL, so it is enough that
a page is known to be mapped when it begins: nobody frees memory of these kinds before its table says so. All other
memory is the interpreter's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from armexec.memory import MAPPED_RANGES, MAPPING_CHANGES
from armexec.memory.guest.page_table import LIMIT, PAGE, READ, WRITE, PageTable

__all__ = ["HostPages"]


class HostPages:
    """Fills a table of pages with those that the interpreter was allowed to access.

    They are of memory that armexec has mapped itself, that a program has mapped, or in which there is some of `lent`:
    ranges that exist as long as this object. `base`: where the guest's address 0 is in this process; `limit`: the end
    of the guest's addresses.
    """

    def __init__(self, lent: Sequence[tuple[int, int]] = (), base: int = 0, limit: int = LIMIT) -> None:
        self._base = base
        self._limit = limit
        self.table = PageTable()
        pages = sorted({(begin // PAGE, (end - 1) // PAGE + 1) for begin, end in lent})
        self._lent = pages
        self._first = [first for first, _ in pages]
        self._known: dict[int, int] = {}
        self._seen = (-1, -1)

    def accessed(self, kind: str, address: int, size: int) -> None:
        """The interpreter has accessed some bytes: "read" or "write"."""
        if self._seen != self._changes():
            return
        # Before it wrote, it has read what it would overwrite.
        flag = READ if kind == "read" else READ | WRITE
        for page in range(address // PAGE, (address + size - 1) // PAGE + 1):
            known = self._known.get(page, 0)
            if known & flag == flag:
                continue
            flags = known | self._allowed(page, flag)
            if flags != known and (page + 1) * PAGE <= self._limit:
                self._known[page] = flags
                self.table.set(page * PAGE, (page + 1) * PAGE, self._base, flags)

    def _allowed(self, page: int, flag: int) -> int:
        begin, end = self._base + page * PAGE, self._base + (page + 1) * PAGE
        mapped = MAPPED_RANGES.find(begin)
        if mapped is not None and mapped.start <= begin and end <= mapped.end:
            if mapped.toggled or not mapped.readable:
                return 0
            return READ | WRITE if mapped.writable else READ
        index = bisect_right(self._first, page) - 1
        is_lent = index >= 0 and any(first <= page < last for first, last in self._lent[: index + 1])
        return flag if is_lent or MAPPING_CHANGES.holds(begin, end) else 0

    def refresh(self) -> bool:
        """Host code is about to run: forget all pages if one may be gone; whether this was so."""
        changes = self._changes()
        if changes == self._seen:
            return False
        for page in self._known:
            self.table.set(page * PAGE, (page + 1) * PAGE, 0, 0)
        self._known.clear()
        self._seen = changes
        return True

    def _changes(self) -> tuple[int, int]:
        return MAPPED_RANGES.changes, MAPPING_CHANGES.count
