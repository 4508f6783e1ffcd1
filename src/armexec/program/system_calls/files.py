"""Files by their paths: openat(2), fstatat(2), getdents64(2), faccessat(2), getcwd(2), unlinkat(2), mkdirat(2)."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from armexec.program.system_calls.descriptors import OpenFile
from armexec.program.system_calls.errno import EINVAL, EISDIR, ENAMETOOLONG, ENOTDIR, ERANGE, EROFS
from armexec.program.system_calls.guest import Failure
from armexec.program.system_calls.system import System

if TYPE_CHECKING:
    from armexec.program.system_calls.folders import Folder

__all__ = ["CALLS"]

_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW, _AT_REMOVEDIR, _AT_EMPTY_PATH = 0x100, 0x200, 0x1000
_O_ACCMODE, _O_CREAT, _O_EXCL, _O_TRUNC, _O_APPEND, _O_DIRECTORY = 3, 0o100, 0o200, 0o1000, 0o2000, 0o40000
_W_OK = 2
_DEVICES = {"/dev/null": "/dev/null", "/dev/random": "/dev/urandom", "/dev/urandom": "/dev/urandom"}
"""The devices that every program may use, and those of the host that they are."""
_LONGEST_PATH = 4096
_PIPE = 0o010600
_FOLDER, _REGULAR, _LINK, _OTHER = 4, 8, 10, 0


def _text(system: System, address: int) -> str:
    """The path at an address. Pages are read one at a time, since it may end just before memory that isn't there."""
    data = b""
    while len(data) < _LONGEST_PATH:
        size = 0x1000 - (address + len(data)) % 0x1000
        part, end, _ = system.memory.read(address + len(data), size).partition(b"\0")
        data += part
        if end:
            return os.fsdecode(data)
    raise Failure(ENAMETOOLONG)


def _path(system: System, folder: int, address: int) -> str:
    """An absolute path; the working directory is /."""
    text = _text(system, address)
    number = folder & 0xFFFFFFFF
    if text.startswith("/"):
        return text
    if number == _AT_FDCWD & 0xFFFFFFFF:
        return "/" + text
    opened = system.descriptors.file(folder, ENOTDIR)
    return f"{opened.path}/{text}"


def openat(system: System, folder: int, path: int, flags: int, mode: int) -> int:
    """Open a file or folder: openat(2)."""
    access = flags & _O_ACCMODE
    if access == _O_ACCMODE:
        raise Failure(EINVAL)
    name = _path(system, folder, path)
    if name in _DEVICES:
        descriptor = os.open(_DEVICES[name], (os.O_RDONLY, os.O_WRONLY, os.O_RDWR)[access] | os.O_CLOEXEC)
        return system.descriptors.add(OpenFile(descriptor, name, access != 0))
    writes = access != 0 or flags & (_O_CREAT | _O_TRUNC)
    with system.folders.find(name) as place:
        _check_writable(place.folder, writes)
    host_flags = (os.O_RDONLY, os.O_WRONLY, os.O_RDWR)[access]
    for guest, host in (
        (_O_CREAT, os.O_CREAT),
        (_O_EXCL, os.O_EXCL),
        (_O_TRUNC, os.O_TRUNC),
        (_O_APPEND, os.O_APPEND),
        (_O_DIRECTORY, os.O_DIRECTORY),
    ):
        host_flags |= host if flags & guest else 0
    descriptor, _ = system.folders.open(name, host_flags, mode & 0o777)
    entries = None
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        if access:
            os.close(descriptor)
            raise Failure(EISDIR)
        entries = _list(descriptor)
    return system.descriptors.add(OpenFile(descriptor, name, access != 0, entries))


def _check_writable(folder: Folder, writes: int) -> None:
    if writes and not folder.writable:
        raise Failure(EROFS)


def _list(descriptor: int) -> list[tuple[str, int, int]]:
    """The name, the number and the type of each entry of a folder."""
    status = os.fstat(descriptor)
    found = [(".", status.st_ino, _FOLDER), ("..", status.st_ino, _FOLDER)]
    with os.scandir(descriptor) as entries:
        for entry in entries:
            kind = (
                _LINK if entry.is_symlink() else _FOLDER if entry.is_dir() else _REGULAR if entry.is_file() else _OTHER
            )
            found.append((entry.name, entry.inode(), kind))
    return found


