"""Executable memory in which pieces of code come and go, many to a mapping.

A piece has whole pages of its own. They are written while they can't be executed, become executable, and are writable
again only when the piece is gone. Pieces that lie side by side are one mapping for the kernel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache

from ..errors import HostError
from ..forks import hold, in_child
from .kernel import real_kernel
from .kernel_calls import Kernel
from .protection import Protection, Step
from .region import whole_pages
from .strategies import LINUX_MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, MemfdPages, Strategy, choose

__all__ = ["CodeArena", "CodePages", "code_arena"]

CHUNK = 1 << 20
READ, WRITE, EXECUTE = Protection.READ, Protection.WRITE, Protection.EXECUTE


class _MemfdChunk(MemfdPages):
    """A file in memory. What is being written is seen through a view that is unmapped before it becomes executable."""

    def _map(self) -> None:
        self._reserve()

    def write(self, offset: int, data: bytes) -> None:
        page = self.kernel.page_size
        start = offset // page * page
        size = -(-(offset + len(data)) // page) * page - start
        view = self._mmap(0, size, READ | WRITE, MAP_SHARED, start)
        try:
            self._copy_in(view + offset - start, data)
        finally:
            self._munmap(view, size)

    def make_executable(self, offset: int, size: int) -> None:
        address, flags = self.address + offset, MAP_PRIVATE | MAP_FIXED
        # Cache maintenance is by address, so it needs the final one, readable and not yet executable.
        self._mmap(address, size, READ, flags, offset)
        self._clear_cache(address, size)
        self._mmap(address, size, READ | EXECUTE, flags, offset)

    def make_writable(self, offset: int, size: int) -> None:
        self._mmap(self.address + offset, size, Protection.NONE, MAP_PRIVATE | MAP_FIXED | LINUX_MAP_ANONYMOUS)


class _Chunk:
    """One mapping, and which of its pages are free: ranges of offsets, sorted."""

    def __init__(self, pages: Strategy) -> None:
        self.pages = pages
        self._free = [(0, pages.size)]

    @property
    def is_empty(self) -> bool:
        return self._free == [(0, self.pages.size)]

    def take(self, size: int) -> int | None:
        """The offset of `size` bytes, None if there aren't so many together."""
        for index, (start, end) in enumerate(self._free):
            if end - start >= size:
                self._free[index : index + 1] = [(start + size, end)] if end - start > size else []
                return start
        return None

    def give(self, offset: int, size: int) -> None:
        """The pages are free again."""
        joined: list[tuple[int, int]] = []
        for start, end in sorted([*self._free, (offset, offset + size)]):
            if joined and joined[-1][1] == start:
                joined[-1] = joined[-1][0], end
            else:
                joined.append((start, end))
        self._free = joined


class CodePages:
    """The pages of one piece of code: `address`, and `size` in bytes. They are given back by `free`."""

    def __init__(self, arena: CodeArena, chunk: _Chunk, offset: int, size: int) -> None:
        self.address = chunk.pages.address + offset
        self.size = size
        self._arena = arena
        self._chunk = chunk
        self._offset = offset

    def fill(self, code: bytes) -> None:
        """Write the code, and make it executable for good. Raises HostError, and gives the pages back, if refused."""
        pages = self._chunk.pages
        try:
            pages.write(self._offset, code)
            pages.make_executable(self._offset, self.size)
        except BaseException:
            self.free()
            raise

    def free(self) -> None:
        """Give the pages back: nothing may run in them any more."""
        self._arena.free(self._chunk, self._offset, self.size)


class CodeArena:
    """Memory for pieces of code, mapped in `chunk` bytes, or more for a larger piece. Any thread may use it."""

    def __init__(
        self, kernel: Kernel, find: Callable[[Kernel], type[Strategy]] = choose, *, chunk: int = CHUNK
    ) -> None:
        self._kernel = kernel
        self._size = chunk
        self._find = find
        self._strategy: type[Strategy] | None = None
        # A piece may be freed at any time, also while the lock is held.
        self._lock = hold(threading.RLock())
        self._chunks: list[_Chunk] = []
        in_child(self._start_anew)

    def _start_anew(self) -> None:
        """In a child, what is there stays: a memfd's pages are shared with the parent."""
        self._chunks = []

    def place(self, size: int, make: Callable[[int], bytes]) -> CodePages:
        """Code of `size` bytes in executable memory; `make` gives it for the address where it will be.

        Raises:
            HostError: the host has no such memory, or `make` raises it.
        """
        wanted = whole_pages(size, self._kernel.page_size)
        while True:
            try:
                pages = self._take(wanted)
            except HostError:
                if not self._has_other_strategy():
                    raise
                continue
            try:
                code = make(pages.address)
            except BaseException:
                pages.free()
                raise
            try:
                pages.fill(code)
            except HostError:
                # A process may give up the right to make memory executable in the way that has worked so far.
                if not self._has_other_strategy():
                    raise
                continue
            return pages

    def _has_other_strategy(self) -> bool:
        """Look for a strategy again, and whether there is another than before. Raises HostError if there is none."""
        with self._lock:
            before, self._strategy = self._strategy, self._find(self._kernel)
            if self._strategy is before:
                return False
            self._chunks = []
            return True

    def _take(self, size: int) -> CodePages:
        with self._lock:
            for chunk in self._chunks:
                offset = chunk.take(size)
                if offset is not None:
                    return CodePages(self, chunk, offset, size)
            if self._strategy is None:
                self._strategy = self._find(self._kernel)
            kind = _MemfdChunk if self._strategy is MemfdPages else self._strategy
            chunk = _Chunk(kind(self._kernel, max(size, self._size), _Unrecorded()))
            self._chunks.append(chunk)
            offset = chunk.take(size)
            assert offset is not None
            return CodePages(self, chunk, offset, size)

    def free(self, chunk: _Chunk, offset: int, size: int) -> None:
        """Pages of a chunk are free. A chunk that is empty is unmapped, but for one."""
        with self._lock:
            if chunk in self._chunks and chunk.pages.size == self._size:
                try:
                    chunk.pages.make_writable(offset, size)
                except HostError:
                    return  # no use for them any more
            chunk.give(offset, size)
            if not chunk.is_empty:
                return
            if chunk in self._chunks:
                if chunk.pages.size == self._size and not any(c.is_empty for c in self._chunks if c is not chunk):
                    return
                self._chunks.remove(chunk)
            chunk.pages.close()


class _Unrecorded(list[Step]):
    """A list that stays empty: the operations of memory that is used again and again would grow for ever."""

    def append(self, step: Step) -> None:
        pass


@cache
def code_arena() -> CodeArena:
    """The memory for the host code of this process."""
    return CodeArena(real_kernel())
