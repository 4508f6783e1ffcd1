"""Input and output files of commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from armexec.cli.outcome import warn_of
from armexec.errors import LoadError
from armexec.files import find_file
from armexec.sources import Source

__all__ = ["open_source", "write_output"]


def open_source(
    file: str,
    kind: str | None = None,
    *,
    level: str = "0",
    target: str = "host",
    flags: Sequence[str] = (),
    compiler: str | None = None,
    search: Sequence[str] | None = (),
) -> Source:
    """The source that a command line names; `-` is standard input. The compiler's warnings are shown.

    A shared library is looked for in the folders `search`, and so are those that it needs; None leaves them out.

    Raises:
        LoadError: the kind of standard input isn't given.
    """
    if file != "-":
        path = (find_file(file, search) if search and not os.path.dirname(file) else None) or file
        return Source.from_file(
            path, kind, search=search, opt=f"-O{level}", target=target, flags=flags, compiler=compiler, report=warn_of
        )
    if not kind:
        raise LoadError("what standard input holds isn't known: give --language c|c++|assembly|hex|bin|object")
    return Source(
        None,
        kind,
        read=_read_standard_input,
        file="<stdin>",
        opt=f"-O{level}",
        target=target,
        flags=flags,
        compiler=compiler,
        report=warn_of,
        search=search,
    )


def _read_standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise LoadError(f"standard input: {error.strerror or error}") from None


def write_output(file: str | None, data: bytes) -> None:
    """Write to a file, or to standard output.

    Raises:
        LoadError: the file can't be written.
    """
    if file is None or file == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        with open(file, "wb") as opened:
            opened.write(data)
    except OSError as error:
        raise LoadError(f"{file}: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise LoadError(f"{file!r}: {error}") from None
