"""Linux's error numbers for AArch64 (asm-generic/errno-base.h and errno.h), which differ from macOS's."""

from __future__ import annotations

import errno as host

from armexec.program.system_calls.guest import Failure

__all__ = [
    "EACCES",
    "EAGAIN",
    "EBADF",
    "EEXIST",
    "EFAULT",
    "EFBIG",
    "EINVAL",
    "EIO",
    "EISDIR",
    "ELOOP",
    "EMFILE",
    "ENAMETOOLONG",
    "ENOENT",
    "ENOMEM",
    "ENOSPC",
    "ENOTDIR",
    "ENOTTY",
    "EPERM",
    "ERANGE",
    "EROFS",
    "ESPIPE",
    "ESRCH",
    "ETIMEDOUT",
    "failure",
]

ENOENT, EIO, EBADF, EAGAIN, ENOMEM, EACCES, EFAULT, EEXIST = 2, 5, 9, 11, 12, 13, 14, 17
ENOTDIR, EISDIR, EINVAL, EMFILE, ENOTTY, EFBIG, ENOSPC, ESPIPE, EROFS, ERANGE = 20, 21, 22, 24, 25, 27, 28, 29, 30, 34
ENOTEMPTY, ENAMETOOLONG, ELOOP, ETIMEDOUT, EPERM, ESRCH = 39, 36, 40, 110, 1, 3

_NAMES = {name: value for name, value in globals().items() if name.startswith("E") and isinstance(value, int)}
_FROM_HOST = {getattr(host, name): value for name, value in _NAMES.items() if hasattr(host, name)}


def failure(error: OSError) -> Failure:
    """The failure of a call that means an error of the host."""
    return Failure(_FROM_HOST.get(error.errno or 0, EIO))
