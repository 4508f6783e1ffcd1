"""Landlock: a process gives up access to files, and more where the kernel can.

Source: Linux's Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

__all__ = ["abi_version", "restrict"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures
_PATH_BENEATH = 1
_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38
_FILES_BY_ABI = ((1, 13), (2, 14), (3, 15), (5, 16))
"""From which version on so many rights of LANDLOCK_ACCESS_FS_* are known."""
_READ = 0b1101  # LANDLOCK_ACCESS_FS_EXECUTE, READ_FILE, READ_DIR
_WRITE = 0b0110_0001_1011_1111  # and WRITE_FILE, REMOVE_*, MAKE_DIR, MAKE_REG, REFER, TRUNCATE
_OF_FILES = 0b1100_0000_0000_0111  # those that a file has: EXECUTE, WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV
_BIND_AND_CONNECT = 0b11  # LANDLOCK_ACCESS_NET_*, TCP
_SOCKETS_AND_SIGNALS = 0b11  # LANDLOCK_SCOPE_*


def abi_version() -> int:
    """The version of the kernel's ABI; 0 if it has no Landlock, or it is off."""
    version: int = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    return max(version, 0)


def restrict(read: Iterable[str] = (), write: Iterable[str] = ()) -> int:
    """Deny this thread, and those that it starts, all that Landlock can deny, but for some files.

    Args:
        read: files and folders that may be read and executed, with all below them. What isn't there is left out.
        write: those that may be changed, too.

    Returns:
        the version of the kernel's ABI, 0 without it.

    Raises:
        OSError: the kernel has it and refuses.
    """
    abi = abi_version()
    if not abi:
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    files = (1 << next(count for first, count in reversed(_FILES_BY_ABI) if abi >= first)) - 1
    attributes = [files]
    if abi >= 4:
        attributes.append(_BIND_AND_CONNECT)
    if abi >= 6:
        attributes.append(_SOCKETS_AND_SIGNALS)
    data = struct.pack(f"<{len(attributes)}Q", *attributes)
    ruleset = _checked(libc.syscall(_CREATE_RULESET, data, ctypes.c_size_t(len(data)), 0), "landlock_create_ruleset")
    try:
        for rights, paths in ((_READ, read), (_READ | _WRITE, write)):
            for path in paths:
                _allow(libc, ruleset, path, rights & files)
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)
    return abi


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("<Qi", rights, beneath)
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0), "landlock_add_rule")
    finally:
        os.close(beneath)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
