"""Processes that are measured whole."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from armexec.errors import Error

__all__ = ["Ended", "python"]

_SECONDS = 600.0


class Ended(NamedTuple):
    """What a process printed, and the seconds it took: of the processor, its children's included, and of the wall."""

    output: str
    processor: float
    wall: float


def python(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
    """Run Python with these arguments, and with `environment` added to this process's.

    Raises:
        Error: it fails, or takes ten minutes.
    """
    before, start = _children(), time.perf_counter()
    try:
        done = subprocess.run(
            (sys.executable, *arguments),
            env={**os.environ, **(environment or {})},
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


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
