"""Host functions of the native engine: their addresses are those of trampolines to `call_host` (routines.py)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from armexec.callbacks import HostFunctions
from armexec.cpu.call_frame import CallFrame
from armexec.engines.native_calls.code_ranges import code_ranges
from armexec.engines.native_calls.context import Entered, HostCall
from armexec.engines.native_calls.faults import look, raise_fault
from armexec.engines.native_calls.limits import Limits
from armexec.engines.native_calls.routines import PROLOGUE, Objects, Routines
from armexec.engines.native_calls.signal_handler import SignalHandlers
from armexec.engines.native_calls.trampolines import trampolines
from armexec.engines.native_calls.watching import CountedCalls, NativeWatch

__all__ = ["HostCall", "NativeHostFunctions", "native_host_functions"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True


class NativeHostFunctions(HostFunctions):
    """Host functions for code that the processor itself runs. Their addresses take 32 bytes each, for good.

    Raises:
        HostError: the host gives no executable memory.
    """

    def __init__(self) -> None:
        self.routines = Routines(Objects(self._call, self._prepare, raise_fault, look))
        self._limits = Limits(self.routines, self.find)
        self.signals = SignalHandlers(self.routines)
        self.calls = CountedCalls(self.routines.counts)
        self.watch = NativeWatch(self.calls, self.signals.install_looks)
        call_host = self.routines.call_host
        # The guest's stack may run out there.
        code_ranges.add(call_host, call_host + PROLOGUE, self)
        super().__init__()

    def _place(self, function: Callable[[CallFrame], None]) -> int:
        return trampolines().take(self.routines.call_host, 0)

    def _was_given(self, address: int) -> bool:
        # These trampolines are never given back.
        return trampolines().routine(address) == self.routines.call_host

    def _removed(self, address: int) -> None:
        """The trampoline stays: `_call` finds nothing for it any more."""

    def _prepare(self, at: int) -> None:
        """Called before a call, with the address of an Entered, on a thread that has never run guest code or has
        limits (its word is 0), or when no calls went on."""
        entered = Entered.from_address(at)
        if not entered.word:
            self.signals.prepare_thread()
        self.calls.unpark()
        self.watch.wake()
        self._limits.apply(entered, at)

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
