"""The table of packets: which function answers which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from armexec.debugger.rsp.state import State

__all__ = ["Handler", "command", "find"]

Handler: TypeAlias = Callable[[State, bytes], "bytes | Awaitable[bytes | None] | None"]
"""Takes what follows the packet's name. It gives the answer; None for none."""

_handlers: dict[bytes, Handler] = {}


def command(*names: str) -> Callable[[Handler], Handler]:
    """Have a function answer the packets that begin with these names."""

    def decorate(handler: Handler) -> Handler:
        for name in names:
            _handlers[name.encode()] = handler
        return handler

    return decorate


def find(data: bytes) -> tuple[Handler, bytes] | None:
    """The function for a packet and what follows the name, which is the longest that fits; None for unknown ones."""
    for size in range(len(data), 0, -1):
        handler = _handlers.get(data[:size])
        if handler is not None:
            return handler, data[size:]
    return None
