"""What system calls need of the guest: its memory; and how its program ends."""

from __future__ import annotations

from typing import Protocol

from armexec.errors import Error

__all__ = ["Denied", "Failure", "GuestMemory", "ProgramExit"]


class GuestMemory(Protocol):
    """The memory of the guest. All methods raise armexec.Error for addresses that aren't the guest's."""

    def read(self, address: int, size: int) -> bytes:
        """Bytes of memory."""

    def write(self, address: int, data: bytes) -> None:
        """Change bytes of memory that the guest may write."""

    def map(self, address: int | None, size: int, protection: str) -> int:
        """Map whole pages of zeros, at an address in place of what is there, or anywhere; return the address.

        `protection` is "rw", "rx", "rwx", "r" or empty.
        """

    def unmap(self, address: int, size: int) -> None:
        """Unmap pages."""

    def protect(self, address: int, size: int, protection: str) -> None:
        """Change the protection of pages."""


class ProgramExit(Exception):
    """The program has ended: with an exit `status`, or by a `signal` that it sent to itself (then not 0)."""

    def __init__(self, status: int, signal: int = 0) -> None:
        super().__init__(f"killed by signal {signal}" if signal else f"exit status {status}")
        self.status = status
        self.signal = signal


class Denied(Error):
    """A system call that isn't allowed, with its name; engines raise SystemCallDenied with its place instead."""


class Failure(Exception):
    """A system call fails with an `errno` of Linux."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno
