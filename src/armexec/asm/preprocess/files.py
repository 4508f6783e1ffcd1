"""The files of `.include` and `.incbin`: regular files of limited size."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from armexec.asm.where import Where

__all__ = ["find_file", "read_file"]

_LARGEST = 1 << 28
"""Maximum size of a file in bytes."""


def find_file(name: str, from_file: str, folders: Sequence[str]) -> str:
    """The path of a file; the name itself if the file isn't found.

    The working directory is searched first, then `folders`, as by GNU as and clang; then the folder of `from_file`.
    """
    beside = os.path.dirname(from_file)
    for folder in ("", *folders, beside):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    return name


def read_file(path: str, where: Where, *, skip: int = 0, count: int | None = None) -> bytes:
    """The bytes of a file from `skip` on, at most `count` bytes.

    Raises:
        AssemblyError: it isn't there, can't be read, isn't a regular file, or is too large.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            what = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise where.error(f"{path!r} is {what}")
        skip = min(skip, status.st_size)
        size = status.st_size - skip if count is None else count
        if size > _LARGEST:
            raise where.error(f"{path!r} has {size} bytes: at most {_LARGEST} can be read")
        with open(path, "rb") as file:
            file.seek(skip)
            return file.read(size)
    except OSError as error:
        raise where.error(f"can't read {path!r}: {error.strerror or error}") from None
    except ValueError:  # a NUL in the name
        raise where.error(f"{path!r} is no name of a file") from None
