"""Stacks for native code whose size is limited: it runs on the thread's own otherwise."""

from __future__ import annotations

import threading

from armexec.memory import GuestStack, Overflow, guest_stack

__all__ = ["own_overflow", "own_stack"]


class _Thread(threading.local):
    """The stacks of this thread: those in use, with the addresses of the frames of `enter` that use them, and others by
    their sizes."""

    def __init__(self) -> None:
        self.used: list[tuple[int, GuestStack]] = []
        self.free: dict[int, list[GuestStack]] = {}


_mine = _Thread()


def own_stack(size: int, at: int) -> GuestStack:
    """A stack for a call whose frame is at an address of this thread's stack. Raises HostError."""
    used, free = _mine.used, _mine.free
    while used and used[-1][0] <= at:
        # Its call has ended: frames of calls that still run are above.
        _, stack = used.pop()
        free.setdefault(stack.requested, []).append(stack)
    kept = free.get(size)
    stack = kept.pop() if kept else guest_stack(size)
    used.append((at, stack))
    return stack


def own_overflow(address: int, stack_pointer: int) -> Overflow | None:
    """The overflow of a guest's own stack with that first stack pointer, if an access of `address` is one."""
    stack = next((stack for _, stack in _mine.used if stack.stack_pointer == stack_pointer), None)
    return None if stack is None else stack.overflow(address)
