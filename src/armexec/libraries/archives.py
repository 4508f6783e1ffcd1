"""The libraries' archives: from the cache, or built."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator

from armexec.errors import CompileError
from armexec.libraries.build import build, build_options
from armexec.store import Store
from armexec.toolchain import Compiler, wheel_compiler

__all__ = ["is_built", "library_files"]

_lock = threading.Lock()
_files: dict[str, dict[str, bytes]] = {}


def library_files(name: str) -> dict[str, bytes]:
    """The files of the library "c" or "c++" by their names, built if they aren't in the cache.

    Of several processes one builds; the others wait for it.

    Raises:
        CompileError: the ziglang package isn't installed, or can't build it.
    """
    with _lock:
        if name not in _files:
            compiler = _compiler()
            store = Store("libraries")
            key = _key(name, compiler)
            found = _unpack(store.get(key))
            if found is None:
                with _exclusively(store):
                    found = _unpack(store.get(key))
                    if found is None:
                        found = build(name, compiler.path)
                        store.put(key, _pack(found))
            _files[name] = found
        return _files[name]


def is_built(name: str) -> bool:
    """Whether a library can be had without building it."""
    try:
        return name in _files or _unpack(Store("libraries").get(_key(name, _compiler()))) is not None
    except CompileError:
        return False


def _compiler() -> Compiler:
    compiler = wheel_compiler()
    if compiler is None:
        raise CompileError("the C library comes out of the ziglang package, which isn't installed: pip install ziglang")
    return compiler


def _key(name: str, compiler: Compiler) -> str:
    return Store.key("library 1", name, *build_options(name), compiler.identity)


@contextlib.contextmanager
def _exclusively(store: Store) -> Iterator[None]:
    """Hold the lock of the cache, as far as there is one."""
    if store.root is None:
        yield
        return
    import fcntl

    try:
        store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (store.root / "lock").open("ab")
    except OSError:
        yield
        return
    with lock:
        with contextlib.suppress(OSError):  # some file systems have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pack(files: dict[str, bytes]) -> bytes:
    head = json.dumps({name: len(data) for name, data in files.items()}).encode()
    return head + b"\n" + b"".join(files.values())


def _unpack(kept: bytes | None) -> dict[str, bytes] | None:
    if kept is None:
        return None
    head, _, data = kept.partition(b"\n")
    try:
        sizes = json.loads(head)
        files, at = {}, 0
        for name, size in sizes.items():
            files[name] = data[at : at + size]
            at += size
    except (ValueError, TypeError, AttributeError):
        return None
    return files if at == len(data) else None
