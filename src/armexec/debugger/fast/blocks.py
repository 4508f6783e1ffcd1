"""Blocks that record what a target does, and that follow what becomes of its code and memory."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeAlias

from armexec.debugger.fast.host_pages import HostPages
from armexec.debugger.loaded_guest import LoadedGuest
from armexec.debugger.target import Target
from armexec.engines.observed import Policy
from armexec.engines.recorded.records import Recorder
from armexec.engines.recorded.traced import Traced
from armexec.memory import EXECUTABLE_RANGES
from armexec.space import AddressSpace

__all__ = ["Blocks"]

_SANDBOX = 1 << 32
_POLICY = Policy(very_hot=100_000)
"""Better code pays earlier than where nothing is recorded."""
_Range: TypeAlias = tuple[int, int]


class Blocks:
    """The blocks of a target. `traced` runs them. `accessed`, if there is such a function, is to be told of what the
    interpreter accesses. `close` ends it, and so does the garbage collector.

    Raises HostError: the host can't translate.
    """

    def __init__(self, target: Target, recorder: Recorder, policy: Policy | None = None) -> None:
        guest = target.guest.guest
        self.accessed: Callable[[str, int, int], None] | None = None
        self._withhold: Callable[[Sequence[_Range]], AbstractContextManager[None]]
        self._end: Callable[[], object]
        if isinstance(guest, LoadedGuest):
            self._of_image(target, guest, recorder, policy or _POLICY)
        else:
            space = target.cpu.space
            assert isinstance(space, AddressSpace)
            self.traced = Traced(space.page_table, recorder, policy=policy or _POLICY)
            self._withhold = space.withheld
            followed = space.followed(self.traced)
            followed.__enter__()
            self._end = weakref.finalize(self, followed.__exit__, None, None, None)

    def _of_image(self, target: Target, guest: LoadedGuest, recorder: Recorder, policy: Policy) -> None:
        """Blocks for an image in memory, which are dropped where its code changes."""
        sandbox = guest.loaded.sandbox
        pages = HostPages(target.lent) if sandbox is None else HostPages(base=sandbox.base, limit=_SANDBOX)
        changed: list[_Range] = []
        redirected: set[int] = set()

        def refresh() -> None:
            if pages.refresh():
                # Code may be gone, too.
                traced.drop_if(lambda start: guest.fetch(start) is None)
            while changed:
                traced.invalidate(*changed.pop())
            for address in guest.loaded.redirected.keys() - redirected:
                redirected.add(address)
                traced.end_before(address)

        def listen(begin: int, end: int, gone: bool) -> None:
            # Another thread may call this while this thread changes the blocks.
            changed.append((begin, end))

        self.traced = traced = Traced(pages.table, recorder, refresh, policy)
        self.accessed = pages.accessed
        self._withhold = pages.withheld
        EXECUTABLE_RANGES.listeners.append(listen)
        self._end = weakref.finalize(self, EXECUTABLE_RANGES.listeners.remove, listen)

    def withheld(self, ranges: Sequence[tuple[int, int]]) -> AbstractContextManager[None]:
        """Meanwhile, the interpreter makes all accesses to the pages of these bytes."""
        return self._withhold(ranges)

    def close(self) -> None:
        """Follow the target no more. Twice does no harm."""
        self._end()
