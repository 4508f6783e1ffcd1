"""The calls of an operating system that manage memory, as a protocol.

Every call raises OSError if the kernel refuses. Tests put a model of a kernel in the place of a real one.
"""

from __future__ import annotations

from typing import Protocol

from .protection import Protection

__all__ = ["Kernel"]


class Kernel(Protocol):
    """The calls that map, fill, protect and free memory. Sizes and addresses are in bytes."""

    @property
    def system(self) -> str:
        """`linux` or `darwin`."""

    @property
    def page_size(self) -> int: ...

    @property
    def instruction_cache(self) -> str:
        """The function that invalidates the instruction cache (`__clear_cache`), by name; empty if none is needed."""

    def mmap(
        self, address: int, size: int, protection: Protection, flags: int, fd: int = -1, offset: int = 0
    ) -> int: ...

    def munmap(self, address: int, size: int) -> None: ...

    def mprotect(self, address: int, size: int, protection: Protection) -> None: ...

    def memfd_create(self, name: str) -> int: ...

    def ftruncate(self, fd: int, size: int) -> None: ...

    def close(self, fd: int) -> None: ...

    def copy_in(self, address: int, data: bytes) -> None: ...

    def copy_out(self, address: int, size: int) -> bytes: ...

    def clear_cache(self, address: int, size: int) -> None: ...

    def jit_write_protect(self, enabled: bool) -> None:
        """Call macOS's `pthread_jit_write_protect_np`: MAP_JIT pages become executable for this thread, or writable."""

    def jit_write_protect_supported(self) -> bool: ...

    def entitlements(self) -> frozenset[str] | None:
        """The entitlements of a process under macOS's hardened runtime; None for any other process."""
