"""The threads of the guest as debuggers see them: `p1.1` is the first one."""

from __future__ import annotations

from ctypes import Structure

from armexec.debugger.rsp.state import State
from armexec.program.system_calls import PROCESS

__all__ = ["chosen", "chosen_state", "identifier", "meant", "numbers", "running"]


def running(state: State) -> int:
    """The number of the thread that runs now."""
    return state.session.thread


def numbers(state: State) -> list[int]:
    """The numbers of all threads."""
    threads = state.session.target.threads
    return [PROCESS] if threads is None else sorted(threads.standing(state.session.time))


def identifier(number: int) -> bytes:
    """What a thread is for debuggers."""
    return b"p1.%x" % (number - PROCESS + 1)


def meant(state: State, text: bytes) -> int | None:
    """The thread that a packet means, the running one for any or all; None: there is no such thread."""
    name = text.rpartition(b".")[2].lstrip(b"p")
    if name in (b"", b"0", b"-1"):
        return running(state)
    try:
        number = int(name, 16) + PROCESS - 1
    except ValueError:
        return None
    return number if number in numbers(state) else None


def chosen(state: State) -> int:
    """The thread that the debugger looks at."""
    return state.thread if state.thread in numbers(state) else running(state)


def chosen_state(state: State) -> Structure:
    """The registers of that thread. Those of one that doesn't run are a copy."""
    number, threads = chosen(state), state.session.target.threads
    if threads is None or number == running(state):
        return state.session.cpu.state
    return threads.standing(state.session.time)[number].state
