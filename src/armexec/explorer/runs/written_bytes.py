"""What a run has written to memory, by which memory at one time becomes that at another."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

__all__ = ["WrittenBytes"]


class WrittenBytes:
    """Stores in the order of their times. One of time 5 makes the memory at time 6 of that at time 5."""

    def __init__(self) -> None:
        # What is changed by hand at time 0 has the time -1.
        self._times = array("q")
        self._addresses = array("Q")
        self._ends = array("Q")
        self._old = bytearray()
        self._new = bytearray()

    def add(self, time: int, address: int, old: bytes, new: bytes) -> None:
        """Note a store, or what the host has changed."""
        self._old += old
        self._new += new
        self._times.append(time)
        self._addresses.append(address)
        self._ends.append(len(self._old))

    def moved(self, address: int, data: bytes, now: int, then: int) -> bytes:
        """Some bytes at a time, from what they are at another."""
        found, open_bytes = bytearray(data), set(range(len(data)))
        indices = self._overlapping(address, len(data), min(now, then), max(now, then), backwards=then > now)
        kept = self._new if then > now else self._old
        # The store that is nearest to the time decides about a byte.
        for index in indices:
            if not open_bytes:
                break
            begin, end = self._ends[index - 1] if index else 0, self._ends[index]
            distance = self._addresses[index] - address
            written = open_bytes & set(range(distance, distance + end - begin))
            for at in written:
                found[at] = kept[begin + at - distance]
            open_bytes -= written
        return bytes(found)

    def _overlapping(self, address: int, size: int, first: int, last: int, *, backwards: bool) -> Iterable[int]:
        """The numbers of the stores from a time on and before another that write some of these bytes."""
        if not self._times or first == last:
            return []
        import numpy as np

        times = np.frombuffer(self._times, np.int64)
        low, high = np.searchsorted(times, [first, last]).tolist()
        begins = np.frombuffer(self._addresses, np.uint64)[low:high]
        # Where each ends, and what is before the first.
        ends = np.frombuffer(self._ends, np.uint64)
        sizes = np.diff(ends[low:high], prepend=ends[low - 1] if low else np.uint64(0))
        # Differences, since an end may be the end of all addresses.
        start = np.uint64(address)
        inside = (begins >= start) & (begins - start < np.uint64(size))
        before = (begins < start) & (start - begins < sizes)
        indices = np.flatnonzero(inside | before) + low
        # Mostly, the first few are looked at.
        return map(int, indices[::-1] if backwards else indices)
