"""Trampolines: addresses of native code that lead to a routine with an argument, without code being written for each.

A chunk of memory has two halves. The first, which is executable, has the same four words for each trampoline:

    adr x17, .+0x10000              // its data, in the other half
    ldr x16, [x17]
    br x16
    nop

The second, which is writable, has the data of each: the address of a routine, and an argument. X16 and X17 are what
AAPCS64 leaves to such code.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import cache

from armexec.forks import hold
from armexec.memory import Protection, Region, allocate

__all__ = ["HALF", "WORDS", "Trampolines", "trampolines"]

WORDS = "11000810 300240f9 00021fd6 1f2003d5"
HALF = 0x10000
"""From a trampoline to its data, in bytes: no system has larger pages."""
_SIZE = 16


class Trampolines:
    """Makes trampolines. Chunks stay mapped."""

    def __init__(self) -> None:
        self._lock = hold(threading.Lock())
        self._chunks: dict[int, Region] = {}
        self._free: deque[int] = deque()

    def take(self, routine: int, argument: int) -> int:
        """The address of a trampoline that jumps to a routine, with the address of its data in X17.

        Raises:
            HostError: the host gives no executable memory.
        """
        with self._lock:
            if not self._free:
                self._add_chunk()
            address = self._free.popleft()
        self._data(address).write(address % HALF + HALF, routine.to_bytes(8, "little") + argument.to_bytes(8, "little"))
        return address

    def give_back(self, address: int) -> None:
        """Let another get a trampoline that nobody calls any more. It needs no lock: finalizers call it."""
        self._free.append(address)

    def routine(self, address: int) -> int:
        """The routine that an address leads to; 0 where no trampoline was taken."""
        region = self._chunks.get(address // (2 * HALF) * (2 * HALF))
        at = address % (2 * HALF)
        return 0 if region is None or at >= HALF or at % _SIZE else int.from_bytes(region.read(at + HALF, 8), "little")

    def _data(self, address: int) -> Region:
        return self._chunks[address - address % HALF]

    def _add_chunk(self) -> None:
        region = allocate(2 * HALF, executable=True, align=2 * HALF)
        region.write(0, bytes.fromhex(WORDS) * (HALF // _SIZE))
        read = Protection.READ
        region.seal([(0, HALF, read | Protection.EXECUTE), (HALF, HALF, read | Protection.WRITE)])
        self._chunks[region.address] = region
        self._free.extend(range(region.address, region.address + HALF, _SIZE))


@cache
def trampolines() -> Trampolines:
    """Those of this process."""
    return Trampolines()
