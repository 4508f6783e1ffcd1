"""The calls of threads: clone(2), exit(2), futex(2), gettid(2), set_tid_address(2), sched_yield(2), nanosleep(2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from armexec.program.system_calls.clocks import SECOND, clock, duration
from armexec.program.system_calls.errno import EINVAL
from armexec.program.system_calls.guest import Denied, Failure
from armexec.program.system_calls.system import System
from armexec.program.system_calls.threads.model import NewThread, Requeue

__all__ = ["CALLS", "WITH_PC"]

_WAIT, _WAKE, _REQUEUE, _CMP_REQUEUE, _WAIT_BITSET, _WAKE_BITSET = 0, 1, 3, 4, 9, 10
_COMMAND, _REALTIME = 127, 256
_ALL = 0xFFFFFFFF
_VM, _SIGHAND, _THREAD, _SETTLS = 0x100, 0x800, 0x10000, 0x80000
_PARENT_SETTID, _CHILD_CLEARTID, _CHILD_SETTID = 0x100000, 0x200000, 0x1000000
_TIMER_ABSTIME = 1


def clone(system: System, pc: int, flags: int, stack: int, parent: int, pointer: int, child: int) -> int:
    """Start a thread: clone(2). Other processes there are none."""
    if flags & (_VM | _SIGHAND | _THREAD) != _VM | _SIGHAND | _THREAD:
        raise Denied("the program starts another process (fork), which armexec doesn't have")
    if not stack or stack % 16:
        raise Failure(EINVAL)
    if not flags & _SETTLS:
        raise Denied("the program starts a thread (clone) that shares the thread pointer, which armexec doesn't have")
    return system.threads.start(
        NewThread(
            pc + 4,
            (stack, parent, pointer, child),
            stack,
            pointer,
            tuple(place for flag, place in ((_PARENT_SETTID, parent), (_CHILD_SETTID, child)) if flags & flag),
            child if flags & _CHILD_CLEARTID else 0,
        )
    )


def exit(system: System, status: int) -> int:
    """End the thread: exit(2)."""
    return system.threads.exit(status & 0xFF)


def own_id(system: System) -> int:
    """The number of the thread: gettid(2)."""
    return system.threads.own_id()


def set_tid_address(system: System, place: int) -> int:
    """Where the end of the thread is to be told: set_tid_address(2)."""
    system.threads.set_clear(place)
    return system.threads.own_id()


def sched_yield(system: System) -> int:
    """Let other threads go on: sched_yield(2)."""
    system.threads.pause()
    return 0


def futex(system: System, address: int, operation: int, value: int, timeout: int, second: int, third: int) -> int:
    """Wait for another thread, or wake it: futex(2)."""
    threads, command = system.threads, operation & _COMMAND
    mask = third & _ALL if command in (_WAIT_BITSET, _WAKE_BITSET) else _ALL
    if address % 4 or not mask:
        raise Failure(EINVAL)
    if command in (_WAKE, _WAKE_BITSET):
        return threads.wake(address, value & _ALL, mask)
    if command in (_REQUEUE, _CMP_REQUEUE):
        expected = third & _ALL if command == _CMP_REQUEUE else None
        return threads.wake(address, value & _ALL, _ALL, Requeue(timeout & _ALL, second, expected))
    if command not in (_WAIT, _WAIT_BITSET):
        raise Denied(f"the program makes the system call futex with operation {command}, which isn't there")
    until = None
    if timeout:
        wait = duration(system, timeout)
        if command == _WAIT_BITSET:
            wait -= time.time_ns() if operation & _REALTIME else time.monotonic_ns()
        until = time.monotonic() + wait / SECOND
    return threads.wait(address, value & _ALL, mask, until)


def nanosleep(system: System, wanted: int, left: int) -> int:
    """Sleep: nanosleep(2)."""
    system.threads.sleep(time.monotonic() + duration(system, wanted) / SECOND)
    return 0


def clock_nanosleep(system: System, number: int, flags: int, wanted: int, left: int) -> int:
    """Sleep by a clock: clock_nanosleep(2)."""
    wait = duration(system, wanted)
    if flags & _TIMER_ABSTIME:
        wait -= clock(number)()
    system.threads.sleep(time.monotonic() + wait / SECOND)
    return 0


CALLS: dict[int, Callable[..., Any]] = {
    93: exit,
    96: set_tid_address,
    98: futex,
    101: nanosleep,
    115: clock_nanosleep,
    124: sched_yield,
    178: own_id,
    220: clone,
}
"""The calls of this file by their numbers."""
WITH_PC = frozenset({220})
"""Those that are given the address of `svc` first."""
