"""Access to the process's own addresses that can't crash it: a bad address is an exception, not a signal."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Callable

from ..errors import HostError
from .mapped_ranges import MAPPED_RANGES
from .protection import AccessError

__all__ = ["HostMemory"]

# A chunk never crosses a page, so that the kernel moves all of it or none; every page size is a multiple of
# this.
_CHUNK = 4096


def _unnamed_file() -> int:
    """A file of one chunk without a name: in memory where the system can (Linux), else a temporary one."""
    with contextlib.suppress(AttributeError, OSError):
        return os.memfd_create("armexec-access", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class _Window:
    """A file that is also mapped. The kernel copies between it and an address, and reports a bad address as EFAULT.

    It obeys page protections; /proc/self/mem writes to read-only pages too. It takes one system call, and needs no
    right that containers withhold, as process_vm_readv does. Each thread has one of its own.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._pread, self._pwrite = libc.pread, libc.pwrite
        for call in (self._pread, self._pwrite):
            call.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64)
            call.restype = ctypes.c_ssize_t
        try:
            self._fd = _unnamed_file()
            try:
                # Written, not only extended: the space must be allocated before the mapping is used.
                os.pwrite(self._fd, bytes(_CHUNK), 0)
                self._view = mmap.mmap(self._fd, _CHUNK)
            except BaseException:
                os.close(self._fd)
                raise
        except OSError as error:
            raise HostError(
                f"no file to copy memory through: {error.strerror} (errno {error.errno}); raise the limit of "
                "open files (ulimit -n), or free space for temporary files"
            ) from error
        self._finalizer = weakref.finalize(self, os.close, self._fd)
        self._finalizer.atexit = False

    def _moved(self, call: Callable[..., int], address: int, size: int) -> bool:
        """True if the whole chunk was moved, False if the address doesn't allow it."""
        while True:
            done = call(self._fd, address, size, 0)
            if done >= 0:
                return done == size
            number = ctypes.get_errno()
            if number == errno.EFAULT:
                return False
            if number != errno.EINTR:
                raise HostError(f"copying memory at 0x{address:x} failed: {os.strerror(number)} (errno {number})")

    def read(self, address: int, size: int) -> bytes:
        if size <= _CHUNK - address % _CHUNK:
            if self._moved(self._pwrite, address, size):
                return self._view[:size]
            raise AccessError(address, "read")
        chunks = []
        end = address + size
        while address < end:
            chunk = min(end - address, _CHUNK - address % _CHUNK)
            if not self._moved(self._pwrite, address, chunk):
                raise AccessError(address, "read")
            chunks.append(self._view[:chunk])
            address += chunk
        return b"".join(chunks)

    def write(self, address: int, data: bytes) -> None:
        position, size = 0, len(data)
        while position < size:
            chunk = min(size - position, _CHUNK - address % _CHUNK)
            self._view[:chunk] = data[position : position + chunk]
            if not self._moved(self._pread, address, chunk):
                raise AccessError(address, "write")
            address += chunk
            position += chunk


class _PerThread(threading.local):
    """A window is a page and a file, and is made when it is needed: what armexec has mapped is accessed without it."""

    def __init__(self) -> None:
        self._made: _Window | None = None

    @property
    def window(self) -> _Window:
        if self._made is None:
            self._made = _Window()
        return self._made


class HostMemory:
    """The memory of this process, by address, as the `reference` engine accesses it. Usable from any thread.

    Reads and writes obey the protections of the pages. A refused access raises `AccessError` with the first refused
    address; a write may then have changed the bytes before that address. Ranges that armexec mapped itself are accessed
    without a system call.
    """

    def __init__(self) -> None:
        self._thread = _PerThread()
        _instances.add(self)

    def _after_fork(self) -> None:
        # A child must not share its parent's window.
        self._thread = _PerThread()

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes from `address`. Raises `AccessError`."""
        mapped = MAPPED_RANGES.find(address)
        if mapped is not None and mapped.readable and size >= 0:
            start = address - mapped.start
            if address + size <= mapped.end:
                return mapped.view[start : start + size].tobytes()
        if size <= 0 or not 0 <= address <= (1 << 64) - size:
            if size == 0:
                return b""
            raise AccessError(address, "read")
        return self._thread.window.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Put `data` at `address`. Raises `AccessError`."""
        size = len(data)
        mapped = MAPPED_RANGES.find(address)
        if mapped is not None and mapped.writable:
            start = address - mapped.start
            if address + size <= mapped.end:
                mapped.view[start : start + size] = data
                return
        if not size:
            return
        if not 0 <= address <= (1 << 64) - size:
            raise AccessError(address, "write")
        self._thread.window.write(address, data)


_instances: weakref.WeakSet[HostMemory] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for memory in list(_instances):
        memory._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
