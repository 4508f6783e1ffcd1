"""The open files of a program by their numbers."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field

from armexec.program.system_calls.errno import EBADF, EMFILE
from armexec.program.system_calls.guest import Failure
from armexec.program.system_calls.streams import InputStream, OutputStream, Readable, Writable

__all__ = ["Descriptors", "OpenFile"]

_MOST = 1024


@dataclass
class OpenFile:
    """A file or folder of the host: its descriptor there, its path for the program, and whether it may be written.

    `entries` are those of a folder that are still to be listed.
    """

    host: int
    path: str
    writable: bool
    entries: list[tuple[str, int, int]] | None = field(default=None)


class Descriptors:
    """What each number stands for; 0, 1 and 2 are the standard streams."""

    def __init__(self, input: bytes | Readable, output: Writable | None, error: Writable | None) -> None:
        self._open: dict[int, InputStream | OutputStream | OpenFile] = {
            0: InputStream(input),
            1: OutputStream("stdout", output),
            2: OutputStream("stderr", error),
        }

    def get(self, number: int) -> InputStream | OutputStream | OpenFile:
        """What is open under a number. Raises Failure (EBADF)."""
        found = self._open.get(number & 0xFFFFFFFF)
        if found is None:
            raise Failure(EBADF)
        return found

    def file(self, number: int, wrong: int) -> OpenFile:
        """The file under a number. Raises Failure with the error `wrong` for a stream."""
        found = self.get(number)
        if not isinstance(found, OpenFile):
            raise Failure(wrong)
        return found

    def add(self, opened: OpenFile) -> int:
        """The lowest free number, under which a file is from now on. Raises Failure (EMFILE)."""
        number = next((n for n in range(_MOST) if n not in self._open), None)
        if number is None:
            os.close(opened.host)
            raise Failure(EMFILE)
        self._open[number] = opened
        return number

    def remove(self, number: int) -> None:
        """Close what is under a number. Raises Failure (EBADF)."""
        found = self.get(number)
        del self._open[number & 0xFFFFFFFF]
        if isinstance(found, OpenFile):
            os.close(found.host)

    def close(self) -> None:
        """Close all files."""
        for found in self._open.values():
            if isinstance(found, OpenFile):
                with contextlib.suppress(OSError):
                    os.close(found.host)
        self._open.clear()
