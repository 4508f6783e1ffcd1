"""The process, its thread and time: exit(2), futex(2), clock_gettime(2), getrandom(2), getpid(2), uname(2), kill(2),
prlimit64(2)."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from typing import Any, NoReturn

from armexec.memory import stack_size
from armexec.program.system_calls.errno import EAGAIN, EINVAL, EPERM, ESRCH, ETIMEDOUT
from armexec.program.system_calls.guest import Denied, Failure, ProgramExit
from armexec.program.system_calls.system import System

__all__ = ["CALLS"]

_ID = 1000
"""The process, its thread, its user and its group."""
_FUTEX_WAIT, _FUTEX_WAKE, _FUTEX_WAIT_BITSET, _FUTEX_WAKE_BITSET, _FUTEX_COMMAND = 0, 1, 9, 10, 127
_CLOCKS = {
    0: time.time_ns,
    1: time.monotonic_ns,
    2: time.process_time_ns,
    3: time.thread_time_ns,
    4: time.monotonic_ns,
    5: time.time_ns,
    6: time.monotonic_ns,
    7: time.monotonic_ns,
}
_TIMER_ABSTIME = 1
_SECOND = 10**9
_MOST_RANDOM = 1 << 20
_LONGEST_SLEEP = 1e8
"""Seconds; Python refuses longer ones."""
_SIGNALS_SIZE = 8
_SIG_SETMASK = 2
_RLIMIT_STACK, _RESOURCES = 3, 16
_UNLIMITED = (1 << 64) - 1


def exit(system: System, status: int) -> NoReturn:
    """End the program: exit(2), exit_group(2)."""
    raise ProgramExit(status & 0xFF)


def kill(system: System, process: int, signal: int) -> int:
    """Send a signal, which can only be to itself, and ends the program: kill(2), as abort(3) does."""
    return _signalled(process, signal)


def tgkill(system: System, process: int, thread: int, signal: int) -> int:
    """Send a signal to its own thread: tgkill(2)."""
    return _signalled(thread, signal)


def _signalled(target: int, signal: int) -> int:
    if target & 0xFFFFFFFF not in (_ID, 0):
        raise Denied(f"the program sends signal {signal} to process {target & 0xFFFFFFFF}, not to itself")
    if not signal:
        return 0
    raise ProgramExit(128 + (signal & 0x7F), signal & 0x7F)


def futex(system: System, address: int, operation: int, value: int, timeout: int) -> int:
    """Wait for another thread, or wake it: futex(2). There is one thread, so that a wait without end is an error."""
    command = operation & _FUTEX_COMMAND
    if command in (_FUTEX_WAKE, _FUTEX_WAKE_BITSET):
        return 0
    if command not in (_FUTEX_WAIT, _FUTEX_WAIT_BITSET):
        raise Denied(f"the program makes the system call futex with operation {command}, which isn't there")
    if int.from_bytes(system.memory.read(address, 4), "little") != value & 0xFFFFFFFF:
        raise Failure(EAGAIN)
    if not timeout:
        raise Denied("the program waits (futex) for another thread, and there is none: it would wait for ever")
    wait = _duration(system, timeout)
    if command == _FUTEX_WAIT_BITSET:
        wait -= time.monotonic_ns()
    _sleep(wait)
    raise Failure(ETIMEDOUT)


def clock_gettime(system: System, clock: int, place: int) -> int:
    """The time of a clock: clock_gettime(2)."""
    system.memory.write(place, struct.pack("<qq", *divmod(_clock(clock)(), _SECOND)))
    return 0


def clock_getres(system: System, clock: int, place: int) -> int:
    """The resolution of a clock, 1 ns: clock_getres(2)."""
    _clock(clock)
    if place:
        system.memory.write(place, struct.pack("<qq", 0, 1))
    return 0


def _clock(number: int) -> Callable[[], int]:
    if number not in _CLOCKS:
        raise Failure(EINVAL)
    return _CLOCKS[number]


def gettimeofday(system: System, place: int, zone: int) -> int:
    """The time since 1970: gettimeofday(2). The time zone is UTC."""
    if place:
        system.memory.write(place, struct.pack("<qq", *divmod(time.time_ns() // 1000, 10**6)))
    if zone:
        system.memory.write(zone, bytes(8))
    return 0


def nanosleep(system: System, wanted: int, left: int) -> int:
    """Sleep: nanosleep(2)."""
    _sleep(_duration(system, wanted))
    return 0


def clock_nanosleep(system: System, clock: int, flags: int, wanted: int, left: int) -> int:
    """Sleep by a clock: clock_nanosleep(2)."""
    wait = _duration(system, wanted)
    if flags & _TIMER_ABSTIME:
        wait -= _clock(clock)()
    _sleep(wait)
    return 0


def _sleep(nanoseconds: int) -> None:
    time.sleep(min(max(nanoseconds / _SECOND, 0), _LONGEST_SLEEP))


def _duration(system: System, place: int) -> int:
    seconds, nanoseconds = struct.unpack("<qq", system.memory.read(place, 16))
    if seconds < 0 or not 0 <= nanoseconds < _SECOND:
        raise Failure(EINVAL)
    return int(seconds * _SECOND + nanoseconds)


def getrandom(system: System, buffer: int, count: int, flags: int) -> int:
    """Random bytes of the host: getrandom(2)."""
    data = os.urandom(min(count, _MOST_RANDOM))
    system.memory.write(buffer, data)
    return len(data)


def own_id(system: System) -> int:
    """The process, the thread, the user or the group, each 1000: getpid(2), gettid(2), getuid(2), getgid(2)."""
    return _ID


def set_tid_address(system: System, place: int) -> int:
    """Where the end of the thread is to be told, which nobody waits for: set_tid_address(2)."""
    return _ID


def rt_sigprocmask(system: System, how: int, new: int, old: int, size: int) -> int:
    """Block signals, of which none comes: rt_sigprocmask(2).

    As on Linux the signals are read first, and then `how` is looked at: libunwind asks in this way, with a wrong `how`,
    whether memory can be read.
    """
    if size != _SIGNALS_SIZE:
        raise Failure(EINVAL)
    if new:
        system.memory.read(new, size)
        if how & 0xFFFFFFFF > _SIG_SETMASK:
            raise Failure(EINVAL)
    if old:
        system.memory.write(old, bytes(size))
    return 0


def rt_sigaction(system: System, signal: int, new: int, old: int, size: int) -> int:
    """Handle a signal, of which none comes: rt_sigaction(2)."""
    if size != _SIGNALS_SIZE or not 0 < signal < 65:
        raise Failure(EINVAL)
    if old:
        system.memory.write(old, bytes(32))
    return 0


def nothing(system: System) -> int:
    """Nothing to do with one thread: sched_yield(2)."""
    return 0


def sched_getaffinity(system: System, process: int, size: int, place: int) -> int:
    """The processors that the thread may use, which is one: sched_getaffinity(2)."""
    if size < 8 or size % 8:
        raise Failure(EINVAL)
    system.memory.write(place, (1).to_bytes(8, "little"))
    return 8


def prlimit64(system: System, process: int, resource: int, new: int, old: int) -> int:
    """The limits of the process, which can't be changed: prlimit64(2). Only the stack has one."""
    if process & 0xFFFFFFFF not in (_ID, 0):
        raise Failure(ESRCH)
    if resource & 0xFFFFFFFF >= _RESOURCES:
        raise Failure(EINVAL)
    if new:
        raise Failure(EPERM)
    if old:
        limit = stack_size() if resource & 0xFFFFFFFF == _RLIMIT_STACK else _UNLIMITED
        system.memory.write(old, struct.pack("<QQ", limit, limit))
    return 0


def uname(system: System, place: int) -> int:
    """The name of the system, the same on every host: uname(2)."""
    fields = ("Linux", "armexec", "6.1.0", "#1", "aarch64", "(none)")
    system.memory.write(place, b"".join(field.encode().ljust(65, b"\0") for field in fields))
    return 0


CALLS: dict[int, Callable[..., Any]] = {
    93: exit,
    94: exit,
    96: set_tid_address,
    98: futex,
    101: nanosleep,
    113: clock_gettime,
    114: clock_getres,
    115: clock_nanosleep,
    123: sched_getaffinity,
    124: nothing,
    129: kill,
    130: kill,
    131: tgkill,
    134: rt_sigaction,
    135: rt_sigprocmask,
    160: uname,
    169: gettimeofday,
    **dict.fromkeys((172, 173, 174, 175, 176, 177, 178), own_id),
    261: prlimit64,
    278: getrandom,
}
"""The calls of this file by their numbers."""
