"""Symbols for Linux's `perf`: a line for each host function in /tmp/perf-PID.map, which `perf report` reads.

The format is that of tools/perf/Documentation/jit-interface.txt in the Linux sources: START and SIZE in hexadecimal
without 0x, and the name, which is the rest of the line. Nothing is ever taken back: the format has no way to say so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from armexec.errors import HostError
from armexec.forks import hold
from armexec.translate.observe.host_symbols import HostSymbol
from armexec.translate.observe.naming import Naming

__all__ = ["append", "path"]

_lock = hold(Lock())


def path() -> Path:
    """The file of this process. perf looks nowhere else."""
    return Path(f"/tmp/perf-{os.getpid()}.map")


def append(symbols: Iterable[HostSymbol], naming: Naming) -> None:
    """Add host functions to this process's file. Raises HostError where that can't be written."""
    lines = [
        f"{s.address:x} {s.size:x} {_one_line(naming.shown(s.name, prefix='guest:'))}\n" for s in symbols if s.size
    ]
    try:
        # Written at once and for this user alone; a link that somebody else left there isn't followed.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with _lock, open(os.open(path(), flags, 0o600), "w", encoding="utf-8", errors="replace") as file:
            file.write("".join(lines))
    except OSError as error:
        raise HostError(f"ARMEXEC_PERF: {path()} can't be written: {error.strerror}") from error


def _one_line(name: str) -> str:
    return " ".join(name.split())
