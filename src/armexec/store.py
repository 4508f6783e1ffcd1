"""A store on disk for results that are costly to compute: compiled objects, compilers' versions, translated code.

The key of an entry is made from everything that it depends on (`Store.key`), so entries are dropped but never updated.
Errors of the disk aren't raised: an entry that can't be read, or is damaged, is missing; one that can't be written
isn't kept.

Entries become code of this process. So an entry is read only if nobody but this user and root can have written it or
its folders.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["STORES", "Contents", "Store", "cache_directory", "distrust", "is_on"]

_MAGIC = b"armexec cache 2\n"
_DIGEST_SIZE = hashlib.sha256().digest_size
_SHARDS = 16
_OFF = ("off", "no", "0", "false")
_LIMIT = 512 << 20
_LARGEST = 256 << 20  # bytes of an entry; real ones are far smaller
_DEEPEST = 200  # folders; for each the kernel walks all above it
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_ABANDONED = 3600.0  # seconds after which the process of a temporary file must have died


STORES: Mapping[str, str] = MappingProxyType(
    {
        "objects": "compiled objects",
        "prototypes": "objects' prototypes",
        "compilers": "compilers' versions",
        "translations": "translations",
        "libraries": "C and C++ libraries",
        "links": "short links of the explorer",
    }
)
"""The stores by name, with descriptions of their contents."""


class Contents(NamedTuple):
    """The contents of a store: the number of entries, and their bytes."""

    entries: int
    size: int


def is_on() -> bool:
    """Whether stores are used. `ARMEXEC_CACHE=off` (or `no`, `0`, `false`) turns them off."""
    return os.environ.get("ARMEXEC_CACHE", "").lower() not in _OFF


def cache_directory() -> Path | None:
    """The folder of all stores, or None if the user has no home.

    `ARMEXEC_CACHE_DIR` if set, else `~/Library/Caches/armexec` on macOS, else `armexec` below
    `XDG_CACHE_HOME` (`~/.cache`), as the XDG Base Directory Specification says.
    """
    chosen = os.environ.get("ARMEXEC_CACHE_DIR")
    if chosen:
        return Path(chosen).absolute()
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "armexec"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The specification says to ignore a relative path.
    return (Path(xdg) if os.path.isabs(xdg) else home / ".cache") / "armexec"


def distrust(folder: Path) -> str:
    """The reason why somebody else may have written into a folder or below it; empty if nobody may.

    The folder must belong to this user or to root, and nobody else may write to it. The same holds for the folders
    above, except that others may write to those in which only owners may rename or remove files, such as /tmp.
    """
    if len(folder.parts) > _DEEPEST:
        return f"it is more than {_DEEPEST} folders deep"
    resolved = os.path.realpath(folder)
    for path in dict.fromkeys((resolved, os.path.abspath(folder))):
        above = path
        while True:
            trouble = _trouble(above, is_above=above != path)
            if trouble:
                return trouble
            if os.path.dirname(above) == above:
                break
            above = os.path.dirname(above)
    return ""


def _trouble(path: str, *, is_above: bool) -> str:
    try:
        status = os.stat(path)
    except OSError:
        # A missing folder will be made by this user.
        return ""
    if not _is_trusted_owner(status):
        return f"{path} belongs to another user"
    writable = status.st_mode & _WRITABLE_BY_OTHERS
    if is_above and (status.st_mode & stat.S_ISVTX or (writable == stat.S_IWGRP and _is_private(status.st_gid))):
        return ""
    return f"others can write to {path} (chmod go-w)" if writable else ""


def _is_trusted_owner(status: os.stat_result) -> bool:
    return status.st_uid in (0, os.geteuid())


def _is_private(gid: int) -> bool:
    """Whether a group is this user's own, as many systems make one for each user."""
    import grp
    import pwd

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(gid)
    except KeyError:
        return False
    return group.gr_name == name and set(group.gr_mem) <= {name}


def _make_folders(folder: Path) -> None:
    """Make a folder, and missing ones above it, for this user only."""
    missing = []
    path = str(folder)
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        missing.append(path)
        path = os.path.dirname(path)
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)


