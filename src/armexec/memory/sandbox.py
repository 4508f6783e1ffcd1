"""Sandboxes: 4 GiB of reserved addresses, of which the guest's addresses are the offsets.

Translated code adds the low 32 bits of an address to the sandbox's (`machines/llvm/memory.py`), so it reaches nothing
else. What isn't mapped in a sandbox is reserved, and faults. It is laid out so:

    0          never mapped: null pointers
    FIRST      the image, then what Python lends, and what the guest maps itself; stacks from above
    FUNCTIONS  addresses of functions of Python, where nothing is mapped
    LAST       never mapped

Before and behind it are `GUARD` bytes that are reserved too, for displacements.
"""

from __future__ import annotations

import threading
import weakref
from bisect import insort
from collections.abc import Sequence

from ..errors import HostError
from .host import HostMemory
from .kernel import real_kernel
from .kernel_calls import Kernel
from .mapped_ranges import MAPPED_RANGES
from .protection import AccessError, Protection, Step
from .region import Region, whole_pages
from .stack import GuestStack, stack_size
from .strategies import (
    DARWIN_MAP_ANON,
    DARWIN_MAP_NORESERVE,
    LINUX_MAP_ANONYMOUS,
    LINUX_MAP_NORESERVE,
    MAP_FIXED,
    MAP_PRIVATE,
    Part,
    Strategy,
)

__all__ = ["FIRST", "FUNCTIONS", "LAST", "SIZE", "Sandbox", "SandboxMemory"]

SIZE = 1 << 32
"""Bytes of a sandbox."""
FIRST = 1 << 16
"""The first address that may be mapped."""
FUNCTIONS = 0xF000_0000
"""The first address of functions of Python, which is the end of what may be mapped."""
LAST = SIZE - (1 << 16)
"""The end of the addresses that mean anything."""
GUARD = 1 << 28
"""Reserved bytes before a sandbox, and behind it."""
_STACK_GUARD = 32 << 20
"""Reserved bytes below a stack: a frame of up to that size can't reach other memory of the sandbox."""
_LOW = SIZE - 1


class SandboxMemory:
    """The memory of a sandbox by the guest's addresses, of which the low 32 bits count.

    What reads or writes by an address that the guest has given goes through here. Reads and writes raise `AccessError`,
    with the guest's address, where the pages don't allow them.
    """

    def __init__(self, base: int) -> None:
        self.base = base
        self._host = HostMemory()

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes from `address`. Raises `AccessError`."""
        place = self.host_address(address, size, "read")
        try:
            return self._host.read(place, size)
        except AccessError as error:
            raise AccessError(error.address - self.base, "read") from None

    def write(self, address: int, data: bytes) -> None:
        """Put `data` at `address`. Raises `AccessError`."""
        place = self.host_address(address, len(data), "write")
        try:
            self._host.write(place, data)
        except AccessError as error:
            raise AccessError(error.address - self.base, "write") from None

    def host_address(self, address: int, size: int = 0, access: str = "read") -> int:
        """Where `size` bytes from a guest's address are in this process. Raises `AccessError` if they end outside."""
        low = address & _LOW
        if not 0 <= size <= SIZE - low:
            raise AccessError(SIZE, access)
        return self.base + low

    def guest_address(self, address: int, size: int = 0) -> int | None:
        """The guest's address of `size` bytes of this process; None if they aren't in the sandbox."""
        low = address - self.base
        return low if 0 <= low and low + size <= SIZE and low >= FIRST else None


class _Space:
    """The addresses of a sandbox that are taken, as sorted ranges of whole pages: first address, end."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        self._lock = threading.RLock()

    def take(self, size: int, align: int) -> int:
        """Take the first `size` bytes that are free, at a multiple of `align`; their address. Raises HostError."""
        with self._lock:
            at = -(-FIRST // align) * align
            for first, end in self._ranges:
                if at + size <= first:
                    break
                at = max(at, -(-end // align) * align)
            if at + size > FUNCTIONS:
                raise HostError(f"the sandbox has no {size} bytes left of its 4 GiB")
            insort(self._ranges, (at, at + size))
            return at

    def take_last(self, size: int) -> int:
        """Take the last `size` bytes that are free; their address. Raises HostError."""
        with self._lock:
            end = FUNCTIONS
            for first, last in reversed(self._ranges):
                if last + size <= end:
                    break
                end = min(end, first)
            if end - size < FIRST:
                raise HostError(f"the sandbox has no {size} bytes left of its 4 GiB")
            insort(self._ranges, (end - size, end))
            return end - size

    def take_at(self, address: int, size: int) -> bool:
        """Take these addresses; False if they aren't free."""
        with self._lock:
            end = address + size
            if address < FIRST or end > FUNCTIONS or any(f < end and address < e for f, e in self._ranges):
                return False
            insort(self._ranges, (address, end))
            return True

    def give(self, address: int, size: int) -> None:
        """Give addresses back, all of which are taken."""
        with self._lock:
            end = address + size
            kept: list[tuple[int, int]] = []
            for first, last in self._ranges:
                parts = ((first, min(last, address)), (max(first, end), last))
                kept += [part for part in parts if part[0] < part[1]] if first < end and address < last else [
                    (first, last)
                ]
            self._ranges = sorted(kept)


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
        self._flags = MAP_PRIVATE | reserve | (DARWIN_MAP_ANON if darwin else LINUX_MAP_ANONYMOUS)
        size = SIZE + 2 * GUARD
        try:
            start = kernel.mmap(0, size, Protection.NONE, self._flags)
        except OSError as error:
            raise HostError(
                f"no addresses for a sandbox of {SIZE >> 30} GiB: {error.strerror}; raise the limit of the address space"
                " (ulimit -v)"
            ) from None
        self.base = start + GUARD
        self.memory = SandboxMemory(self.base)
        self.space = _Space()
        self._finalizer = weakref.finalize(self, kernel.munmap, start, size)
        # Code may still run while the interpreter shuts down; the system frees the memory then.
        self._finalizer.atexit = False

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

    # -- what the guest maps itself -----------------------------------------------------------------------------------
    def map(self, address: int | None, size: int, protection: Protection) -> int:
        """Map pages of zeros, anywhere or at an address that is free; the address. Raises HostError."""
        self._check(protection)
        size = whole_pages(size, self._kernel.page_size)
        if address is None:
            address = self.space.take(size, self._kernel.page_size)
        elif not self.space.take_at(address, size):
            raise HostError(f"the memory at {address:#x} isn't free")
        self.protect(address, size, protection)
        return address

    def clear(self, address: int, size: int, protection: Protection) -> None:
        """Have zeros in pages that are mapped. Raises HostError."""
        self._check(protection)
        self._kernel.mmap(self.base + address, size, protection, self._flags | MAP_FIXED)

    def protect(self, address: int, size: int, protection: Protection) -> None:
        """Change the protection of pages that are mapped. Raises HostError."""
        self._check(protection)
        try:
            self._kernel.mprotect(self.base + address, size, protection)
        except OSError as error:
            raise HostError(f"the memory at {address:#x} can't be protected: {error.strerror}") from None

    def drop(self, address: int, size: int) -> None:
        """Give pages back: their addresses are reserved again."""
        self._kernel.mmap(self.base + address, size, Protection.NONE, self._flags | MAP_FIXED)
        self.space.give(address, size)

    @staticmethod
    def _check(protection: Protection) -> None:
        if Protection.EXECUTE in protection:
            raise HostError("memory that the host executes isn't mapped in a sandbox")
