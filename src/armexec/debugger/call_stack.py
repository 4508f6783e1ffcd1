"""The calls that are going on, out of the instructions that were executed."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import NamedTuple

from armexec.isa import decode

__all__ = ["OpenCall", "open_calls"]

_CALLS = ("call", "call to register")
_DIRECT = ("branch", "conditional branch")
"""What never ends a call, even where it goes to an address that one returns to."""


class OpenCall(NamedTuple):
    """A call that hasn't returned: the time and the address of its instruction. It returns to the next one."""

    time: int
    pc: int

    @property
    def returns_to(self) -> int:
        return self.pc + 4


def open_calls(pcs: array[int], time: int, pc: int, fetch: Callable[[int], int | None]) -> list[OpenCall]:
    """The calls that are going on at a time, the outermost first.

    A call is over when the pc comes to the instruction behind it, also where a `longjmp` ends several.

    Args:
        pcs: the address of each instruction that was executed.
        time: how many of them count.
        pc: where it went on.
        fetch: gives the word at an address.
    """
    import numpy as np

    path = np.empty(time + 1, np.uint64)
    path[:time] = np.frombuffer(pcs, np.uint64, time) if time else 0
    path[time] = pc
    # Where the next instruction isn't the one behind.
    leaves = np.flatnonzero(path[1:] != path[:-1] + np.uint64(4))
    known: dict[int, str] = {}
    calls: list[OpenCall] = []
    waiting: dict[int, int] = {}
    for at in leaves.tolist():
        source, target = int(path[at]), int(path[at + 1])
        control = known.get(source)
        if control is None:
            control = known[source] = _control(fetch(source))
        if control in _CALLS:
            calls.append(OpenCall(at, source))
            waiting[source + 4] = waiting.get(source + 4, 0) + 1
        elif control not in _DIRECT and waiting.get(target):
            while calls:
                ended = calls.pop()
                waiting[ended.returns_to] -= 1
                if ended.returns_to == target:
                    break
    return calls


def _control(word: int | None) -> str:
    decoded = decode(word) if word is not None else None
    return decoded.effects.control if decoded is not None else ""
