"""Forks while other threads work: a lock that another thread holds would stay locked in the child for ever.

A fork waits until no other thread imports what is used here, holds a short-lived lock, or is in LLVM, which has locks
of its own. The forking thread then holds these locks. Locks that are held for long, as during a translation, are
replaced in the child. The wait has a time limit, after which the process forks anyway.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Protocol, TypeVar

__all__ = ["after_in_child", "after_in_parent", "before", "cached_properties", "hold", "in_child", "no_fork", "renew"]

_PATIENCE = 30.0
"""Maximum wait in seconds. Threads need that long only for large imports on a busy machine."""
_PAUSE = 0.0005
_PACKAGES = {"armexec", "elftools", "itanium_demangler", "llvmlite", "numpy", "pycparser", "ziglang"}


class Lock(Protocol):
    """The type of `threading.Lock()`."""

    def acquire(self, blocking: bool = ...) -> bool: ...

    def release(self) -> None: ...


class _Renewed(Protocol):
    _lock: threading.RLock


L = TypeVar("L", bound=Lock)

_locks: weakref.WeakSet[Lock] = weakref.WeakSet()
_renewed: weakref.WeakSet[Any] = weakref.WeakSet()
_child: list[Callable[[], None]] = []


def hold(lock: L) -> L:
    """Register a lock that the forking thread is to hold during a fork, and return it. It is held as long as it is
    there: those of a sandbox go with it."""
    _locks.add(lock)
    return lock


def renew(owner: _Renewed) -> threading.RLock:
    """Make the lock for the `_lock` of an object, which is replaced in a child."""
    _renewed.add(owner)
    return threading.RLock()


def in_child(callback: Callable[[], None]) -> None:
    """Register a function to be called in each child."""
    _child.append(callback)


class _Gate:
    """A lock that any number of threads share, or that the forking thread holds alone."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._closed = False

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        with self._condition:
            self._condition.wait_for(lambda: not self._closed)
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    def close(self, timeout: float) -> bool:
        """Let no thread enter, and wait for those inside. True if all have left in time."""
        with self._condition:
            self._closed = True
            return self._condition.wait_for(lambda: not self._inside, timeout)

    def open(self) -> None:
        with self._condition:
            self._closed = False
            self._condition.notify_all()


_gate = _Gate()


def no_fork() -> contextlib.AbstractContextManager[None]:
    """A context that keeps the process from forking, for calls of code with locks of its own."""
    return _gate.shared()


class _Fork:
    """The locks that the forking thread holds."""

    def __init__(self) -> None:
        self._held: list[Lock] = []

    def before(self) -> None:
        limit = time.monotonic() + _PATIENCE
        while (left := limit - time.monotonic()) > 0:
            # The gate comes first: a thread that has to leave may need any of the locks, since objects may be freed
            # there as everywhere.
            if _gate.close(left) and self._hold_all():
                return
            self._release_all()
            time.sleep(_PAUSE)
        self._hold_all()

    def _hold_all(self) -> bool:
        """Acquire all locks that become free in time. True if all did."""
        imports = _Imports()
        complete = True
        for lock in (imports, *list(_locks), *_llvm()):
            if lock.acquire(False):
                self._held.append(lock)
            else:
                complete = False
        return complete

    def _release_all(self) -> None:
        self._release_held()
        _gate.open()

    def _release_held(self) -> None:
        while self._held:
            # A lock that the interpreter has replaced in the child has no owner.
            with contextlib.suppress(RuntimeError):
                self._held.pop().release()

    def after_in_parent(self) -> None:
        self._release_all()

    def after_in_child(self) -> None:
        global _gate  # noqa: PLW0603
        _gate = _Gate()
        self._release_held()
        for owner in list(_renewed):
            owner._lock = threading.RLock()
        if sys.version_info < (3, 12):
            _renew_cached_properties()
        for callback in _child:
            callback()


class _Imports:
    """The import system, as a lock: while it is held, no other thread imports what armexec may need.

    Python has a lock for each module that is being imported, and one for making such locks, which it holds itself
    during a fork.
    """

    def acquire(self, blocking: bool = False) -> bool:
        import _imp

        _imp.acquire_lock()
        if _others_import():
            _imp.release_lock()
            return False
        return True

    def release(self) -> None:
        import _imp

        _imp.release_lock()


def _others_import() -> bool:
    # Not part of Python's API: it may be missing.
    locks = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    here = threading.get_ident()
    return any(
        _is_used(name) and (lock := reference()) is not None and lock.owner != here
        for name, reference in list(locks.items())
    )


def _is_used(name: str) -> bool:
    """Whether armexec may import a module. A program's own don't count: some run while one of them is imported."""
    package = name.partition(".")[0]
    return package in _PACKAGES or package in sys.stdlib_module_names


def _llvm() -> tuple[Lock, ...]:
    """llvmlite's lock around calls of LLVM, once llvmlite is imported."""
    library = getattr(sys.modules.get("llvmlite.binding.ffi"), "lib", None)
    lock = getattr(getattr(library, "_lock", None), "_lock", None)
    return () if lock is None else (lock,)


def _renew_cached_properties() -> None:
    """Replace the locks of cached properties. Before Python 3.12 each has one for all objects of its class."""
    for member in cached_properties():
        member.lock = threading.RLock()


_cached_properties: tuple[int, list[Any]] = 0, []


def cached_properties() -> list[Any]:
    """The cached properties of this package's classes.

    To look for them takes long in a child, which copies each page that it touches. A process that forks often does it
    before.
    """
    global _cached_properties  # noqa: PLW0603
    loaded = len(sys.modules)
    if _cached_properties[0] != loaded:
        found = []
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == "armexec":
                kinds = [kind for kind in list(vars(module).values()) if isinstance(kind, type)]
                members = [member for kind in kinds for member in vars(kind).values()]
                found += [member for member in members if isinstance(member, cached_property)]
        _cached_properties = loaded, list({id(member): member for member in found}.values())
    return _cached_properties[1]


_fork = _Fork()
before, after_in_parent, after_in_child = _fork.before, _fork.after_in_parent, _fork.after_in_child
"""The functions for `os.register_at_fork`, which the package calls when it is imported."""
