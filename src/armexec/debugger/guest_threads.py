"""The threads of a program in a session: one at a time, by turns, so that the same happens each time.

A thread runs until it waits, ends or lets others go on, or for some thousand instructions. Then the registers are
those of another one. The state of all at any time is known, so a session may go back.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace

from armexec.cpu.cpu import Cpu
from armexec.cpu.state import CpuState
from armexec.program.system_calls import PROCESS, Denied, GuestMemory, NewThread, ProgramExit
from armexec.program.system_calls.errno import ETIMEDOUT
from armexec.program.system_calls.guest import Failure
from armexec.program.system_calls.threads.model import NO_REQUEUE, Requeue, check_value
from armexec.program.system_calls.threads.waiting import sleep_until

__all__ = ["PROCESS", "TURN", "SessionThreads", "StandingThread"]

TURN = 10_000
"""The most instructions that a thread executes before another thread runs."""
_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class StandingThread:
    """A thread at a time. `registers`: those of one that doesn't run, as `Cpu.save` gives them."""

    number: int
    clears: int = 0
    registers: bytes = b""
    waits: bool = False
    address: int | None = None
    """Where it waits to be woken; None: it sleeps."""
    mask: int = 0
    until: float | None = None
    """When its wait is over, by `time.monotonic`."""

    @property
    def state(self) -> CpuState:
        """Its registers."""
        return CpuState.from_buffer_copy(self.registers)

    def resumed(self, result: int) -> StandingThread:
        """The thread after its wait, with the result of its system call."""
        state = self.state
        state.x[0] = result & _MASK
        return replace(self, registers=bytes(state), waits=False, address=None, until=None)


@dataclass(frozen=True)
class _Threads:
    """All threads after the instruction of a time, by their numbers."""

    time: int
    each: dict[int, StandingThread]
    running: int
    since: int
    """When the one that runs has begun to."""
    last: int = PROCESS
    status: int | None = None
    """The exit status of the first one, if it has ended."""


