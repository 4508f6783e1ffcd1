"""Whole processes, measured from start to end."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from armexec.errors import Error

__all__ = ["Ended", "python"]

_SECONDS = 600.0


class Ended(NamedTuple):
    """The output of a process, and its seconds: processor time, with that of its children, and wall time."""

    output: str
    processor: float
    wall: float


def python(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
    """Run Python with these arguments, and with `environment` added to this process's.

    Bytecode is kept between runs, so the first one of its kind may take longer.

    Raises:
        Error: it fails, or takes ten minutes.
    """
    before, start = _children(), time.perf_counter()
    try:
        done = subprocess.run(
            (sys.executable, *arguments),
            env={**os.environ, **_bytecode(), **(environment or {})},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Error(f"python {' '.join(arguments)} has no result after {_SECONDS:g} s") from None
    wall = time.perf_counter() - start
    if done.returncode:
        raise Error(f"python {' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr.strip()}")
    return Ended(done.stdout, _children() - before, wall)


@cache
def _cache() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="armexec-bench-")


def _bytecode() -> dict[str, str]:
    """Environment variables by which a process has bytecode, as an installed package does."""
    if not sys.dont_write_bytecode:
        return {}
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": _cache().name}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
