"""What a ufunc is made for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from armexec.engines import LoadedImage
from armexec.objects import Prototype

__all__ = ["Target"]


class Target(NamedTuple):
    """A function in memory: its offset in the image, its prototype and its name, and the limits of a loop over
    elements, where the module has limits."""

    loaded: LoadedImage
    offset: int
    prototype: Prototype
    name: str
    limits: Callable[[], AbstractContextManager[object]]
    has_limits: bool