def _read(path: Path) -> bytes | None:
    """The content of a regular file of this user; None for other files. It never blocks. Raises OSError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(path, flags), "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        is_ours = _is_trusted_owner(status) and not status.st_mode & _WRITABLE_BY_OTHERS
        if not is_ours or not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None
        return file.read(status.st_size)


class Store:
    """Bytes by key, in the folder `name` of the cache directory (or of `root`), at most about `limit` bytes.

    Processes and threads may use it at once: an entry appears whole or not at all. When a shard outgrows its part of
    `limit`, the least recently used entries are removed.
    """

    def __init__(self, name: str, *, root: Path | None = None, limit: int = _LIMIT) -> None:
        base = root if root is not None else cache_directory() if is_on() else None
        self.root = base / name if base is not None else None
        self.limit = limit
        self._totals: dict[Path, int] = {}
        self._is_trusted = False

    @staticmethod
    def key(*parts: str | bytes) -> str:
        """The key of everything in `parts`, in order: 64 hexadecimal digits (SHA-256)."""
        digest = hashlib.sha256()
        for part in parts:
            data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
            # The length keeps ("ab", "c") and ("a", "bc") apart.
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
        return digest.hexdigest()

    def _path(self, key: str) -> Path | None:
        return None if self.root is None else self.root / key[0] / key[1:]

    def get(self, key: str) -> bytes | None:
        """The bytes stored under `key`, or None if there are none or they are damaged."""
        path = self._path(key)
        if path is None or not self._may_be_used():
            return None
        try:
            raw = _read(path)
        except OSError:
            return None
        if raw is None:
            return None
        payload = raw[len(_MAGIC) + _DIGEST_SIZE :]
        if raw[: -len(payload) or None] != _header(key, payload):
            self.drop(key)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # the time of last use
        return payload

    def put(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, in place of an earlier entry."""
        path = self._path(key)
        if path is None or not self._may_be_used():
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            _make_folders(path.parent)
            try:
                with open(temporary, "xb", opener=_open_private) as file:
                    file.write(_header(key, data))
                    file.write(data)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            self._trim(path, len(_MAGIC) + _DIGEST_SIZE + len(data))
        except OSError:
            return

    def _may_be_used(self) -> bool:
        """Whether nobody else can write to the folder."""
        if not self._is_trusted and self.root is not None:
            # The folder of all stores is one of ours too.
            trusted = not distrust(self.root) and not distrust(self.root.parent)
            if not os.path.isdir(self.root):
                return trusted
            self._is_trusted = trusted
        return self._is_trusted

    def drop(self, key: str) -> None:
        """Remove the entry of `key`."""
        path = self._path(key)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()

    def contents(self) -> Contents:
        """The contents now."""
        files = [size for folder in self._shards() for _, size, path in _files(folder) if not _is_temporary(path)]
        return Contents(len(files), sum(files))

    def clear(self) -> Contents:
        """Remove all entries, and return what they were."""
        found = self.contents()
        for folder in self._shards():
            for _, _, path in _files(folder):
                with contextlib.suppress(OSError):
                    os.unlink(path)
        self._totals.clear()
        return found

    def _shards(self) -> list[Path]:
        return [] if self.root is None else [self.root / f"{number:x}" for number in range(_SHARDS)]

    def _trim(self, newest: Path, added: int) -> None:
        """Remove the least recently used entries from the shard of `newest`, which stays.

        A shard is listed when this process first writes to it, and again when the process has added enough to exceed
        the limit: listing thousands of files takes longer than writing one.
        """
        folder, share = newest.parent, self.limit // _SHARDS
        known = self._totals.get(folder)
        if known is not None and known + added <= share:
            self._totals[folder] = known + added
            return
        files = sorted(_files(folder))
        total = sum(size for _, size, _ in files)
        abandoned = time.time() - _ABANDONED
        for used, size, path in files:
            stale = _is_temporary(path) and used < abandoned
            if path != str(newest) and (stale or total > share):
                with contextlib.suppress(OSError):
                    os.unlink(path)
                total -= size
        self._totals[folder] = total


def _header(key: str, data: bytes) -> bytes:
    """The header of an entry, by which damaged entries and those of other keys are recognized."""
    return _MAGIC + hashlib.sha256(key.encode() + data).digest()


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _is_temporary(path: str) -> bool:
    return os.path.basename(path).startswith(".")


def _files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Time of last use, size in bytes and path of every file in `folder`; nothing if that can't be read."""
    # Another process may remove an entry, or the folder, meanwhile.
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                yield status.st_mtime, status.st_size, entry.path