class SessionThreads:
    """See `program.system_calls.threads.model.Threads`. `now` tells the time of the session: how many instructions were
    executed before the one that makes a system call."""

    def __init__(self, cpu: Cpu, memory: GuestMemory, now: Callable[[], int]) -> None:
        self._cpu = cpu
        self._memory = memory
        self._now = now
        self._past = [_Threads(-1, {PROCESS: StandingThread(PROCESS)}, PROCESS, 0)]
        self._next: int | None = None

    # -- for the session ----------------------------------------------------------------------------------------------
    def number(self, time: int) -> int:
        """The thread that runs at a time."""
        return self._at(time).running

    def standing(self, time: int) -> dict[int, StandingThread]:
        """All threads at a time, by their numbers. The registers of the one that runs aren't there."""
        return dict(self._at(time).each)

    def room(self, time: int) -> int | None:
        """The number of instructions before another thread may run; None: there is one thread, and no limit."""
        here = self._at(time)
        return None if len(here.each) == 1 else max(here.since + TURN - time - 1, 0)

    def preempt(self, time: int, turn: int = TURN) -> bool:
        """The instruction of a time was executed, for the first time. Have another thread go on if it is its turn;
        whether one does."""
        here = self._at(time + 1)
        if len(here.each) == 1 or time + 1 - here.since < turn or self._next is not None:
            return False
        here = self._in_time(here)
        chosen = self._turn(here, here.running)
        if chosen is None or chosen == here.running:
            self._keep(replace(here, time=time, since=time + 1))
            return False
        self._switch(replace(here, time=time), chosen)
        return True

    def settle(self) -> None:
        """A system call is done: have another thread go on, where the one that has made it doesn't."""
        chosen, self._next = self._next, None
        if chosen is not None:
            self._switch(replace(self._last(), time=self._now()), chosen)

    def forget(self, time: int) -> None:
        """Drop what is known of a time and later."""
        while self._past[-1].time >= time:
            self._past.pop()

    # -- for system calls ---------------------------------------------------------------------------------------------
    def own_id(self) -> int:
        return self._last().running

    def set_clear(self, address: int) -> None:
        here = self._last()
        self._change(here, replace(here.each[here.running], clears=address))

    def start(self, new: NewThread) -> int:
        here = self._last()
        number = here.last + 1
        state = CpuState.from_buffer_copy(self._cpu.save())
        state.x[0], state.sp, state.pc, state.tpidr_el0 = 0, new.stack, new.pc, new.thread_pointer
        for place in new.tells:
            self._memory.write(place, number.to_bytes(4, "little"))
        self._change(replace(here, last=number), StandingThread(number, new.clears, bytes(state)))
        return number

    def exit(self, status: int) -> int:
        here = self._last()
        mine = here.each[here.running]
        if mine.number == PROCESS:
            here = replace(here, status=status)
        if len(here.each) == 1:
            raise ProgramExit(status if here.status is None else here.status)
        here = replace(here, each={n: each for n, each in here.each.items() if n != mine.number})
        if mine.clears:
            self._memory.write(mine.clears, bytes(4))
            here, _ = _woken(here, mine.clears, 1, 0xFFFFFFFF)
        self._leave(here)
        return 0

    def wait(self, address: int, value: int, mask: int, until: float | None) -> int:
        check_value(self._memory, address, value)
        return self._wait(address, mask, until)

    def _wait(self, address: int | None, mask: int, until: float | None) -> int:
        here = self._last()
        waiting = replace(here.each[here.running], waits=True, address=address, mask=mask, until=until)
        if self._leave(replace(here, each={**here.each, waiting.number: waiting})):
            # Its registers are kept with the result of one that is woken.
            return 0
        if address is not None:
            raise Failure(ETIMEDOUT)
        return 0

    def wake(self, address: int, count: int, mask: int, requeue: Requeue = NO_REQUEUE) -> int:
        check_value(self._memory, address, requeue.value)
        here, woken = _woken(self._last(), address, count, mask)
        moved = {n: replace(here.each[n], address=requeue.to) for n in _waiting(here, address, mask)[: requeue.most]}
        self._keep(replace(here, time=self._now(), each={**here.each, **moved}))
        return woken + len(moved)

    def are_several(self) -> bool:
        return len(self._last().each) > 1

    def check(self) -> None:
        """The program hasn't ended."""

    def pause(self) -> None:
        here = self._in_time(self._last())
        chosen = self._turn(here, here.running)
        if chosen is not None and chosen != here.running:
            self._keep(replace(here, time=self._now()))
            self._next = chosen

    def sleep(self, until: float) -> None:
        self._wait(None, 0, until)

    # -- the past -----------------------------------------------------------------------------------------------------
    def _at(self, time: int) -> _Threads:
        return self._past[bisect_left(self._past, time, key=lambda each: each.time) - 1]

    def _last(self) -> _Threads:
        """The threads now, at an instruction that is executed for the first time."""
        while self._past[-1].time > self._now():
            self._past.pop()
        return self._past[-1]

    def _keep(self, threads: _Threads) -> None:
        while self._past[-1].time >= threads.time:
            self._past.pop()
        self._past.append(threads)

    def _change(self, here: _Threads, thread: StandingThread) -> None:
        self._keep(replace(here, time=self._now(), each={**here.each, thread.number: thread}))

    # -- turns --------------------------------------------------------------------------------------------------------
    def _leave(self, here: _Threads) -> bool:
        """The thread that runs waits or has ended: have another one go on, or wait here for its time; whether another
        one does. Raises Denied: all threads wait without a time."""
        while True:
            here = self._in_time(here)
            chosen = self._turn(here, here.running)
            if chosen is not None:
                break
            ends = [each.until for each in here.each.values() if each.until is not None]
            if not ends:
                raise Denied("the program waits (futex), and so do all its other threads: it would wait for ever")
            sleep_until(min(ends))
        self._keep(replace(here, time=self._now()))
        if chosen == here.running:
            return False
        self._next = chosen
        return True

    def _in_time(self, here: _Threads) -> _Threads:
        """Those whose waits are over by now go on."""
        now = time.monotonic()
        each = dict(here.each)
        for number, thread in here.each.items():
            if thread.waits and thread.until is not None and thread.until <= now:
                result = 0 if thread.address is None else -ETIMEDOUT
                if number == here.running:
                    each[number] = replace(thread, waits=False, address=None, until=None)
                else:
                    each[number] = thread.resumed(result)
        return replace(here, each=each)

    def _turn(self, here: _Threads, after: int) -> int | None:
        """The next thread that can go on; None without one."""
        numbers = sorted(here.each)
        order = [*(n for n in numbers if n > after), *(n for n in numbers if n <= after)]
        return next((n for n in order if not here.each[n].waits), None)

    def _switch(self, here: _Threads, chosen: int) -> None:
        each = dict(here.each)
        if here.running in each:
            each[here.running] = replace(each[here.running], registers=self._cpu.save())
        self._cpu.restore(each[chosen].registers)
        each[chosen] = replace(each[chosen], registers=b"")
        self._keep(replace(here, each=each, running=chosen, since=here.time + 1))


def _waiting(here: _Threads, address: int, mask: int) -> list[int]:
    """The threads that wait at an address, by their numbers."""
    return [n for n, each in here.each.items() if each.waits and each.address == address and each.mask & mask]


def _woken(here: _Threads, address: int, count: int, mask: int) -> tuple[_Threads, int]:
    """Threads that wait at an address go on; and how many do."""
    found = _waiting(here, address, mask)
    each = dict(here.each)
    for number in found[:count]:
        each[number] = each[number].resumed(0)
    return replace(here, each=each), len(found[:count])
