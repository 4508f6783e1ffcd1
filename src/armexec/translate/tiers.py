"""How much is done for code, and when: at first little, and the rest beside the running program.

With the tier "auto", code whose optimization takes long is compiled without it (`BASELINE`), and once more with it by a
thread in the background (`OPTIMIZED`). Each way into baseline code from outside of it goes through a word of memory,
which is overwritten when there is optimized code. What runs goes on in the old code until it returns or begins the next
round of a loop.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from time import monotonic
from typing import Protocol

from armexec.errors import HostError
from armexec.forks import in_child

__all__ = ["AUTO", "BASELINE", "OPTIMIZED", "TIERS", "Job", "submit", "urgent", "wait"]

TIERS = ("O0", "O1", "O2", "O3")
"""What LLVM's passes are asked for. O0: none, and the quick instruction selection."""
AUTO = "auto"
BASELINE = "first"
OPTIMIZED = "O2"

_REST = 0.03
"""So many seconds after a translation that somebody waited for, the next such may be expected."""
_DELAY = 1.0
"""But no job waits for more than so many seconds because of these."""
_PATIENCE = 10.0
"""At the end of the process, so many seconds are waited for LLVM to return, which nothing can stop."""


class Job(Protocol):
    """Something for the background. It must not hold on to what the program may drop meanwhile."""

    def run(self, stopping: Callable[[], bool]) -> None:
        """Do it, or give up when `stopping` says so. Raises HostError, which nobody sees: nothing becomes better."""


class _Background:
    """One thread for the process, begun by the first job. It doesn't keep the process from ending."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._jobs: deque[tuple[float, Job]] = deque()
        self._later: list[tuple[float, Job]] = []
        self._thread: threading.Thread | None = None
        self._busy = False
        self._stopping = False
        self._urgent = 0
        self._rest = 0.0

    @contextmanager
    def urgent(self) -> Iterator[None]:
        with self._condition:
            self._urgent += 1
        try:
            yield
        finally:
            with self._condition:
                self._urgent -= 1
                self._rest = monotonic() + _REST
                self._condition.notify_all()

    def _has_turn(self) -> bool:
        if not self._jobs:
            return False
        now = monotonic()
        return (not self._urgent and now >= self._rest) or now >= self._jobs[0][0] + _DELAY

    def _promote(self) -> None:
        now = monotonic()
        self._jobs += [entry for entry in self._later if entry[0] <= now]
        self._later = [entry for entry in self._later if entry[0] > now]

    def submit(self, job: Job, delay: float) -> None:
        with self._condition:
            if self._stopping:
                return
            (self._later if delay else self._jobs).append((monotonic() + delay, job))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="armexec optimizer", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def _work(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                self._promote()
                while not self._has_turn():
                    if self._stopping:
                        return
                    self._condition.wait(_REST if self._jobs or self._later else None)
                    self._promote()
                if self._stopping:
                    return
                _, job = self._jobs.popleft()
                self._busy = True
            with suppress(HostError, MemoryError):
                job.run(self.is_stopping)
            # Nothing of it is to be kept alive while there is nothing to do.
            del job

    def is_stopping(self) -> bool:
        return self._stopping

    def wait(self, timeout: float | None) -> bool:
        with self._condition:
            return self._condition.wait_for(lambda: not self._jobs and not self._busy, timeout)

    def stop(self) -> None:
        """LLVM's global variables are destroyed next: it must not be running then."""
        with self._condition:
            self._stopping = True
            self._jobs.clear()
            self._later.clear()
            self._condition.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_PATIENCE)


_background = _Background()


def submit(job: Job, delay: float = 0.0) -> None:
    """Have a job done in the background, after those before it, and not before `delay` seconds."""
    _background.submit(job, delay)


def urgent() -> AbstractContextManager[None]:
    """While somebody waits for a translation, nothing new is begun in the background."""
    return _background.urgent()


def wait(timeout: float | None = None) -> bool:
    """Wait until nothing is left to do in the background, or for `timeout` seconds; whether nothing is.

    What is to be looked at later doesn't count.
    """
    return _background.wait(timeout)


def _stop() -> None:
    _background.stop()


def _after_fork() -> None:
    """In a new process there is no such thread; its jobs are the parent's."""
    global _background  # noqa: PLW0603
    _background = _Background()


in_child(_after_fork)
atexit.register(_stop)
