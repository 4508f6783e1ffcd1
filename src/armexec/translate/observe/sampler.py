"""Where the guest's code is, asked again and again: host pcs and how often each was met.

A timer's signal interrupts a thread that runs; the handler, made through LLVM as that for faults is
(`support/signals/sampler.ll`), looks at the pc. If it is in one of the ranges of code that are known, it is counted. If
not, but the thread runs guest code, then this has called something of the host (a loop that LLVM made a call of memset,
say): the link register, or the nearest address on the stack that is in a range, is where it was called from, and is
counted instead. Nothing else is.

Counts are kept in a table by pc, and not as a list of samples: however long the guest runs, no sample is lost.
"""

from __future__ import annotations

import ctypes
import signal
import sys
from functools import cache
from threading import Lock

from armexec.errors import HostError
from armexec.forks import hold
from armexec.translate.codegen.llvm import host_machine
from armexec.translate.codegen.support_code import shared_code
from armexec.translate.execute.fault_handler import thread_key
from armexec.translate.observe.thread_timers import ThreadTimers
from armexec.translate.support.load import load
from armexec.translate.support.sigaction import SA_ONSTACK, SA_RESTART, SA_SIGINFO, SignalAction
from armexec.translate.support.signal_context import context_text

__all__ = ["ELSEWHERE", "Sampler", "sampler", "sampler_text"]

ELSEWHERE = 1
"""Stands for the pc of samples in guest code of which nothing is known."""

_INTERVAL = 0.001
"""Seconds; kernels rarely do better."""
_BITS = 16
"""The table has so many places as numbers of so many bits; a place is a pc and its count."""
_PROBES = 64
_RANGES = 1 << 14
_DEPTH = 256
"""So many words of the stack are looked at."""


def sampler_text(machine: str | None = None, system: str | None = None) -> str:
    """IR of `@sample`, a module by itself; for this host or another, as for `fault_handler.handler_text`."""
    handler = load(
        "signals/sampler",
        HASH_SHIFT=64 - _BITS,
        PLACE_MASK=(1 << _BITS) - 1,
        MAX_PROBES=_PROBES,
        MAX_DEPTH=_DEPTH,
        ELSEWHERE=ELSEWHERE,
    )
    context = context_text(machine or host_machine(), system or sys.platform)
    return load("runtime/c_library") + context + handler


class Sampler:
    """The one of this process. Its handler stays in place, since a signal may still be on its way."""

    def __init__(self) -> None:
        """Raises HostError: SIGPROF is somebody else's, or there is no memory for code."""
        self._control = (ctypes.c_uint64 * 2)()
        self._ranges = (ctypes.c_uint64 * (1 + 2 * _RANGES))()
        self._table = (ctypes.c_uint64 * (2 << _BITS))()
        self._lock = hold(Lock())
        self._timers: ThreadTimers | None = None
        symbols = {
            "control": ctypes.addressof(self._control),
            "ranges": ctypes.addressof(self._ranges),
            "table": ctypes.addressof(self._table),
            "thread_key": thread_key(),
        }
        self._code = shared_code(sampler_text(), symbols, ["sample"])

    def _install(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        handler = self._code.address("sample")
        old = SignalAction()
        libc.sigaction(int(signal.SIGPROF), None, ctypes.byref(old))
        # Null is the default, 1 says to ignore it.
        if (old.handler or 0) > 1 and old.handler != handler:
            raise HostError("no profile can be made: another profiler of this process uses SIGPROF")
        action = SignalAction()
        action.handler = handler
        action.flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART
        if libc.sigaction(int(signal.SIGPROF), ctypes.byref(action), None):
            raise HostError("no profile can be made: the system refuses a handler for SIGPROF")

    def add_range(self, start: int, end: int) -> None:
        """From now on, `start` to before `end` is code to be sampled."""
        with self._lock:
            count = self._ranges[0]
            known = any(self._ranges[1 + 2 * i] <= start and end <= self._ranges[2 + 2 * i] for i in range(count))
            if known or count == _RANGES:
                return
            self._ranges[1 + 2 * count], self._ranges[2 + 2 * count] = start, end
            self._ranges[0] = count + 1

    def start(self) -> None:
        """Begin without ranges. Raises HostError."""
        self._install()
        self._ranges[0] = 0
        ctypes.memset(self._table, 0, ctypes.sizeof(self._table))
        self._control[1] = 0
        self._control[0] = 1
        try:
            self._timers = ThreadTimers(signal.SIGPROF, _INTERVAL)
        except BaseException:
            self._control[0] = 0
            raise

    def stop(self) -> dict[int, int]:
        """How often each host pc was met since the start; `ELSEWHERE` if guest code was left for the unknown."""
        self._control[0] = 0
        if self._timers is not None:
            self._timers.close()
            self._timers = None
        # A slice is a copy, and of all of it the quickest.
        table = self._table[:]
        counts = {pc: count for pc, count in zip(table[::2], table[1::2], strict=True) if pc}
        if self._control[1]:
            counts[ELSEWHERE] = counts.get(ELSEWHERE, 0) + self._control[1]
        return counts


@cache
def sampler() -> Sampler:
    """The sampler, made when it is first used and never freed. Raises HostError."""
    return Sampler()
