"""The memory of a program: this process's, or that of a sandbox."""

from __future__ import annotations

from armexec.memory import EXECUTABLE_RANGES, HostMemory, Mappings, Protection, Sandbox
from armexec.program.system_calls import Denied

__all__ = ["ProgramMemory"]

_LETTERS = {"r": Protection.READ, "w": Protection.WRITE, "x": Protection.EXECUTE}


class ProgramMemory:
    """The process's memory, or a sandbox's, of which a program maps its own part; see `GuestMemory`. It may be "rwx",
    too, without a sandbox: the host never executes it."""

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._is_sandbox = sandbox is not None
        self._memory = HostMemory() if sandbox is None else sandbox.memory
        self._mappings = Mappings() if sandbox is None else sandbox.mappings()

    def read(self, address: int, size: int) -> bytes:
        return self._memory.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        self._memory.write(address, data)
        if not self._is_sandbox:
            EXECUTABLE_RANGES.changed(address, address + len(data))

    def map(self, address: int | None, size: int, protection: str) -> int:
        return self._mappings.map(address, size, self._protection(protection))

    def unmap(self, address: int, size: int) -> None:
        self._mappings.unmap(address, size)

    def protect(self, address: int, size: int, protection: str) -> None:
        self._mappings.protect(address, size, self._protection(protection))

    def close(self) -> None:
        """Free what the program has mapped."""
        self._mappings.close()

    def _protection(self, text: str) -> Protection:
        if "x" in text and self._is_sandbox:
            raise Denied("the program makes memory executable: code that it writes itself doesn't run in a sandbox")
        found = Protection.NONE
        for letter in text:
            found |= _LETTERS[letter]
        return found
