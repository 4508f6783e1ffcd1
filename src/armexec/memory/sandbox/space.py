"""The addresses of a sandbox: which are taken."""

from __future__ import annotations

from bisect import insort

from ...errors import HostError
from ...forks import renew
from .layout import FIRST, FUNCTIONS

__all__ = ["Space"]


class Space:
    """The addresses of a sandbox that are taken, as sorted ranges of whole pages: first address, end."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        self._lock = renew(self)

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
                kept += (
                    [part for part in parts if part[0] < part[1]] if first < end and address < last else [(first, last)]
                )
            self._ranges = sorted(kept)
