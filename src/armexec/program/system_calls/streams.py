"""Standard input, output and error of a program."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Callable
from typing import Any, Protocol

from armexec.program.system_calls.threads.waiting import wait_for_input

__all__ = ["InputStream", "OutputStream", "Readable", "Writable"]


class Writable(Protocol):
    """A binary file."""

    def write(self, data: bytes, /) -> Any: ...


class Readable(Protocol):
    """A binary file."""

    def read(self, size: int, /) -> bytes: ...


class InputStream:
    """Bytes that are read one after the other, or a file, of which a read gives what is there."""

    def __init__(self, source: bytes | Readable) -> None:
        file: Readable = io.BytesIO(source) if isinstance(source, bytes) else source
        self._file = file
        # Buffered files: without waiting for all that was asked for.
        self._read: Callable[[int], bytes] = getattr(file, "read1", file.read)

    def read(self, size: int, *, may_be_left: bool = False) -> bytes:
        """The next bytes; none at the end. `may_be_left`: the thread may be ended while it waits.

        Raises TimeIsOver, and what the file raises.
        """
        if may_be_left:
            wait_for_input(self._file)
        return self._read(size)


class OutputStream:
    """Python's `sys.stdout` or `sys.stderr` at each write, so that notebooks and tests see it; or a file."""

    def __init__(self, name: str, file: Writable | None) -> None:
        self._name = name
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises what the file raises."""
        if self._file is not None:
            self._file.write(data)
            return
        stream = getattr(sys, self._name)
        if stream is None:  # as under pythonw
            return
        binary = getattr(stream, "buffer", None)
        stream.flush()
        if binary is not None:
            binary.write(data)
            binary.flush()
        else:
            stream.write(self._decoder.decode(data))
            stream.flush()
