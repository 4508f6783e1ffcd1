"""A sandbox with memory at its edges, and memory of the host around it that nothing may touch."""

from __future__ import annotations

import ctypes
import hashlib
import mmap
from collections.abc import Iterator

from armexec.machines.llvm.memory import REACH
from armexec.memory import Protection, Sandbox
from armexec.memory.kernel import real_kernel
from armexec.memory.sandbox.layout import FIRST, FUNCTIONS, LAST, SIZE

__all__ = ["EDGES", "SECRET", "Arena"]

_PAGE = mmap.PAGESIZE
_FIXED = 0x10
SECRET = 0x5EC2
"""Every 16 bits of the host's canaries. No register and nothing in the sandbox has them otherwise."""
_EDGES_OF_32 = (0, 1 << 31, SIZE)
EDGES = sorted(
    {
        (edge + step) % (1 << 64)
        for edge in (*_EDGES_OF_32, 1 << 33, 1 << 47, 1 << 63, 1 << 64, FIRST, FIRST + _PAGE, FUNCTIONS, LAST)
        for step in (-REACH - 8, -REACH, 8 - REACH, -4096, -64, -16, -8, -1, 0, 1, 8, 64, 4096, REACH - 8, REACH)
    }
)
"""Addresses of interest, modulo 2**64."""


class Arena:
    """`sandbox` has pages at its lowest and highest addresses, around 2**31, and where the host's canaries have the
    same low 32 bits. `canaries` are addresses of canaries: behind the guards of the sandbox, and elsewhere."""

    def __init__(self) -> None:
        self.sandbox = sandbox = Sandbox()
        self.base = base = sandbox.base
        self._elsewhere = mmap.mmap(-1, 4 * _PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._elsewhere))
        kernel = real_kernel()
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _FIXED
        rw = Protection.READ | Protection.WRITE
        self.canaries = [start, base - REACH - _PAGE, base + SIZE + REACH]
        for address in self.canaries[1:]:
            assert kernel.mmap(address, _PAGE, rw, flags) == address
        for address in self.canaries:
            ctypes.memmove(address, SECRET.to_bytes(2, "little") * (_PAGE // 2), _PAGE)
        self.pages = [FIRST, (1 << 31) - _PAGE, FUNCTIONS - _PAGE]
        alike = start % SIZE & -_PAGE
        if FIRST + 2 * _PAGE <= alike <= FUNCTIONS - 4 * _PAGE and abs(alike - (1 << 31)) > 4 * _PAGE:
            self.pages.append(alike)
        self._mappings = sandbox.mappings()
        for page in self.pages:
            self._mappings.map(page, self._size(page), rw)
        self._content = bytes(n * 7 & 0xFF for n in range(2 * _PAGE))
        self._before = self.hash()

    @staticmethod
    def _size(page: int) -> int:
        return 2 * _PAGE if page < FUNCTIONS - _PAGE else _PAGE

    def close(self) -> None:
        """Take the canaries away."""
        kernel = real_kernel()
        for address in self.canaries[1:]:
            kernel.mmap(address, _PAGE, Protection.NONE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _FIXED)

    def hash(self) -> bytes:
        """A digest of the host's memory that nothing may touch."""
        return hashlib.sha256(b"".join(ctypes.string_at(address, _PAGE) for address in self.canaries)).digest()

    def is_whole(self) -> bool:
        """Whether the host's memory is as it was."""
        return self.hash() == self._before

    def _ranges(self) -> Iterator[tuple[int, int]]:
        for page in self.pages:
            yield self.base + page, self._size(page)

    def fill(self) -> None:
        """Put known bytes into the sandbox."""
        for address, size in self._ranges():
            ctypes.memmove(address, self._content, size)

    def content(self) -> bytes:
        """What is in the sandbox."""
        return b"".join(ctypes.string_at(address, size) for address, size in self._ranges())

    def may_fault(self, address: int) -> bool:
        """Whether an access of confined code may fault at an address of the host: one that is reserved."""
        return self.base - REACH < address < self.base + SIZE + REACH
