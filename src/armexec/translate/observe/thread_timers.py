"""A signal for each thread, as often as it has used the processor for so long."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from typing import Any

from armexec.errors import HostError
from armexec.translate.execute.fault_handler import new_threads

__all__ = ["ThreadTimers"]

_SIGEV_THREAD_ID = 4
_NANOSECONDS = 1_000_000_000


class _Event(ctypes.Structure):
    """Linux's `struct sigevent` (include/uapi/asm-generic/siginfo.h), of 64 bytes."""

    _fields_ = (
        ("value", ctypes.c_uint64),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("_padding", ctypes.c_uint8 * 44),
    )


class _Times(ctypes.Structure):
    """`struct itimerspec`: how often, and how long until the first time; seconds and nanoseconds."""

    _fields_ = (("interval", ctypes.c_long * 2), ("first", ctypes.c_long * 2))


def _clock(thread: int) -> int:
    """The clock of the processor's time that a thread of this process has used.

    Linux, include/linux/posix-timers.h: the complement of the thread's number over CPUCLOCK_PERTHREAD_MASK (4) and
    CPUCLOCK_SCHED (2).
    """
    return (~thread << 3) | 6


def _library() -> Any:
    library = ctypes.CDLL(None, use_errno=True)
    # Before glibc 2.34 they were in a library of their own.
    return library if hasattr(library, "timer_create") else ctypes.CDLL("librt.so.1", use_errno=True)


class ThreadTimers:
    """Timers for the threads that there are, and for those that run guest code later for the first time.

    A signal is meant for its thread and no other, which a process's own timer (ITIMER_PROF) doesn't promise. Only
    macOS has no other; there the signal goes to some thread (not run on hardware). The kernel may look at its clock
    less often than asked for, on most Linux machines every 4 ms.
    """

    def __init__(self, number: signal.Signals, interval: float) -> None:
        """Start: `number` is sent every `interval` seconds. Raises HostError if the system refuses."""
        self._number = number
        self._interval = interval
        self._timers: dict[int, ctypes.c_void_p] = {}
        self._lock = threading.Lock()
        if sys.platform != "linux":
            signal.setitimer(signal.ITIMER_PROF, interval, interval)
            return
        self._library = _library()
        new_threads.append(self._begin)
        for name in os.listdir("/proc/self/task"):
            self._add(int(name))
        if not self._timers:
            self.close()
            raise HostError("the system gives no timer for the processor's time of a thread")

    def _begin(self) -> None:
        """This thread is new to guest code, and maybe altogether."""
        self._add(threading.get_native_id())

    def _add(self, thread: int) -> None:
        """A thread has one timer: a second would count all twice. One that has ended meanwhile gets none."""
        event = _Event(signal=int(self._number), notify=_SIGEV_THREAD_ID, thread=thread)
        timer = ctypes.c_void_p()
        with self._lock:
            # It may be that of an earlier thread of the same number.
            old = self._timers.pop(thread, None)
            if old is not None:
                self._library.timer_delete(old)
            if self._library.timer_create(_clock(thread), ctypes.byref(event), ctypes.byref(timer)):
                return
            self._timers[thread] = timer
            every = int(self._interval * _NANOSECONDS)
            seconds, rest = divmod(every, _NANOSECONDS)
            times = _Times((seconds, rest), (seconds, rest))
            self._library.timer_settime(timer, 0, ctypes.byref(times), None)

    def close(self) -> None:
        """Stop. A signal may still be on its way."""
        if sys.platform != "linux":
            signal.setitimer(signal.ITIMER_PROF, 0, 0)
            return
        with contextlib.suppress(ValueError):
            new_threads.remove(self._begin)
        with self._lock:
            while self._timers:
                self._library.timer_delete(self._timers.popitem()[1])
