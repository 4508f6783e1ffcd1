"""What is mapped where, in pages of 4 KiB, and in which memory of the host it is."""

from __future__ import annotations

import ctypes
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from armexec.errors import HostError
from armexec.memory import AccessError, Protection
from armexec.memory.guest.page_table import LIMIT, PAGE

__all__ = ["Mapping", "Mappings", "Unmapped"]


class Unmapped(AccessError):
    """An address of the guest where nothing is mapped. `access` is "read", "write" or "execute"."""

    def __init__(self, address: int, access: str) -> None:
        super().__init__(address, access)
        self.args = (f"nothing is mapped at 0x{address:x}",)


@dataclass(frozen=True)
class Mapping:
    """Addresses from `begin` to `end` with one protection. `host` is where `begin` is in the host's memory.

    `region` is what the memory lives in, which is freed when no mapping refers to it.
    """

    begin: int
    end: int
    protection: Protection
    host: int
    region: object

    def part(self, begin: int, end: int) -> Mapping:
        """What of it is between two addresses."""
        first, last = max(self.begin, begin), min(self.end, end)
        return replace(self, begin=first, end=last, host=self.host + first - self.begin)


class Mappings:
    """Mappings in the order of their addresses; none overlap."""

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._mappings: list[Mapping] = []

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._mappings)

    def find(self, address: int) -> Mapping | None:
        """The mapping that an address is in."""
        index = bisect_right(self._begins, address) - 1
        if index < 0:
            return None
        found = self._mappings[index]
        return found if address < found.end else None

    def overlapping(self, begin: int, end: int) -> list[Mapping]:
        """The mappings that are partly or wholly between two addresses."""
        first = max(bisect_right(self._begins, begin) - 1, 0)
        last = bisect_left(self._begins, end)
        return [mapping for mapping in self._mappings[first:last] if mapping.end > begin]

    def replace(self, begin: int, end: int, parts: list[Mapping]) -> None:
        """Put these mappings where others are between two addresses."""
        old = self.overlapping(begin, end)
        kept = [mapping.part(0, begin) for mapping in old if mapping.begin < begin]
        kept += [mapping.part(end, LIMIT) for mapping in old if mapping.end > end]
        gone = set(map(id, old))
        self._mappings = sorted(
            [*(m for m in self._mappings if id(m) not in gone), *kept, *parts], key=lambda mapping: mapping.begin
        )
        self._begins = [mapping.begin for mapping in self._mappings]

    def gap(self, size: int, start: int) -> int:
        """An address from `start` on where `size` bytes are free, with a free page on either side."""
        at = start
        for mapping in self._mappings:
            if mapping.begin >= at + size + PAGE:
                break
            at = max(at, mapping.end + PAGE)
        if at + size > LIMIT:
            raise HostError(f"the address space has no room for {size} bytes")
        return at

    def pieces(
        self, address: int, size: int, access: str, needed: Protection = Protection.NONE
    ) -> list[tuple[int, int]]:
        """Where some bytes are in the host's memory: the address and size of each piece.

        Raises:
            Unmapped: nothing is mapped at one of them.
            AccessError: one of the mappings doesn't have the protection that is needed.
        """
        found = []
        while size > 0:
            mapping = self.find(address)
            if mapping is None:
                raise Unmapped(address, access)
            if needed not in mapping.protection:
                raise AccessError(address, access)
            length = min(size, mapping.end - address)
            found.append((mapping.host + address - mapping.begin, length))
            address += length
            size -= length
        return found

    def read(self, address: int, size: int, needed: Protection = Protection.NONE, access: str = "read") -> bytes:
        """Some bytes. Raises as `pieces` does."""
        pieces = self.pieces(address, size, access, needed)
        if len(pieces) == 1:
            return ctypes.string_at(*pieces[0])
        return b"".join(ctypes.string_at(*piece) for piece in pieces)

    def write(self, address: int, data: bytes, needed: Protection = Protection.NONE) -> None:
        """Change some bytes: all, or none if this raises, as `pieces` does."""
        at = 0
        for host, length in self.pieces(address, len(data), "write", needed):
            ctypes.memmove(host, data[at : at + length], length)
            at += length
