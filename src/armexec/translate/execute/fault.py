"""Traps of translated code, on their way to an exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from armexec.machines.traps import Trap
from armexec.memory import Overflow

__all__ = ["Fault"]


class Fault(NamedTuple):
    """A trap of translated code. `where` gives it with its place, if that has to be found first.

    `entry`: the function that was called. `overflow`: it is one of a stack that has run out.
    """

    trap: Trap
    entry: int
    where: Callable[[], Trap] | None = None
    overflow: Overflow | None = None
