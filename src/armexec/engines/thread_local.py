"""Thread-local variables: each thread of Python has a block of an image's, made when it first calls the guest.

Source: ELF for the Arm 64-bit Architecture (AAELF64), "Thread-local storage".
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from armexec.forks import renew
from armexec.memory import Region
from armexec.objects import Image

__all__ = ["GuestThread", "ThreadBlocks", "ThreadState", "thread_blocks"]


class ThreadBlocks(NamedTuple):
    """The blocks of an image's thread-local variables.

    `pointer` gives TPIDR_EL0 for the calling thread. `memory` gives the object that has the thread's block, which lives
    until its thread has ended, or nothing refers to the object and to these functions any more.
    """

    pointer: Callable[[], int]
    memory: Callable[[], object]


def thread_blocks(image: Image, region: Region) -> ThreadBlocks | None:
    """The blocks; None for an image without thread-local variables, and for an executable, whose start-up code makes
    them."""
    block = image.thread_local
    if block is None or image.is_executable:
        return None
    local = threading.local()

    def pointer() -> int:
        try:
            known: int = local.pointer
        except AttributeError:
            memory = (ctypes.c_char * (block.size + block.align))()
            known = -(-ctypes.addressof(memory) // block.align) * block.align
            for place, offset, size in block.templates:
                ctypes.memmove(known + place, region.read(offset, size), size)
            local.memory, local.pointer = memory, known
        return known

    def memory() -> object:
        pointer()
        return local.memory

    return ThreadBlocks(pointer, memory)


class ThreadState(Protocol):
    """What a library keeps of its thread."""

    def save(self) -> bytes:
        """It as it is now."""

    def restore(self, state: bytes) -> None:
        """Make it what `save` gave, or as at first for no bytes."""


class GuestThread:
    """The only thread that an executable's C library knows. All threads of Python run its code as that one, and
    therefore one after the other: the library takes no locks of its own as long as it has made no other thread.

    `pointer` is its TPIDR_EL0.
    """

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer
        # Translated calls hold it too (translate/support/vectorcall/lock.ll).
        self._lock = renew(self)
        self._depth = 0
        self._after: Callable[[], object] | None = None
        self._state: ThreadState | None = None

    def blocks(self) -> ThreadBlocks:
        """Its thread-local variables, which are the same for all threads of Python."""
        return ThreadBlocks(lambda: self.pointer, lambda: self)

    def call_afterwards(self, function: Callable[[], object]) -> None:
        """Have a function called after each call that isn't made inside another."""
        self._after = function

    @property
    def has_afterwards(self) -> bool:
        """Whether something is done after calls, or after those that fail."""
        return self._after is not None or self._state is not None

    def keep_state(self, state: ThreadState) -> None:
        """Have a state put back as it was at the call where an exception leaves the guest."""
        self._state = state

    def serialized(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which waits until no other thread is in such a function."""

        def call(*values: Any, **named: Any) -> Any:
            with self._lock:
                self._depth += 1
                # There is none yet at the outermost call.
                before = self._state.save() if self._state is not None and self._depth > 1 else b""
                try:
                    try:
                        return function(*values, **named)
                    except BaseException:
                        if self._state is not None:
                            self._state.restore(before)
                        raise
                    finally:
                        if self._depth == 1 and self._after is not None:
                            self._after()
                finally:
                    self._depth -= 1

        return call
