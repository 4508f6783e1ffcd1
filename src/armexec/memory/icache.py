"""Invalidating the instruction cache on AArch64 Linux.

The compiler's run-time library has `__clear_cache`. Where it isn't installed, words of our own do the same (Arm ARM
B2.7.4, "Caches": clean to the point of unification, barrier, invalidate, barrier, synchronize). Other threads may have
fetched from the same addresses before, so `membarrier` makes each of them synchronize afterwards.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable

from .kernel_calls import Kernel
from .protection import Protection

__all__ = ["CLEAR_CACHE_WORDS", "ClearCache", "clear_cache_stub", "find", "find_library_function"]

# void clear(start: x0, end: x1)
CLEAR_CACHE_WORDS = (
    0xD53B0023,  # mrs x3, ctr_el0
    0xD3504C64,  # ubfx x4, x3, #16, #4     CTR_EL0.DminLine: log2 of the words in a data cache line
    0xD2800085,  # mov x5, #4
    0x9AC420A5,  # lsl x5, x5, x4
    0x92400C63,  # and x3, x3, #15          CTR_EL0.IminLine
    0xD2800086,  # mov x6, #4
    0x9AC320C6,  # lsl x6, x6, x3
    0xD10004A7,  # sub x7, x5, #1
    0x8A270007,  # bic x7, x0, x7
    0xD50B7B27,  # 1: dc cvau, x7
    0x8B0500E7,  # add x7, x7, x5
    0xEB0100FF,  # cmp x7, x1
    0x54FFFFA3,  # b.lo 1b
    0xD5033B9F,  # dsb ish
    0xD10004C7,  # sub x7, x6, #1
    0x8A270007,  # bic x7, x0, x7
    0xD50B7527,  # 2: ic ivau, x7
    0x8B0600E7,  # add x7, x7, x6
    0xEB0100FF,  # cmp x7, x1
    0x54FFFFA3,  # b.lo 2b
    0xD5033B9F,  # dsb ish
    0xD5033FDF,  # isb
    0xD65F03C0,  # ret
)

ClearCache = Callable[[int, int], None]

_PROTOTYPE = (None, ctypes.c_void_p, ctypes.c_void_p)

_SYS_MEMBARRIER = 283  # AArch64's number (asm-generic/unistd.h)
_GLOBAL, _SYNC_CORE, _REGISTER_SYNC_CORE = 1, 32, 64  # linux/membarrier.h, the PRIVATE_EXPEDITED ones


def find_library_function() -> ClearCache | None:
    """`__clear_cache` of libgcc_s (or of the C library, where it is there), or None."""
    for library in ("libgcc_s.so.1", None):
        try:
            function = ctypes.CDLL(library).__clear_cache
        except (OSError, AttributeError):
            continue
        function.argtypes = _PROTOTYPE[1:]
        function.restype = None
        return function
    return None


def clear_cache_stub(kernel: Kernel) -> ClearCache:
    """The same function made of `CLEAR_CACHE_WORDS`, in a page that stays mapped while the process lives.

    Its page needs no invalidation: the kernel synchronizes the caches when it first maps a page executable (Linux
    arch/arm64/mm/flush.c, __sync_icache_dcache). It is mapped from a file, which also works where anonymous memory may
    not become executable. Raises OSError if the kernel refuses.
    """
    size = kernel.page_size
    fd = kernel.memfd_create("armexec-clear-cache")
    try:
        kernel.ftruncate(fd, size)
        view = kernel.mmap(0, size, Protection.READ | Protection.WRITE, 1, fd)
        try:
            kernel.copy_in(view, struct.pack(f"<{len(CLEAR_CACHE_WORDS)}I", *CLEAR_CACHE_WORDS))
        finally:
            kernel.munmap(view, size)
        address = kernel.mmap(0, size, Protection.READ | Protection.EXECUTE, 2, fd)
    finally:
        kernel.close(fd)
    return ctypes.CFUNCTYPE(*_PROTOTYPE)(address)


def _membarrier() -> Callable[[], None]:
    """A function that makes every thread of the process fetch instructions anew."""
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_uint, ctypes.c_int)
    syscall.restype = ctypes.c_long
    expedited = syscall(_SYS_MEMBARRIER, _REGISTER_SYNC_CORE, 0, 0) == 0
    command = _SYNC_CORE if expedited else _GLOBAL

    def synchronize() -> None:
        # A kernel without membarrier (before 4.3) is no error: threads synchronize when they next enter it.
        syscall(_SYS_MEMBARRIER, command, 0, 0)

    return synchronize


def find(kernel: Kernel) -> tuple[str, ClearCache]:
    """The name and the function that makes `start` to `end` safe to execute in every thread."""
    name, clear = "__clear_cache", find_library_function()
    if clear is None:
        name, clear = "dc cvau, ic ivau", clear_cache_stub(kernel)
    chosen, synchronize = clear, _membarrier()

    def clear_everywhere(start: int, end: int) -> None:
        chosen(start, end)
        synchronize()

    return name, clear_everywhere
