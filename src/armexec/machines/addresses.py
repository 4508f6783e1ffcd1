"""Addresses of data, and lines of caches. This file imports nothing: every run needs it."""

from __future__ import annotations

__all__ = ["CACHE_LINE", "without_tag"]

CACHE_LINE = 64
"""Bytes of a line of the caches, as CTR_EL0 says."""

_TAG = 56


def without_tag(address: int) -> int:
    """The address that data is accessed at: the highest byte is ignored, and is as bit 55.

    Arm ARM D8.8.1, address tagging, as Linux and macOS set it up (TCR_EL1.TBI0): for data, and not for the pc.
    """
    low = address & (1 << _TAG) - 1
    return low | 0xFF << _TAG if low >> _TAG - 1 else low
