"""Sandboxes: 4 GiB of reserved addresses, of which the guest's addresses are the offsets.

Translated code adds the low 32 bits of an address to the sandbox's (`machines/llvm/memory.py`), so it reaches nothing
else. What isn't mapped in a sandbox is reserved, and faults.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ...errors import HostError
from ..kernel import real_kernel
from ..kernel_calls import Kernel
from ..protection import Protection, Step
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
from .memory import SandboxMemory
from .space import Space

__all__ = ["PagesOf", "Reservation"]


class _Pages(Strategy):
    """Pages of a sandbox. They are reserved again when they are freed."""

    name = "sandbox"
    system = "linux"

    def __init__(
        self, reservation: Reservation, kernel: Kernel, size: int, steps: list[Step], align: int, *, is_last: bool
    ) -> None:
        self.reservation = reservation
        self._is_last = is_last
        super().__init__(kernel, size, steps, align)

    def _map(self) -> None:
        space = self.reservation.space
        align = max(self.align, self.kernel.page_size)
        offset = space.take_last(self.size) if self._is_last else space.take(self.size, align)
        self.address = self.reservation.base + offset
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
            self.reservation.drop(self.address - self.reservation.base, self.size)
            self.steps.append(Step("munmap", self.address, self.size, None, ""))


class PagesOf:
    """What makes the pages of one sandbox, as a strategy's class makes others. `is_last`: from above."""

    name = "sandbox"

    def __init__(self, reservation: Reservation, *, is_last: bool = False) -> None:
        self.reservation = reservation
        self.is_last = is_last

    def __call__(self, kernel: Kernel, size: int, steps: list[Step], align: int = 1) -> _Pages:
        return _Pages(self.reservation, kernel, size, steps, align, is_last=self.is_last)


class Reservation:
    """4 GiB of reserved addresses with guards. They are freed when nothing refers to their memory any more.

    It doesn't refer to what is in it, and that refers to it: pages are given back by finalizers.

    Raises:
        HostError: the system gives no addresses.
    """

    def __init__(self) -> None:
        self.kernel = kernel = real_kernel()
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

    def drop(self, address: int, size: int) -> None:
        """Reserve the addresses of pages again."""
        self.kernel.mmap(self.base + address, size, Protection.NONE, self.flags | MAP_FIXED)
        self.space.give(address, size)
