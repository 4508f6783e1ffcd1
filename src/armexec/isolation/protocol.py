"""The messages between a process, its fork server and its workers.

What goes to a worker is pickled. What comes from a worker never is: it may be made by hostile code, so it is read as
bytes of known types, and as JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from armexec import errors
from armexec.errors import Error, ExecutionError
from armexec.isolation.channel import ProtocolError
from armexec.isolation.fault_details import decode_details, encode_details
from armexec.objects import Prototype

__all__ = [
    "ALIGNMENT",
    "LIMIT",
    "SERVER_LIMIT",
    "Address",
    "Block",
    "CallbackReference",
    "Reply",
    "Request",
    "ServerKind",
    "decode_error",
    "encode_error",
    "join_blocks",
    "split_blocks",
]

SERVER_LIMIT = 1 << 20
"""The longest message from and to the fork server, in bytes."""
ALIGNMENT = 64
"""The copy of memory that an argument points to has an address with the same lower bits as the original's."""
LIMIT = 4 << 20
"""The longest message from a worker, in bytes, beside the memory that it sends back."""
_COUNT = struct.Struct("<I")
_BLOCK = struct.Struct("<IQ")


class ServerKind(IntEnum):
    """Messages from and to the fork server."""

    READY = 1
    START = 2
    SIGNAL = 3
    EXIT_CODE = 4
    ANSWER = 5


class Request(IntEnum):
    """Messages to a worker: what may be used (`Budget`), and a question. Each has one reply, RESULT or ERROR, but the
    last two, which are replies to CALLBACK, with what is left (`budget.left`).

    The first is LOAD or PROGRAM."""

    LOAD = 1
    BIND = 2
    CALL = 3
    READ = 4
    WRITE = 5
    REPLACE = 6
    RUN = 7
    CLOSE = 8
    ADDRESS = 9
    FORGET = 10
    RETURN = 11
    RAISE = 12
    PROGRAM = 13


class Reply(IntEnum):
    """Messages from a worker. RESULT, ERROR and CALLBACK have what is left (`budget.left`)."""

    READY = 1
    RESULT = 2
    ERROR = 3
    OUTPUT = 4
    CALLBACK = 5


# Plain tuples, which unpickle in a fraction of the time of others.
Block: TypeAlias = tuple[bytes | int, int, bool]
"""Memory that arguments point to: its bytes, and the lower bits of its address; or its offset in shared memory, and its
size; and whether the guest may change it."""
Address: TypeAlias = tuple[int, int]
"""A pointer into a block: the block's number and the offset in it."""


class CallbackReference(NamedTuple):
    """A function of Python in the other process, by its number there."""

    number: int
    prototype: Prototype


def join_blocks(changed: Sequence[tuple[int, bytes]], rest: bytes = b"") -> list[bytes]:
    """The parts of a reply: the numbers and bytes of changed blocks, then the rest."""
    parts = [_COUNT.pack(len(changed))]
    for number, data in changed:
        parts += _BLOCK.pack(number, len(data)), data
    return [*parts, rest]


def split_blocks(reply: bytes, sizes: Sequence[int]) -> tuple[list[tuple[int, memoryview]], memoryview]:
    """The changed blocks of a reply and the rest; `sizes` are those of the blocks.

    Raises:
        ProtocolError: it isn't such a reply.
    """
    view = memoryview(reply)
    try:
        (count,) = _COUNT.unpack_from(view)
        at = _COUNT.size
        changed = []
        for _ in range(count):
            number, size = _BLOCK.unpack_from(view, at)
            at += _BLOCK.size
            if size != sizes[number] or len(view) < at + size:
                raise ProtocolError("a block of another size")
            changed.append((number, view[at : at + size]))
            at += size
    except (struct.error, IndexError):
        raise ProtocolError("no such reply") from None
    return changed, view[at:]


def encode_error(error: BaseException) -> bytes:
    """An exception as JSON."""
    kind = type(error)
    known = next((base for base in kind.__mro__ if base.__name__ in errors.__all__), None)
    if known is None:
        text = f"the worker process failed: {kind.__name__}: {error}"
        if isinstance(error, MemoryError):
            known = errors.HostError
            text = "the worker process has no memory left: give it more (memory_limit)"
        return json.dumps({"kind": getattr(known, "__name__", "Error"), "args": [text], "fields": {}}).encode()
    assert isinstance(error, Error)
    known_fields = error._fields()
    fields = {name: value for name, value in known_fields.items() if _is_plain(name, value)}
    arguments = [str(argument) for argument in error.args]
    said = {"kind": known.__name__, "args": arguments, "fields": fields}
    return json.dumps({**said, **encode_details(known_fields)}).encode()


def decode_error(data: bytes | memoryview) -> Error:
    """The exception that `encode_error` has made text of.

    Raises:
        ProtocolError: it is none.
    """
    try:
        found = json.loads(bytes(data))
        name, arguments, fields = found["kind"], found["args"], found["fields"]
        kind = getattr(errors, name) if name in errors.__all__ else None
        if not (isinstance(kind, type) and issubclass(kind, Error)):
            raise ProtocolError("no exception")
        if not all(isinstance(argument, str) for argument in arguments):
            raise ProtocolError("no text")
        error = kind.__new__(kind, *arguments)
        error.__dict__.update({key: value for key, value in fields.items() if _is_plain(key, value)})
        if isinstance(error, ExecutionError):
            error.__dict__.update(decode_details(found))
            texts = error.message, error.symbol, error.source, error.instruction
            if not (isinstance(error.pc, int) and all(isinstance(text, str) for text in texts)):
                raise ProtocolError("no place")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise ProtocolError("no exception") from None
    return error


def _is_plain(name: str, value: object) -> bool:
    """Whether a field of an exception may be passed."""
    if name == "__notes__":
        return isinstance(value, list) and all(isinstance(line, str) for line in value)
    return not name.startswith("_") and isinstance(value, str | int | float | None)
