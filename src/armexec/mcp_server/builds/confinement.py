"""What a builder may read: the compiler, its headers, Python and its packages. What it includes is named by others."""

from __future__ import annotations

import os
import sys

from armexec.errors import Error
from armexec.toolchain import find_compiler

__all__ = ["readable"]

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/dev/urandom")
_PARTS_OF_COMPILERS = ("bin", "include", "lib", "lib64", "libexec", "share")


def readable() -> set[str]:
    """The files and folders that a builder needs."""
    paths = [path for path in sys.path if os.path.isdir(path) and not _is_here(path)]
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return {*_SYSTEM, *paths, package, sys.prefix, sys.base_prefix, *_compiler()}


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
