"""The words of code that was written by the guest, as they were fetched."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator

from armexec.memory import EXECUTABLE_RANGES, AccessError, HostMemory
from armexec.translate.mode import reads_fpsr
from armexec.translate.unit_registry import CodeSource

__all__ = ["PAGE", "WrittenSource"]

PAGE = 0x1000
_BEFORE, _BEHIND = 0x200, 0x1000
"""Bytes before and behind the entry: functions go on in another translator there. A translator's tables have two words
of 64 bits for each of the guest's.
"""

_memory = HostMemory()


class WrittenSource:
    """The code that is translated for what begins at `entry`, and around it. Each word is fetched once, when it
    is first needed.

    `words`: by address, those that were fetched. `valid` is a byte of 0 when they may have been changed since.
    `fetched` is called before a word is fetched, with `lock` held.
    """

    def __init__(self, entry: int, lock: threading.RLock, fetched: Callable[[WrittenSource, int], None]) -> None:
        self.entry = entry
        self.words: dict[int, int] = {}
        self.valid = ctypes.c_uint8(1)
        self._lock = lock
        self._fetched = fetched
        found = EXECUTABLE_RANGES.at(entry)
        # A range begins and ends anywhere.
        begin, end = found or (entry, entry)
        self._begin = max(begin + 3 & -4, entry - _BEFORE)
        self._end = min(end, entry + _BEHIND)
        self._around = b"".join(self._pages()) if self._end > self._begin else b""
        self._reads_fpsr = reads_fpsr(self._around)

    def _pages(self) -> Iterator[bytes]:
        """The code as it is now, up to a page that can't be read."""
        at = self._begin
        while at < self._end:
            size = min(self._end, (at & -PAGE) + PAGE) - at
            try:
                yield _memory.read(at, size)
            except AccessError:
                return
            at += size

    def code(self) -> CodeSource:
        """What a translator needs. Nothing of it is constant; where its functions begin is a guess."""
        begin, around, entry = self._begin, self._around, self.entry
        return CodeSource(
            begin,
            self._end - begin,
            self._end - begin,
            self.fetch,
            lambda _address, _size: None,
            lambda: [(begin, around)],
            lambda: [entry],
            reads_fpsr=self._reads_fpsr,
            valid=ctypes.addressof(self.valid),
        )

    def fetch(self, address: int) -> int | None:
        """The word at an address, None where there is no code of this source."""
        with self._lock:
            word = self.words.get(address)
            if word is not None or not self._begin <= address <= self._end - 4 or address & 3:
                return word
            if not self.valid.value or EXECUTABLE_RANGES.at(address) is None:
                return None
            self._fetched(self, address)
            try:
                data = _memory.read(address, 4)
            except AccessError:
                return None
            if reads_fpsr(data) and not self._reads_fpsr:
                # It was written later. What comes before takes no note of flags.
                return None
            self.words[address] = int.from_bytes(data, "little")
            return self.words[address]

    def is_current(self) -> bool:
        """Whether all the words are still in memory, and may be executed."""
        pages: dict[int, bytes] = {}
        for address, word in self.words.items():
            page = address & -PAGE
            if page not in pages:
                try:
                    pages[page] = _memory.read(page, PAGE)
                except AccessError:
                    return False
            at = address - page
            if EXECUTABLE_RANGES.at(address) is None or pages[page][at : at + 4] != word.to_bytes(4, "little"):
                return False
        return True

    def overlaps(self, begin: int, end: int) -> bool:
        """Whether some word in a range was fetched."""
        if end - begin < len(self.words):
            return any(at in self.words for at in range(begin & -4, end, 4))
        return any(begin < at + 4 and at < end for at in self.words)
