"""Host functions of the native engine: their addresses are those of trampolines to `call_host` (routines.py)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

from armexec.callbacks import HostFunctions
from armexec.cpu.call_frame import CallFrame
from armexec.engines.native_calls.routines import Routines
from armexec.engines.native_calls.trampolines import trampolines

__all__ = ["HostCall", "NativeHostFunctions", "native_host_functions"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class HostCall(CallFrame):
    """The frame that `call_host` makes: also where the call returns to (X30), and the address that was called."""

    _fields_ = (("link", ctypes.c_uint64), ("address", ctypes.c_uint64))  # type: ignore[assignment]


class NativeHostFunctions(HostFunctions):
    """Host functions for code that the processor itself runs. Their addresses take 32 bytes each, for good.

    Raises:
        HostError: the host gives no executable memory.
    """

    def __init__(self) -> None:
        self.routines = Routines(self._call)
        super().__init__()

    def _place(self, function: Callable[[CallFrame], None]) -> int:
        return trampolines().take(self.routines.call_host, 0)

    def _was_given(self, address: int) -> bool:
        # These trampolines are never given back.
        return trampolines().routine(address) == self.routines.call_host

    def _removed(self, address: int) -> None:
        """The trampoline stays: `_call` finds nothing for it any more."""

    def _call(self, at: int) -> None:
        """Called by `call_host`, with the address of a HostCall."""
        frame = HostCall.from_address(at)
        function = self.find(frame.address)
        if function is None:
            # Only now: it imports the whole instruction set.
            from armexec.engines.faults import to_error
            from armexec.machines.traps import Trap, TrapKind

            raise to_error(Trap(TrapKind.EXECUTE, frame.address, frame.address), None, 0)
        function(frame)


@cache
def native_host_functions() -> NativeHostFunctions:
    """Those of this process."""
    return NativeHostFunctions()
