"""Memory that this process shares with a worker, for large arguments: a file in memory, mapped by both.

The worker can't make the file smaller, which would have accesses of this process fail, or larger than the arguments
were, which no limit would count.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import sys
from collections.abc import Iterator
from typing import Self

__all__ = ["RESERVED", "SharedMemory", "map_shared"]

RESERVED = 16 << 30
"""Bytes of addresses that a worker reserves for the file."""
_STEP = 1 << 20
_KEPT = 64 << 20
"""Bytes of the file that stay there between calls."""
_SEAL_SEAL, _SEAL_SHRINK, _ADD_SEALS = 1, 2, 1033  # include/uapi/linux/fcntl.h
_MAP_NORESERVE = 0x4000


class SharedMemory:
    """The file, as this process has it. Calls within calls have memory behind that of the outer ones."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._size = 0
        self._top = 0
        self._map: mmap.mmap | None = None
        self._address = 0

    @classmethod
    def create(cls) -> Self | None:
        """An empty file; None where the system has none that can't shrink."""
        if sys.platform != "linux":
            return None
        descriptor = os.memfd_create("armexec-arguments", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            fcntl.fcntl(descriptor, _ADD_SEALS, _SEAL_SEAL | _SEAL_SHRINK)
        except OSError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def put(self, start: int, size: int, alignment: int) -> int | None:
        """Copy memory into the file: the offset, which has the lower bits of `start`; None if it is full."""
        offset = -(-self._top // alignment) * alignment + start % alignment
        end = offset + size
        if end > RESERVED:
            return None
        if end > self._size:
            try:
                self._grow(end)
            except OSError:  # such as for ulimit -f
                return None
        self._top = end
        ctypes.memmove(self._address + offset, start, size)
        return offset

    def take(self, offset: int, start: int, size: int) -> None:
        """Copy memory back."""
        ctypes.memmove(start, self._address + offset, size)

    def _grow(self, size: int) -> None:
        size = min(max(-(-size // _STEP) * _STEP, 2 * self._size), RESERVED)
        os.ftruncate(self.descriptor, size)
        # The one before goes with its last reference.
        self._map = mmap.mmap(self.descriptor, size)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._size = size

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """What is put during a call is there until its end."""
        before = self._top
        try:
            yield
        finally:
            self._top = before
            if not before and self._size > _KEPT and self._map is not None:
                with contextlib.suppress(OSError):
                    self._map.madvise(mmap.MADV_REMOVE)

    def close(self) -> None:
        """Close the file. What is mapped stays until nothing refers to this object."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __del__(self) -> None:
        self.close()


def map_shared(descriptor: int) -> int:
    """The address at which a worker has the file: all of it that there will be. 0 if there is no such file."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_int64)
    flags = mmap.MAP_SHARED | _MAP_NORESERVE
    found = libc.mmap(None, RESERVED, mmap.PROT_READ | mmap.PROT_WRITE, flags, descriptor, 0)
    return 0 if found in (None, ctypes.c_void_p(-1).value) else int(found)
