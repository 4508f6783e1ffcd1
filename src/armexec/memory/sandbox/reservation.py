"""Sandboxes: 4 GiB of reserved addresses, of which the guest's addresses are the offsets.

Translated code adds the low 32 bits of an address to the sandbox's (`machines/llvm/memory.py`), so it reaches nothing
else. What isn't mapped in a sandbox is reserved, and faults.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from ...errors import HostError
from ..kernel import real_kernel
from ..kernel_calls import Kernel
from ..mapped_ranges import MAPPED_RANGES
from ..mappings import Mappings
from ..protection import Protection, Step
from ..region import Region, whole_pages
from ..stack import GuestStack, stack_size
from ..strategies import (
    DARWIN_MAP_ANON,
    DARWIN_MAP_NORESERVE,
    LINUX_MAP_ANONYMOUS,
    LINUX_MAP_NORESERVE,
    MAP_FIXED,
    MAP_PRIVATE,
    Part,
    Strategy,
)
from .layout import GUARD, SIZE
from .lent import Block, Blocks
from .memory import SandboxMemory
from .space import Space

__all__ = ["Sandbox"]

_STACK_GUARD = 1 << 20
"""Reserved bytes below a stack, as Linux has them: a frame of up to that size can't reach other memory of the sandbox.
Hundreds of stacks fit: each call of Python's in a call of the guest's takes one."""


class _Pages(Strategy):
    """Pages of a sandbox. They are reserved again when they are freed."""

    name = "sandbox"
    system = "linux"

    def __init__(
        self, sandbox: Sandbox, kernel: Kernel, size: int, steps: list[Step], align: int, *, is_last: bool
    ) -> None:
        self.sandbox = sandbox
        self._is_last = is_last
        super().__init__(kernel, size, steps, align)

    def _map(self) -> None:
        space = self.sandbox.space
        align = max(self.align, self.kernel.page_size)
        offset = space.take_last(self.size) if self._is_last else space.take(self.size, align)
        self.address = self.sandbox.base + offset
        self.taken = True
        self._mprotect(self.address, self.size, Protection.READ | Protection.WRITE)

    def _seal(self, parts: Sequence[Part]) -> None:
        for offset, size, protection in parts:
            if protection != Protection.READ | Protection.WRITE:
                self._mprotect(self.address + offset, size, protection)

    taken = False

    def close(self) -> None:
        if self.taken:
            self.taken = False
            self.sandbox.drop(self.address - self.sandbox.base, self.size)
            self.steps.append(Step("munmap", self.address, self.size, None, ""))


class _PagesOf:
    """What makes the pages of one sandbox, as a strategy's class makes others. `is_last`: from above."""

    name = "sandbox"

    def __init__(self, sandbox: Sandbox, *, is_last: bool = False) -> None:
        self.sandbox = sandbox
        self.is_last = is_last

    def __call__(self, kernel: Kernel, size: int, steps: list[Step], align: int = 1) -> _Pages:
        return _Pages(self.sandbox, kernel, size, steps, align, is_last=self.is_last)


class Sandbox:
    """Reserved addresses for one guest. They are freed when nothing refers to them, nor to memory in them.

    `base` is where the guest's address 0 is in this process, and `memory` what leads from one to the other.

    Raises:
        HostError: the system gives no addresses.
    """

    def __init__(self) -> None:
        self._kernel = kernel = real_kernel()
        darwin = kernel.system == "darwin"
        reserve = DARWIN_MAP_NORESERVE if darwin else LINUX_MAP_NORESERVE
        self.flags = MAP_PRIVATE | reserve | (DARWIN_MAP_ANON if darwin else LINUX_MAP_ANONYMOUS)
        size = SIZE + 2 * GUARD
        try:
            start = kernel.mmap(0, size, Protection.NONE, self.flags)
        except OSError as error:
            raise HostError(
                f"no addresses for a sandbox of {SIZE >> 30} GiB: {error.strerror}; raise the limit of the address"
                " space (ulimit -v)"
            ) from None
        self.base = start + GUARD
        self.memory = SandboxMemory(self.base, partial(kernel.munmap, start, size))
        self.space = Space()
        self._blocks = Blocks()

    def __repr__(self) -> str:
        return f"<Sandbox 0x{self.base:x}>"

    def allocate(self, size: int, align: int = 1) -> Region:
        """Memory of at least `size` bytes, readable and writable until it is sealed; see `memory.allocate`.

        Its `address` is the host's. Raises HostError.
        """
        pages = whole_pages(size, self._kernel.page_size)
        return Region(self._kernel, _PagesOf(self), pages, executable=False, mapped=MAPPED_RANGES, align=align)

    def stack(self) -> GuestStack:
        """A stack, whose addresses are the guest's. Raises HostError."""
        return GuestStack(
            self._kernel,
            stack_size(),
            mapped=MAPPED_RANGES,
            reserved=_STACK_GUARD,
            strategy=_PagesOf(self, is_last=True),
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

    def drop(self, address: int, size: int) -> None:
        """Reserve the addresses of pages again."""
        self._kernel.mmap(self.base + address, size, Protection.NONE, self.flags | MAP_FIXED)
        self.space.give(address, size)

    def mappings(self) -> Mappings:
        """Memory that the guest maps, protects and unmaps while it runs, at its own addresses."""
        return Mappings(_SandboxKernel(self, self._kernel))


class _SandboxKernel:
    """The calls of a kernel that `Mappings` makes, at the guest's addresses. What Python looks at stays as it is."""

    def __init__(self, sandbox: Sandbox, kernel: Kernel) -> None:
        self._sandbox = sandbox
        self._kernel = kernel
        self.system = kernel.system
        self.page_size = kernel.page_size

    def mmap(self, address: int, size: int, protection: Protection, flags: int, fd: int = -1, offset: int = 0) -> int:
        """Map pages: in place of some that are there, or where nothing is; at an address if that is free."""
        sandbox = self._sandbox
        if flags & MAP_FIXED:
            self._check_pins(address, size)
            self._kernel.mmap(sandbox.base + address, size, protection, sandbox.flags | MAP_FIXED)
            return address
        if not size or size > SIZE:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        if not (address and sandbox.space.take_at(address, size)):
            try:
                address = sandbox.space.take(size, self.page_size)
            except HostError:
                raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from None
        self._kernel.mprotect(sandbox.base + address, size, protection)
        return address

    def munmap(self, address: int, size: int) -> None:
        self._check_pins(address, size)
        self._sandbox.drop(address, size)

    def mprotect(self, address: int, size: int, protection: Protection) -> None:
        self._check_pins(address, size)
        self._kernel.mprotect(self._sandbox.base + address, size, protection)

    def _check_pins(self, address: int, size: int) -> None:
        if self._sandbox.memory.is_pinned(address, size):
            raise OSError(errno.EBUSY, "Python has an array of it")
