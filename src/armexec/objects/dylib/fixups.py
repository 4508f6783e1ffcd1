"""What the dynamic linker writes into a dynamic library: addresses in it, and those of symbols."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FLAT_LOOKUP", "SELF", "WEAK_LOOKUP", "Bind", "Fixup", "Rebase"]

SELF, FLAT_LOOKUP, WEAK_LOOKUP = 0, -2, -3
"""Ordinals of no dependency: the library itself; all libraries; all, for what C++ defines in several."""


class Rebase(NamedTuple):
    """A word of 64 bits at `address` that becomes the address of `target`; both are addresses in the file."""

    address: int
    target: int


class Bind(NamedTuple):
    """A word of 64 bits at `address` that becomes the address of a symbol plus `addend`.

    `ordinal` is the number of the dependency that defines it, from 1, or one of the others. A `weak` one may be
    missing.
    """

    address: int
    name: str
    ordinal: int
    addend: int = 0
    weak: bool = False


Fixup = Rebase | Bind
