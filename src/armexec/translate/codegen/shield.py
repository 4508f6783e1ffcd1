"""Work that no handler of a signal interrupts: Python calls those in the main thread alone.

An exception in the middle of what LLVM's objects are made of and freed by would leave them in no order that is right.
And LLVM can't be left: what waits for it can be, at a time limit.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Hashable
from queue import SimpleQueue
from typing import Any, TypeVar

from armexec.forks import in_child
from armexec.resource_limits.deadlines import TimeIsOver, deadline, set_deadline

__all__ = ["left_in_time", "shielded"]

_T = TypeVar("_T")
_LEFT = 16
"""How many results are kept for those who may ask again."""


class _Job:
    """Some work, what it gave or raised, and whether it is done: then the lock is free."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def run(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:
            self.error = error
        finally:
            self.done.release()

    def wait(self, when: float | None = None) -> Any:
        """What it gives or raises. Raises TimeIsOver if it isn't done at a time."""
        seconds = -1 if when is None else min(max(when - time.monotonic(), 0), threading.TIMEOUT_MAX)
        if not self.done.acquire(timeout=seconds):
            raise TimeIsOver
        # Others may wait for it, too.
        self.done.release()
        if self.error is not None:
            raise self.error
        return self.result


class _Worker:
    """The thread that works for the main thread. It ends with the process."""

    def __init__(self) -> None:
        self._forget()
        in_child(self._forget)
        atexit.register(self._end)

    def _forget(self) -> None:
        # They are in the parent.
        self._left: list[threading.Thread] = []
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def leave(self) -> None:
        """Nobody waits for what the thread does now: another one takes its place, and it ends when that is done."""
        self._jobs.put(None)
        if self._thread is not None:
            self._left = [*(each for each in self._left if each.is_alive()), self._thread]
        self._begin_anew()

    def add(self, job: _Job) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._work, args=(self._jobs,), name="armexec LLVM", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # A confined process can't start any more.
                job.run()
                return
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
        self.leave()
        for thread in self._left:
            thread.join()


_worker = _Worker()
_left: dict[Hashable, _Job] = {}
"""Work that was left in time, the oldest first."""
in_child(_left.clear)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def shielded(work: Callable[[], _T]) -> _T:
    """What some work gives, which has this thread's time limit. An exception that comes meanwhile is raised here at
    once, and the work is done all the same."""
    if not _is_main():
        return work()
    when = deadline()

    def limited() -> _T:
        set_deadline(when)
        try:
            return work()
        finally:
            set_deadline(None)

    job = _Job(limited)
    _worker.add(job)
    return job.wait()  # type: ignore[no-any-return]


def left_in_time(key: Hashable, work: Callable[[], _T]) -> _T:
    """The same for work that is left when this thread's time is over: it is done all the same, and its result is there
    for the next one who asks for it by its key.

    Raises:
        TimeIsOver: it is.
    """
    when = deadline()
    job = _left.get(key)
    if job is None:
        if when is None:
            return shielded(work)
        job = _Job(work)
        if _is_main():
            _worker.add(job)
        else:
            # The interpreter waits for it at its end.
            threading.Thread(target=job.run, name="armexec LLVM", daemon=False).start()
    try:
        result: _T = job.wait(when)
    except TimeIsOver:
        if _is_main():
            _worker.leave()
        _left[key] = job
        while len(_left) > _LEFT:
            _left.pop(next(iter(_left)), None)
        raise
    except BaseException:
        _left.pop(key, None)
        raise
    _left.pop(key, None)
    return result
