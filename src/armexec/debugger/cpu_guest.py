"""An address space as the guest of a debugger."""

from __future__ import annotations

from armexec.cpu.cpu import Cpu
from armexec.errors import Error
from armexec.memory import AccessError
from armexec.space import AddressSpace

__all__ = ["SpaceGuest"]


class SpaceGuest:
    """The guest of an address space, with its hooks and host functions."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space
        self.scratch_code: list[tuple[int, int]] = []
        self.fetch = space.fetch
        self.read_as_guest = space.read_as_guest
        self.overwritten = space.overwritten
        self.write_as_guest = space.write_as_guest
        self.invalidate = space.invalidate
        self.hooked = space.hooked
        self.call_hooks = space.call_hooks
        self.is_host_function = space.is_host_function
        self.call_host_function = space.call_host_function
        self.call_access_hooks = space.call_access_hooks

    def peek(self, address: int, size: int) -> bytes:
        try:
            return self._space.read(address, size)
        except Error:
            raise AccessError(address, "read") from None

    def poke(self, address: int, data: bytes) -> None:
        try:
            self._space.write(address, data)
        except Error:
            raise AccessError(address, "write") from None

    def redirects(self, pc: int) -> bool:
        """Nothing is replaced in an address space."""
        return False

    def registers_redirected(self, cpu: Cpu) -> bool:
        """Nothing is replaced in an address space."""
        return False
