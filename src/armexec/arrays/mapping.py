"""A function of the guest, called for each element of sequences, in threads where that is quicker.

While the guest runs, other threads have Python. But for a call of less than some 50 us they wait longer for each other
than the call takes, so those are made on one thread. How long calls take is found by the first ones.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from armexec.arrays.columns import Results, columns
from armexec.errors import SignatureError
from armexec.objects import Prototype
from armexec.progress import progress_bar
from armexec.resource_limits.deadlines import deadline, expire, set_deadline
from armexec.resource_limits.guest_sizes import set_sizes, sizes
from armexec.resource_limits.instruction_budget import instruction_limit

__all__ = ["Mapped", "map_elements"]

_CHUNK = 0.01
"""Seconds that a chunk is to take."""
_FIRST = 0.005
"""Seconds after which it is decided whether there are threads."""
_LONG = 50e-6
"""Seconds of a call from which on threads are quicker."""
_LOOK = 0.05
"""Seconds between two looks at the threads: Ctrl-C interrupts no wait that has no end on all systems."""


class Mapped(NamedTuple):
    """The function to be called, its prototype and its name, and whether its result is text."""

    function: Callable[..., Any]
    prototype: Prototype
    name: str
    as_text: bool
    in_threads: bool
    """Whether several threads may be quicker."""


def map_elements(mapped: Mapped, arguments: Sequence[Any], threads: int | None, progress: bool) -> Any:
    """The results of all calls. What a call raises is raised, with a note that tells the element.

    Raises:
        SignatureError: the arguments' lengths differ, or there are none.
    """
    if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
        raise SignatureError(f"threads is a number of threads, at least 1, or None, not {threads!r:.60}")
    if not isinstance(progress, bool):
        raise SignatureError(f"progress is True or False, not {progress!r:.60}")
    if not arguments:
        raise SignatureError(f"{mapped.name}: map calls it for each element of a list or array, and there is none")
    length, takes = columns(arguments, mapped.prototype, mapped.name)
    work = _Work(mapped, length, takes)
    if not progress:
        work.run(threads, None)
        return work.results.value
    started = time.monotonic()
    with progress_bar(mapped.name, length) as show:
        work.run(threads, show)
    if show is None:
        import sys

        took = time.monotonic() - started
        print(f"armexec: {mapped.name} was called {length} times in {took:.1f} s", file=sys.stderr, flush=True)
    return work.results.value


class _Work:
    def __init__(self, mapped: Mapped, length: int, takes: Sequence[Callable[[int, int], Any]]) -> None:
        self.results = Results(mapped.prototype, mapped.as_text, length)
        self._mapped = mapped
        self._length = length
        self._takes = takes
        self._lock = threading.Lock()
        self._next = 0
        self._done = 0
        self._chunk = 1
        self._last = 0.0
        """Seconds that an element of the latest chunk took."""
        self._failed: tuple[int, BaseException] | None = None
        """The first element that failed."""

    def run(self, threads: int | None, show: Callable[[int], object] | None) -> None:
        # Instructions are counted on one thread.
        if instruction_limit() is not None:
            threads = 1
        if threads is None:
            until = time.monotonic() + _FIRST
            while time.monotonic() < until and self._step():
                if show is not None:
                    show(self._done)
            threads = self._how_many()
        threads = min(threads, self._length - self._next)
        if threads <= 1:
            while self._step():
                if show is not None:
                    show(self._done)
        else:
            self._run_threads(threads, show)
        if self._failed is not None:
            raise self._failed[1]

    def _how_many(self) -> int:
        if self._last < _LONG or not self._mapped.in_threads:
            return 1
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return min(cpus, int(self._last * (self._length - self._next) / _CHUNK))

    def _step(self) -> bool:
        """Make the calls of the next chunk; False if there is none."""
        with self._lock:
            start = self._next
            end = min(start + self._chunk, self._length)
            if start >= end or (self._failed is not None and start > self._failed[0]):
                return False
            self._next = end
        began = time.perf_counter()
        values = self._call(start, end)
        took = time.perf_counter() - began
        with self._lock:
            self.results.put(start, values)
            self._done += len(values)
            self._last = took / (end - start)
            if took < _CHUNK / 2:
                self._chunk = (end - start) * 2
            elif took > _CHUNK * 2:
                self._chunk = max((end - start) // 2, 1)
        return True

    def _call(self, start: int, end: int) -> list[Any]:
        function = self._mapped.function
        values: list[Any] = []
        keep = values.append
        try:
            for element in zip(*(take(start, end) for take in self._takes), strict=True):
                keep(function(*element))
        except BaseException as error:
            at = start + len(values)
            with self._lock:
                if self._failed is None or at < self._failed[0]:
                    error.add_note(f"in the call of {self._mapped.name} for element {at}, of {self._length}")
                    self._failed = at, error
        return values

    def _run_threads(self, number: int, show: Callable[[int], object] | None) -> None:
        limit, room = deadline(), sizes()
        # Not Thread.join: before Python 3.13 an interrupted one takes a running thread for one that has ended.
        ended = threading.Semaphore(0)

        def work() -> None:
            # Limits of the calling thread hold for each.
            set_deadline(limit)
            set_sizes(room)
            try:
                while self._step():
                    pass
            finally:
                set_deadline(None)
                ended.release()

        threads: list[threading.Thread] = []
        left = 0
        try:
            for index in range(number):
                thread = threading.Thread(target=work, name=f"armexec map {index}", daemon=True)
                threads.append(thread)
                left += 1
                thread.start()
            while left:
                left -= ended.acquire(timeout=_LOOK)
                if show is not None:
                    show(self._done)
        except BaseException:
            with self._lock:
                self._next = self._length
            # Again and again: a call's own limits end.
            while left > sum(thread.ident is None for thread in threads):
                for thread in threads:
                    if thread.ident is not None:
                        expire(thread.ident)
                left -= ended.acquire(timeout=_LOOK)
            raise
