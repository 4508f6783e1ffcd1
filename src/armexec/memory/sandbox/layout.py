"""How the 4 GiB of a sandbox are laid out, by the guest's addresses, which are offsets of 32 bits.

    0          never mapped: null pointers
    FIRST      the image, then what Python lends, and what the guest maps itself; stacks from above
    FUNCTIONS  addresses of functions of Python, where nothing is mapped
    LAST       never mapped

Before and behind it are `GUARD` bytes that are reserved too. Translated code adds displacements of less than 64 KiB
behind the mask (`machines/llvm/memory.py`), so as much is never mapped at both ends.
"""

from __future__ import annotations

__all__ = ["FIRST", "FUNCTIONS", "GUARD", "LAST", "LOW", "SIZE"]

SIZE = 1 << 32
"""Bytes of a sandbox."""
FIRST = 1 << 16
"""The first address that may be mapped."""
FUNCTIONS = 0xF000_0000
"""The first address of functions of Python, which is the end of what may be mapped."""
LAST = SIZE - (1 << 16)
"""The end of the addresses that mean anything."""
GUARD = 1 << 28
"""Reserved bytes before a sandbox, and behind it."""
LOW = SIZE - 1
"""The bits of an address that count."""
