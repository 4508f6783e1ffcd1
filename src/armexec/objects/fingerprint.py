"""The fingerprint of an image, which doesn't depend on where it is mapped: the guest's part of a translation's key."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import NamedTuple

from armexec.errors import LoadError
from armexec.objects.image import Image, Resolve

__all__ = ["Fingerprint", "fingerprint"]

# Two bases that have no sixteen bits in common, as relocations of `movz` and `movk` take them.
_BASES = (0x2AAA_5554_0000, 0x5555_AAA8_0000)


# Addresses for what isn't in the image: they are others in each process.
_OUTSIDE = (0x1555_2AAA_0000, 0x2AAA_1554_8000)


class Fingerprint(NamedTuple):
    """The digest of an image's code and constants, and the offsets of the words of code that depend on addresses."""

    digest: bytes
    address_dependent: Collection[int]


def fingerprint(image: Image, resolve: Resolve) -> Fingerprint | None:
    """The fingerprint of an image, or None if it can't be placed at any base.

    The image is relocated for two arbitrary bases, and for two addresses of all that `resolve` finds. Words that differ
    depend on these. Instructions among them are reported, since a translation of them fits one process only. Addresses
    in constants aren't: translated code reads them when it runs, or has them relative to the image (jump tables).
    """
    try:
        first, second = (
            image.place(base - base % image.align, _somewhere(resolve, outside))
            for base, outside in zip(_BASES, _OUTSIDE, strict=True)
        )
    except LoadError:
        return None
    digest = hashlib.sha256()
    dependent: set[int] = set()
    for segment, (offset, data), (_, other) in zip(image.segments, first, second, strict=True):
        constant = b"" if segment.writable else data
        digest.update(f"{offset} {segment.size} {segment.executable} {segment.writable} {len(constant)}\n".encode())
        digest.update(constant)
        if segment.executable and data != other:
            dependent.update(offset + at for at in range(0, len(data), 4) if data[at : at + 4] != other[at : at + 4])
    # Indirect calls are compared with the address-taken functions.
    for relocation in image.relocations:
        symbol = image.symbols[relocation.symbol]
        at = symbol.offset
        if not symbol.defined and image.linkage_name(symbol) in image.imported:
            # It is reached directly or by a veneer, as far as it is.
            dependent.add(relocation.offset & -4)
        digest.update(f"{relocation.type} {at} {relocation.addend}\n".encode())
    digest.update(repr([function.offset for function in image.functions]).encode())
    return Fingerprint(digest.digest(), dependent)


def _somewhere(resolve: Resolve, address: int) -> Resolve:
    """An address for all that `resolve` finds."""
    return lambda name: None if resolve(name) is None else address
