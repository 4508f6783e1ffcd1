"""The process: exit_group(2), getrandom(2), getpid(2), uname(2), kill(2), rt_sigaction(2), prlimit64(2)."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Any, NoReturn

from armexec.memory import stack_size
from armexec.program.system_calls.errno import EINVAL, EPERM, ESRCH
from armexec.program.system_calls.guest import Denied, Failure, ProgramExit
from armexec.program.system_calls.system import System
from armexec.program.system_calls.threads.model import PROCESS

__all__ = ["CALLS"]

_MOST_RANDOM = 1 << 20
_SIGNALS_SIZE = 8
_SIG_SETMASK = 2
_RLIMIT_STACK, _RESOURCES = 3, 16
_UNLIMITED = (1 << 64) - 1


def exit(system: System, status: int) -> NoReturn:
    """End the program: exit_group(2)."""
    raise ProgramExit(status & 0xFF)


def kill(system: System, process: int, signal: int) -> int:
    """Send a signal, which can only be to itself, and ends the program: kill(2), as abort(3) does."""
    return _signalled("process", process, (PROCESS, 0), signal)


def tkill(system: System, thread: int, signal: int) -> int:
    """Send a signal to its own thread: tkill(2)."""
    return _signalled("thread", thread, (system.threads.own_id(),), signal)


def tgkill(system: System, process: int, thread: int, signal: int) -> int:
    """Send a signal to its own thread: tgkill(2)."""
    return tkill(system, thread, signal)


def _signalled(kind: str, target: int, own: tuple[int, ...], signal: int) -> int:
    if target & 0xFFFFFFFF not in own:
        raise Denied(f"the program sends signal {signal} to {kind} {target & 0xFFFFFFFF}, not to itself")
    if not signal:
        return 0
    raise ProgramExit(128 + (signal & 0x7F), signal & 0x7F)


def getrandom(system: System, buffer: int, count: int, flags: int) -> int:
    """Random bytes of the host: getrandom(2)."""
    data = os.urandom(min(count, _MOST_RANDOM))
    system.memory.write(buffer, data)
    return len(data)


def own_id(system: System) -> int:
    """The process, the user or the group, each 1000: getpid(2), getuid(2), getgid(2)."""
    return PROCESS


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


def sched_getaffinity(system: System, process: int, size: int, place: int) -> int:
    """The processors that the thread may use, of which the program sees 64 at most: sched_getaffinity(2)."""
    if size < 8 or size % 8:
        raise Failure(EINVAL)
    system.memory.write(place, ((1 << min(os.cpu_count() or 1, 64)) - 1).to_bytes(8, "little"))
    return 8


def prlimit64(system: System, process: int, resource: int, new: int, old: int) -> int:
    """The limits of the process, which can't be changed: prlimit64(2). Only the stack has one."""
    if process & 0xFFFFFFFF not in (PROCESS, 0):
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
    94: exit,
    123: sched_getaffinity,
    129: kill,
    130: tkill,
    131: tgkill,
    134: rt_sigaction,
    135: rt_sigprocmask,
    160: uname,
    **dict.fromkeys((172, 173, 174, 175, 176, 177), own_id),
    261: prlimit64,
    278: getrandom,
}
"""The calls of this file by their numbers."""
