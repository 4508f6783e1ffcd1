"""Python's standard output and error in a worker, which the other process writes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

__all__ = ["Output"]


class Output(io.TextIOBase):
    """A stream whose bytes go elsewhere."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.buffer = _Binary(send)

    def write(self, text: str) -> int:
        self.buffer.write(text.encode("utf-8", "backslashreplace"))
        return len(text)


class _Binary(io.RawIOBase):
    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def write(self, data: Any) -> int:
        self._send(bytes(data))
        return len(data)
