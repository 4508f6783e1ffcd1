"""From addresses of code to the frames of a backtrace."""

from __future__ import annotations

from collections.abc import Iterable

from armexec.backtraces import Backtrace, Frame
from armexec.engines.code import code_at, image_at
from armexec.memory import AccessError, HostMemory
from armexec.objects import Image
from armexec.objects.symbolize import function_name, line

__all__ = ["Images", "backtrace_of"]

_CALL_MASK, _CALL = 0xFC000000, 0x94000000
_CALL_TO_MASK, _CALL_TO = 0xFEFFF000, 0xD63F0000
"""BL; BLR, BLRAA and their like."""

_memory = HostMemory()


class Images:
    """The images that a backtrace may lead through: `image` at `base`, and all that are in memory.

    `memory` is where this process has the guest's address 0.
    """

    def __init__(self, image: Image | None, base: int, memory: int = 0) -> None:
        self._own = image, base
        self._memory = memory

    def at(self, address: int) -> tuple[Image, int] | None:
        """The image that holds an address of the guest, and the address of its offset 0."""
        image, base = self._own
        if image is not None and 0 <= address - base < image.size:
            return image, base
        found = image_at(address + self._memory)
        return None if found is None else (found[0], found[1] - self._memory)

    def is_code(self, address: int) -> bool:
        """Whether the guest may execute what is at an address."""
        found = self.at(address)
        if found is None:
            begin, end = code_at(address + self._memory)
            return begin <= address + self._memory < end
        image, base = found
        return any(s.executable and s.offset <= address - base < s.offset + len(s.data) for s in image.segments)

    def is_function(self, address: int) -> bool:
        """Whether there is code of a function at an address, and not what stands for an undefined one."""
        found = self.at(address)
        return self.is_code(address) and (found is None or address - found[1] not in found[0].missing.names)

    def word(self, address: int) -> int | None:
        """The instruction at an address, None where there is none."""
        if address & 3 or not self.is_code(address):
            return None
        try:
            return int.from_bytes(_memory.read(address + self._memory, 4), "little")
        except AccessError:
            return None

    def is_call(self, address: int) -> bool:
        """Whether there is an instruction that calls a function."""
        word = self.word(address)
        return word is not None and (word & _CALL_MASK == _CALL or word & _CALL_TO_MASK == _CALL_TO)

    def frame(self, pc: int) -> Frame:
        """The frame of the instruction at an address."""
        found = self.at(pc)
        if found is None:
            return Frame(pc)
        image, base = found
        symbol = ""
        name = image.symbol_at(pc - base)
        if name is not None:
            linkage = image.linkage_name(name[0])
            symbol = f"{linkage}+0x{name[1]:x}" if name[1] else linkage
        file, number = line(image, pc - base) or ("", 0)
        return Frame(pc, symbol, function_name(image, pc - base), file, number)


def backtrace_of(images: Images, pcs: Iterable[int], rest: str = "") -> Backtrace:
    """The backtrace of instructions, the innermost first."""
    return Backtrace([images.frame(pc) for pc in pcs], rest)
