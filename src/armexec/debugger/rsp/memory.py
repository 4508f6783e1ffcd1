"""Packets that read and write memory: m, M, x, X, and lldb's _M and _m, which want some for themselves."""

from __future__ import annotations

import ctypes

from armexec.debugger.rsp.commands import command
from armexec.debugger.rsp.framing import escaped
from armexec.debugger.rsp.state import State, peek
from armexec.errors import Error

__all__: list[str] = []

_MOST = 1 << 16
_MOST_ALLOCATED = 1 << 24


def _range(text: bytes) -> tuple[int, int] | None:
    address, _, size = text.partition(b",")
    try:
        return int(address, 16), min(int(size, 16), _MOST)
    except ValueError:
        return None


@command("m")
def read(state: State, rest: bytes) -> bytes:
    found = _range(rest)
    data = peek(state.session, *found) if found is not None else b""
    return data.hex().encode() or (b"" if found is not None and not found[1] else b"E14")


@command("x")
def read_binary(state: State, rest: bytes) -> bytes:
    found = _range(rest)
    if found is None:
        return b"E01"
    if not found[1]:
        return b"OK"
    data = peek(state.session, *found)
    return escaped(data) if data else b"E14"


@command("M")
def write(state: State, rest: bytes) -> bytes:
    where, _, content = rest.partition(b":")
    try:
        return _write(state, where, bytes.fromhex(content.decode()))
    except ValueError:
        return b"E01"


@command("X")
def write_binary(state: State, rest: bytes) -> bytes:
    where, _, content = rest.partition(b":")
    return _write(state, where, content)


def _write(state: State, where: bytes, data: bytes) -> bytes:
    found = _range(where)
    if found is None or found[1] != len(data):
        return b"E01"
    if data:
        try:
            state.session.memory.write(found[0], data)
        except Error:
            return b"E14"
    return b"OK"


@command("_M")
def allocate(state: State, rest: bytes) -> bytes:
    """`SIZE,PERMISSIONS`. With x, code that is put there can be called."""
    length, _, permissions = rest.partition(b",")
    try:
        size = int(length, 16)
    except ValueError:
        return b"E01"
    if state.session.target.is_apart or size > _MOST_ALLOCATED:
        return b"E01"
    memory = ctypes.create_string_buffer(size + 16)
    address = -(-ctypes.addressof(memory) // 16) * 16
    state.scratch[address] = memory
    if b"x" in permissions:
        state.session.timeline.guest.guest.scratch_code.append((address, address + size))
    return b"%x" % address


@command("_m")
def free(state: State, rest: bytes) -> bytes:
    try:
        address = int(rest, 16)
    except ValueError:
        return b"E01"
    code = state.session.timeline.guest.guest.scratch_code
    code[:] = [(begin, end) for begin, end in code if begin != address]
    return b"OK" if state.scratch.pop(address, None) is not None else b"E01"
