"""What a debug server knows: the session, and what the debugger has asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from armexec.debugger.rsp.debugged import Debugged
from armexec.debugger.session_guest import Watched
from armexec.memory import AccessError
from armexec.objects.debug_info.debugger_file import Pad, debugger_file

__all__ = ["PAD_NAME", "State", "pad_of", "peek", "symbol_file"]

PAD_NAME = "back_to_python"
"""The function that the first call returns to."""


@dataclass
class State:
    """One connection. `is_over`: the debugger has gone; `detached`: and lets the call finish. `tell` shows text on the
    debugger's console."""

    session: Debugged
    tell: Callable[[str], None] = lambda text: None
    acknowledges: bool = True
    breakpoints: set[int] = field(default_factory=set)
    watched: dict[tuple[int, int, str], Watched] = field(default_factory=dict)
    stop: bytes = b""
    thread: int = 0
    """The thread that the debugger looks at, by its number; 0: the one that runs."""
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False
    detached: bool = False
    killed: bool = False
    files: dict[int, bytes] = field(default_factory=dict)
    scratch: dict[int, object] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """What the debugger is told that is executed."""
        name = "".join(c if c.isalnum() or c in "._-" else "_" for c in self.session.target.name.rpartition("/")[2])
        return f"/armexec/{name or 'code'}.elf"

    @cached_property
    def file(self) -> bytes:
        """The file with symbols and debug information; empty where there is no image."""
        return symbol_file(self.session)


def pad_of(session: Debugged) -> Pad:
    """What the first call returns to. Its address isn't the symbol's first byte, since callers are looked up by the
    address before."""
    return Pad(PAD_NAME, (session.target.leave or 4) - 4, 8)


def peek(session: Debugged, address: int, size: int) -> bytes:
    """Bytes of memory, as many as can be read from an address on; those of the pad are `udf #0`."""
    pad = pad_of(session)
    if pad.address <= address < pad.address + pad.size:
        return bytes(min(size, pad.address + pad.size - address))
    read = session.timeline.guest.guest.peek
    try:
        return read(address, size)
    except AccessError as error:
        readable = error.address - address
    try:
        return read(address, readable) if 0 < readable < size else b""
    except AccessError:
        return b""


def symbol_file(session: Debugged) -> bytes:
    """An executable file for debuggers, with the symbols and the debug information of a session's code; empty where
    there is no image."""
    images = session.target.places.images
    if not images:
        return b""

    def read(address: int, size: int) -> bytes:
        found = peek(session, address, size)
        return found + bytes(size - len(found))

    image, base = images[0]
    return debugger_file(image, base, pad_of(session), read)
