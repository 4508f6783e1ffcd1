"""A digest of armexec's own files, which is part of every key on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache

__all__ = ["sources_identity"]


@cache
def sources_identity(*rooms: str) -> str:
    """Names, sizes and times of the source files of some packages (or modules) of armexec, as Python compares them.

    A digest of the contents would do the same, but takes ten times as long.

    Raises:
        OSError: the files can't be read, as in an archive. Then versions of armexec can't be told apart.
    """
    package = os.path.dirname(__file__)
    found = [package]
    for room in rooms:
        found += _stamps(os.path.join(package, room))
    return "\n".join(sorted(found))


def _stamps(path: str) -> Iterable[str]:
    if path.endswith(".py"):
        status = os.stat(path)
        return [f"{path} {status.st_size} {status.st_mtime_ns}"]
    stamps: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.is_dir():
                status = entry.stat()
                stamps.append(f"{entry.path} {status.st_size} {status.st_mtime_ns}")
            elif entry.name != "__pycache__":
                stamps += _stamps(entry.path)
    return stamps
