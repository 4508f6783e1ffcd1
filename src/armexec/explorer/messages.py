"""Messages between the server and its processes: JSON, and perhaps bytes that only processes of armexec make and read.

What comes from a runner may be made by hostile code: the server reads JSON from it and nothing else.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

from armexec.errors import AssemblyError, CompileError, Error, ExecutionError

__all__ = ["ANSWER", "READY", "REQUEST", "failure", "pack", "unpack"]

REQUEST, ANSWER, READY = 1, 2, 3
"""The kinds of messages, for `isolation.channel`."""
_LENGTH = struct.Struct("<I")
_LONGEST = 20_000
"""Characters of a message about a mistake."""


def pack(message: Mapping[str, Any], data: bytes = b"") -> bytes:
    """A message and its bytes as one."""
    text = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(text)) + text + data


def unpack(packed: bytes) -> tuple[dict[str, Any], bytes]:
    """What `pack` was given. Raises ValueError for what it never makes."""
    try:
        (length,) = _LENGTH.unpack_from(packed)
        message = json.loads(packed[4 : 4 + length])
    except (struct.error, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(message, dict):
        raise ValueError("no message")
    return message, packed[4 + length :]


def failure(error: BaseException) -> dict[str, Any]:
    """An exception as the page shows it: its class, its text, and its places in the source."""
    found: dict[str, Any] = {"kind": type(error).__name__, "message": str(error)[:_LONGEST] or type(error).__name__}
    if isinstance(error, CompileError):
        found["diagnostics"] = [
            {"file": d.file, "line": d.line, "column": d.column, "severity": d.severity, "message": d.message}
            for d in error.diagnostics[:200]
        ]
    elif isinstance(error, AssemblyError) and error.line:
        message = f"{error.message}\n{error.hint}" if error.hint else error.message
        found["diagnostics"] = [
            {"file": error.file, "line": error.line, "column": error.column, "severity": "error", "message": message}
        ]
    elif isinstance(error, ExecutionError):
        found["pc"] = hex(getattr(error, "pc", 0) or 0)
    elif not isinstance(error, Error):
        found["message"] = f"armexec failed: {type(error).__name__}: {error}"[:_LONGEST]
    return found
