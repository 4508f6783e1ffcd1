"""The folders of the host that a program may use, by the paths under which it sees them.

A path is followed one component at a time, from a descriptor of the folder on, and links are read here. So neither `..`
nor a link leads out of a folder, whatever changes meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from armexec.errors import LoadError
from armexec.program.system_calls.errno import EACCES, ELOOP, ENOENT
from armexec.program.system_calls.guest import Denied, Failure

__all__ = ["Folder", "Folders", "Place"]

_MOST_LINKS = 40
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What the C library looks for of its own accord, and does without.
_SOUGHT = ("/etc/localtime", "/usr/share/zoneinfo", "/share/zoneinfo", "/etc/zoneinfo", "/usr/share/locale")


class Folder(NamedTuple):
    """A folder: its path for the program, its path on the host, and whether it may be changed."""

    name: str
    host: str
    writable: bool


class Place(NamedTuple):
    """A file below a folder: the descriptor of the folder that it is in, and its name there ("." for itself)."""

    parent: int
    name: str
    folder: Folder


class Folders:
    """The folders that were given."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """`files` has the host's folders by their paths for the program. Raises LoadError."""
        self._folders = []
        if not isinstance(files, Mapping):
            raise LoadError(f'files: {files!r:.60} is no dict of folders: write files={{"/data": "folder"}}')
        for name, given in files.items():
            text = os.fspath(given) if isinstance(given, str | os.PathLike) else None
            if not isinstance(text, str):
                raise LoadError(
                    f'files: {given!r:.60} is no folder for {name!r:.60}: write files={{"/data": "folder"}}'
                )
            host = text.removesuffix(":rw")
            if not isinstance(name, str) or not name.startswith("/") or ".." in name.split("/"):
                raise LoadError(f'files: {name!r} is no absolute path: write files={{"/data": "folder"}}')
            if not os.path.isdir(host):
                raise LoadError(f"files: {host} is no folder, and so can't be {name} for the program")
            self._folders.append(Folder("/" + "/".join(_parts(name)), os.path.realpath(host), text != host))
        self._folders.sort(key=lambda folder: -len(folder.name))

    @contextlib.contextmanager
    def find(self, path: str, *, follow: bool = True) -> Iterator[Place]:
        """The place of an absolute path of the program; with `follow` a link at its end is followed.

        Raises:
            Denied: it is in no folder, or leads out of one.
            Failure: a folder on the way isn't there, or links lead in a circle.
            OSError: the same, from the host.
        """
        parts = _parts(path)
        for folder in self._folders:
            own = _parts(folder.name)
            if parts[: len(own)] == own:
                break
        else:
            if path.startswith(_SOUGHT):
                raise Failure(ENOENT)
            raise Denied(
                f"the program wants the file {path}, and no folder was given for it:"
                f' files={{"{os.path.dirname(path) or "/"}": "a folder"}} gives one'
            )
        opened = [os.open(folder.host, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
        try:
            yield Place(*self._walk(opened, parts[len(own) :], path, folder, follow), folder)
        finally:
            for descriptor in opened:
                os.close(descriptor)

    @staticmethod
    def _walk(opened: list[int], parts: list[str], path: str, folder: Folder, follow: bool) -> tuple[int, str]:
        todo = parts[::-1]
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if len(opened) == 1:
                    raise _leaves(path, folder)
                os.close(opened.pop())
                continue
            status = None
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(part, dir_fd=opened[-1], follow_symlinks=False)
            if status is not None and stat.S_ISLNK(status.st_mode) and (todo or follow):
                links += 1
                if links > _MOST_LINKS:
                    raise Failure(ELOOP)
                target = os.readlink(part, dir_fd=opened[-1])
                if target.startswith("/"):
                    raise _leaves(path, folder)
                todo += _parts(target)[::-1]
                continue
            if not todo:
                return opened[-1], part
            if status is None:
                raise Failure(ENOENT)
            opened.append(os.open(part, _DIRECTORY, dir_fd=opened[-1]))
        return opened[-1], "."

    def open(self, path: str, flags: int, mode: int) -> tuple[int, Folder]:
        """Open a file or folder with the host's flags; return its descriptor and the folder that it is below.

        Raises:
            Denied, Failure, OSError: as `find`; also a device, a pipe or a socket is denied.
        """
        with self.find(path) as place:
            if place.name == ".":
                flags &= ~(os.O_CREAT | os.O_EXCL)
            # Without O_NONBLOCK a pipe would wait for its other end.
            descriptor = os.open(
                place.name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode, dir_fd=place.parent
            )
            kind = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
                os.close(descriptor)
                raise Failure(EACCES)
            return descriptor, place.folder

    def status(self, path: str, *, follow: bool) -> os.stat_result:
        """The status of a file. Raises as `find`."""
        with self.find(path, follow=follow) as place:
            return os.stat(place.name, dir_fd=place.parent, follow_symlinks=False)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _leaves(path: str, folder: Folder) -> Denied:
    return Denied(f"the program wants the file {path}, which leads out of the folder {folder.name}")
