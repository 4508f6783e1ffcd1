"""Memory: brk(2), mmap(2), munmap(2), mremap(2), mprotect(2), madvise(2). All of it is anonymous."""

from __future__ import annotations

import os
from collections.abc import Callable

from armexec.errors import HostError
from armexec.program.system_calls.errno import EACCES, EBADF, EINVAL, ENOMEM
from armexec.program.system_calls.guest import Failure
from armexec.program.system_calls.system import System

__all__ = ["CALLS"]

_PAGE = 0x1000
_LARGEST = 1 << 40
_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4
_MAP_SHARED, _MAP_PRIVATE, _MAP_FIXED, _MAP_ANONYMOUS, _MAP_FIXED_NOREPLACE = 1, 2, 0x10, 0x20, 0x100000
_MREMAP_MAYMOVE = 1
_MADV_DONTNEED = 4
_CHUNK = 1 << 20
_HEAP = 64 << 20


def brk(system: System, address: int) -> int:
    """Move the end of the heap, of at most 64 MiB; where that fails, it stays: brk(2)."""
    own = system.program_break
    if not own.begin:
        own.begin = system.memory.map(None, _HEAP, "")
    if own.begin <= address <= own.begin + _HEAP:
        end, old = _up(address - own.begin), _up(own.used)
        try:
            system.growth.take(end - old) if end > old else system.growth.give(old - end)
        except Failure:
            return own.begin + own.used
        if end > old:
            system.memory.protect(own.begin + old, end - old, "rw")
        own.used = address - own.begin
    return own.begin + own.used


def mmap(system: System, address: int, length: int, protection: int, flags: int, fd: int, offset: int) -> int:
    """Map memory: mmap(2). A private mapping of a file is a copy of it; a shared one is refused."""
    size = _up(length)
    if not 0 < size <= _LARGEST or address % _PAGE or offset % _PAGE:
        raise Failure(EINVAL)
    text = _protection(protection)
    content = b""
    if not flags & _MAP_ANONYMOUS:
        if flags & 3 != _MAP_PRIVATE:
            raise Failure(EACCES)
        file = system.descriptors.file(fd, EBADF).host
        content = os.pread(file, min(length, max(os.fstat(file).st_size - offset, 0)), offset)
    fixed = flags & (_MAP_FIXED | _MAP_FIXED_NOREPLACE)
    grows = size - (system.growth.held(address, size) if fixed else 0)
    system.growth.take(grows)
    try:
        place = system.memory.map(address if fixed else None, size, "rw" if content else text)
    except HostError:
        system.growth.give(grows)
        raise Failure(ENOMEM) from None
    system.growth.mapped(place, size)
    if content:
        system.memory.write(place, content)
        if text != "rw":
            system.memory.protect(place, size, text)
    return place


def munmap(system: System, address: int, length: int) -> int:
    """Unmap memory: munmap(2)."""
    if address % _PAGE or not 0 < length <= _LARGEST:
        raise Failure(EINVAL)
    system.memory.unmap(address, _up(length))
    system.growth.unmapped(address, _up(length))
    return 0


def mremap(system: System, address: int, old: int, new: int, flags: int) -> int:
    """Make a mapping larger, which moves it, or smaller: mremap(2)."""
    old_size, new_size = _up(old), _up(new)
    if address % _PAGE or not 0 < new_size <= _LARGEST or not 0 < old_size <= _LARGEST or flags & ~_MREMAP_MAYMOVE:
        raise Failure(EINVAL)
    if new_size <= old_size:
        if new_size < old_size:
            system.memory.unmap(address + new_size, old_size - new_size)
            system.growth.unmapped(address + new_size, old_size - new_size)
        return address
    if not flags & _MREMAP_MAYMOVE:
        raise Failure(ENOMEM)
    system.memory.read(address, 1)  # fails where nothing is
    grows = new_size - system.growth.held(address, old_size)
    system.growth.take(grows)
    try:
        place = system.memory.map(None, new_size, "rw")
    except HostError:
        system.growth.give(grows)
        raise Failure(ENOMEM) from None
    for at in range(0, old_size, _CHUNK):
        system.memory.write(place + at, system.memory.read(address + at, min(_CHUNK, old_size - at)))
    system.memory.unmap(address, old_size)
    system.growth.moved(address, old_size, place, new_size)
    return place


def mprotect(system: System, address: int, length: int, protection: int) -> int:
    """Change the protection of memory: mprotect(2)."""
    if address % _PAGE or not 0 <= length <= _LARGEST:
        raise Failure(EINVAL)
    if length:
        system.memory.protect(address, _up(length), _protection(protection))
    return 0


def madvise(system: System, address: int, length: int, advice: int) -> int:
    """Advice about memory, which may be ignored but for MADV_DONTNEED: madvise(2)."""
    if advice != _MADV_DONTNEED:
        return 0
    if address % _PAGE or length > _LARGEST:
        raise Failure(EINVAL)
    for at in range(0, _up(length), _CHUNK):
        system.memory.write(address + at, bytes(min(_CHUNK, _up(length) - at)))
    return 0


def _protection(bits: int) -> str:
    # What can be written or executed can be read, as on most processors.
    readable = bits & (_PROT_READ | _PROT_WRITE | _PROT_EXEC)
    return ("r" if readable else "") + ("w" if bits & _PROT_WRITE else "") + ("x" if bits & _PROT_EXEC else "")


def _up(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


CALLS: dict[int, Callable[..., int]] = {214: brk, 215: munmap, 216: mremap, 222: mmap, 226: mprotect, 233: madvise}
"""The calls of this file by their numbers."""
