"""A sandbox: what is in its addresses, and who takes some."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any

from ...errors import HostError
from ..guest.mappings import Mappings
from ..mapped_ranges import MAPPED_RANGES
from ..protection import Protection
from ..region import Region, whole_pages
from ..stack import GuestStack, stack_size
from ..strategies import MAP_FIXED
from .layout import SIZE
from .lent import Block, Blocks
from .reservation import PagesOf, Reservation

__all__ = ["Sandbox"]

_STACK_GUARD = 1 << 20
"""Reserved bytes below a stack, as Linux has them: a frame of up to that size can't reach other memory of the sandbox.
Hundreds of stacks fit: each call of Python's in a call of the guest's takes one."""


class Sandbox:
    """Memory for one guest, in reserved addresses, which are freed when nothing refers to memory in them any more.

    `base` is where the guest's address 0 is in this process, and `memory` what leads from one to the other.

    Raises:
        HostError: the system gives no addresses.
    """

    def __init__(self) -> None:
        self._reservation = reservation = Reservation()
        self._kernel = reservation.kernel
        self.base = reservation.base
        self.memory = reservation.memory
        self._blocks = Blocks()

    def __repr__(self) -> str:
        return f"<Sandbox 0x{self.base:x}>"

    def allocate(self, size: int, align: int = 1) -> Region:
        """Memory of at least `size` bytes, readable and writable until it is sealed; see `memory.allocate`.

        Its `address` is the host's. Raises HostError.
        """
        pages = whole_pages(size, self._kernel.page_size)
        return Region(
            self._kernel, PagesOf(self._reservation), pages, executable=False, mapped=MAPPED_RANGES, align=align
        )

    def stack(self, size: int | None = None) -> GuestStack:
        """A stack of at least `size` bytes, or of `stack_size`. Its addresses are the guest's. Raises HostError."""
        return GuestStack(
            self._kernel,
            stack_size() if size is None else size,
            mapped=MAPPED_RANGES,
            reserved=_STACK_GUARD,
            strategy=PagesOf(self._reservation, is_last=True),
            base=self.base,
        )

    def borrow(self, size: int) -> Block:
        """A block of `size` bytes, with anything in it, at a multiple of 64. Raises HostError."""
        return self._blocks.take(self, size)

    def array(self, size: int) -> Any:
        """A ctypes array of `size` bytes in the sandbox, of zeros, which are its own as long as it exists.

        Raises HostError.
        """
        region = self.allocate(max(size, 1))
        buffer = (ctypes.c_uint8 * size).from_address(region.address)
        buffer.owner = region  # type: ignore[attr-defined]
        return buffer

    def mappings(self) -> Mappings:
        """Memory that the guest maps, protects and unmaps while it runs, at its own addresses."""
        return Mappings(_SandboxKernel(self._reservation), self.base)


class _SandboxKernel:
    """The calls of a kernel that `Mappings` makes, at the guest's addresses. What Python looks at stays as it is."""

    def __init__(self, reservation: Reservation) -> None:
        self._reservation = reservation
        self._kernel = kernel = reservation.kernel
        self.system = kernel.system
        self.page_size = kernel.page_size

    def mmap(self, address: int, size: int, protection: Protection, flags: int, fd: int = -1, offset: int = 0) -> int:
        """Map pages: in place of some that are there, or where nothing is; at an address if that is free."""
        reservation = self._reservation
        if flags & MAP_FIXED:
            self._check_pins(address, size)
            self._kernel.mmap(reservation.base + address, size, protection, reservation.flags | MAP_FIXED)
            return address
        if not size or size > SIZE:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        if not (address and reservation.space.take_at(address, size)):
            try:
                address = reservation.space.take(size, self.page_size)
            except HostError:
                raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from None
        self._kernel.mprotect(reservation.base + address, size, protection)
        return address

    def munmap(self, address: int, size: int) -> None:
        self._check_pins(address, size)
        self._reservation.drop(address, size)

    def mprotect(self, address: int, size: int, protection: Protection) -> None:
        self._check_pins(address, size)
        self._kernel.mprotect(self._reservation.base + address, size, protection)

    def _check_pins(self, address: int, size: int) -> None:
        if self._reservation.memory.is_pinned(address, size):
            raise OSError(errno.EBUSY, "Python has an array of it")
