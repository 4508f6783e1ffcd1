"""The threads of a program that runs: each is a thread of Python's, which runs the guest without the GIL."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from armexec.cpu.call_frame import CallFrame
from armexec.errors import Error
from armexec.forks import renew
from armexec.program.system_calls import PROCESS, Denied, GuestMemory, NewThread, ProgramExit
from armexec.program.system_calls.errno import EAGAIN, ETIMEDOUT
from armexec.program.system_calls.guest import Failure
from armexec.program.system_calls.threads.model import NO_REQUEUE, Requeue, ThreadFailed, check_value
from armexec.program.system_calls.threads.waiting import slices
from armexec.resource_limits.deadlines import deadline, expire, is_over, set_deadline
from armexec.resource_limits.instruction_budget import instructions_left

__all__ = ["HostThreads", "LastingThreads"]

_PATIENCE = 2.0
"""Seconds that the end of the other threads may take."""


class _ThreadEnds(Exception):
    """The program has ended."""


class _Exit(_ThreadEnds):
    """A thread has ended itself."""


@dataclass(eq=False)
class _Thread:
    number: int
    clears: int = 0
    waits: bool = False
    """It waits, and only another thread can end that."""
    ident: int = 0
    """Its number for Python; 0 before it has begun."""


@dataclass(eq=False)
class _Waiter:
    """A thread that waits at an address."""

    thread: _Thread
    address: int
    mask: int
    woken: threading.Event = field(default_factory=threading.Event)


class HostThreads:
    """The threads of one run. The one that makes this is the first.

    What ends the program ends all of them: an exit, an exception of any thread, or the end of the first one's time.
    """

    refused = ""
    """Why nothing may start a thread in this process; empty where it may."""

    def __init__(self, memory: GuestMemory, enter: Callable[[], Callable[[int], None]]) -> None:
        """`enter` is that of a `ThreadStart`."""
        self._memory = memory
        self._enter = enter
        self._lock = renew(self)
        self._last = PROCESS
        self._before = deadline()
        self._local = threading.local()
        self._first = _Thread(PROCESS, ident=threading.get_ident())
        self._threads = {self._first}
        self._running: list[threading.Thread] = []
        self._waiters: list[_Waiter] = []
        self._end: BaseException | None = None

    # -- see Threads ----------------------------------------------------------------------------------------------
    def own_id(self) -> int:
        return self._own().number

    def set_clear(self, address: int) -> None:
        self._own().clears = address

    def start(self, new: NewThread) -> int:
        if instructions_left() is not None:
            raise Denied("the program starts a thread (clone): with an instruction limit it has one")
        if HostThreads.refused:
            raise Denied(f"the program starts a thread (clone): {HostThreads.refused}")
        frame = CallFrame()
        frame.x[1:5] = new.registers
        frame.x[6:9] = new.thread_pointer, new.stack, new.pc
        enter = self._enter()
        with self._lock:
            self._last += 1
            made = _Thread(self._last, new.clears)
            self._threads.add(made)
        for place in new.tells:
            self._memory.write(place, made.number.to_bytes(4, "little"))
        thread = threading.Thread(
            target=self._run, args=(made, enter, frame, deadline()), name=f"armexec guest {made.number}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            with self._lock:
                self._threads.remove(made)
            raise Failure(EAGAIN) from None
        with self._lock:
            self._running = [*(each for each in self._running if each.is_alive()), thread]
        return made.number

    def exit(self, status: int) -> NoReturn:
        mine = self._own()
        if mine.number != PROCESS:
            raise _Exit
        # Other threads go on. The status is the first one's.
        self._remove(mine)
        self._tell(mine)
        for seconds in slices(None):
            with self._lock:
                if not self._threads:
                    break
            time.sleep(seconds)
        raise ProgramExit(status)

    def wait(self, address: int, value: int, mask: int, until: float | None) -> int:
        mine = self._own()
        waiter = _Waiter(mine, address, mask)
        with self._lock:
            check_value(self._memory, address, value)
            mine.waits = until is None
            is_stuck = all(thread.waits for thread in self._threads)
            if is_stuck:
                mine.waits = False
            else:
                self._waiters.append(waiter)
        if is_stuck:
            # One that would have gone on may have failed.
            self.look()
            raise Denied("the program waits (futex), and so do all its other threads: it would wait for ever")
        try:
            for seconds in slices(until):
                self.look()
                if waiter.woken.wait(seconds):
                    return 0
        finally:
            with self._lock:
                mine.waits = False
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        if waiter.woken.is_set():
            return 0
        raise Failure(ETIMEDOUT)

    def wake(self, address: int, count: int, mask: int, requeue: Requeue = NO_REQUEUE) -> int:
        with self._lock:
            check_value(self._memory, address, requeue.value)
            found = [each for each in self._waiters if each.address == address and each.mask & mask]
            for each in found[:count]:
                self._waiters.remove(each)
                each.thread.waits = False
                each.woken.set()
            others = found[count : count + requeue.most]
            for each in others:
                each.address = requeue.to
        return len(found[:count]) + len(others)

    def are_several(self) -> bool:
        return len(self._threads) > 1

    def check(self) -> None:
        if self._end is not None:
            raise _ThreadEnds

    def look(self) -> None:
        """A thread waits. Raises an exception where that is to end."""
        self.check()

    def pause(self) -> None:
        time.sleep(0)

    def sleep(self, until: float) -> None:
        for seconds in slices(until):
            self.check()
            time.sleep(seconds)

    # -- their ends -----------------------------------------------------------------------------------------------
    def finish(self, end: BaseException) -> BaseException:
        """The first thread has ended so: end all others; how the program has ended."""
        ended = self._end_by(end)
        until = time.monotonic() + _PATIENCE
        for thread in self._running:
            # One that waits for an object of Python's goes on when that lets it, and does nothing for the guest then.
            thread.join(max(until - time.monotonic(), 0))
        set_deadline(self._before)
        return ended

    def _own(self) -> _Thread:
        mine: _Thread = getattr(self._local, "thread", self._first)
        return mine

    def _end_by(self, end: BaseException) -> BaseException:
        """The program ends; what has ended it first."""
        with self._lock:
            self._end = self._end or end
            others = [thread.ident for thread in self._threads if thread.ident not in (0, threading.get_ident())]
        for ident in others:
            expire(ident)
        return self._end

    def _failed(self, error: BaseException) -> None:
        """A thread has ended by an exception, or has ended the program."""
        self._end_by(error)

    def _run(self, thread: _Thread, enter: Callable[[int], None], frame: CallFrame, when: float | None) -> None:
        self._local.thread = thread
        exits = False
        with self._lock:
            set_deadline(when)
            thread.ident = threading.get_ident()
        try:
            self.check()
            enter(ctypes.addressof(frame))
        except _Exit:
            exits = True
        except _ThreadEnds:
            pass
        except BaseException as error:
            self._failed(error)
        finally:
            set_deadline(None)
            self._remove(thread)
            if exits:
                self._tell(thread)

    def _remove(self, thread: _Thread) -> None:
        with self._lock:
            self._threads.remove(thread)

    def _tell(self, thread: _Thread) -> None:
        """A thread has ended itself: see set_tid_address(2). What it clears may be a lock that it holds until then."""
        if not thread.clears:
            return
        try:
            self._memory.write(thread.clears, bytes(4))
        except Error:
            return
        self.wake(thread.clears, 1, 0xFFFFFFFF)


class LastingThreads(HostThreads):
    """The threads of a module whose functions Python calls: they go on between calls. The first one is whatever thread
    calls a function.

    What a thread fails with is raised by the call that waits, or by the next one that does, and else when the module is
    closed. In other system calls the C library may be in the middle of something.
    """

    def __init__(self, memory: GuestMemory, enter: Callable[[], Callable[[int], None]]) -> None:
        super().__init__(memory, enter)
        # It isn't ended.
        self._first.ident = 0
        self._error: BaseException | None = None

    def check(self) -> None:
        if self._own() is not self._first:
            super().check()

    def look(self) -> None:
        super().look()
        error = self._taken() if self._own() is self._first else None
        if error is not None:
            raise ThreadFailed(error)

    def _taken(self) -> BaseException | None:
        with self._lock:
            error, self._error = self._error, None
        return error

    def exit(self, status: int) -> NoReturn:
        if self._own() is self._first:
            raise ProgramExit(status)
        super().exit(status)

    def close(self) -> BaseException | None:
        """End all of them; what one has failed with, if nobody knows of it."""
        before = deadline()
        self.finish(ProgramExit(0))
        set_deadline(before)
        return self._taken()

    def _failed(self, error: BaseException) -> None:
        # That its call had a time limit is no failure of a thread that has outlived it.
        if not is_over():
            self._error = self._error or error
