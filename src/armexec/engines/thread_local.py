"""Thread-local variables: each thread of Python has a block of an image's, made when it first calls the guest.

Source: ELF for the Arm 64-bit Architecture (AAELF64), "Thread-local storage".
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from armexec.forks import renew
from armexec.memory import Region, Sandbox
from armexec.objects import Image

__all__ = ["GuestThread", "ThreadBlocks", "thread_blocks"]


_STATE = 16


class ThreadBlocks(NamedTuple):
    """The blocks of an image's thread-local variables.

    `pointer` gives TPIDR_EL0 for the calling thread. `memory` gives the object that has the thread's block, which lives
    until its thread has ended, or nothing refers to the object and to these functions any more.
    """

    pointer: Callable[[], int]
    memory: Callable[[], object]


def thread_blocks(image: Image, region: Region, sandbox: Sandbox | None = None) -> ThreadBlocks | None:
    """The blocks; None for an image without thread-local variables, and for an executable, whose start-up code makes
    them. With a `sandbox` they are in that."""
    block = image.thread_local
    if block is None or image.is_executable:
        return None
    local = threading.local()

    def pointer() -> int:
        try:
            known: int = local.pointer
        except AttributeError:
            size = block.size + block.align
            memory: object
            base = 0
            if sandbox is None:
                memory = buffer = (ctypes.c_char * size)()
                start = ctypes.addressof(buffer)
            else:
                memory = owned = sandbox.allocate(size)
                start, base = owned.address, sandbox.base
            start = -(-start // block.align) * block.align
            for place, offset, length in block.templates:
                ctypes.memmove(start + place, region.read(offset, length), length)
            known = start - base
            local.memory, local.pointer = memory, known
        return known

    def memory() -> object:
        pointer()
        return local.memory

    return ThreadBlocks(pointer, memory)


class GuestThread:
    """The only thread that an executable's C library knows. All threads of Python run its code as that one, and
    therefore one after the other: the library takes no locks of its own as long as it has made no other thread.

    `pointer` is its TPIDR_EL0, `state` the address that `keep_state` was given, or 0.
    """

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer
        # Translated calls hold it too (translate/support/vectorcall/lock.ll).
        self._lock = renew(self)
        self._depth = 0
        self._after: Callable[[], object] | None = None
        self.state = 0

    def blocks(self) -> ThreadBlocks:
        """Its thread-local variables, which are the same for all threads of Python."""
        return ThreadBlocks(lambda: self.pointer, lambda: self)

    def call_afterwards(self, function: Callable[[], object]) -> None:
        """Have a function called after each call that isn't made inside another."""
        self._after = function

    @property
    def has_afterwards(self) -> bool:
        """Whether something is called after each call."""
        return self._after is not None

    def keep_state(self, address: int) -> None:
        """Have 16 bytes put back as they were at the call where an exception leaves the guest: what a library keeps of
        this thread."""
        self.state = address

    def serialized(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which waits until no other thread is in such a function."""

        def call(*values: Any, **named: Any) -> Any:
            with self._lock:
                self._depth += 1
                before = ctypes.string_at(self.state, _STATE) if self.state else b""
                try:
                    try:
                        return function(*values, **named)
                    except BaseException:
                        if self.state:
                            ctypes.memmove(self.state, before, _STATE)
                        raise
                    finally:
                        if self._depth == 1 and self._after is not None:
                            self._after()
                finally:
                    self._depth -= 1

        return call
