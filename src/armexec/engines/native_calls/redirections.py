"""Native functions in whose place others are called.

A branch to a veneer near the image takes the place of a function's first instruction. That instruction is kept there,
too, moved so that it does the same, with a branch to the second: there the original is called. Branches that the
function makes to its own beginning go there as well, so what it calls of itself isn't redirected.

Pages of code are exchanged as wholes (memory/fixed_pages.py), so other threads may run them meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping

from armexec.engines.native_calls.code_ranges import code_ranges
from armexec.errors import HostError
from armexec.memory import Region, page_size
from armexec.memory.fixed_pages import FixedPages, exchange
from armexec.objects import Image
from armexec.objects.image import FunctionSymbol

__all__ = ["Redirections", "moved", "retargeted"]

_SLOT = 32
"""Bytes of a veneer: a branch to the replacement, and from `_ORIGINAL` on the first instruction."""
_ORIGINAL = 16
_TO_REPLACEMENT = (0x5800_0050, 0xD61F_0200)
"""`ldr x16, .+8; br x16`, before the address. X16 is what AAPCS64 leaves to such code."""
_B = 0x1400_0000
_MASK = (1 << 64) - 1
_REACH, _STEP = 120 << 20, 1 << 20
"""Bytes that B reaches, with some to spare; and between two places that are tried."""


class Redirections:
    """Those of one image."""

    def __init__(self, image: Image, region: Region) -> None:
        self._image = image
        self._base = region.address
        self._size = region.size
        self._pages: FixedPages | None = None
        self._veneers = 0
        self._content = bytearray(page_size())
        self._slots: dict[int, int] = {}
        """Addresses of veneers by the offset of the function."""
        self._targets: dict[int, int] = {}
        self._kept: dict[int, dict[int, int]] = {}
        """The words that were where others are now, by the offset of the function, and by address."""

    def original(self, offset: int) -> int:
        """Where the function at an offset is called by Python."""
        return self._slots[offset] + _ORIGINAL if offset in self._kept else self._base + offset

    @property
    def targets(self) -> Mapping[int, int]:
        """By the addresses of functions in whose place others are called, the addresses of those."""
        return {self._base + offset: target for offset, target in self._targets.items()}

    @property
    def words(self) -> Mapping[int, int]:
        """The words that were where others are now, by address."""
        return {address: word for kept in self._kept.values() for address, word in kept.items()}

    def function_of(self, address: int) -> int | None:
        """The function whose `original` has an address; None for other addresses."""
        found = (offset for offset in self._kept if self.original(offset) == address)
        return next((self._base + offset for offset in found), None)

    def redirect(self, offset: int, target: int | None) -> None:
        """See `LoadedImage.redirect`. Raises HostError."""
        if target is None:
            kept = self._kept.get(offset, {})
            # The function's beginning first: until then, its own branches have to go to the original.
            for address in sorted(kept, key=lambda address: address != self._base + offset):
                _write(address, kept[address])
            self._kept.pop(offset, None)
            self._targets.pop(offset, None)
            return
        if offset in self._kept:
            self._fill(offset, target, None)
            self._targets[offset] = target
            return
        function = self._function(offset)
        pc, slot = self._base + offset, self._slot(offset)
        words = self._words(function)
        changed: dict[int, int] = {}
        for address, word in words.items():
            if address != pc and _target(word, address) == pc:
                changed[address] = retargeted(word, address, slot + _ORIGINAL)
        first = moved(words[pc], pc, slot + _ORIGINAL)
        if _target(words[pc], pc) == pc:
            first = [retargeted(words[pc], slot + _ORIGINAL, slot + _ORIGINAL), _branch(slot + 4 + _ORIGINAL, pc + 4)]
        self._fill(offset, target, first)
        self._kept[offset] = {address: words[address] for address in (*changed, pc)}
        for address, word in changed.items():
            _write(address, word)
        _write(pc, _branch(pc, slot))
        self._targets[offset] = target

    def _function(self, offset: int) -> FunctionSymbol:
        image = self._image
        function = next((f for f in image.functions if f.offset == offset), None)
        if function is None or function.extent < 4:
            raise HostError(f"{image.name}: there is no function at offset 0x{offset:x} to replace")
        if image.format == "elf" and not image.marks:
            raise HostError(
                f"{image.name}: no mapping symbols tell which words are instructions (is it stripped?), so the engine"
                " 'native' can't replace its functions: use 'translated'"
            )
        return function

    def _words(self, function: FunctionSymbol) -> dict[int, int]:
        """The instructions of a function as they are now, by address."""
        from armexec.memory import HostMemory

        begin, end = function.offset, function.offset + function.extent
        code = HostMemory().read(self._base + begin, end - begin)
        data = self._image.data_ranges(begin, end)
        return {
            self._base + at: int.from_bytes(code[at - begin : at - begin + 4], "little")
            for at in range(begin, end - 3, 4)
            if not any(first <= at < last for first, last in data)
        }

    def _slot(self, offset: int) -> int:
        if self._pages is None:
            pages = FixedPages()
            size = page_size()
            self._veneers = self._near(pages, size)
            pages.map(self._veneers, size)
            code_ranges.add(self._veneers, self._veneers + size, pages)
            self._pages = pages
        if offset not in self._slots:
            if (len(self._slots) + 1) * _SLOT > len(self._content):
                raise HostError(
                    f"{self._image.name}: the engine 'native' can't replace more than {len(self._slots)} functions: use"
                    " 'translated'"
                )
            self._slots[offset] = self._veneers + len(self._slots) * _SLOT
        return self._slots[offset]

    def _near(self, pages: FixedPages, size: int) -> int:
        """An address that branches reach from the image, and back. Raises HostError."""
        for distance in range(0, _REACH, _STEP):
            for wanted in (self._base + self._size + distance, self._base - size - distance):
                found = pages.room(size, wanted) if wanted > 0 else 0
                if self._base + self._size - _REACH < found < self._base + _REACH:
                    return found
        raise HostError(
            f"{self._image.name}: this process has no room near its code, which the engine 'native' needs to replace"
            " functions: use 'translated'"
        )

    def _fill(self, offset: int, target: int, first: list[int] | None) -> None:
        slot = self._slots[offset] - self._veneers
        words = b"".join(word.to_bytes(4, "little") for word in _TO_REPLACEMENT)
        self._content[slot : slot + _ORIGINAL] = words + target.to_bytes(8, "little")
        if first is not None:
            code = b"".join(word.to_bytes(4, "little") for word in first)
            self._content[slot + _ORIGINAL : slot + _ORIGINAL + len(code)] = code
        exchange(self._veneers, bytes(self._content))


def _write(address: int, word: int) -> None:
    """Change an instruction, in a page that is exchanged."""
    from armexec.memory import HostMemory

    size = page_size()
    page = address // size * size
    content = bytearray(HostMemory().read(page, size))
    content[address - page : address - page + 4] = word.to_bytes(4, "little")
    exchange(page, bytes(content))


# Instructions that branch to a place of their own (Arm ARM C4.1): mask, value, and the position and the number of the
# bits that have the distance in words.
_BRANCHES = (
    (0x7C00_0000, 0x1400_0000, 0, 26),  # B, BL
    (0xFF00_0000, 0x5400_0000, 5, 19),  # B.cond, BC.cond
    (0x7E00_0000, 0x3400_0000, 5, 19),  # CBZ, CBNZ
    (0x7E00_0000, 0x3600_0000, 5, 14),  # TBZ, TBNZ
)


def _field(word: int) -> tuple[int, int] | None:
    return next((place for mask, value, *place in _BRANCHES if word & mask == value), None)  # type: ignore[return-value]


def _signed(value: int, bits: int) -> int:
    return (value & (1 << bits) - 1) - ((value & 1 << bits - 1) << 1)


def _target(word: int, pc: int) -> int | None:
    """Where a direct branch goes; None for other instructions."""
    field = _field(word)
    return None if field is None else pc + 4 * _signed(word >> field[0], field[1]) & _MASK


def retargeted(word: int, pc: int, target: int) -> int:
    """A direct branch at `pc` that goes elsewhere. Raises HostError where it doesn't reach."""
    field = _field(word)
    assert field is not None
    at, bits = field
    distance = (target - pc) // 4
    if not -(1 << bits - 1) <= distance < 1 << bits - 1:
        raise HostError(
            f"the engine 'native' can't replace this function: a branch at 0x{pc:x} doesn't reach from there to"
            f" 0x{target:x}; use 'translated'"
        )
    return word & ~((1 << bits) - 1 << at) | (distance & (1 << bits) - 1) << at


