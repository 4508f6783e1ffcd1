"""Landlock: a process gives up all access to files, and more where the kernel can.

Source: Linux's Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import struct

__all__ = ["abi_version", "restrict"]

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same on all architectures
_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38
_FILES_BY_ABI = ((1, 13), (2, 14), (3, 15), (5, 16))
"""From which version on so many rights of LANDLOCK_ACCESS_FS_* are known."""
_BIND_AND_CONNECT = 0b11  # LANDLOCK_ACCESS_NET_*, TCP
_SOCKETS_AND_SIGNALS = 0b11  # LANDLOCK_SCOPE_*


def abi_version() -> int:
    """The version of the kernel's ABI; 0 if it has no Landlock, or it is off."""
    version: int = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    return max(version, 0)


def restrict() -> int:
    """Deny this thread, and those that it starts, all that Landlock can deny. There are no exceptions.

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
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)
    return abi


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
