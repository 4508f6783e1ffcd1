"""Host functions of an address space: functions of Python that the guest calls by their addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from armexec.memory.guest.page_table import PAGE

if TYPE_CHECKING:
    from armexec.cpu.cpu import Cpu

__all__ = ["HostFunctions"]

_BRK = 0xD4200000
"""`brk #0`: what stands at the address of a host function."""


class HostFunctions:
    """The host functions of one address space. Addresses are never used twice."""

    page = _BRK.to_bytes(4, "little") * (PAGE // 4)
    """The code of a page that has their addresses."""

    def __init__(self) -> None:
        self._callbacks: dict[int, Callable[[Cpu], Any] | None] = {}
        self._next = self._end = 0

    @property
    def is_full(self) -> bool:
        """Whether there is no address for another one."""
        return self._next == self._end

    def extend(self, address: int) -> None:
        """Use the addresses of a new page."""
        self._next, self._end = address, address + PAGE

    def add(self, callback: Callable[[Cpu], Any] | None) -> int:
        """A new address, at which `callback` is called with the Cpu."""
        address = self._next
        self._next += 4
        self._callbacks[address] = callback
        return address

    def __contains__(self, address: int) -> bool:
        return address in self._callbacks

    def call(self, cpu: Cpu, address: int) -> bool:
        """Call the one at an address, and go on at X30 unless it has set another pc; False where there is none."""
        callback = self._callbacks[address]
        if callback is None:
            return False
        callback(cpu)
        if cpu.pc == address:
            cpu.pc = cpu.x[30]
        return True
