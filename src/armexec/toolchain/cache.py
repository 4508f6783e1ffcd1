"""A store on disk for what is costly to make again: compiled objects, a compiler's version, translated code.

An entry is found by a key made from everything that went into it (`Store.key`), so it never has to be
updated, only dropped. Nothing here raises for the disk's sake: an entry that can't be read, or isn't whole,
is not there; one that can't be written is not kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Store", "cache_directory"]

_MAGIC = b"armexec cache 1\n"
_DIGEST_SIZE = hashlib.sha256().digest_size
_SHARDS = 16
_ABANDONED = 3600.0  # seconds after which a temporary file belongs to a process that died


def cache_directory() -> Path | None:
    """The folder that holds every store, or None where the user has no home.

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


class Store:
    """Bytes by key, in the folder `name` of the cache directory (or of `root`), at most about `limit` bytes.

    Safe for any number of processes and threads at once: an entry appears whole or not at all. When a part of
    the store outgrows its share of `limit`, the entries used longest ago go first.
    """

    def __init__(self, name: str, *, root: Path | None = None, limit: int = 512 << 20) -> None:
        base = root if root is not None else cache_directory()
        self.root = base / name if base is not None else None
        self.limit = limit

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
        """The bytes kept under `key`, or None if there are none or they are damaged."""
        path = self._path(key)
        if path is None:
            return None
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        start = len(_MAGIC) + _DIGEST_SIZE
        payload = raw[start:]
        if raw[:start] != _MAGIC + hashlib.sha256(payload).digest():
            self.drop(key)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # the time of last use, which `put` orders by
        return payload

    def put(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`, in place of what was there."""
        path = self._path(key)
        if path is None:
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with open(temporary, "xb") as file:
                    file.write(_MAGIC + hashlib.sha256(data).digest())
                    file.write(data)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            self._trim(path)
        except OSError:
            return

    def drop(self, key: str) -> None:
        """Forget `key`."""
        path = self._path(key)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()

    def _trim(self, newest: Path) -> None:
        """Remove what was used longest ago from the shard of `newest`, which itself stays."""
        files = sorted(_files(newest.parent))
        total = sum(size for _, size, _ in files)
        abandoned = time.time() - _ABANDONED
        for used, size, path in files:
            stale = os.path.basename(path).startswith(".") and used < abandoned
            if path != str(newest) and (stale or total > self.limit // _SHARDS):
                with contextlib.suppress(OSError):
                    os.unlink(path)
                total -= size


def _files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Time of last use, size in bytes and path of every file in `folder`."""
    with os.scandir(folder) as entries:
        for entry in entries:
            # Another process may remove an entry between the listing and here.
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                yield status.st_mtime, status.st_size, entry.path
