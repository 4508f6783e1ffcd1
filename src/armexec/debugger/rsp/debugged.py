"""A session, as the debug server sees it."""

from __future__ import annotations

from typing import Any, Protocol, SupportsIndex

from armexec.cpu.cpu import Cpu
from armexec.cpu.stop import Stop
from armexec.debugger.past.timeline import Timeline
from armexec.debugger.places import Place
from armexec.debugger.target import Target

__all__ = ["Debugged"]


class _Memory(Protocol):
    def write(self, address: int, data: bytes) -> None: ...


class Debugged(Protocol):
    """What `debugger.session.Session` has of it."""

    target: Target
    timeline: Timeline
    cpu: Cpu
    error: BaseException | None

    @property
    def memory(self) -> _Memory: ...

    @property
    def ends(self) -> frozenset[int]: ...

    @property
    def time(self) -> int: ...

    @property
    def thread(self) -> int: ...

    @property
    def finished(self) -> bool: ...

    @property
    def result(self) -> Any: ...

    @property
    def place(self) -> Place: ...

    def forward(self) -> Stop | None: ...

    def run(self) -> Stop: ...

    def goto(self, time: SupportsIndex) -> None: ...

    def back(self) -> None: ...

    def last_write(self, what: SupportsIndex | str) -> int | None: ...
