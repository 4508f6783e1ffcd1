"""How many more instructions guest code of each thread may execute."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Outer", "began", "begin", "end", "executed", "instruction_limit", "instructions_left", "resume", "suspend"]

_MOST = (1 << 64) - 1


class _Thread(threading.local):
    """`left` counts down while the guest runs; it means nothing where `limit` is None."""

    def __init__(self) -> None:
        self.left = ctypes.c_uint64()
        self.limit: int | None = None


class Outer(NamedTuple):
    """What there was before a limit began, and how many instructions were left then and afterwards."""

    limit: int | None
    left: int
    at_first: int


_mine = _Thread()
began: list[Callable[[], None]] = []
"""Called when a limit has begun, on its thread."""


def instructions_left() -> ctypes.c_uint64 | None:
    """The number that counts down, the same object as long as the thread lives; None: this thread has no limit."""
    return None if _mine.limit is None else _mine.left


def instruction_limit() -> int | None:
    """The limit that is the nearest on this thread."""
    return _mine.limit


def begin(limit: int, left: int | None = None) -> Outer:
    """From now on guest code of this thread may execute so many instructions, or as many as are left.

    `left`: how many of the limit are left, if some have been executed elsewhere.
    """
    outer_limit, outer_left = _mine.limit, _mine.left.value
    wanted = min(limit if left is None else left, _MOST)
    is_nearer = outer_limit is None or wanted <= outer_left
    at_first = wanted if is_nearer else outer_left
    if is_nearer:
        _mine.limit, _mine.left.value = limit, at_first
    for listener in tuple(began):
        listener()
    return Outer(outer_limit, outer_left, at_first)


def suspend() -> tuple[int | None, int]:
    """No limit holds on this thread, until `resume` is given what this returns."""
    before = _mine.limit, _mine.left.value
    _mine.limit = None
    return before


def resume(before: tuple[int | None, int]) -> None:
    """Undo `suspend`."""
    _mine.limit, _mine.left.value = before


def executed(outer: Outer) -> int:
    """How many instructions have been executed since `begin`, of those that are counted."""
    return outer.at_first - _mine.left.value


def end(outer: Outer) -> None:
    """Undo `begin`: what has been executed counts for the limit around it."""
    left = outer.left - executed(outer)
    _mine.limit, _mine.left.value = outer.limit, left if outer.limit is not None else 0
