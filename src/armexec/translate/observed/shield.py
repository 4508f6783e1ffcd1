"""Work that no handler of a signal interrupts: Python calls those in the main thread alone.

An exception in the middle of what LLVM's objects are made of and freed by would leave them in no order that is right.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from armexec.forks import in_child

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["shielded"]

_T = TypeVar("_T")


class _Workers:
    """The thread that works for the main thread."""

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        in_child(self._forget)

    def _forget(self) -> None:
        # It is in the parent.
        self._executor = None

    def executor(self) -> ThreadPoolExecutor:
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(1, "armexec blocks")
        return self._executor


_workers = _Workers()


def shielded(work: Callable[[], _T]) -> _T:
    """What some work gives. An exception that comes meanwhile is raised here, and the work is done all the same."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    return _workers.executor().submit(work).result()
