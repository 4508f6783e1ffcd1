"""Access to the process's own addresses that can't crash it: a bad address is an exception, not a signal."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import sys
import threading
import weakref
from collections.abc import Callable

from .known import KNOWN
from .protection import AccessError

__all__ = ["HostMemory", "Pipe", "ProcessVm"]


class ProcessVm:
    """Linux process_vm_readv and process_vm_writev on this process.

    They follow the page protections, unlike /proc/self/mem, which writes to read-only pages. One object for
    each thread.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        types = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_ulong,
            ctypes.c_void_p,
            ctypes.c_ulong,
            ctypes.c_ulong,
        )
        self._readv, self._writev = libc.process_vm_readv, libc.process_vm_writev
        for call in (self._readv, self._writev):
            call.argtypes = types
            call.restype = ctypes.c_ssize_t
        # Two struct iovec, ours and the other: base and length each.
        self._vectors = (ctypes.c_size_t * 4)()
        self._local_address = ctypes.addressof(self._vectors)
        self._remote_address = self._local_address + 2 * ctypes.sizeof(ctypes.c_size_t)
        self._pid = os.getpid()
        self._small = ctypes.create_string_buffer(64)
        self._small_address = ctypes.addressof(self._small)

    def _transfer(self, call: Callable[..., int], buffer: int, address: int, size: int) -> int:
        """The number of bytes moved, 0 where the first is refused."""
        vectors = self._vectors
        vectors[0], vectors[1], vectors[2], vectors[3] = buffer, size, address, size
        done = call(self._pid, self._local_address, 1, self._remote_address, 1, 0)
        if done < 0:
            number = ctypes.get_errno()
            if number in (errno.EFAULT, errno.EINVAL):
                return 0
            raise OSError(number, os.strerror(number))
        return done

    def read(self, address: int, size: int) -> tuple[bytes, int]:
        if size <= len(self._small):
            done = self._transfer(self._readv, self._small_address, address, size)
            return self._small.raw[:done], done
        buffer = ctypes.create_string_buffer(size)
        done = self._transfer(self._readv, ctypes.addressof(buffer), address, size)
        return buffer.raw[:done], done

    def write(self, address: int, data: bytes) -> int:
        size = len(data)
        if size <= len(self._small):
            ctypes.memmove(self._small_address, data, size)
            return self._transfer(self._writev, self._small_address, address, size)
        buffer = ctypes.create_string_buffer(data, size)
        return self._transfer(self._writev, ctypes.addressof(buffer), address, size)


class Pipe:
    """Any POSIX system: the kernel copies through a pipe and reports a bad address. One for each thread."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._read, self._write = libc.read, libc.write
        for call in (self._read, self._write):
            call.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
            call.restype = ctypes.c_ssize_t
        self._out, self._in = os.pipe()

    def __del__(self) -> None:
        os.close(self._out)
        os.close(self._in)

    @staticmethod
    def _call(call: Callable[..., int], fd: int, address: int, size: int) -> bool:
        """True if the whole range was moved: it lies in one page, so it is never half refused."""
        done = call(fd, address, size)
        if done < 0:
            number = ctypes.get_errno()
            if number != errno.EFAULT:
                raise OSError(number, os.strerror(number))
        return done == size

    @staticmethod
    def _chunk(address: int, size: int) -> int:
        """As much as lies in one page and fits an empty pipe, which holds 4096 bytes on every system."""
        return min(size, 4096 - address % 4096)

    def read(self, address: int, size: int) -> tuple[bytes, int]:
        chunks: list[bytes] = []
        position = 0
        while position < size:
            chunk = self._chunk(address + position, size - position)
            if not self._call(self._write, self._in, address + position, chunk):
                break
            chunks.append(os.read(self._out, chunk))
            position += chunk
        return b"".join(chunks), position

    def write(self, address: int, data: bytes) -> int:
        position = 0
        while position < len(data):
            chunk = self._chunk(address + position, len(data) - position)
            os.write(self._in, data[position : position + chunk])
            if not self._call(self._read, self._out, address + position, chunk):
                os.read(self._out, chunk)  # what was refused is still in the pipe
                break
            position += chunk
        return position


Backend = type[ProcessVm] | type[Pipe]


@functools.cache
def _best_backend() -> Backend:
    """process_vm_readv where it works: some containers and qemu-user have no such call."""
    if sys.platform.startswith("linux"):
        probe = ctypes.create_string_buffer(b"armexec", 8)
        try:
            if ProcessVm().read(ctypes.addressof(probe), 8)[0] == probe.raw:
                return ProcessVm
        except (OSError, AttributeError):
            pass
    return Pipe


class _PerThread(threading.local):
    def __init__(self, backend: Backend) -> None:
        self.backend = backend()


class HostMemory:
    """The memory of this process, by address, as the `reference` engine accesses it. Usable from any thread.

    Reads and writes follow the protections of the pages. An access to an address that isn't mapped, or whose
    page doesn't allow it, raises `AccessError` with the first refused address, and leaves the interpreter
    undamaged; a write may then have changed the bytes before that address. Ranges that armexec mapped itself
    are accessed without a system call.
    """

    _largest = 1 << 20  # bytes moved at once, so that an absurd size fails before it is allocated

    def __init__(self, backend: Backend | None = None) -> None:
        """`backend` is `ProcessVm` or `Pipe`; by default the better one that works on this host."""
        self._backend = backend or _best_backend()
        self._thread = _PerThread(self._backend)
        _instances.add(self)

    def _after_fork(self) -> None:
        # A child must not share its parent's pipe, nor its process id.
        self._thread = _PerThread(self._backend)

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes from `address`. Raises `AccessError`."""
        known = KNOWN.find(address)
        if known is not None and known.readable and size >= 0:
            start = address - known.start
            if address + size <= known.end:
                return known.view[start : start + size].tobytes()
        if size <= 0 or not 0 <= address <= (1 << 64) - size:
            if size == 0:
                return b""
            raise AccessError(address, "read")
        if size <= self._largest:
            data, done = self._thread.backend.read(address, size)
            if done != size:
                raise AccessError(address + done, "read")
            return data
        pieces = range(address, address + size, self._largest)
        return b"".join(self.read(at, min(self._largest, address + size - at)) for at in pieces)

    def write(self, address: int, data: bytes) -> None:
        """Put `data` at `address`. Raises `AccessError`."""
        size = len(data)
        known = KNOWN.find(address)
        if known is not None and known.writable:
            start = address - known.start
            if address + size <= known.end:
                known.view[start : start + size] = data
                return
        if not size:
            return
        if not 0 <= address <= (1 << 64) - size:
            raise AccessError(address, "write")
        done = self._thread.backend.write(address, data)
        if done != size:
            raise AccessError(address + done, "write")


_instances: weakref.WeakSet[HostMemory] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for memory in list(_instances):
        memory._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
