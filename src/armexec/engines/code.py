"""The images in memory, and the ranges of guest code: their executable segments, and what else may be executed."""

from __future__ import annotations

import threading
import weakref

from armexec.forks import hold
from armexec.memory import EXECUTABLE_RANGES, Region
from armexec.objects import Image

__all__ = ["NOWHERE", "add_code", "add_image", "code_at", "image_at"]

NOWHERE = (0, 0)

_lock = hold(threading.Lock())
_ranges: weakref.WeakKeyDictionary[Region, tuple[tuple[int, int], ...]] = weakref.WeakKeyDictionary()
_images: weakref.WeakKeyDictionary[Region, Image] = weakref.WeakKeyDictionary()


def add_code(image: Image, region: Region) -> None:
    """Register the code of an image for as long as its region exists."""
    base = region.address
    found = tuple((base + s.offset, base + s.offset + len(s.data)) for s in image.segments if s.executable)
    with _lock:
        _ranges[region] = found


def add_image(image: Image, region: Region) -> None:
    """Register an image for as long as its region exists, also one in a sandbox."""
    with _lock:
        _images[region] = image


def image_at(address: int) -> tuple[Image, int] | None:
    """The image whose memory holds an address of the host, and where that memory is; None if there is none."""
    with _lock:
        images = list(_images.items())
    for region, image in images:
        if not region.closed and region.address <= address < region.address + image.size:
            return image, region.address
    return None


def code_at(address: int) -> tuple[int, int]:
    """The range (first address, end) of the code that holds an address; `NOWHERE` if there is none."""
    with _lock:
        regions = list(_ranges.items())
    for region, found in regions:
        if not region.closed:
            for begin, end in found:
                if begin <= address < end:
                    return begin, end
    return EXECUTABLE_RANGES.at(address) or NOWHERE
