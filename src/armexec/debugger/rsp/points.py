"""Packets of breakpoints and watchpoints: Z and z, 0 to 4."""

from __future__ import annotations

from armexec.debugger.rsp.commands import command
from armexec.debugger.rsp.state import State
from armexec.debugger.session_guest import Watched

__all__: list[str] = []

_KINDS = {b"2": "w", b"3": "r", b"4": "rw"}
_MOST = 1 << 20


@command("Z", "z")
def unknown(state: State, rest: bytes) -> bytes:
    return b""


@command("Z0", "Z1")
def insert(state: State, rest: bytes) -> bytes:
    found = _numbers(rest)
    if found is None:
        return b"E01"
    state.breakpoints.add(found[0])
    return b"OK"


@command("z0", "z1")
def remove(state: State, rest: bytes) -> bytes:
    found = _numbers(rest)
    if found is None:
        return b"E01"
    state.breakpoints.discard(found[0])
    return b"OK"


@command("Z2")
def watch_writes(state: State, rest: bytes) -> bytes:
    return _watch(state, rest, "w")


@command("Z3")
def watch_reads(state: State, rest: bytes) -> bytes:
    return _watch(state, rest, "r")


@command("Z4")
def watch_accesses(state: State, rest: bytes) -> bytes:
    return _watch(state, rest, "rw")


@command("z2", "z3", "z4")
def unwatch(state: State, rest: bytes) -> bytes:
    found = _numbers(rest)
    if found is None:
        return b"E01"
    for key in [key for key in state.watched if key[:2] == found]:
        del state.watched[key]
    _install(state)
    return b"OK"


def _watch(state: State, rest: bytes, kinds: str) -> bytes:
    found = _numbers(rest)
    if found is None or not 0 < found[1] <= _MOST:
        return b"E01"
    address, size = found
    state.watched[address, size, kinds] = Watched(address, address + size, kinds)
    _install(state)
    return b"OK"


def _install(state: State) -> None:
    state.session.timeline.guest.watched = tuple(state.watched.values())


def _numbers(rest: bytes) -> tuple[int, int] | None:
    """The address and the size, or kind, in `,ADDRESS,SIZE`; conditions behind them are left to the debugger."""
    parts = rest.partition(b";")[0].split(b",")
    try:
        return int(parts[1], 16), int(parts[2], 16)
    except (ValueError, IndexError):
        return None
