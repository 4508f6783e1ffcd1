"""The stack of the thread that calls the guest: translated functions need it for what they keep over calls."""

from __future__ import annotations

import ctypes
import sys

from armexec.memory import Overflow

__all__ = ["host_overflow", "is_host_overflow"]

_REACH = 1 << 14
"""A fault this near to the host's stack pointer is one of the host's stack: translated functions touch each page."""


def is_host_overflow(address: int, stack_pointer: int) -> bool:
    """Whether a fault at an address means that the thread's stack has run out."""
    return abs(address - stack_pointer) < _REACH


def host_overflow() -> Overflow:
    """This thread's stack has run out."""
    size = _size()
    shown = f" of {size >> 10} KiB" if size else ""
    return Overflow(
        size,
        f"the stack of this thread{shown} has run out: recursion too deep? (threading.stack_size gives the threads that"
        " are begun from then on more; ulimit -s the main thread)",
    )


def _size() -> int:
    """In bytes; 0 where the system doesn't say."""
    library = ctypes.CDLL(None)
    library.pthread_self.restype = ctypes.c_void_p
    thread = ctypes.c_void_p(library.pthread_self())
    if sys.platform == "darwin":
        library.pthread_get_stacksize_np.restype = ctypes.c_size_t
        return int(library.pthread_get_stacksize_np(thread))
    # Larger than any pthread_attr_t: 56 bytes on x86-64, 64 on AArch64.
    attributes = ctypes.create_string_buffer(256)
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    if not hasattr(library, "pthread_getattr_np") or library.pthread_getattr_np(thread, attributes):
        return 0
    library.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    library.pthread_attr_destroy(attributes)
    return size.value
