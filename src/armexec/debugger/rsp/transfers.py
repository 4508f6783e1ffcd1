"""Packets that read what is longer than a packet: qXfer, and vFile, by which gdb reads files of the target."""

from __future__ import annotations

import struct
from collections.abc import Callable
from xml.sax.saxutils import quoteattr

from armexec.cpu.debuggers import target_description
from armexec.debugger.rsp.commands import command
from armexec.debugger.rsp.framing import escaped
from armexec.debugger.rsp.state import State, pad_of
from armexec.debugger.rsp.thread_ids import identifier, numbers

__all__: list[str] = []

_AT_NULL, _AT_PAGESZ, _AT_ENTRY = 0, 6, 9
_ENOENT, _EBADF = 2, 9
_REGULAR = 0o100644
_FIRST_FILE = 3


def _auxv(state: State) -> bytes:
    pairs = ((_AT_PAGESZ, 4096), (_AT_ENTRY, pad_of(state.session).address), (_AT_NULL, 0))
    return b"".join(struct.pack("<QQ", *pair) for pair in pairs)


def _threads(state: State) -> bytes:
    name = quoteattr(state.session.target.name)
    each = "".join(f'<thread id="{identifier(number).decode()}" name={name}/>' for number in numbers(state))
    return f'<?xml version="1.0"?>\n<threads>{each}</threads>\n'.encode()


_OBJECTS: dict[bytes, Callable[[State], bytes]] = {
    b"features:read:target.xml": lambda state: target_description().encode(),
    b"auxv:read:": _auxv,
    b"threads:read:": _threads,
}


@command("qXfer:")
def transfer(state: State, rest: bytes) -> bytes:
    name, _, part = rest.rpartition(b":")
    if name.startswith(b"exec-file:read:"):
        data = state.file_name.encode() if state.file else b""
        if not data:
            return b"E00"
    elif name in _OBJECTS:
        data = _OBJECTS[name](state)
    else:
        return b""
    try:
        offset, size = (int(text, 16) for text in part.split(b","))
    except ValueError:
        return b"E01"
    return (b"m" if offset + size < len(data) else b"l") + escaped(data[offset : offset + size])


def _maps(state: State) -> bytes:
    lines = (
        f"{begin:x}-{end:x} {permissions}p 00000000 00:00 0    {name}\n"
        for begin, end, permissions, name in state.session.target.regions()
    )
    return "".join(lines).encode()


@command("vFile:setfs:")
def set_file_system(state: State, rest: bytes) -> bytes:
    return b"F0"


@command("vFile:open:")
def open_file(state: State, rest: bytes) -> bytes:
    try:
        path = bytes.fromhex(rest.partition(b",")[0].decode()).decode()
    except ValueError:
        return b"F-1,16"
    if path == state.file_name:
        data = state.file
    elif path == "/proc/1/maps":
        data = _maps(state)
    else:
        return b"F-1,%x" % _ENOENT
    number = max(state.files, default=_FIRST_FILE - 1) + 1
    state.files[number] = data
    return b"F%x" % number


def _opened(state: State, text: bytes) -> bytes | None:
    try:
        return state.files.get(int(text, 16))
    except ValueError:
        return None


@command("vFile:pread:")
def read_file(state: State, rest: bytes) -> bytes:
    number, size, offset = (*rest.split(b","), b"", b"")[:3]
    data = _opened(state, number)
    if data is None:
        return b"F-1,%x" % _EBADF
    try:
        begin = int(offset, 16)
        part = data[begin : begin + min(int(size, 16), 1 << 16)]
    except ValueError:
        return b"F-1,16"
    return b"F%x;" % len(part) + escaped(part)


@command("vFile:fstat:")
def file_status(state: State, rest: bytes) -> bytes:
    data = _opened(state, rest)
    if data is None:
        return b"F-1,%x" % _EBADF
    # GDB manual, "struct stat": dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, atime, mtime, ctime.
    fields = (0, 0, _REGULAR, 1, 0, 0, 0, len(data), 4096, -(-len(data) // 512), 0, 0, 0)
    return b"F40;" + escaped(struct.pack(">IIIIIIIQQQIII", *fields))


@command("vFile:close:")
def close_file(state: State, rest: bytes) -> bytes:
    try:
        found = state.files.pop(int(rest, 16), None)
    except ValueError:
        found = None
    return b"F0" if found is not None else b"F-1,%x" % _EBADF
