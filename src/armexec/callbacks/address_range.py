"""The host functions of engines for which an address needs no code: the translated and the reference one.

The addresses are in a range where nothing is mapped, so whatever else the guest does with one is a fault. The range is
large enough for a new function each microsecond during a minute; its slots take 16 bytes each once they have been used.

The interpreter looks an address up by `find`. Translated code finds it in the table of slots
(translate/support/runtime/host_function.ll).
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

from armexec.callbacks.host_functions import HostFunctions
from armexec.cpu.call_frame import CallFrame
from armexec.errors import HostError
from armexec.memory import Protection
from armexec.memory.kernel import real_kernel

__all__ = ["CALLED_AT", "ENTRY_AT", "RANGE_SIZE", "SLOT_SIZE", "HostFunctionRange", "host_functions"]

SLOT_SIZE = 32
"""Bytes between the addresses of two functions; a power of two."""
ENTRY_AT, CALLED_AT = 8, 16
"""Where a slot has the object of Python that code for any type calls, and the one that code for its types calls."""
RANGE_SIZE = 1 << 30
"""Bytes of addresses for functions."""
_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class _Entry:
    """What translated code calls: a function, with the registers at the call in a frame.

    `code` and `called` are host code for the function's types, 0 without any, and the object of Python that this calls.
    """

    __slots__ = ("called", "code", "function")

    def __init__(self, function: Callable[[CallFrame], None]) -> None:
        self.function = function
        self.called: Any = None
        self.code = 0

    def __call__(self, frame: int) -> None:
        """Call it with the frame at an address."""
        self.function(CallFrame.from_address(frame))


class HostFunctionRange(HostFunctions):
    """Host functions whose addresses are in a range without memory.

    `base` is the address of the first, `size` how many bytes of addresses there are; `slots` is the address of the
    table, which has the host code and the Python object of each. A sandbox has a range of its own, whose `base` is
    given.

    Raises:
        HostError: the system gives no addresses.
    """

    def __init__(self, base: int | None = None, size: int = RANGE_SIZE) -> None:
        kernel = real_kernel()
        self.size = size
        try:
            self.base = kernel.mmap(0, size, Protection.NONE, _FLAGS) if base is None else base
            self.slots = kernel.mmap(0, size, Protection.READ | Protection.WRITE, _FLAGS)
        except OSError as error:
            raise HostError(f"no room for addresses of Python's functions: {error}") from None
        if base is not None:
            weakref.finalize(self, kernel.munmap, self.slots, size).atexit = False
        self._next = 0
        self._entries: dict[int, _Entry] = {}
        self._code = 0
        super().__init__()

    def _place(self, function: Callable[[CallFrame], None]) -> int:
        if self._next == self.size:
            raise HostError(f"no addresses are left for functions of Python: {self.size // SLOT_SIZE} were given")
        address = self.base + self._next
        self._next += SLOT_SIZE
        entry = self._entries[address] = _Entry(function)
        self._fill(address, entry)
        return address

    def _was_given(self, address: int) -> bool:
        offset = address - self.base
        return 0 <= offset < self._next and not offset % SLOT_SIZE

    def _removed(self, address: int) -> None:
        # Whoever has found the code, and waits for the GIL, finds no object then.
        self._slot(address)[:] = [0, 0, 0]
        del self._entries[address]

    # -- for translated code ------------------------------------------------------------------------------------------
    def _slot(self, address: int) -> ctypes.Array[ctypes.c_uint64]:
        return (ctypes.c_uint64 * 3).from_address(self.slots + address - self.base)

    def _fill(self, address: int, entry: _Entry) -> None:
        slot = self._slot(address)
        # Code that is running finds what it calls, whichever it is.
        slot[1], slot[2] = id(entry), id(entry.called)
        slot[0] = entry.code or self._code
        # The garbage collector may have removed it meanwhile.
        if self._entries.get(address) is not entry:
            slot[:] = [0, 0, 0]

    def set_code(self, address: int) -> None:
        """Set the host code that calls functions of any type."""
        with self._lock:
            self._code = address
            for at, entry in list(self._entries.items()):
                self._fill(at, entry)

    def specialize(self, address: int, code: int, called: Any) -> None:
        """Set the host code of one function, if it is still there, and the object that this code calls."""
        with self._lock:
            entry = self._entries.get(address)
            if entry is not None:
                entry.code, entry.called = code, called
                self._fill(address, entry)


@cache
def host_functions() -> HostFunctionRange:
    """Those of this process."""
    return HostFunctionRange()
