"""What stores have overwritten, so that they can be undone."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

__all__ = ["Overwritten", "WriteLog"]

_Array: TypeAlias = Any
"""An array of NumPy, which is imported where it is needed."""
_MANY = 200
"""So many entries are undone together."""


@dataclass(frozen=True)
class Overwritten:
    """What the stores of many instructions have overwritten, once for each address and size, in the order in which they
    were first stored to.

    `first`, `last`: the times of the first and the last store. `sizes`: bytes of each. `data`: all of these bytes as
    they were before the first store.
    """

    first: _Array
    last: _Array
    addresses: _Array
    sizes: _Array
    data: bytes


class WriteLog:
    """Overwritten bytes, each with the time of the instruction that did it. Times never fall from one to the next.

    Of many instructions that come at once there is one entry for each address and size. It can't be undone by halves.
    """

    def __init__(self) -> None:
        self._times = array("Q")
        # When the last of these stores was made.
        self._last = array("Q")
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
        self._last.append(time)
        self._addresses.append(address)
        self._ends.append(len(self._bytes))

    def extend(self, stores: Overwritten) -> None:
        """Note what many stores have overwritten, which came after all that is here."""
        import numpy as np

        ends = np.cumsum(stores.sizes).astype(np.uint64) + np.uint64(len(self._bytes))
        self._bytes += stores.data
        for column, added in (
            (self._times, stores.first),
            (self._last, stores.last),
            (self._addresses, stores.addresses),
            (self._ends, ends),
        ):
            column.frombytes(added.astype(np.uint64).tobytes())

    def undo(self, time: int, write: Callable[[int, bytes], None]) -> None:
        """Put back what was overwritten at `time` and later, the last first, by `write(address, data)`."""
        times = self._times
        begin = bisect_left(times, time)
        if len(times) - begin >= _MANY:
            self._undo_many(begin, write)
            self.cut(begin)
        while len(times) > begin:
            write(*self.entry(len(times) - 1))
            # An exception of `write` leaves the entry.
            self.cut(len(times) - 1)

    def _undo_many(self, begin: int, write: Callable[[int, bytes], None]) -> None:
        """Put back what entries have, in few writes: each byte as the first of them has it."""
        import numpy as np

        addresses, ends = (
            np.frombuffer(column, np.uint64).astype(np.int64) for column in (self._addresses, self._ends)
        )
        starts = np.concatenate([[0], ends[:-1]])[begin:]
        addresses, sizes = addresses[begin:], ends[begin:] - starts
        order = np.lexsort((np.arange(len(addresses)), sizes, addresses))
        same = (np.diff(addresses[order]) == 0) & (np.diff(sizes[order]) == 0)
        chosen = order[np.concatenate([[True], ~same])]
        address, size, start = addresses[chosen], sizes[chosen], starts[chosen]
        reach = np.maximum.accumulate(address + size)
        # Entries that touch are written together.
        apart = np.flatnonzero(address[1:] > reach[:-1]) + 1
        edges = [0, *apart.tolist(), len(chosen)]
        overlaps = np.concatenate([[False], address[1:] < reach[:-1]])
        some = np.concatenate([[0], np.cumsum(overlaps)])
        content = self._bytes
        for first, last in pairwise(edges):
            if some[last] == some[first]:
                parts = zip(start[first:last].tolist(), size[first:last].tolist(), strict=True)
                write(int(address[first]), b"".join(content[at : at + length] for at, length in parts))
                continue
            base = int(address[first])
            memory = bytearray(int(reach[last - 1]) - base)
            # The first of all is the last to be put back.
            for n in (first + np.argsort(-chosen[first:last])).tolist():
                at, where, length = int(start[n]), int(address[n]) - base, int(size[n])
                memory[where : where + length] = content[at : at + length]
            write(base, bytes(memory))

    def cut(self, length: int) -> None:
        """Forget the entries from a number on."""
        end = self._ends[length - 1] if length else 0
        for column in (self._times, self._last, self._addresses, self._ends):
            del column[length:]
        del self._bytes[end:]

    def entry(self, index: int) -> tuple[int, bytes]:
        """The address and the bytes of an entry."""
        begin = self._ends[index - 1] if index else 0
        return self._addresses[index], bytes(self._bytes[begin : self._ends[index]])

    def written_since(self, index: int) -> list[tuple[int, bytes]]:
        """The entries from a number on."""
        return [self.entry(n) for n in range(index, len(self))]

    def last_time(self, address: int, size: int) -> int | None:
        """The time of the last store to one of the bytes, None if there is none."""
        import numpy as np

        last, addresses, ends = (
            np.frombuffer(column, np.uint64) for column in (self._last, self._addresses, self._ends)
        )
        begin, end = np.uint64(address), np.uint64(address + size)
        sizes = np.diff(ends, prepend=np.uint64(0))
        found = last[(addresses < end) & (addresses + sizes > begin)]
        latest = int(found.max()) if len(found) else None
        # An array with a view can't grow.
        del last, addresses, ends
        return latest
