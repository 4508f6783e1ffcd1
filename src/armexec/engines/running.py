"""How engines run a Cpu in an address space, from where its pc is to whatever stops it."""

from __future__ import annotations

from typing import Protocol

from armexec.cpu.cpu import Cpu, Limits
from armexec.cpu.stop import Stop

__all__ = ["Guest", "Runner"]


class Guest(Protocol):
    """An address space, as engines see it.

    Kinds of hooks are "code", "read", "write", "svc" and "brk".
    """

    def fetch(self, address: int) -> int | None:
        """The word of an instruction, None where there is no code."""

    def read_as_guest(self, address: int, size: int) -> bytes:
        """A read by the guest. Raises AccessError."""

    def overwritten(self, address: int, size: int) -> bytes:
        """What a write by the guest overwrites. Raises AccessError, as the write would."""

    def write_as_guest(self, address: int, data: bytes) -> None:
        """A write by the guest. Raises AccessError."""

    def invalidate(self, begin: int, end: int) -> None:
        """Drop what was made of code."""

    def hooked(self, kind: str, begin: int, end: int) -> bool:
        """Whether a hook of a kind is called for something between two addresses."""

    def call_hooks(self, kind: str, cpu: Cpu, address: int, detail: object) -> bool:
        """Call the hooks of a kind for an address; whether there were any."""

    def is_host_function(self, address: int) -> bool:
        """Whether a host function has this address, where a `brk` stands."""

    def call_host_function(self, cpu: Cpu, address: int) -> bool:
        """Call the host function at an address, and return from it; False where it has no callback."""

    def call_access_hooks(self, kind: str, cpu: Cpu, pc: int, address: int, data: bytes) -> None:
        """Call the hooks of an access."""


class Runner(Protocol):
    """One way to run Cpus in one address space."""

    def run(self, guest: Guest, cpu: Cpu, limits: Limits) -> Stop:
        """Run from where the pc is. The registers are exact when this returns, or raises what a hook has raised."""

    def invalidate(self, begin: int, end: int) -> None:
        """Drop what was made of code between two addresses."""
