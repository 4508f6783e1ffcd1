"""The profile that is being made, if any, and the images that run on the processor as they are."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from armexec.errors import Error
from armexec.forks import hold

if TYPE_CHECKING:
    from armexec.objects import Image

__all__ = [
    "ExecutionCounter",
    "NativeImage",
    "Observer",
    "begin",
    "end",
    "execution_counter",
    "register_native_image",
]


class ExecutionCounter(Protocol):
    """Takes the counts of executed instructions, by address, of an image at a base."""

    def __call__(self, image: Image, base: int, counts: Mapping[int, int]) -> None: ...


class NativeImage(Protocol):
    """An image whose code runs on the processor as it is."""

    image: Image
    base: int


class Observer(Protocol):
    """A profile that is being made."""

    def executed(self, image: Image, base: int, counts: Mapping[int, int]) -> None:
        """Take note of instructions that were executed (an `ExecutionCounter`)."""

    def began_native(self, loaded: NativeImage) -> None:
        """Take note of an image that runs on the processor as it is."""


_lock = hold(threading.Lock())
_native_images: weakref.WeakSet[NativeImage] = weakref.WeakSet()
_active: Observer | None = None


def register_native_image(loaded: NativeImage) -> None:
    """Tell this profile and later ones of an image whose code runs on the processor as it is."""
    with _lock:
        _native_images.add(loaded)
        observer = _active
    if observer is not None:
        observer.began_native(loaded)


def execution_counter() -> ExecutionCounter | None:
    """The function to be told of executed instructions; None while no profile is made."""
    return _active.executed if _active is not None else None


def begin(observer: Observer) -> list[NativeImage]:
    """Make `observer` the profile that is being made, and return the native images that there are.

    Raises:
        Error: a profile is being made already.
    """
    global _active  # noqa: PLW0603
    with _lock:
        if _active is not None:
            raise Error("a profile is being made already: there can be one at a time")
        _active = observer
        return list(_native_images)


def end() -> None:
    """Have no profile being made."""
    global _active  # noqa: PLW0603
    with _lock:
        _active = None
