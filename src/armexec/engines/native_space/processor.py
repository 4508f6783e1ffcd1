"""A Cpu's registers on the processor itself, and back.

A signal at `begin` (native_calls/routines.py) loads them, all at once and exactly; any other signal of the guest's
thread stores them, and leaves the guest.
"""

from __future__ import annotations

import ctypes
import threading

from armexec.cpu.state import CpuState
from armexec.engines.native_calls import bind_address, native_host_functions
from armexec.engines.native_calls.context import Registers

__all__ = ["Processor"]


class Processor:
    """Runs Cpus, one at a time.

    Raises:
        HostError: the host gives no executable memory.
    """

    def __init__(self) -> None:
        self._native = native_host_functions()
        self._run = bind_address(self._native.routines.begin, None, [ctypes.c_void_p, ctypes.c_uint64], None)
        self._registers = Registers()

    def look(self) -> None:
        """See that signals of the guest come here. Raises HostError."""
        self._native.signals.install()

    def run(self, state: CpuState) -> int:
        """Run until a signal comes; its number. The registers are as they were before the instruction at the pc."""
        registers = self._registers
        registers.load(state)
        registers.signal = 0
        try:
            with self._native.calls.watched(threading.get_ident()):
                self._run(ctypes.addressof(registers), 1)
        finally:
            # Also where a handler of Python's raises an exception.
            self._store(state)
        return int(registers.signal)

    def _store(self, state: CpuState) -> None:
        try:
            self._registers.store(state)
        except BaseException:
            self._registers.store(state)
            raise
        # As after every exception of the processor.
        state.exclusive_bits = 0
