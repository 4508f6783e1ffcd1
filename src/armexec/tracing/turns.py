"""Which thread of the guest has executed what: threads go on by turns, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from armexec.debugger.guest_threads import PROCESS
from armexec.engines.recorded.ends import parts
from armexec.engines.recorded.tables import Array

__all__ = ["Blocks", "Turns"]


class Blocks(NamedTuple):
    """Blocks that a thread has executed, in order.

    `headers`: entries of the first stream. `sp`: the stack pointer after each that leaves by more than a branch
    (`Piece.sp`). `ends`: the time after each.
    """

    thread: int
    headers: Array
    sp: Array
    ends: Array

    @property
    def executed(self) -> Array:
        """The number of instructions of each."""
        return parts(self.headers)[1]


class Turns:
    """The turns of the threads in a run. A run that goes on notes more of them.

    `sp`: the stack pointer at the beginning.
    """

    def __init__(self, sp: int) -> None:
        self._times = [0]
        self._threads = [PROCESS]
        self._bases = {PROCESS: sp}

    def note(self, time: int, thread: int, sp: int) -> None:
        """From a time on a thread runs. `sp`: its stack pointer."""
        if thread != self._threads[-1]:
            self._times.append(time)
            self._threads.append(thread)
            self._bases.setdefault(thread, sp)

    @property
    def are_several(self) -> bool:
        """Whether there has been more than one thread."""
        return len(self._bases) > 1

    def base(self, thread: int) -> int:
        """The stack pointer of a thread at its beginning."""
        return self._bases[thread]

    def at(self, times: Array) -> Array:
        """The thread that runs at each time."""
        return np.array(self._threads)[np.searchsorted(self._times, times, "right") - 1]

    def split(self, headers: Array, sp: Array, time: int) -> Iterator[Blocks]:
        """Blocks that were executed from a time on, by their threads."""
        _, executed = parts(headers)
        ends = time + np.cumsum(executed)
        if not self.are_several:
            if len(headers):
                yield Blocks(PROCESS, headers, sp, ends)
            return
        threads = self.at(ends - executed)
        for thread in np.unique(threads).tolist():
            chosen = threads == thread
            yield Blocks(thread, headers[chosen], sp[chosen], ends[chosen])
