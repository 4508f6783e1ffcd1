"""Pages of this process that host code may access at once, since they can't vanish while it runs.

They are at the same addresses for the guest, or in a sandbox at a distance. Host code has the GIL, so it is enough that
a page is known to be mapped when it begins: nobody frees memory of these kinds before its table says so. All other
memory is the interpreter's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from armexec.debugger.target import LentMemory
from armexec.memory import MAPPED_RANGES, MAPPING_CHANGES, AccessError, HostMemory
from armexec.memory.guest.page_table import LIMIT, PAGE, READ, WRITE, PageTable

__all__ = ["HostPages"]

_AHEAD = 256
"""Maximum pages of lent memory that are allowed at once."""


class HostPages:
    """Fills a table of pages with those that the interpreter was allowed to access, and with others of the same memory.

    They are of memory that armexec has mapped itself, that a program has mapped, or in which there is some of what
    `lent` gives: memory that stays as long as that gives the same. `base`: where the guest's address 0 is in this
    process; `limit`: the end of the guest's addresses.
    """

    def __init__(self, lent: Callable[[], Sequence[LentMemory]] = tuple, base: int = 0, limit: int = LIMIT) -> None:
        self.table = PageTable()
        self._base = base
        self._limit = limit
        self._find_lent = lent
        self._lent: Sequence[LentMemory] = ()
        self._memory = HostMemory()
        self._set: list[tuple[int, int]] = []
        self._seen = (-1, -1)
        self._withheld: frozenset[int] = frozenset()

    def accessed(self, kind: str, address: int, size: int) -> None:
        """The interpreter has accessed some bytes: "read" or "write"."""
        if self._seen != self._changes():
            return
        # Before it wrote, it has read what it would overwrite.
        flags = READ if kind == "read" else READ | WRITE
        for page in range(address // PAGE, (address + size - 1) // PAGE + 1):
            if page in self._withheld:
                continue
            if (page + 1) * PAGE <= self._limit and self.table.entry(page * PAGE) & flags != flags:
                self._allow(page, flags)

    def _allow(self, page: int, flags: int) -> None:
        """Allow what was done to a page, if its memory is of those kinds."""
        begin = self._base + page * PAGE
        mapped = MAPPED_RANGES.find(begin)
        if mapped is not None:
            first, last = -(-(mapped.start - self._base) // PAGE), (mapped.end - self._base) // PAGE
            if first <= page < last and mapped.readable and not mapped.toggled:
                self._put(first, last, READ | WRITE if mapped.writable else READ)
            return
        for first_byte, end_byte, is_writable in self._lent:
            first, last = first_byte // PAGE, (end_byte - 1) // PAGE + 1
            if first <= page < last and (is_writable or flags == READ):
                end = self._readable(page, min(last, page + _AHEAD))
                self._put(page, end, READ | WRITE if is_writable else READ)
                return
        if MAPPING_CHANGES.holds(begin, begin + PAGE):
            self._put(page, page + 1, flags)

    def _readable(self, page: int, last: int) -> int:
        """The end of the pages that can be read: some of a file's may be behind its end, and fault."""
        for at in range(page, last):
            try:
                self._memory.read(at * PAGE, 1)
            except AccessError:
                return at
        return last

    def _put(self, first: int, last: int, flags: int) -> None:
        self._set.append((first, last))
        self.table.set(first * PAGE, last * PAGE, self._base, flags)
        for page in self._withheld:
            if first <= page < last:
                self.table.set(page * PAGE, (page + 1) * PAGE, 0, 0)

    @contextmanager
    def withheld(self, ranges: Sequence[tuple[int, int]]) -> Iterator[None]:
        """Meanwhile, no page of these bytes is allowed."""
        pages = frozenset(page for begin, end in ranges for page in range(begin // PAGE, -(-end // PAGE)))
        if pages != self._withheld:
            # Those that were allowed are forgotten with all others.
            self._withheld, self._seen = pages, (-1, -1)
        yield

    def refresh(self) -> bool:
        """Host code is about to run: forget all pages if one may be gone; whether this was so."""
        changes, lent = self._changes(), self._find_lent()
        if changes == self._seen and lent == self._lent:
            return False
        for first, last in self._set:
            self.table.set(first * PAGE, last * PAGE, 0, 0)
        self._set.clear()
        self._seen, self._lent = changes, lent
        return True

    def _changes(self) -> tuple[int, int]:
        return MAPPED_RANGES.changes, MAPPING_CHANGES.count
