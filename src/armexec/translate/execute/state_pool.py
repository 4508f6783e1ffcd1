"""The pool of states for calls from Python, each with a stack (`support/runtime/state_pool.ll`).

A call claims a state without a lock. A pool is parked when no call has been seen for a while: then the next call finds
it empty, and asks Python. That is how a call can begin something (`watch`) at no cost while calls go on.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Protocol

from armexec.forks import hold
from armexec.memory import GuestStack, stack_size
from armexec.translate.guest_state import GuestState
from armexec.translate.support.runtime_ir import POOL_SIZE

__all__ = ["StatePool"]


_MOST_SPARE = 4
"""How many states that aren't the pool's are kept for calls to come, of each size of stacks."""


class PoolCode(Protocol):
    """The host code of the pool's functions."""

    def address(self, name: str) -> int: ...


class StatePool:
    """States for calls, as many as run at the same time.

    `unparked` is called when a call has begun after a while without.
    """

    def __init__(self, new_stack: Callable[[int | None], GuestStack], unparked: Callable[[], None]) -> None:
        self._new_stack = new_stack
        self._unparked = unparked
        self._lock = hold(threading.RLock())
        self._words = (ctypes.c_uint64 * (1 + POOL_SIZE))()
        self._states: dict[int, tuple[GuestState, GuestStack]] = {}
        self._parked: list[int] = []
        self._slots = 0
        # By the size of their stacks: states that aren't the pool's, for calls to come.
        self._spare: dict[int, list[tuple[GuestState, GuestStack]]] = {}
        self._stack_size = stack_size()
        self.callbacks: dict[str, Callable[[int, int], int]] = {"more": self._more, "less": self._less}
        """The functions that the host code calls."""

    @property
    def address(self) -> int:
        """Where the pool's words are."""
        return ctypes.addressof(self._words)

    def use(self, code: PoolCode) -> None:
        """Make the first state, and claim and release states by host code from now on. Raises HostError."""
        self._claim = ctypes.PYFUNCTYPE(ctypes.c_uint64)(code.address("claim"))
        self._release = ctypes.PYFUNCTYPE(None, ctypes.c_uint64)(code.address("release"))
        with self._lock:
            # Parked at first.
            self._parked.append(self._add())

    def state(self, address: int) -> tuple[GuestState, GuestStack]:
        """The state at an address, and its stack."""
        return self._states[address]

    def has(self, address: int) -> bool:
        """Whether it has made the state at an address."""
        return address in self._states

    def claimed(self) -> list[GuestState]:
        """The states of the calls that are going on."""
        with self._lock:
            free, parked = self._words[0], set(self._parked)
            return [
                state for address, (state, _) in self._states.items() if not state.slot & free and address not in parked
            ]

    def park(self) -> None:
        """Have the next call ask Python."""
        with self._lock:
            while self._words[0]:
                self._parked.append(self._claim())

    def park_if_idle(self) -> bool:
        """Have the next call ask Python, if no call is going on; whether none is."""
        with self._lock:
            self.park()
            if len(self._parked) == len(self._states):
                return True
            self._unpark()
            return False

    def _unpark(self) -> None:
        while self._parked:
            self._release(self._parked.pop())

    def fit_stacks(self) -> None:
        """Give the states that nothing runs on stacks of the size that is asked for now. Raises HostError."""
        size = stack_size()
        with self._lock:
            if size == self._stack_size:
                return
            was_parked = bool(self._parked)
            claimed, self._parked = self._parked, []
            try:
                while self._words[0]:
                    claimed.append(self._claim())
                for address in claimed:
                    state, _ = self._states[address]
                    stack = self._new_stack(None)
                    state.stack_top = stack.stack_pointer
                    self._states[address] = state, stack
                self._stack_size = size
            finally:
                if was_parked:
                    self._parked = claimed
                else:
                    for address in claimed:
                        self._release(address)

    def _add(self) -> int:
        """Make a state, which is claimed; its address. Raises HostError, and RecursionError as any call."""
        state = GuestState()
        try:
            stack = self._new_stack(None)
        except ctypes.ArgumentError:
            # The arguments are right: so ctypes reports that Python's stack is used up.
            raise RecursionError("maximum recursion depth exceeded in calls of guest code") from None
        state.stack_top = stack.stack_pointer
        address = ctypes.addressof(state)
        if self._slots < POOL_SIZE:
            state.slot = 1 << self._slots
            self._slots += 1
            self._words[self._slots] = address
        self._states[address] = (state, stack)
        return address

    def with_stack(self, size: int) -> int:
        """The address of a state that isn't the pool's, with a stack of a size. Raises HostError."""
        with self._lock:
            spare = self._spare.setdefault(size, [])
            if spare:
                state, stack = spare.pop()
            else:
                state, stack = GuestState(), self._new_stack(size)
                state.stack_top = stack.stack_pointer
            self._states[ctypes.addressof(state)] = state, stack
            return ctypes.addressof(state)

    def _more(self, _a: int, _b: int) -> int:
        """A state for a call that has found none. It is given back when it is released. Raises HostError."""
        with self._lock:
            if self._parked:
                self._unparked()
                # The first, so that calls that follow each other have the same stack: by that, compiler_rt's guards
                # of static variables know a call that a fault has ended.
                address = self._parked.pop(0)
                self._unpark()
                return address
            return self._add()

    def _less(self, address: int, _b: int) -> int:
        """A state that isn't the pool's is released."""
        with self._lock:
            found = self._states.pop(address, None)
            spare = self._spare.get(found[1].requested) if found is not None else None
            if found is not None and spare is not None and len(spare) < _MOST_SPARE:
                spare.append(found)
        return 0
