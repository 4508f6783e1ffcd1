"""How large the guest's memory may become, and how large its stack is, by thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Allowance", "Sizes", "changed", "set_sizes", "sizes"]


class Allowance:
    """Bytes by which memory may still grow. What is taken is taken from the allowance around it too."""

    def __init__(self, left: int, outer: Allowance | None) -> None:
        self._left = left
        self._outer = outer

    @property
    def left(self) -> int:
        """How many bytes may still be taken."""
        return self._left if self._outer is None else min(self._left, self._outer.left)

    def take(self, size: int) -> bool:
        """Take so many bytes, if they are left; whether they were."""
        if size > self._left or (self._outer is not None and not self._outer.take(size)):
            return False
        self._left -= size
        return True

    def give(self, size: int) -> None:
        """Memory has become smaller."""
        self._left += size
        if self._outer is not None:
            self._outer.give(size)


class Sizes(NamedTuple):
    """`memory`: by how much the guest's memory may grow. `stack`: bytes of its stack. None: there is no such limit."""

    memory: Allowance | None = None
    stack: int | None = None

    def within(self, memory: int | None, stack: int | None) -> Sizes:
        """These, and nearer limits."""
        return Sizes(
            self.memory if memory is None else Allowance(memory, self.memory),
            min((size for size in (self.stack, stack) if size is not None), default=None),
        )


class _Thread(threading.local):
    sizes = Sizes()


_mine = _Thread()
changed: list[Callable[[], None]] = []
"""Called when a stack's size has been set, on the thread that it is for."""


def sizes() -> Sizes:
    """The limits of this thread."""
    return _mine.sizes


def set_sizes(new: Sizes) -> None:
    """Set the limits of this thread."""
    _mine.sizes = new
    if new.stack is not None:
        for listener in tuple(changed):
            listener()