def getdents64(system: System, fd: int, buffer: int, count: int) -> int:
    """List a folder: getdents64(2)."""
    file = system.descriptors.file(fd, ENOTDIR)
    if file.entries is None:
        raise Failure(ENOTDIR)
    made = b""
    used = 0
    for name, number, kind in file.entries:
        data = os.fsencode(name) + b"\0"
        size = (19 + len(data) + 7) & -8
        if len(made) + size > count:
            break
        made += (struct.pack("<QqHB", number, used + 1, size, kind) + data).ljust(size, b"\0")
        used += 1
    if not used and file.entries:
        raise Failure(EINVAL)
    system.memory.write(buffer, made)
    del file.entries[:used]
    return len(made)


def fstat(system: System, fd: int, buffer: int) -> int:
    """Describe an open file: fstat(2). Standard streams are pipes."""
    found = system.descriptors.get(fd)
    if isinstance(found, OpenFile):
        system.memory.write(buffer, _status(os.fstat(found.host)))
    else:
        system.memory.write(buffer, _packed(0, fd & 3, _PIPE, 1, 0, (0, 0, 0)))
    return 0


def fstatat(system: System, folder: int, path: int, buffer: int, flags: int) -> int:
    """Describe a file: newfstatat, see fstatat(2)."""
    if flags & _AT_EMPTY_PATH and not _text(system, path):
        return fstat(system, folder, buffer)
    follow = not flags & _AT_SYMLINK_NOFOLLOW
    system.memory.write(buffer, _status(system.folders.status(_path(system, folder, path), follow=follow)))
    return 0


def _status(status: os.stat_result) -> bytes:
    times = (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
    return _packed(status.st_dev, status.st_ino, status.st_mode, status.st_nlink, status.st_size, times)


def _packed(device: int, number: int, mode: int, links: int, size: int, times: tuple[int, int, int]) -> bytes:
    """The structure `stat` of AArch64 Linux, of 128 bytes."""
    blocks = -(-size // 512)
    pairs = [part for time in times for part in divmod(time, 10**9)]
    head = (device & (1 << 64) - 1, number & (1 << 64) - 1, mode, links, 1000, 1000, 0, 0, size, 4096, 0, blocks)
    return struct.pack("<QQIIIIQQqiiq6q2I", *head, *pairs, 0, 0)


def faccessat(system: System, folder: int, path: int, mode: int) -> int:
    """Ask whether a file can be used: faccessat(2)."""
    with system.folders.find(_path(system, folder, path)) as place:
        os.stat(place.name, dir_fd=place.parent, follow_symlinks=False)
        _check_writable(place.folder, mode & _W_OK)
    return 0


def getcwd(system: System, buffer: int, size: int) -> int:
    """The working directory, which is /: getcwd(2)."""
    if size < 2:
        raise Failure(ERANGE)
    system.memory.write(buffer, b"/\0")
    return 2


def unlinkat(system: System, folder: int, path: int, flags: int) -> int:
    """Remove a file or an empty folder: unlinkat(2)."""
    with system.folders.find(_path(system, folder, path), follow=False) as place:
        _check_writable(place.folder, 1)
        if place.name == ".":
            raise Failure(EINVAL)
        if flags & _AT_REMOVEDIR:
            os.rmdir(place.name, dir_fd=place.parent)
        else:
            os.unlink(place.name, dir_fd=place.parent)
    return 0


def mkdirat(system: System, folder: int, path: int, mode: int) -> int:
    """Make a folder: mkdirat(2)."""
    with system.folders.find(_path(system, folder, path), follow=False) as place:
        _check_writable(place.folder, 1)
        os.mkdir(place.name, mode & 0o777, dir_fd=place.parent)
    return 0


CALLS: dict[int, Callable[..., int]] = {
    17: getcwd,
    34: mkdirat,
    35: unlinkat,
    48: faccessat,
    56: openat,
    61: getdents64,
    79: fstatat,
    80: fstat,
}
"""The calls of this file by their numbers."""
