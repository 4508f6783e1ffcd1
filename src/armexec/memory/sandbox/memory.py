"""The memory of a sandbox, by the guest's addresses."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from typing import Any

from ...forks import renew
from ..host import HostMemory
from ..protection import AccessError
from .layout import FIRST, LOW, SIZE

__all__ = ["SandboxMemory"]

_PAGE = 4096
"""The smallest page of a host."""
# One for all sandboxes, since it has a file for each thread.
_host = HostMemory()


class SandboxMemory:
    """The memory of a sandbox by the guest's addresses, of which the low 32 bits count.

    All that Python reads or writes by an address that the guest has given goes through here. Methods raise
    `AccessError`, with the guest's address, where the pages don't allow an access.

    `free` frees the reserved addresses, when nothing refers to this object any more.
    """

    def __init__(self, base: int, free: Callable[[], object]) -> None:
        self.base = base
        self.pointer_classes: dict[Any, Any] = {}
        """The classes of pointers into this memory, by what they point to (`abi/guest_pointer.py`)."""
        self._lock = renew(self)
        self._pinned: dict[int, tuple[int, int]] = {}
        self._finalizer = weakref.finalize(self, free)
        # Code may still run while the interpreter shuts down; the system frees the memory then.
        self._finalizer.atexit = False

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes from `address`. Raises `AccessError`."""
        place = self.host_address(address, size, "read")
        try:
            return _host.read(place, size)
        except AccessError as error:
            raise AccessError(error.address - self.base, "read") from None

    def write(self, address: int, data: bytes) -> None:
        """Put `data` at `address`. Raises `AccessError`."""
        place = self.host_address(address, len(data), "write")
        try:
            _host.write(place, data)
        except AccessError as error:
            raise AccessError(error.address - self.base, "write") from None

    def host_address(self, address: int, size: int = 0, access: str = "read") -> int:
        """Where `size` bytes from a guest's address are in this process. Raises `AccessError` if they end outside."""
        low = address & LOW
        if not 0 <= size <= SIZE - low:
            raise AccessError(SIZE, access)
        return self.base + low

    def guest_address(self, address: int, size: int = 0) -> int | None:
        """The guest's address of `size` bytes of this process; None if they aren't in the sandbox."""
        low = address - self.base
        return low if low >= FIRST and low + size <= SIZE else None

    def view(self, address: int, size: int) -> Any:
        """A ctypes array that is the memory at an address; the guest can't unmap or protect it as long as that exists.

        Raises `AccessError` if some of it can't be read and written.
        """
        place = self.host_address(address, size, "write")
        buffer = (ctypes.c_uint8 * size).from_address(place)
        buffer.owner = self  # type: ignore[attr-defined]
        low = address & LOW
        with self._lock:
            self._pinned[id(buffer)] = low, low + size
            weakref.finalize(buffer, self._pinned.pop, id(buffer), None).atexit = False
        # Only now: before, the guest could have changed it meanwhile.
        for at in (low, *range(-(-(low + 1) // _PAGE) * _PAGE, low + size, _PAGE)) if size else ():
            self.write(at, self.read(at, 1))
        return buffer

    def is_pinned(self, address: int, size: int) -> bool:
        """Whether Python has a view of some of these bytes."""
        with self._lock:
            return any(first < address + size and address < end for first, end in self._pinned.values())
