"""Guards of static variables that a call was making when it ended by a fault or an exception of Python.

compiler_rt's guards have the stack pointer of the call that makes the variable (`compiler_rt/program/guards.c`). Nobody
would make it any more, and calls of other threads would wait.
"""

from __future__ import annotations

import ctypes
import threading
import weakref

from armexec.forks import hold
from armexec.memory import Region
from armexec.objects import Image

__all__ = ["add_guards", "release_guards"]

_STATE, _MAKING, _FRAME = 3, 2, (1 << 48) - 4
"""The bits of a guard that say its state, and what they say while the variable is made; and those of the stack
pointer."""

# An RLock: an exception of a signal's handler, or the end of a region, may come while this thread holds the lock.
_lock = hold(threading.RLock())
_images: dict[weakref.ref[Region], Image | list[int]] = {}
"""By its region, an image that hasn't been looked at, or where one has guards that has some."""


def add_guards(image: Image, region: Region) -> None:
    """Register an image for as long as its region exists. Its guards are looked for when they are needed."""
    with _lock:
        _images[weakref.ref(region, lambda gone: _images.pop(gone, None))] = image


def release_guards(begin: int, end: int) -> None:
    """A call has ended early whose stack was from `begin` to `end`: the variables that it made are to be made anew."""
    if not _images:
        return
    with _lock:
        for reference, found in list(_images.items()):
            offsets = found
            if isinstance(offsets, Image):
                offsets = _images[reference] = _guards(offsets)
            region = reference()
            if not offsets or region is None:
                _images.pop(reference, None)
                continue
            for offset in offsets if not region.closed else ():
                guard = ctypes.c_uint64.from_address(region.address + offset)
                value = guard.value
                if value & _STATE == _MAKING and begin <= value & _FRAME < end:
                    guard.value = 0


def _guards(image: Image) -> list[int]:
    """Where an image has guards: `_ZGV` and a variable's name (Itanium C++ ABI, 5.1.4.2)."""
    return [s.offset for s in image.symbols if s.offset is not None and s.name.lstrip("_").startswith("ZGV")]
