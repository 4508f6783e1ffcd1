"""Real kernels, called through ctypes: Linux and macOS."""

from __future__ import annotations

import ctypes
import functools
import mmap as _mmap
import os
import platform
import sys

from . import icache
from .protection import Protection

__all__ = ["DarwinKernel", "LinuxKernel", "machine", "real_kernel"]


def machine() -> str:
    """The processor of this process: `aarch64`, `x86_64` or another name of `uname -m`."""
    name = platform.machine().lower()
    return {"arm64": "aarch64", "amd64": "x86_64"}.get(name, name)


def _os_error(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), call)


class _PosixKernel:
    """The calls that Linux and macOS share."""

    def __init__(self) -> None:
        self._libc = libc = ctypes.CDLL(None, use_errno=True)
        self._mmap = libc.mmap
        # off_t is 64 bits on every system armexec runs on.
        self._mmap.argtypes = (
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int64,
        )
        self._mmap.restype = ctypes.c_void_p
        self._munmap = libc.munmap
        self._munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
        self._munmap.restype = ctypes.c_int
        self._mprotect = libc.mprotect
        self._mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        self._mprotect.restype = ctypes.c_int

    @property
    def page_size(self) -> int:
        return _mmap.PAGESIZE

    def mmap(self, address: int, size: int, protection: Protection, flags: int, fd: int = -1, offset: int = 0) -> int:
        result: int | None = self._mmap(address or None, size, protection.value, flags, fd, offset)
        if result is None or result == ctypes.c_void_p(-1).value:
            raise _os_error("mmap")
        return result

    def munmap(self, address: int, size: int) -> None:
        if self._munmap(address, size) != 0:
            raise _os_error("munmap")

    def mprotect(self, address: int, size: int, protection: Protection) -> None:
        if self._mprotect(address, size, protection.value) != 0:
            raise _os_error("mprotect")

    def ftruncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def close(self, fd: int) -> None:
        os.close(fd)

    def copy_in(self, address: int, data: bytes) -> None:
        ctypes.memmove(address, data, len(data))

    def copy_out(self, address: int, size: int) -> bytes:
        return ctypes.string_at(address, size)


class LinuxKernel(_PosixKernel):
    """Linux on any processor."""

    system = "linux"

    @functools.cached_property
    def _cache(self) -> tuple[str, icache.ClearCache]:
        return icache.find(self)

    @property
    def instruction_cache(self) -> str:
        return self._cache[0] if machine() == "aarch64" else ""

    def clear_cache(self, address: int, size: int) -> None:
        if machine() == "aarch64":
            self._cache[1](address, address + size)

    def memfd_create(self, name: str) -> int:
        return os.memfd_create(name, os.MFD_CLOEXEC)

    def jit_write_protect(self, enabled: bool) -> None:
        raise NotImplementedError("only macOS has pthread_jit_write_protect_np")

    def jit_write_protect_supported(self) -> bool:
        return False

    def entitlements(self) -> frozenset[str] | None:
        return None


class DarwinKernel(_PosixKernel):
    """macOS. Written from Apple's documentation and xnu's source; not run on hardware."""

    system = "darwin"

    @property
    def instruction_cache(self) -> str:
        return "sys_icache_invalidate" if machine() == "aarch64" else ""

    def clear_cache(self, address: int, size: int) -> None:
        if machine() == "aarch64":
            invalidate = self._libc.sys_icache_invalidate
            invalidate.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
            invalidate.restype = None
            invalidate(address, size)

    def memfd_create(self, name: str) -> int:
        raise NotImplementedError("macOS has no memfd_create")

    def jit_write_protect(self, enabled: bool) -> None:
        toggle = self._libc.pthread_jit_write_protect_np
        toggle.argtypes = (ctypes.c_int,)
        toggle.restype = None
        toggle(int(enabled))

    def jit_write_protect_supported(self) -> bool:
        try:
            supported = self._libc.pthread_jit_write_protect_supported_np
        except AttributeError:
            return False
        supported.argtypes = ()
        supported.restype = ctypes.c_int
        return bool(supported())

    def entitlements(self) -> frozenset[str] | None:
        # xnu bsd/sys/codesign.h: CS_OPS_STATUS, CS_OPS_ENTITLEMENTS_BLOB, CS_RUNTIME.
        csops = self._libc.csops
        csops.argtypes = (ctypes.c_int, ctypes.c_uint, ctypes.c_void_p, ctypes.c_size_t)
        csops.restype = ctypes.c_int
        flags = ctypes.c_uint32()
        if csops(os.getpid(), 0, ctypes.byref(flags), 4) != 0 or not flags.value & 0x10000:
            return None
        blob = ctypes.create_string_buffer(64 * 1024)
        if csops(os.getpid(), 7, blob, len(blob)) != 0:
            return frozenset()
        return parse_entitlements(blob.raw)


def parse_entitlements(blob: bytes) -> frozenset[str]:
    """The true entitlements of a code-signing blob: big-endian magic and length, then a property list."""
    import plistlib

    length = int.from_bytes(blob[4:8], "big")
    try:
        values = plistlib.loads(blob[8:length])
    except Exception:  # plistlib raises what its XML parser raises; a blob we can't read grants nothing.
        return frozenset()
    return frozenset(name for name, value in values.items() if value is True)


@functools.cache
def real_kernel() -> LinuxKernel | DarwinKernel:
    """The kernel of this host.

    Raises `HostError` on a system that is neither Linux nor macOS.
    """
    from ..errors import HostError

    if sys.platform.startswith("linux"):
        return LinuxKernel()
    if sys.platform == "darwin":
        return DarwinKernel()
    raise HostError(f"armexec maps memory on Linux and macOS only, not on {sys.platform}: use one of them")
