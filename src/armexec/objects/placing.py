"""The segments of an image at an address: relocated, with traps in the place of undefined symbols.

Source: ELF for the Arm 64-bit Architecture (AAELF64), "Relocation".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

from armexec.objects.layout import HOLE, Layout, Relocation, Symbol
from armexec.objects.relocations import BRANCHES, PAGE_TYPES, OutOfRange, RelocationType, apply, field_size

__all__ = ["Missing", "MissingSymbols", "Unreachable", "place"]


class Unreachable(Exception):
    """A relocation whose target doesn't fit; `why` says how."""

    def __init__(self, relocation: Relocation, why: OutOfRange) -> None:
        super().__init__(relocation, why)
        self.relocation = relocation
        self.why = why


def place(
    layout: Layout, base: int, address_of: Callable[[int], int | None], leave: int | None = None
) -> list[tuple[int, bytes]]:
    """Each segment's offset and final bytes at address `base`.

    `address_of` gives the address of a symbol by its index, None for an undefined one. Branches to an undefined symbol,
    and references to thread-local variables, go to `leave`, with X30 4 bytes past the stub or the reference; without
    `leave` they meet UDF. Raises Unreachable.
    """
    buffers = [bytearray(s.data) for s in layout.segments]
    starts = [s.offset for s in layout.segments]
    veneers: dict[int, int] = {}
    got = base + layout.got
    for r in layout.relocations:
        i = bisect_right(starts, r.offset) - 1
        data, at = buffers[i], r.offset - starts[i]
        address = address_of(r.symbol)
        instead = layout.stubs.get(r.offset, layout.holes.get(r.symbol)) if address is None else None
        if r.got is not None:
            target = base + r.got
        elif instead is not None:
            target = base + instead
        elif address is None:
            if _bind_null(data, at, r.type):
                continue
            target = r.addend
        else:
            target = address + r.addend
        if r.minus is not None:
            target -= address_of(r.minus) or 0
        try:
            try:
                apply(data, at, r.type, target, base + r.offset, got)
            except OutOfRange:
                if instead is not None and r.type not in BRANCHES:
                    # UDF in code; 0 in data too small for an address.
                    size = field_size(r.type)
                    data[at : at + size] = bytes(size)
                    continue
                if r.symbol not in layout.veneers or r.addend:
                    raise
                veneers[r.symbol] = target
                apply(data, at, r.type, base + layout.veneers[r.symbol], base + r.offset, got)
        except OutOfRange as why:
            raise Unreachable(r, why) from None
    written = {layout.veneers[symbol]: target for symbol, target in veneers.items()}
    if leave is not None and layout.exit:
        written[layout.exit] = leave
        references = [r.offset for r in layout.relocations if r.type == RelocationType.TLS]
        for offset in (*layout.stubs.values(), *references):
            i = bisect_right(starts, offset) - 1
            buffers[i][offset - starts[i] + 3] = 0x94  # bl
            apply(buffers[i], offset - starts[i], RelocationType.CALL26, layout.exit, offset, 0)
    for offset, target in written.items():
        i = bisect_right(starts, offset) - 1
        at = offset - starts[i]
        # ldr x16, .+8; br x16: IP0 is what AAPCS64 leaves to veneers.
        buffers[i][at : at + 16] = bytes.fromhex("50000058 00021fd6") + target.to_bytes(8, "little")
    return [(s.offset, bytes(b)) for s, b in zip(layout.segments, buffers, strict=True)]


def _bind_null(data: bytearray, at: int, type: RelocationType) -> bool:
    """Relocate a reference to an undefined weak symbol, if its field can't just hold the value 0.

    By AAELF64 a branch goes to the next instruction. ADR and ADRP can't reach 0, and become `movz Xd, 0`.
    """
    if type in BRANCHES:
        apply(data, at, type, 4, 0, 0)
        return True
    if type in PAGE_TYPES:
        data[at : at + 4] = (0xD2800000 | data[at] & 0x1F).to_bytes(4, "little")
        return True
    return False


class Missing(NamedTuple):
    """A symbol without a definition, with the offset of the instruction that refers to it, if known, and the type of
    the relocation there.
    """

    symbol: Symbol
    referrer: int | None
    type: RelocationType | None = None

    @property
    def is_branch(self) -> bool:
        return self.type in BRANCHES

    @property
    def is_thread_local(self) -> bool:
        """Whether it is a thread-local variable that isn't defined, or of a model that armexec doesn't support."""
        return self.type == RelocationType.TLS


class MissingSymbols:
    """The undefined symbols of an image, by the places that stand for them."""

    def __init__(self, layout: Layout) -> None:
        symbols = layout.symbols
        self.are_executed = layout.exit != 0
        """Whether some of the places are instructions that the processor would execute."""
        # The references to such symbols by their offsets; some of the instructions are UDF instead.
        # Of calls through a pointer (a procedure linkage table's) the caller isn't known.
        self._sites = {
            r.offset: Missing(symbols[r.symbol], None, RelocationType.JUMP26)
            if r.offset in layout.stubs and r.type not in BRANCHES
            else Missing(symbols[r.symbol], r.offset, r.type)
            for r in layout.relocations
            if r.offset in layout.stubs or r.symbol in layout.holes or r.type == RelocationType.TLS
        }
        self.stubs = {stub: site for site, stub in layout.stubs.items()}
        self._holes = sorted((offset - HOLE // 2, symbols[index]) for index, offset in layout.holes.items())

    def at(self, offset: int) -> Missing | None:
        """The undefined symbol that an offset stands for, or that the instruction there refers to."""
        site = self.stubs.get(offset, offset)
        if site in self._sites:
            return self._sites[site]
        i = bisect_right(self._holes, offset, key=lambda hole: hole[0]) - 1
        if i >= 0 and offset < self._holes[i][0] + HOLE:
            return Missing(self._holes[i][1], None)
        return None

    @property
    def names(self) -> dict[int, str]:
        """The names of undefined symbols that branches refer to, by the offsets of the stubs that they go to."""
        return {stub: self._sites[site].symbol.name for stub, site in self.stubs.items()}
