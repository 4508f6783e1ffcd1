"""The stack that a thread has for handlers of signals, so that running out of stack is a signal like others.

Layouts: Linux, sigaltstack(2); macOS, sys/signal.h (not run there).
"""

from __future__ import annotations

import ctypes
import mmap
import sys

from armexec.memory import Protection
from armexec.memory.kernel import real_kernel

__all__ = ["ALTERNATE_SIZE", "AlternateStacks", "DarwinStack", "LinuxStack", "disabled_flag", "stack_bytes"]

_DARWIN = sys.platform == "darwin"
ALTERNATE_SIZE = 1 << 20
"""Python may run on a stack for handlers (`top_byte_ignore`). The system gives pages when they are first used."""
_MAP_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


class LinuxStack(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


class DarwinStack(ctypes.Structure):
    _fields_ = (("address", ctypes.c_void_p), ("size", ctypes.c_size_t), ("flags", ctypes.c_int))


def disabled_flag(system: str = sys.platform) -> int:
    """SS_DISABLE."""
    return 4 if system == "darwin" else 2


_Stack = DarwinStack if _DARWIN else LinuxStack
_libc = ctypes.CDLL(None, use_errno=True)


def stack_bytes() -> bytes:
    """The `stack_t` by which a thread has no stack for handlers."""
    stack = _Stack()
    stack.flags, stack.size = disabled_flag(), ALTERNATE_SIZE
    return bytes(stack)


class AlternateStacks:
    """Gives threads stacks for handlers."""

    def __init__(self) -> None:
        self._key: ctypes.c_uint64 | None = None

    def use(self, thread_ended: int) -> None:
        """Have the code at an address called with the stack of a thread that ends. It is set once."""
        if self._key is not None:
            return
        key = ctypes.c_uint64()
        if _libc.pthread_key_create(ctypes.byref(key), ctypes.c_void_p(thread_ended)) == 0:
            self._key = key

    def prepare(self, least: int = ALTERNATE_SIZE) -> None:
        """Give this thread one, unless it has one of at least this size."""
        current = _Stack()
        failed = _libc.sigaltstack(None, ctypes.byref(current))
        if not failed and (current.flags & disabled_flag() or current.size < least):
            self._give()

    def enlarge(self) -> None:
        """Give this thread another where it has one on which Python can't run, as faulthandler's."""
        current = _Stack()
        failed = _libc.sigaltstack(None, ctypes.byref(current))
        if not failed and not current.flags & disabled_flag() and current.size < ALTERNATE_SIZE:
            self._give()

    def _give(self) -> None:
        try:
            address = real_kernel().mmap(0, ALTERNATE_SIZE, Protection.READ | Protection.WRITE, _MAP_FLAGS)
        except OSError:
            return
        if self._key is None or _libc.pthread_setspecific(ctypes.c_ulong(self._key.value), ctypes.c_void_p(address)):
            real_kernel().munmap(address, ALTERNATE_SIZE)
            return
        stack = _Stack()
        stack.address, stack.size, stack.flags = address, ALTERNATE_SIZE, 0
        _libc.sigaltstack(ctypes.byref(stack), None)
