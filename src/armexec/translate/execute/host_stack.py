"""The stack of the thread that calls the guest: translated functions need it for what they keep over calls.

Where it runs out in translated code there is a fault. Python and LLVM, which look for code on the guest's behalf, would
end the process instead; so for them there has to be some left (`support/runtime/find_code.ll`, `@ask`).
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

from armexec.memory import Overflow

__all__ = [
    "NEAR",
    "host_overflow",
    "is_host_overflow",
    "limit_key",
    "remember_limit",
    "stack_bounds",
    "thread_overflow",
]

NEAR = 1 << 14
"""A fault this near to the host's stack pointer is one of the host's stack: translated functions touch each page."""
_FRAME = 256 << 20
"""Bytes below a thread's stack that a frame of the guest may reach."""
_LEFT = 256 << 10
"""Bytes of the thread's stack that are left for Python and LLVM, at most a quarter of it."""

_libc = ctypes.CDLL(None)
_keys: list[ctypes.c_uint64] = []


@cache
def limit_key() -> int:
    """The address of the pthread key of the least stack pointer that Python is called with; for `@limit_key`."""
    key = ctypes.c_uint64()
    if _libc.pthread_key_create(ctypes.byref(key), None):
        raise OSError("pthread_key_create failed")
    _keys.append(key)
    return ctypes.addressof(key)


def remember_limit() -> None:
    """Set this thread's."""
    low, size = stack_bounds()
    if low:
        limit = low + min(_LEFT, size // 4)
        key = ctypes.c_uint64.from_address(limit_key())
        _libc.pthread_setspecific(ctypes.c_ulong(key.value), ctypes.c_void_p(limit))


def is_host_overflow(address: int, stack_pointer: int) -> bool:
    """Whether a fault at an address means that the thread's stack has run out."""
    return abs(address - stack_pointer) < NEAR


def thread_overflow(address: int, stack_pointer: int) -> Overflow | None:
    """The overflow of this thread's stack, on which the guest runs, if an access of `address` is one, else None."""
    low, _ = stack_bounds()
    end = low + NEAR
    if low and low - _FRAME <= address < end and low - _FRAME <= stack_pointer < end:
        return host_overflow()
    return None


def host_overflow() -> Overflow:
    """This thread's stack has run out."""
    _, size = stack_bounds()
    shown = f" of {size >> 10} KiB" if size else ""
    return Overflow(
        size,
        f"the stack of this thread{shown} has run out: recursion too deep? (threading.stack_size gives the threads that"
        " are begun from then on more; ulimit -s the main thread)",
    )


def stack_bounds() -> tuple[int, int]:
    """The lowest address, and the size in bytes; 0 where the system doesn't say."""
    _libc.pthread_self.restype = ctypes.c_void_p
    thread = ctypes.c_void_p(_libc.pthread_self())
    if sys.platform == "darwin":
        _libc.pthread_get_stacksize_np.restype = ctypes.c_size_t
        _libc.pthread_get_stackaddr_np.restype = ctypes.c_size_t
        size = int(_libc.pthread_get_stacksize_np(thread))
        return int(_libc.pthread_get_stackaddr_np(thread)) - size, size
    # Larger than any pthread_attr_t: 56 bytes on x86-64, 64 on AArch64.
    attributes = ctypes.create_string_buffer(256)
    address, length = ctypes.c_size_t(), ctypes.c_size_t()
    if not hasattr(_libc, "pthread_getattr_np") or _libc.pthread_getattr_np(thread, attributes):
        return 0, 0
    _libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(length))
    _libc.pthread_attr_destroy(attributes)
    return address.value, length.value
