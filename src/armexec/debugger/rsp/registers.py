"""Packets that read and write registers: g, G, p, P."""

from __future__ import annotations

from armexec.cpu.debuggers import DebuggerRegister, debugger_registers
from armexec.debugger.rsp.commands import command
from armexec.debugger.rsp.state import State
from armexec.debugger.rsp.thread_ids import chosen, chosen_state, running

__all__ = ["expedited"]

_ALL = debugger_registers()
_EXPEDITED = ("x29", "sp", "pc")
"""What each stop tells, since debuggers ask for it at once."""


@command("g")
def read_all(state: State, rest: bytes) -> bytes:
    return b"".join(_value(state, register).hex().encode() for register in _ALL)


@command("G")
def write_all(state: State, rest: bytes) -> bytes:
    if chosen(state) != running(state):
        return b"E01"
    try:
        data = bytes.fromhex(rest.decode())
    except ValueError:
        return b"E01"
    at = 0
    for register in _ALL:
        if at + register.size > len(data):
            break
        _set(state, register, data[at : at + register.size])
        at += register.size
    return b"OK"


@command("p")
def read_one(state: State, rest: bytes) -> bytes:
    register = _numbered(rest)
    return _value(state, register).hex().encode() if register is not None else b"E01"


@command("P")
def write_one(state: State, rest: bytes) -> bytes:
    number, _, value = rest.partition(b"=")
    register = _numbered(number)
    try:
        data = bytes.fromhex(value.partition(b";")[0].decode())
    except ValueError:
        return b"E01"
    if register is None or len(data) != register.size or chosen(state) != running(state):
        # Those of a thread that doesn't run now can't be changed.
        return b"E01"
    _set(state, register, data)
    return b"OK"


def expedited(state: State) -> bytes:
    """The registers of a stop: `1d:...;1f:...;20:...;`, numbered in hexadecimal."""
    return b"".join(
        b"%02x:%s;" % (number, _value(state, register).hex().encode())
        for number, register in enumerate(_ALL)
        if register.name in _EXPEDITED
    )


def _numbered(text: bytes) -> DebuggerRegister | None:
    """The register of a number in hexadecimal; lldb may put a thread behind it."""
    try:
        return _ALL[int(text.partition(b";")[0], 16)]
    except (ValueError, IndexError):
        return None


def _value(state: State, register: DebuggerRegister) -> bytes:
    return register.read(chosen_state(state))


def _set(state: State, register: DebuggerRegister, data: bytes) -> None:
    register.write(state.session.cpu.state, data)
