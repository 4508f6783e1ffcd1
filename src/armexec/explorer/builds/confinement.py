"""What a builder may change: the cache and its temporary files. Options of the compiler come from links of others."""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
from collections.abc import Iterable

from armexec.isolation.sandbox import allow_files
from armexec.store import cache_directory

__all__ = ["confine"]

_RESOURCES = (
    (resource.RLIMIT_DATA, 4 << 30),
    (resource.RLIMIT_FSIZE, 1 << 30),
    (resource.RLIMIT_CORE, 0),
)
"""Bytes that each process may have, and that a file may have."""


def confine(read: Iterable[str] = ("/",)) -> None:
    """Let this process, and the compilers that it starts, change the cache and their temporary files only, and connect
    to nothing; as far as the system can (Linux's Landlock).

    Args:
        read: the files and folders that they may read; all of them by default.
    """
    cache = cache_directory()
    write = [tempfile.gettempdir(), "/dev/null"]
    if cache is not None:
        # Where it can't be made, nothing is kept.
        with contextlib.suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)
            # Stores may be links to other places.
            write += [os.fspath(cache), *(os.path.realpath(found) for found in cache.iterdir())]
    allow_files(read, write)
    for kind, most in _RESOURCES:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
