"""How much memory a program has mapped, and whether it may have more."""

from __future__ import annotations

from armexec.program.system_calls.errno import ENOMEM
from armexec.program.system_calls.guest import Failure
from armexec.resource_limits.guest_sizes import sizes

__all__ = ["Growth"]


class Growth:
    """The bytes that a program has of brk(2) and mmap(2), as RLIMIT_AS counts them: whatever their protection.

    `limit`: how many they may be; None: as many as there are. The limits of the thread hold as well.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._size = 0
        # First addresses and ends of what is mapped, in order.
        self._ranges: list[tuple[int, int]] = []

    def take(self, size: int) -> None:
        """So many bytes more. Raises Failure with ENOMEM."""
        allowance = sizes().memory
        if self._limit is not None and self._size + size > self._limit:
            raise Failure(ENOMEM)
        if allowance is not None and not allowance.take(size):
            raise Failure(ENOMEM)
        self._size += size

    def give(self, size: int) -> None:
        """So many bytes fewer."""
        self._size -= size
        allowance = sizes().memory
        if allowance is not None:
            allowance.give(size)

    def held(self, address: int, size: int) -> int:
        """How many bytes of a range are mapped."""
        return sum(max(min(end, address + size) - max(begin, address), 0) for begin, end in self._ranges)

    def mapped(self, address: int, size: int) -> None:
        """A range is mapped; its bytes have been taken."""
        self._drop(address, size)
        self._ranges = sorted([*self._ranges, (address, address + size)])

    def unmapped(self, address: int, size: int) -> None:
        """A range isn't mapped any more, where it was."""
        self.give(self.held(address, size))
        self._drop(address, size)

    def moved(self, old: int, old_size: int, new: int, new_size: int) -> None:
        """A range is elsewhere; what it has more has been taken."""
        self._drop(old, old_size)
        self.mapped(new, new_size)

    def _drop(self, address: int, size: int) -> None:
        kept: list[tuple[int, int]] = []
        for begin, end in self._ranges:
            kept += [
                part for part in ((begin, min(end, address)), (max(begin, address + size), end)) if part[0] < part[1]
            ]
        self._ranges = kept
