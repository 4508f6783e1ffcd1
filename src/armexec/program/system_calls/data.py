"""Reading and writing: read(2), write(2), readv(2), lseek(2), pread(2), ioctl(2), fcntl(2)."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

from armexec.program.system_calls.errno import EBADF, EINVAL, EISDIR, ENOTTY, ESPIPE
from armexec.program.system_calls.guest import Failure
from armexec.program.system_calls.streams import InputStream, OutputStream
from armexec.program.system_calls.system import System
from armexec.resource_limits.deadlines import deadline

__all__ = ["CALLS"]

_MOST = 1 << 20
"""Bytes that one call reads or writes; the callers go on with the rest."""
_MOST_VECTORS = 1024
_SEEK_END = 2
_F_GETFD, _F_SETFD, _F_GETFL, _F_SETFL = 1, 2, 3, 4
_O_RDONLY, _O_WRONLY, _O_RDWR = 0, 1, 2


def read(system: System, fd: int, buffer: int, count: int) -> int:
    """Read from a file or from standard input: read(2)."""
    data = _get(system, fd, min(count, _MOST))
    system.memory.write(buffer, data)
    return len(data)


def write(system: System, fd: int, buffer: int, count: int) -> int:
    """Write to a file, or to Python's standard output or error: write(2)."""
    target = system.descriptors.get(fd)
    data = system.memory.read(buffer, min(count, _MOST))
    if isinstance(target, OutputStream):
        target.write(data)
        return len(data)
    if isinstance(target, InputStream) or not target.writable:
        raise Failure(EBADF)
    return os.write(target.host, data)


def readv(system: System, fd: int, vector: int, count: int) -> int:
    """Read into several buffers: readv(2)."""
    return _vectored(system, read, fd, vector, count)


def writev(system: System, fd: int, vector: int, count: int) -> int:
    """Write several buffers: writev(2)."""
    return _vectored(system, write, fd, vector, count)


def _vectored(system: System, one: Callable[[System, int, int, int], int], fd: int, vector: int, count: int) -> int:
    if count > _MOST_VECTORS:
        raise Failure(EINVAL)
    total = 0
    for at, size in struct.iter_unpack("<QQ", system.memory.read(vector, 16 * count)):
        if not size:
            continue
        done = one(system, fd, at, size)
        total += done
        if done < size:
            break
    return total


def _get(system: System, fd: int, count: int) -> bytes:
    source = system.descriptors.get(fd)
    if isinstance(source, OutputStream):
        raise Failure(EBADF)
    if isinstance(source, InputStream):
        return source.read(count, may_be_left=deadline() is not None or system.threads.are_several())
    if source.entries is not None:
        raise Failure(EISDIR)
    return os.read(source.host, count)


def lseek(system: System, fd: int, offset: int, whence: int) -> int:
    """Move in a file: lseek(2)."""
    file = system.descriptors.file(fd, ESPIPE)
    if whence > _SEEK_END:
        raise Failure(EINVAL)
    return os.lseek(file.host, _signed(offset), whence)


def pread(system: System, fd: int, buffer: int, count: int, offset: int) -> int:
    """Read at an offset: pread64, see pread(2)."""
    data = os.pread(system.descriptors.file(fd, ESPIPE).host, min(count, _MOST), _signed(offset))
    system.memory.write(buffer, data)
    return len(data)


def pwrite(system: System, fd: int, buffer: int, count: int, offset: int) -> int:
    """Write at an offset: pwrite64, see pwrite(2)."""
    file = system.descriptors.file(fd, ESPIPE)
    if not file.writable:
        raise Failure(EBADF)
    return os.pwrite(file.host, system.memory.read(buffer, min(count, _MOST)), _signed(offset))


def ftruncate(system: System, fd: int, length: int) -> int:
    """Set the size of a file: ftruncate(2)."""
    file = system.descriptors.file(fd, EINVAL)
    if not file.writable:
        raise Failure(EINVAL)
    os.ftruncate(file.host, _signed(length))
    return 0


def close(system: System, fd: int) -> int:
    """Close a file: close(2)."""
    system.descriptors.remove(fd)
    return 0


def ioctl(system: System, fd: int, request: int) -> int:
    """Ask a terminal: ioctl(2). No file is one, so that what is written is buffered (ioctl_tty(2), TIOCGWINSZ)."""
    system.descriptors.get(fd)
    raise Failure(ENOTTY)


def fcntl(system: System, fd: int, command: int) -> int:
    """Ask for and set flags of a file: fcntl(2). What is set has no effect."""
    target = system.descriptors.get(fd)
    if command == _F_GETFL:
        if isinstance(target, InputStream):
            return _O_RDONLY
        return _O_WRONLY if isinstance(target, OutputStream) else _O_RDWR if target.writable else _O_RDONLY
    if command in (_F_GETFD, _F_SETFD, _F_SETFL):
        return 0
    raise Failure(EINVAL)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


CALLS: dict[int, Callable[..., int]] = {
    25: fcntl,
    29: ioctl,
    46: ftruncate,
    57: close,
    62: lseek,
    63: read,
    64: write,
    65: readv,
    66: writev,
    67: pread,
    68: pwrite,
}
"""The calls of this file by their numbers."""
