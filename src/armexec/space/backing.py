"""The host's memory behind an address space: anywhere, or at the guest's own addresses."""

from __future__ import annotations

import ctypes
import gc
from typing import Protocol

from armexec.errors import HostError
from armexec.memory import Protection, allocate
from armexec.memory.fixed_pages import FixedPages
from armexec.memory.guest.page_table import PAGE
from armexec.space.mappings import Mapping

__all__ = ["Anywhere", "AtGuestAddresses", "Backing"]


class Backing(Protocol):
    """Gives mappings their memory, and keeps to what the guest may do there."""

    page: int
    """The least size of a mapping, in bytes."""

    def room(self, size: int, start: int) -> int:
        """An address from about `start` on where the host has room. Raises HostError."""

    def map(self, begin: int, length: int, protection: Protection, data: bytes) -> Mapping:
        """Memory that holds `data` and then zeros. Raises HostError."""

    def protect(self, begin: int, end: int, protection: Protection) -> None:
        """The guest may do something else there from now on. Raises HostError."""

    def unmap(self, begin: int, end: int) -> None:
        """Nothing is mapped there any more."""

    def open(self, begin: int, end: int) -> None:
        """Python may read and write what is mapped there, which isn't executable, until `protect`. Raises HostError."""


class Anywhere:
    """Memory that stays readable and writable to the host, whatever the guest may do, and is never executable."""

    page = PAGE

    def room(self, size: int, start: int) -> int:
        return start

    def map(self, begin: int, length: int, protection: Protection, data: bytes) -> Mapping:
        region = allocate(length, executable=False)
        ctypes.memmove(region.address, data, len(data))
        return Mapping(begin, begin + length, protection, region.address, region)

    def protect(self, begin: int, end: int, protection: Protection) -> None:
        """The host may always access it."""

    def unmap(self, begin: int, end: int) -> None:
        """The region is freed with its last mapping."""

    def open(self, begin: int, end: int) -> None:
        """The host may always access it."""


class AtGuestAddresses:
    """Memory at the guest's own addresses, where the processor checks what the guest does.

    What it may execute is readable at first: the engine makes it executable.
    """

    def __init__(self, pages: FixedPages) -> None:
        self.page = max(PAGE, pages.page)
        self._pages = pages

    def room(self, size: int, start: int) -> int:
        # With a free page on either side.
        return self._pages.room(size + 2 * self.page, start - self.page) + self.page

    def map(self, begin: int, length: int, protection: Protection, data: bytes) -> Mapping:
        self._reserve(begin, length)
        try:
            ctypes.memmove(begin, data, len(data))
            self.protect(begin, begin + length, protection)
            return Mapping(begin, begin + length, protection, begin, self._pages)
        except BaseException:
            self._pages.unmap(begin, begin + length)
            raise

    def _reserve(self, begin: int, length: int) -> None:
        try:
            self._pages.map(begin, length)
        except HostError:
            # An address space that nobody uses may have the addresses: one that a hook's function refers to is freed
            # when Python looks for such things.
            gc.collect()
            self._pages.map(begin, length)

    def protect(self, begin: int, end: int, protection: Protection) -> None:
        self._pages.protect(begin, end, protection & ~Protection.EXECUTE)

    def unmap(self, begin: int, end: int) -> None:
        self._pages.unmap(begin, end)

    def open(self, begin: int, end: int) -> None:
        self._pages.protect(begin, end, Protection.READ | Protection.WRITE)
