"""Ctrl-C and time limits while a thread runs guest code.

The interpreter handles signals between its own instructions, so it doesn't while the guest runs. A thread of Python
watches: while calls go on, it sends a signal to the main thread every 20 ms, and to a thread whose time is over. The
handler (`support/signals/interrupt.ll`) then calls Python on the thread that runs the guest, in the middle of it. What
Python's handlers of signals do there happens as everywhere: KeyboardInterrupt leaves the guest, and a handler that
returns lets it go on. So nothing is done about the handlers themselves, whoever has set them.

The thread sleeps while no calls go on. They cost nothing for it: the first call after a while finds the pool of states
parked, and wakes it.
"""

from __future__ import annotations

import ctypes
import signal
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from armexec.forks import in_child
from armexec.resource_limits.deadlines import changed, deadlines, will_look
from armexec.translate.execute.signals.places import add_other, reached
from armexec.translate.support.sigaction import SA_NODEFER, SA_RESTART, SA_SIGINFO, SignalAction

__all__ = ["SIGNAL", "Watch"]

SIGNAL = signal.SIGURG
"""The signal. Programs seldom use it, and it is ignored where it has no handler."""
_TICK = 0.02
"""Seconds between two looks while calls go on."""
_MAX_TICK = 0.25
_PATIENCE = 10.0
"""A look may take so many times as long until the next one: while other threads hold the GIL, looks are rarer."""
_AGAIN = 0.0005
"""Seconds until a thread whose time is over is sent the signal again: it may have been in Python."""
_IDLE = 5
"""Number of looks without a call after which the thread sleeps."""


class Claimed(Protocol):
    """A call that is going on, and its thread, by `threading.get_ident`."""

    @property
    def thread(self) -> int: ...


class Pool(Protocol):
    """What the calls are watched by: a StatePool."""

    def claimed(self) -> Sequence[Claimed]: ...

    def park(self) -> None: ...

    def park_if_idle(self) -> bool: ...


class Watch:
    """The thread that watches the calls that states of pools are claimed for: the process's, and those of sandboxes."""

    def __init__(self) -> None:
        self._pools: weakref.WeakSet[Pool] = weakref.WeakSet()
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None
        self._action = SignalAction()
        self.previous = ctypes.c_void_p()
        """The handler that was there before."""
        self.overdue = ctypes.c_int32()
        """SIGNAL while the time of a thread that runs guest code is over; else 0."""
        in_child(self._forked)

    def use(self, pool: Pool, handler: int) -> None:
        """Watch the first pool; `handler` is the address of `@interrupt`."""
        self.add(pool)
        self._action.handler = handler
        self._action.flags = SA_SIGINFO | SA_NODEFER | SA_RESTART
        add_other(handler, lambda: self.previous.value or 0)

    def add(self, pool: Pool) -> None:
        """Watch another pool, as long as it is there."""
        self._pools.add(pool)

    def wake(self) -> None:
        """Calls go on."""
        if not self._pools:
            return
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="armexec watch", daemon=True)
            # None can be started while the interpreter ends.
            with suppress(RuntimeError):
                thread.start()
                self._thread = thread
        self._awake.set()

    def _forked(self) -> None:
        self._thread = None
        self._awake = threading.Event()
        for pool in list(self._pools):
            pool.park()

    def _install(self) -> None:
        """Have the handler in place, and whoever is there called after it."""
        libc = ctypes.CDLL(None, use_errno=True)
        current = SignalAction()
        if libc.sigaction(int(SIGNAL), None, ctypes.byref(current)):
            return
        if self._action.handler in reached(int(SIGNAL), current.handler or 0):
            return
        # 0 is the default, and 1 says to ignore it.
        self.previous.value = current.handler if (current.handler or 0) > 1 else None
        libc.sigaction(int(SIGNAL), ctypes.byref(self._action), None)

    def _work(self) -> None:
        while True:
            self._awake.wait()
            self._awake.clear()
            idle = 0
            before: set[int] = set()
            tick = _TICK
            while idle < _IDLE or not self._park_if_idle():
                asleep_until = time.monotonic() + tick
                will_look(asleep_until)
                changed.wait(tick)
                will_look()
                changed.clear()
                # How long it took to get the GIL.
                late = time.monotonic() - asleep_until
                running = {int(state.thread) for pool in list(self._pools) for state in pool.claimed()}
                idle = 0 if running else idle + 1
                tick = self._look(running & before, min(max(_TICK, _PATIENCE * late), _MAX_TICK))
                before = running

    def _park_if_idle(self) -> bool:
        """Have the next call of each pool ask Python, if none is going on; whether none is."""
        # All of them: what is parked asks for this thread when it is called.
        idle = [pool.park_if_idle() for pool in list(self._pools)]
        return all(idle)

    def _always(self) -> set[int]:
        """Threads that are sent the signal at each look: the main thread, which handles signals."""
        main = threading.main_thread().ident
        return set() if main is None else {main}

    def _look(self, running: set[int], tick: float) -> float:
        """Send the signal to threads that still run guest code; how long until the next look."""
        now = time.monotonic()
        times = dict(deadlines())
        over = {thread for thread in running if times.get(thread, now + 1) <= now}
        todo = over | self._always() & running
        if todo:
            self._install()
        # The handler is there by now.
        self.overdue.value = int(SIGNAL) if over else 0
        for thread in todo:
            with suppress(ProcessLookupError, OSError):
                signal.pthread_kill(thread, SIGNAL)
        if over:
            return _AGAIN
        ahead = [when - now for when in times.values() if when > now]
        return max(min([tick, *ahead]), _AGAIN)
