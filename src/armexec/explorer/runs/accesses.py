"""The accesses of a run to memory: which instruction reads or writes which bytes."""

from __future__ import annotations

from array import array

__all__ = ["MODES", "Accesses"]

_READ, _WRITE = 1, 2
MODES = {"r": _READ, "w": _WRITE, "rw": _READ | _WRITE}
"""What is watched, as for `Session.watch`."""


class Accesses:
    """Accesses in the order of their times. A time is that at which the instruction was next."""

    def __init__(self) -> None:
        self._times = array("Q")
        self._addresses = array("Q")
        self._sizes = array("Q")
        self._kinds = array("B")

    def add(self, time: int, kind: str, address: int, size: int) -> None:
        """Note an access; `kind` is "read" or "write"."""
        self._times.append(time)
        self._addresses.append(address)
        self._sizes.append(size)
        self._kinds.append(_READ if kind == "read" else _WRITE)

    def times(self, address: int, size: int, mode: str) -> list[int]:
        """The times of the instructions that access one of some bytes, in order."""
        if not self._times:
            return []
        import numpy as np

        begins, sizes = np.frombuffer(self._addresses, np.uint64), np.frombuffer(self._sizes, np.uint64)
        kinds, times = np.frombuffer(self._kinds, np.uint8), np.frombuffer(self._times, np.uint64)
        # Differences, since an end may be the end of all addresses.
        first = np.uint64(address)
        overlap = ((begins >= first) & (begins - first < np.uint64(size))) | (
            (begins < first) & (first - begins < sizes)
        )
        found = np.unique(times[overlap & (kinds & MODES[mode] != 0)])
        return [int(time) for time in found.tolist()]

    def has_write(self, time: int, address: int, size: int) -> bool:
        """Whether the instruction of a time writes one of some bytes."""
        return time in self.times(address, size, "w")
