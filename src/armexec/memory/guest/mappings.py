"""Anonymous memory that a program maps, protects and unmaps while it runs, as it likes."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from ...errors import HostError
from ...forks import hold
from ..kernel import real_kernel
from ..protection import Protection
from ..strategies import DARWIN_MAP_ANON, LINUX_MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE
from .executable_ranges import EXECUTABLE_RANGES

__all__ = ["MAPPING_CHANGES", "Mappings"]

_Range = tuple[int, int]  # first address, end


class MappingChanges:
    """Whether what programs have mapped changes. `count`: how often it has begun to change; `running`: how many changes
    aren't complete."""

    def __init__(self) -> None:
        self.count = 0
        self.running = 0
        # An RLock: the garbage collector may run finalizers, which free mappings, while this thread holds the lock.
        self._lock = hold(threading.RLock())
        self._all: weakref.WeakSet[Mappings] = weakref.WeakSet()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Something is unmapped, mapped anew or protected meanwhile."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def _add(self, number: int) -> None:
        with self._lock:
            self.count += 1
            self.running += number

    def add(self, mappings: Mappings) -> None:
        with self._lock:
            self._all.add(mappings)

    def holds(self, begin: int, end: int) -> bool:
        """Whether a program has mapped all of a range, and nothing is changing."""
        with self._lock:
            return not self.running and any(mappings.holds(begin, end) for mappings in self._all)


MAPPING_CHANGES = MappingChanges()


class MappingKernel(Protocol):
    """The calls that mappings need."""

    @property
    def system(self) -> str: ...
    @property
    def page_size(self) -> int: ...
    def mmap(
        self, address: int, size: int, protection: Protection, flags: int, fd: int = -1, offset: int = 0
    ) -> int: ...
    def munmap(self, address: int, size: int) -> None: ...
    def mprotect(self, address: int, size: int, protection: Protection) -> None: ...


class Mappings:
    """Pages of this process that one program has. They are freed by `close`, or when nothing refers to the object.

    Sizes and addresses are in bytes; a size is rounded up to whole pages of the host. No other memory of the process
    can be changed by these methods. What is mapped or protected as executable is the guest's to execute, also if it is
    writable: the host never executes it, so its pages are readable then (`EXECUTABLE_RANGES`).
    """

    def __init__(self, kernel: MappingKernel | None = None, base: int = 0) -> None:
        """`kernel`: what maps them instead of this process's, and `base` where its address 0 is in this process."""
        self._kernel: MappingKernel = kernel or real_kernel()
        self._ranges: list[_Range] = []
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, _free, self._kernel, self._ranges)
        # Code may still run while the interpreter shuts down; the system frees the memory then.
        self._finalizer.atexit = False
        self._base = base
        if kernel is None or base:
            MAPPING_CHANGES.add(self)

    def holds(self, begin: int, end: int) -> bool:
        """Whether one mapping has all of a range of this process's addresses."""
        base = self._base
        return any(base + first <= begin and end <= base + last for first, last in self._ranges)

    def map(self, address: int | None, size: int, protection: Protection) -> int:
        """Map pages of zeros, anywhere or at an address, there in place of what this object has; the address.

        Raises HostError where the host refuses, or has something else at the address.
        """
        size = self._up(size)
        anonymous = DARWIN_MAP_ANON if self._kernel.system == "darwin" else LINUX_MAP_ANONYMOUS
        flags = MAP_PRIVATE | anonymous
        with MAPPING_CHANGES.change(), self._lock:
            if address is not None and self._holds(address, size):
                flags |= MAP_FIXED
            try:
                if flags & MAP_FIXED:
                    EXECUTABLE_RANGES.forbid(address or 0, (address or 0) + size, gone=True)
                made = self._kernel.mmap(address or 0, size, _for_host(protection), flags)
            except OSError as error:
                raise HostError(f"{size} bytes of memory can't be mapped: {error.strerror}") from None
            if address is not None and made != address:
                self._kernel.munmap(made, size)
                raise HostError(f"the memory at {address:#x} isn't free")
            if not flags & MAP_FIXED:
                self._ranges.append((made, made + size))
            if Protection.EXECUTE in protection:
                EXECUTABLE_RANGES.allow(made, made + size)
            return made

    def unmap(self, address: int, size: int) -> None:
        """Unmap what this object has of a range. Raises HostError."""
        end = address + self._up(size)
        with MAPPING_CHANGES.change(), self._lock:
            kept: list[_Range] = []
            for first, last in self._ranges:
                begin, stop = max(first, address), min(last, end)
                if begin >= stop:
                    kept.append((first, last))
                    continue
                EXECUTABLE_RANGES.forbid(begin, stop, gone=True)
                try:
                    self._kernel.munmap(begin, stop - begin)
                except OSError as error:
                    raise HostError(f"the memory at {begin:#x} can't be unmapped: {error.strerror}") from None
                kept += [part for part in ((first, begin), (stop, last)) if part[0] < part[1]]
            self._ranges[:] = kept

    def protect(self, address: int, size: int, protection: Protection) -> None:
        """Change the protection of a range. Raises HostError where it isn't this object's."""
        size = self._up(size)
        with MAPPING_CHANGES.change(), self._lock:
            if not self._holds(address, size):
                raise HostError(f"{size} bytes at {address:#x} weren't mapped by the program")
            if Protection.EXECUTE not in protection:
                EXECUTABLE_RANGES.forbid(address, address + size)
            try:
                self._kernel.mprotect(address, size, _for_host(protection))
            except OSError as error:
                raise HostError(f"the memory at {address:#x} can't be protected: {error.strerror}") from None
            if Protection.EXECUTE in protection:
                EXECUTABLE_RANGES.allow(address, address + size)

    def close(self) -> None:
        """Free all of it. A second `close` does nothing."""
        self._finalizer()

    def _up(self, size: int) -> int:
        page = self._kernel.page_size
        return -(-size // page) * page

    def _holds(self, address: int, size: int) -> bool:
        """Whether all of a range is this object's."""
        for first, last in sorted(self._ranges):
            if first <= address < last:
                if address + size <= last:
                    return True
                size -= last - address
                address = last
        return False


def _for_host(protection: Protection) -> Protection:
    """What the pages are to the host, which reads the guest's code."""
    if Protection.EXECUTE not in protection:
        return protection
    return (protection & ~Protection.EXECUTE) | Protection.READ


def _free(kernel: MappingKernel, ranges: list[_Range]) -> None:
    with MAPPING_CHANGES.change():
        while ranges:
            first, last = ranges.pop()
            EXECUTABLE_RANGES.forbid(first, last, gone=True)
            # In a sandbox, what Python has arrays of stays.
            with suppress(OSError):
                kernel.munmap(first, last - first)
