"""The functions and the threads of a session at a time."""

from __future__ import annotations

from typing import NamedTuple

from armexec.debugger.places import Place

__all__ = ["SessionFrame", "SessionThread"]


class SessionFrame(NamedTuple):
    """A function that is running. `pc` is where it is: at an instruction that is next, or at one that calls. `begin` is
    the time of the call that it was entered by, None for the first."""

    pc: int
    place: Place
    begin: int | None

    def __str__(self) -> str:
        return f"0x{self.pc:x} in {self.place}"


class SessionThread(NamedTuple):
    """A thread of the guest. `number`: what gettid(2) gives. `runs`: the session's registers are its; `waits`: it can't
    go on before another thread or the time lets it. `pc` is where it goes on."""

    number: int
    pc: int
    place: Place
    runs: bool
    waits: bool
    backtrace: list[SessionFrame]

    def __str__(self) -> str:
        how = "runs" if self.runs else "waits" if self.waits else "stands"
        return f"thread {self.number} {how} at 0x{self.pc:x} in {self.place}"
