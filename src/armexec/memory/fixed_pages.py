"""Memory of this process at addresses that the caller names, for guests that the processor runs at their own addresses.

Nothing of the host is ever mapped over: an address that is taken is an error. No page is writable and executable at
once. Linux and macOS have the same calls for it; on macOS this hasn't been run (it keeps the first 4 GiB for itself).
"""

from __future__ import annotations

import ctypes
import os
import weakref

from ..errors import HostError
from .kernel import real_kernel
from .kernel_calls import Kernel
from .protection import Protection
from .strategies import DARWIN_MAP_ANON, LINUX_MAP_ANONYMOUS, LINUX_MAP_NORESERVE, MAP_PRIVATE

__all__ = ["FixedPages", "exchange"]

_READ, _WRITE, _EXECUTE = Protection.READ, Protection.WRITE, Protection.EXECUTE
_FIXED_NOREPLACE = 0x10_0000
"""MAP_FIXED_NOREPLACE, linux/mman.h. Where it isn't known (macOS, Linux before 4.17) the address is a hint."""
_LARGE = 1 << 30
_MOVED = 3
"""MREMAP_MAYMOVE | MREMAP_FIXED, linux/mman.h."""


class FixedPages:
    """Pages at named addresses, freed when nothing refers to the object. Addresses and sizes are whole pages.

    `page` is the size of a page, in bytes.
    """

    def __init__(self, kernel: Kernel | None = None) -> None:
        self._kernel: Kernel = real_kernel() if kernel is None else kernel
        self.page = self._kernel.page_size
        self._ranges: list[tuple[int, int]] = []
        self._finalizer = weakref.finalize(self, _free, self._kernel, self._ranges)
        self._finalizer.atexit = False

    def map(self, address: int, size: int) -> None:
        """Map readable and writable memory, full of zeros.

        Raises:
            HostError: the host has something there, or doesn't allow it.
        """
        if address % self.page or size % self.page:
            raise HostError(
                f"can't map {size} bytes at 0x{address:x}: the pages of this host have {self.page} bytes, and the"
                " engine 'native' has no others; use 'translated'"
            )
        try:
            found = self._mmap(address, size, exactly=True)
        except OSError as error:
            raise HostError(
                f"can't map {size} bytes at 0x{address:x} of this process, where the engine 'native' needs them:"
                f" {error.strerror} (errno {error.errno}): choose other addresses, or use 'translated'"
            ) from error
        if found != address:
            self._kernel.munmap(found, size)
            raise HostError(
                f"can't map {size} bytes at 0x{address:x}: this process has something there; choose other addresses, or"
                " the engine 'translated', whose addresses are its own"
            )
        self._ranges.append((address, address + size))

    def room(self, size: int, start: int) -> int:
        """An address from about `start` on where the host has room.

        Raises:
            HostError: it has none.
        """
        try:
            found = self._mmap(start, size, exactly=False)
        except OSError as error:
            raise HostError(f"this process has no room for {size} bytes: {error.strerror}") from error
        self._kernel.munmap(found, size)
        return found

    def _mmap(self, address: int, size: int, *, exactly: bool) -> int:
        flags = MAP_PRIVATE
        if self._kernel.system == "darwin":
            flags |= DARWIN_MAP_ANON
        else:
            flags |= LINUX_MAP_ANONYMOUS | (_FIXED_NOREPLACE if exactly else 0)
            flags |= LINUX_MAP_NORESERVE if size >= _LARGE else 0
        return self._kernel.mmap(address, size, _READ | _WRITE, flags)

    def protect(self, begin: int, end: int, protection: Protection) -> None:
        """Give mapped pages a protection. Code is made coherent before it becomes executable.

        Raises:
            HostError: it is to be writable and executable, or the host refuses.
        """
        if protection.writable_and_executable:
            raise HostError(f"the pages at 0x{begin:x} can't be writable and executable at once")
        try:
            if _EXECUTE in protection:
                self._kernel.mprotect(begin, end - begin, _READ)
                self._kernel.clear_cache(begin, end - begin)
            self._kernel.mprotect(begin, end - begin, protection)
        except OSError as error:
            raise HostError(
                f"mprotect of {end - begin} bytes at 0x{begin:x} as {protection} failed: {error.strerror} (errno"
                f" {error.errno}): use the engine 'translated'"
            ) from error

    def unmap(self, begin: int, end: int) -> None:
        """Free pages. What is between and isn't mapped here stays as it is."""
        left: list[tuple[int, int]] = []
        gone: list[tuple[int, int]] = []
        for first, last in self._ranges:
            low, high = max(first, begin), min(last, end)
            if low >= high:
                left.append((first, last))
                continue
            gone.append((low, high))
            left += [(a, b) for a, b in ((first, low), (high, last)) if a < b]
        # The same list: the finalizer has it.
        self._ranges[:] = left
        for low, high in gone:
            self._kernel.munmap(low, high - low)


def exchange(address: int, data: bytes) -> None:
    """Have executable pages with other contents at an address, in the place of those that are mapped there.

    The system exchanges them at once, so threads may execute them meanwhile, and none is ever writable there.

    Raises:
        HostError: the host can't, or makes no memory executable.
    """
    kernel = real_kernel()
    if kernel.system != "linux":
        raise HostError(f"code can't be exchanged on {kernel.system} yet: use the engine 'translated'")
    size = len(data)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mremap.restype = ctypes.c_void_p
    libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
    made = 0
    try:
        made = kernel.mmap(0, size, _READ | _WRITE, MAP_PRIVATE | LINUX_MAP_ANONYMOUS)
        kernel.copy_in(made, data)
        kernel.clear_cache(made, size)
        kernel.mprotect(made, size, _READ | _EXECUTE)
        if libc.mremap(made, size, size, _MOVED, address) != address:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), "mremap")
    except OSError as error:
        if made:
            kernel.munmap(made, size)
        raise HostError(
            f"can't exchange code at 0x{address:x}: {error.strerror} (errno {error.errno}): use the engine 'translated'"
        ) from error
    kernel.clear_cache(address, size)


def _free(kernel: Kernel, ranges: list[tuple[int, int]]) -> None:
    while ranges:
        begin, end = ranges.pop()
        kernel.munmap(begin, end - begin)
