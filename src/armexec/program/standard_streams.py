"""Python's standard streams for a library whose functions Python calls."""

from __future__ import annotations

import sys

from armexec.program.system_calls.streams import OutputStream

__all__ = ["StandardError", "StandardInput"]

_LONGEST = 1000
"""Bytes of a line that are kept."""


class StandardError:
    """Python's standard error; `last` is the last line that was written, which may say why a program ends."""

    def __init__(self) -> None:
        self.last = ""
        self._line = b""
        self._stream = OutputStream("stderr", None)

    def write(self, data: bytes, /) -> None:
        # A line may come in several parts.
        *lines, rest = (self._line + data)[-_LONGEST:].split(b"\n")
        self._line = rest
        self.last = (rest or (lines[-1] if lines else b"")).decode("utf-8", "backslashreplace") or self.last
        self._stream.write(data)


class StandardInput:
    """Python's standard input as it is at each read; nothing where it has no bytes."""

    def read(self, size: int, /) -> bytes:
        buffer = getattr(sys.stdin, "buffer", None)
        return bytes(buffer.read1(size)) if buffer is not None else b""

    def fileno(self) -> int:
        """Its number for the system. Raises OSError: it has none."""
        if sys.stdin is None:
            raise OSError("there is no standard input")
        return sys.stdin.fileno()
