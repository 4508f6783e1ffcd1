"""The places of handlers of signals among those of others.

Others install handlers too: faulthandler, or whoever calls `signal.signal`. A handler gets the signals first, and sends
what isn't the guest's on to the one that was there before. Who takes the place of a handler either keeps it and calls
it, or forgets it. So each that armexec puts there is one of its own: a signal then goes from the newest to the oldest,
and none twice. They are never freed: a signal may come at any time, and those who came later may have kept one to go
back to.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable, Iterable, Iterator

from armexec.forks import hold
from armexec.translate.support.sigaction import SignalAction

__all__ = ["MadeHandler", "Places", "add_other", "reached"]

_libc = ctypes.CDLL(None, use_errno=True)
_lock = hold(threading.Lock())

MadeHandler = tuple[int, object]
"""The address of a handler, and what its code lives in."""


class _Handler:
    """A handler for some signals, with what was in its place when it was put there."""

    def __init__(self, made: MadeHandler, table: ctypes.Array[ctypes.c_void_p], flags: int) -> None:
        self.table = table
        self.previous: dict[int, ctypes.Structure] = {}
        self.action = SignalAction()
        self.action.handler, self._code = made
        self.action.flags = flags

    def take(self, number: int, old: ctypes.Structure) -> None:
        """The place of `old`."""
        self.previous[number] = old
        self.table[number] = ctypes.addressof(old)
        _libc.sigaction(number, ctypes.byref(self.action), None)


_by_address: dict[int, _Handler] = {}
"""All of armexec's that are put in place here."""
_others: dict[int, Callable[[], int]] = {}
"""Handlers of armexec that find their own place, and what gives the one that each sends signals on to, or 0."""


def add_other(address: int, previous: Callable[[], int]) -> None:
    """Take note of a handler that finds its own place. `previous` gives the one that it sends signals on to, or 0."""
    _others[address] = previous


def reached(number: int, current: int) -> Iterator[int]:
    """The handler at an address, and those of armexec that a signal reaches from there."""
    while current:
        yield current
        handler = _by_address.get(current)
        current = _others.get(current, lambda: 0)() if handler is None else handler.previous[number].handler or 0


class Places:
    """Handlers of one kind, and their places. `make` makes one, for a table as `table` is."""

    def __init__(self, signals: Iterable[int], flags: int, make: Callable[[int], MadeHandler]) -> None:
        self._signals = tuple(map(int, signals))
        self._flags = flags
        self._make = make
        self._made: list[_Handler] = []
        self._first = _new_table()

    @property
    def table(self) -> int:
        """Where the first handler has the address of the `struct sigaction` that was there before, by signal."""
        return ctypes.addressof(self._first)

    def install(self, made: MadeHandler | None = None) -> None:
        """Put the first in place, once a process; it may have been made already. Raises what `make` raises."""
        with _lock:
            if not self._made:
                self._add(self._make(self.table) if made is None else made, self._first)
        self.look()

    def look(self) -> None:
        """Take the first place again where somebody else has taken it. Raises what `make` raises."""
        with _lock:
            if self._made:
                for number in self._signals:
                    self._take(number)

    def take(self, number: int) -> None:
        """Take the place for another signal, unless that has been done. Raises what `make` raises."""
        with _lock:
            self._take(int(number))

    def _take(self, number: int) -> None:
        current = SignalAction()
        if not _libc.sigaction(number, None, ctypes.byref(current)) and not self._is_reached(number, current):
            self._place(number, current).take(number, current)

    def _is_reached(self, number: int, current: ctypes.Structure) -> bool:
        """Whether the handler is one of these, or one of armexec's that sends signals on to one of these."""
        return any(_by_address.get(at) in self._made for at in reached(number, current.handler or 0))

    def _add(self, made: MadeHandler, table: ctypes.Array[ctypes.c_void_p]) -> _Handler:
        handler = _Handler(made, table, self._flags)
        self._made.append(handler)
        _by_address[made[0]] = handler
        return handler

    def _place(self, number: int, current: ctypes.Structure) -> _Handler:
        """A handler to come before `current`."""
        free = next((handler for handler in self._made if number not in handler.previous), None)
        if free is not None:
            return free
        if _forgets(number, current):
            for handler in self._made:
                if handler.previous[number].handler == current.handler:
                    return handler
        table = _new_table()
        return self._add(self._make(ctypes.addressof(table)), table)


def _new_table() -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * 64)()


def _forgets(number: int, current: ctypes.Structure) -> bool:
    """Whether it calls none that was there before: no handler, or one in Python."""
    return (current.handler or 0) <= 1 or callable(signal.getsignal(number))
