"""What a builder may read: the compiler, its headers, Python and its packages. What it includes is named by others."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile

from armexec.errors import Error
from armexec.isolation.sandbox import allow_files
from armexec.store import cache_directory
from armexec.toolchain import find_compiler

__all__ = ["confine"]

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/dev/urandom")
_RESOURCES = (
    (resource.RLIMIT_DATA, 4 << 30),
    (resource.RLIMIT_FSIZE, 1 << 30),
    (resource.RLIMIT_CORE, 0),
)
"""Bytes that each process may have, and that a file may have."""
_PARTS_OF_COMPILERS = ("bin", "include", "lib", "lib64", "libexec", "share")


def confine() -> None:
    """Let this process, and the compilers that it starts, read nothing else any more, and change the cache and their
    temporary files only; as far as the system can (Linux's Landlock)."""
    paths = [path for path in sys.path if os.path.isdir(path) and not _is_here(path)]
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    read = {*_SYSTEM, *paths, package, sys.prefix, sys.base_prefix, *_compiler()}
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


def _is_here(path: str) -> bool:
    """Whether it is the folder that the server was started in, which Python may look for modules in."""
    return os.path.realpath(path) == os.path.realpath(os.curdir)


def _compiler() -> list[str]:
    """Where the compiler is, and what belongs to it."""
    try:
        command = find_compiler().command
    except Error:
        return []
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(command[0])))
    return [
        os.path.dirname(os.path.realpath(command[0])),
        *(os.path.join(prefix, part) for part in _PARTS_OF_COMPILERS),
    ]
