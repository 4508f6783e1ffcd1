"""Clocks: clock_gettime(2), clock_getres(2), gettimeofday(2)."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

from armexec.program.system_calls.errno import EINVAL
from armexec.program.system_calls.guest import Failure
from armexec.program.system_calls.system import System

__all__ = ["CALLS", "SECOND", "clock", "duration"]

SECOND = 10**9
"""Nanoseconds."""
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


def clock(number: int) -> Callable[[], int]:
    """What tells the time of a clock in nanoseconds. Raises Failure (EINVAL)."""
    if number not in _CLOCKS:
        raise Failure(EINVAL)
    return _CLOCKS[number]


def duration(system: System, place: int) -> int:
    """The nanoseconds of a `struct timespec`. Raises Failure (EINVAL)."""
    seconds, nanoseconds = struct.unpack("<qq", system.memory.read(place, 16))
    if seconds < 0 or not 0 <= nanoseconds < SECOND:
        raise Failure(EINVAL)
    return int(seconds * SECOND + nanoseconds)


def clock_gettime(system: System, number: int, place: int) -> int:
    """The time of a clock: clock_gettime(2)."""
    system.memory.write(place, struct.pack("<qq", *divmod(clock(number)(), SECOND)))
    return 0


def clock_getres(system: System, number: int, place: int) -> int:
    """The resolution of a clock, 1 ns: clock_getres(2)."""
    clock(number)
    if place:
        system.memory.write(place, struct.pack("<qq", 0, 1))
    return 0


def gettimeofday(system: System, place: int, zone: int) -> int:
    """The time since 1970: gettimeofday(2). The time zone is UTC."""
    if place:
        system.memory.write(place, struct.pack("<qq", *divmod(time.time_ns() // 1000, 10**6)))
    if zone:
        system.memory.write(zone, bytes(8))
    return 0


CALLS: dict[int, Callable[..., Any]] = {
    113: clock_gettime,
    114: clock_getres,
    169: gettimeofday,
}
"""The calls of this file by their numbers."""
