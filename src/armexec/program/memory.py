"""The memory of a program that runs at the host's own addresses."""

from __future__ import annotations

from armexec.memory import EXECUTABLE_RANGES, HostMemory, Mappings, Protection

__all__ = ["ProgramMemory"]

_LETTERS = {"r": Protection.READ, "w": Protection.WRITE, "x": Protection.EXECUTE}


class ProgramMemory:
    """The process's memory, of which a program maps its own part; see `GuestMemory`. It may be "rwx", too: the host
    never executes it."""

    def __init__(self) -> None:
        self._memory = HostMemory()
        self._mappings = Mappings()

    def read(self, address: int, size: int) -> bytes:
        return self._memory.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        self._memory.write(address, data)
        EXECUTABLE_RANGES.changed(address, address + len(data))

    def map(self, address: int | None, size: int, protection: str) -> int:
        return self._mappings.map(address, size, _protection(protection))

    def unmap(self, address: int, size: int) -> None:
        self._mappings.unmap(address, size)

    def protect(self, address: int, size: int, protection: str) -> None:
        self._mappings.protect(address, size, _protection(protection))

    def close(self) -> None:
        """Free what the program has mapped."""
        self._mappings.close()


def _protection(text: str) -> Protection:
    found = Protection.NONE
    for letter in text:
        found |= _LETTERS[letter]
    return found
