"""What stores have overwritten, so that they can be undone."""

from __future__ import annotations

from array import array
from collections.abc import Callable

__all__ = ["WriteLog"]


class WriteLog:
    """Overwritten bytes, each with the time of the instruction that did it. Times never fall from one to the next."""

    def __init__(self) -> None:
        self._times = array("Q")
        self._addresses = array("Q")
        # Where the bytes of each end in `_bytes`.
        self._ends = array("Q")
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._times)

    def add(self, time: int, address: int, overwritten: bytes) -> None:
        """Note what a store is about to overwrite."""
        self._bytes += overwritten
        self._times.append(time)
        self._addresses.append(address)
        self._ends.append(len(self._bytes))

    def undo(self, time: int, write: Callable[[int, bytes], None]) -> None:
        """Put back what was overwritten at `time` and later, the last first, by `write(address, data)`."""
        times = self._times
        while times and times[-1] >= time:
            address, data = self.entry(len(times) - 1)
            write(address, data)
            # An exception of `write` leaves the entry.
            del self._bytes[len(self._bytes) - len(data) :]
            times.pop()
            self._addresses.pop()
            self._ends.pop()

    def entry(self, index: int) -> tuple[int, bytes]:
        """The address and the bytes of an entry."""
        begin = self._ends[index - 1] if index else 0
        return self._addresses[index], bytes(self._bytes[begin : self._ends[index]])

    def written_since(self, index: int) -> list[tuple[int, bytes]]:
        """The entries from a number on."""
        return [self.entry(n) for n in range(index, len(self))]

    def last_time(self, address: int, size: int) -> int | None:
        """The time of the last store to one of the bytes, None if there is none."""
        for index in range(len(self) - 1, -1, -1):
            begin = self._addresses[index]
            length = self._ends[index] - (self._ends[index - 1] if index else 0)
            if begin < address + size and address < begin + length:
                return self._times[index]
        return None
