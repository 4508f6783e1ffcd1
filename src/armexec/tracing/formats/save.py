"""Traces as files, by the names of formats."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from armexec.errors import Error, SignatureError

if TYPE_CHECKING:
    from armexec.tracing.recorded_run import RecordedRun

__all__ = ["FORMATS", "format_of", "save"]

FORMATS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "chrome": (".json",),
        "perfetto": (".perfetto-trace", ".pftrace"),
        "lcov": (".info", ".lcov"),
        "drcov": (".drcov",),
        "callgrind": (".callgrind", "callgrind.out"),
        "memory": (".npz",),
        "memory-csv": (".csv",),
        "text": (".txt",),
    }
)
"""The formats, and how the names of their files end (or begin: "callgrind.out.5")."""


def format_of(path: str | os.PathLike[str]) -> str:
    """The format that a file's name stands for. Raises SignatureError."""
    name = os.path.basename(os.fspath(path))
    for format, ends in FORMATS.items():
        if name.endswith(ends) or (format == "callgrind" and name.startswith("callgrind.out")):
            return format
    known = ", ".join(f"{ends[0]} ({format})" for format, ends in FORMATS.items())
    raise SignatureError(f"{name!r:.80} doesn't say in which format to write: its name may end in {known}")


def save(trace: RecordedRun, path: str | os.PathLike[str], format: str | None = None) -> None:
    """Write a trace to a file; see `Trace.save`."""
    chosen = format_of(path) if format is None else format
    if chosen not in FORMATS:
        raise SignatureError(f"there is no format {chosen!r:.60}: choose one of {', '.join(FORMATS)}")
    module = import_module(f"armexec.tracing.formats.{chosen.replace('-', '_')}")
    write: Callable[[RecordedRun, BinaryIO], None] = module.write
    try:
        with open(path, "wb") as file:
            write(trace, file)
    except OSError as error:
        raise Error(f"can't write {os.fspath(path)}: {error.strerror}") from None
