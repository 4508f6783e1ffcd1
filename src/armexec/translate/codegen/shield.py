"""Work that no handler of a signal interrupts: Python calls those in the main thread alone.

An exception in the middle of what LLVM's objects are made of and freed by would leave them in no order that is right.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from armexec.forks import in_child
from armexec.resource_limits.deadlines import deadline, set_deadline

__all__ = ["shielded"]

_T = TypeVar("_T")


class _Job:
    """Some work, what it gave or raised, and whether it is done: then the lock is free."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.when = deadline()
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def run(self) -> None:
        set_deadline(self.when)
        try:
            self.result = self.work()
        except BaseException as error:
            self.error = error
        finally:
            set_deadline(None)
            self.done.release()


class _Worker:
    """The thread that works for the main thread. It ends with the process."""

    def __init__(self) -> None:
        self._forget()
        in_child(self._forget)
        atexit.register(self._end)

    def _forget(self) -> None:
        # It is in the parent.
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def add(self, job: _Job) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._work, args=(self._jobs,), name="armexec LLVM", daemon=True)
            thread.start()
            self._thread = thread
        self._jobs.put(job)

    @staticmethod
    def _work(jobs: SimpleQueue[_Job | None]) -> None:
        while (job := jobs.get()) is not None:
            job.run()
            # What it holds isn't kept until the next one.
            del job

    def _end(self) -> None:
        """The interpreter ends: not in the middle of LLVM."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()


_worker = _Worker()


def shielded(work: Callable[[], _T]) -> _T:
    """What some work gives, which has this thread's time limit. An exception that comes meanwhile is raised here at
    once, and the work is done all the same."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    job = _Job(work)
    _worker.add(job)
    job.done.acquire()
    if job.error is not None:
        raise job.error
    return job.result  # type: ignore[no-any-return]
