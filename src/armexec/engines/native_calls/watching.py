"""Ctrl-C and time limits in native code, and what else comes before the first call of a thread.

It is as in translated code (translate/execute/watch.py), but the calls are counted, and no thread is known to run one:
a signal to a thread that runs no guest code does nothing there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from armexec.engines.native_calls.routines import Counts
from armexec.resource_limits.deadlines import deadlines
from armexec.translate.execute.watch import Watch

__all__ = ["CountedCalls", "NativeWatch"]


class CountedCalls:
    """The calls of native code, as a pool of states is watched."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self.looked_at: set[int] = set()
        """Threads that run a Cpu, whose limits are no exceptions: they look at them by themselves."""

    @contextmanager
    def watched(self, thread: int) -> Iterator[None]:
        """A thread runs a Cpu in the context."""
        self.looked_at.add(thread)
        try:
            yield
        finally:
            self.looked_at.discard(thread)

    def claimed(self) -> list[Any]:
        """The threads that may be in native code and that have to be looked at."""
        if self._counts.begun == self._counts.ended:
            return []
        threads = {thread for thread, _ in deadlines()} | self.looked_at
        main = threading.main_thread().ident
        return [SimpleNamespace(thread=thread) for thread in threads | ({main} if main is not None else set())]

    def park(self) -> None:
        """Have the next call ask Python."""
        self._counts.parked = 1

    def park_if_idle(self) -> bool:
        """Have the next call ask Python, if no call is going on; whether none is."""
        # Calls begin and end while the GIL is held.
        is_idle = self._counts.begun == self._counts.ended
        if is_idle:
            self.park()
        return is_idle

    def unpark(self) -> None:
        """Have calls begin without Python."""
        self._counts.parked = 0


class NativeWatch(Watch):
    """The thread that watches native calls. `install` has the handler of its signal in place."""

    def __init__(self, calls: CountedCalls, install: Callable[[], None]) -> None:
        super().__init__()
        self._calls = calls
        self.install = install
        self.use(calls, 0)
        calls.park()

    def _always(self) -> set[int]:
        return super()._always() | self._calls.looked_at

    def _install(self) -> None:
        self.install()
