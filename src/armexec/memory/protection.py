"""Protections of pages, the steps that are recorded, and refused accesses."""

from __future__ import annotations

import enum
from typing import NamedTuple

from ..errors import Error

__all__ = ["AccessError", "Protection", "Step"]


class Protection(enum.Flag):
    """The protection of a page. The values are PROT_READ, PROT_WRITE and PROT_EXEC of Linux and macOS."""

    NONE = 0
    READ = 1
    WRITE = 2
    EXECUTE = 4

    def __str__(self) -> str:
        """As in /proc/self/maps: `r-x`."""
        return "".join(
            letter if flag in self else "-"
            for flag, letter in (
                (Protection.READ, "r"),
                (Protection.WRITE, "w"),
                (Protection.EXECUTE, "x"),
            )
        )

    @property
    def writable_and_executable(self) -> bool:
        """True for the combination that armexec never gives a page."""
        return Protection.WRITE in self and Protection.EXECUTE in self


class Step(NamedTuple):
    """One operation on a region.

    `call` is the system or library call (`mmap`, `memcpy`, `clear_cache`, `mprotect`), `address` and `size` its range
    in bytes, `protection` that of the pages afterwards (None if the call doesn't change it), `detail` its flags.
    """

    call: str
    address: int
    size: int
    protection: Protection | None
    detail: str

    def __str__(self) -> str:
        protection = f" {self.protection}" if self.protection is not None else ""
        detail = f" {self.detail}" if self.detail else ""
        return f"{self.call} 0x{self.address:x} {self.size}{protection}{detail}"


class AccessError(Error):
    """An address of this process that can't be accessed. `access` is "read" or "write"."""

    def __init__(self, address: int, access: str) -> None:
        self.address = address
        self.access = access
        super().__init__(f"the memory at 0x{address:x} doesn't allow a {access}")
