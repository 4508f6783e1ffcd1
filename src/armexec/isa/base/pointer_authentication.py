"""Pointer authentication in a process whose keys the system leaves disabled.

macOS does that for plain arm64 processes, so signing and authenticating leave a pointer as it is, and the
combined branches (RETAA, BRAA ...) are plain branches. What can still be seen is stripping and PACGA, whose
result the architecture leaves to the implementation.
"""

from __future__ import annotations

from ..machine import Machine
from ..values import Value

__all__ = ["ADDRESS_BITS", "sign_generic", "strip"]

ADDRESS_BITS = 48
"""Bits of a virtual address; bit 55 says which half of the address space it is in."""


def strip(m: Machine, pointer: Value) -> Value:
    """XPACI and XPACD: the address, with bit 55 copied to all bits above it."""
    above = (1 << 64) - (1 << ADDRESS_BITS)
    upper: Value = m.select(pointer.bits(55, 1), pointer | above, pointer & ~above)
    return upper


def sign_generic(pointer: Value, modifier: Value) -> Value:
    """PACGA: a code in bits 63:32, zeros below.

    The code is the upper half of the finalizer of SplitMix64 (Steele, Lea, Flood: "Fast Splittable
    Pseudorandom Number Generators", OOPSLA 2014, mix64variant13) over
    pointer + 3 * ror(modifier, 32) + 0x9E3779B97F4A7C15: every bit of both operands reaches it, and it is the
    same in every run. It is no secret, so it protects nothing.
    """
    mixed = pointer + modifier.ror(32) * 3 + 0x9E3779B97F4A7C15
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB
    mixed = mixed ^ mixed >> 31
    return mixed & 0xFFFF_FFFF_0000_0000
