"""Host functions: guest addresses at which functions of Python are called.

An address is never given twice: a guest that calls a function which is gone gets an error, and no other function.
"""

from __future__ import annotations

import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable

from armexec.cpu.call_frame import CallFrame
from armexec.forks import hold

__all__ = ["HostFunction", "HostFunctions", "is_gone"]

# pytest shows what the user has called, and not how.
__tracebackhide__ = True

_all: weakref.WeakSet[HostFunctions] = weakref.WeakSet()


def is_gone(address: int) -> bool:
    """Whether a host function of any engine had this address that exists no more."""
    return any(functions.is_gone(address) for functions in list(_all))


class HostFunction:
    """The address of a function of Python, for the guest. It is good as long as this object exists."""

    def __init__(self, functions: HostFunctions, address: int) -> None:
        self.address = address
        self.close: Callable[[], object] = weakref.finalize(self, functions.remove, address)
        """Give the address up: a guest that calls it then gets an error."""


class HostFunctions(ABC):
    """The host functions that one way of running code can call."""

    def __init__(self) -> None:
        # An RLock: the garbage collector may remove functions while this thread holds the lock.
        self._lock = hold(threading.RLock())
        self._functions: dict[int, Callable[[CallFrame], None]] = {}
        _all.add(self)

    def add(self, function: Callable[[CallFrame], None]) -> HostFunction:
        """Give a function an address.

        It is called with the registers at the call, and puts its result into the same frame. The frame's `stack` is SP,
        where the arguments on the stack are.

        Raises:
            HostError: there are no addresses left.
        """
        with self._lock:
            address = self._place(function)
            self._functions[address] = function
        return HostFunction(self, address)

    def remove(self, address: int) -> None:
        """Give an address up. Twice does no harm."""
        with self._lock:
            if self._functions.pop(address, None) is not None:
                self._removed(address)

    def find(self, address: int) -> Callable[[CallFrame], None] | None:
        """The function at an address."""
        return self._functions.get(address)

    def is_gone(self, address: int) -> bool:
        """Whether a function had this address that exists no more."""
        return address not in self._functions and self._was_given(address)

    @abstractmethod
    def _place(self, function: Callable[[CallFrame], None]) -> int:
        """Give a function an address that nothing had before. Raises HostError."""

    @abstractmethod
    def _was_given(self, address: int) -> bool:
        """Whether `_place` has given an address."""

    @abstractmethod
    def _removed(self, address: int) -> None:
        """Take note that a function is gone."""
