"""Regular files, read whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from armexec.errors import LoadError

__all__ = ["find_file", "read_file"]


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file.

    Raises:
        LoadError: it can't be read, or is a directory, a device or a pipe, whose reading might never end.
    """
    name = os.fspath(path)
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise LoadError(f"{name}: {'a directory' if stat.S_ISDIR(mode) else 'not a regular file'}")
        with open(path, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise LoadError(f"{name}: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise LoadError(f"{name!r}: {error}") from None


def find_file(name: str, folders: Sequence[str]) -> str | None:
    """The path of a file in the first of some folders that has it; None if none has."""
    return next((path for folder in folders if os.path.isfile(path := os.path.join(folder, name))), None)
