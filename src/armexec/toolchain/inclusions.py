"""Checks of the files that a source includes, before a compiler waits for a device or a pipe."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence

from armexec.errors import CompileError, Diagnostic

__all__ = ["check_inclusions", "include_folders", "read_regular"]

LARGEST = 256 << 20
"""Maximum size of an included file in bytes."""
_INCLUSION = re.compile(
    rb'^[ \t]*#[ \t]*(?:include|include_next|import|embed)\b[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)'
    rb'|\.(?:incbin|include)[ \t]+\\?"([^"\\\n]+)',
    re.MULTILINE,
)
_MOST_FILES = 500
"""Maximum number of files looked into; a compiler's own headers don't count."""
_FOLDER_OPTIONS = ("-I", "-iquote", "-isystem", "-idirafter")


def include_folders(flags: Sequence[str] | str) -> list[str]:
    """The folders that a compiler's options, also as a text, add to the search for included files.

    Raises:
        CompileError: the text can't be split.
    """
    if isinstance(flags, str):
        import shlex

        try:
            flags = shlex.split(flags)
        except ValueError as error:
            raise CompileError(f"can't read the flags {flags!r}: {error}") from None
    folders = []
    for index, flag in enumerate(flags):
        option = next((option for option in _FOLDER_OPTIONS if flag.startswith(option)), None)
        if option is not None:
            following = flags[index + 1] if index + 1 < len(flags) else ""
            folders.append(flag.removeprefix(option) or following)
    return folders


def check_inclusions(source: bytes, name: str, flags: Sequence[str]) -> None:
    """Check the files that a source includes by name, and those that they include.

    Raises:
        CompileError: one is neither a regular file nor a directory, or has more than LARGEST bytes.
    """
    folders = include_folders(flags)
    waiting = [(name, source)]
    seen: set[str] = set()
    while waiting:
        file, text = waiting.pop()
        for match in _INCLUSION.finditer(text):
            written = next(filter(None, match.groups())).decode("utf-8", "surrogateescape")
            path = _found(written, [os.path.dirname(file), "", *folders])
            if path is None or path in seen:
                continue
            seen.add(path)
            problem = _problem(path)
            if problem:
                line = text.count(b"\n", 0, match.start()) + 1
                column = match.start(match.lastindex or 0) - text.rfind(b"\n", 0, match.start(match.lastindex or 0))
                raise CompileError(
                    f"{file}:{line}:{column}: {problem}",
                    diagnostics=(Diagnostic(file, line, column, "error", problem),),
                )
            if len(seen) <= _MOST_FILES and match.lastindex != 3:
                waiting.append((path, read_regular(path) or b""))


def _found(written: str, folders: Sequence[str]) -> str | None:
    paths = (os.path.join(folder, written) for folder in folders)
    return next((path for path in paths if os.path.exists(path)), None)


def _problem(path: str) -> str:
    """The reason why a file can't be included, or "". The compiler itself refuses directories."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    if not stat.S_ISREG(status.st_mode):
        return "" if stat.S_ISDIR(status.st_mode) else f"{path!r} is not a regular file: it can't be included"
    if status.st_size > LARGEST:
        return f"{path!r} has {status.st_size} bytes: at most {LARGEST} can be included"
    return ""


def read_regular(path: str) -> bytes | None:
    """The bytes of a regular file of at most LARGEST bytes; None for others, and for files that can't be read."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            return None
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError):
        return None