def _branch(pc: int, target: int) -> int:
    return retargeted(_B, pc, target)


def _adrp_add(register: int, pc: int, target: int) -> list[int]:
    """`adrp` and `add`, at `pc`, of an address."""
    pages = (target >> 12) - (pc >> 12)
    adrp = 0x9000_0000 | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5 | register
    return [adrp, 0x9100_0000 | (target & 0xFFF) << 10 | register << 5 | register]


def moved(word: int, pc: int, to: int) -> list[int]:
    """Instructions at `to` that do what the one at `pc` does, and go on where it does: four at most.

    Raises:
        HostError: there are none for it, or they don't reach.
    """
    register = word & 31
    branch = _target(word, pc)
    if branch is not None:
        if word & 0xFC00_0000 == _B:
            return [_branch(to, branch)]
        if word & 0xFC00_0000 == _B | 1 << 31:
            return [*_adrp_add(30, to, pc + 4), _branch(to + 8, branch)]
        return [retargeted(word, to, to + 8), _branch(to + 4, pc + 4), _branch(to + 8, branch)]
    if word & 0x1F00_0000 == 0x1000_0000:
        immediate = _signed((word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3, 21)
        # ADR, or ADRP.
        address = (pc & ~0xFFF) + (immediate << 12) if word >> 31 else pc + immediate
        return [*_adrp_add(register, to, address), _branch(to + 8, pc + 4)]
    if word & 0x3B00_0000 == 0x1800_0000:
        address = pc + 4 * _signed(word >> 5, 19)
        load = {0x1800_0000: 0xB940_0000, 0x5800_0000: 0xF940_0000, 0x9800_0000: 0xB980_0000}.get(word & 0xFF00_0000)
        if load is None:
            raise HostError(
                f"the engine 'native' can't replace this function: it begins with a load of a literal, at 0x{pc:x};"
                " use 'translated'"
            )
        return [*_adrp_add(register, to, address), load | register << 5 | register, _branch(to + 12, pc + 4)]
    return [word, _branch(to + 4, pc + 4)]
