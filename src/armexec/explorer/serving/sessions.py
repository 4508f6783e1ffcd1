"""Ending all processes of a session: a compiler has a process group of its own, and is in its starter's session."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

__all__ = ["kill_session"]

_PROC = Path("/proc/self").exists()


def kill_session(leader: int) -> None:
    """Kill the processes whose session (setsid(2)) a process has begun. It has ended itself, so it starts no more."""
    killed: set[int] = set()
    # A driver may start another process until it is killed.
    while found := {pid for pid in _processes() if _session(pid) == leader} - killed:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= found


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _processes() -> Iterable[int]:
    """The ids of the processes that run."""
    if _PROC:
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, check=False).stdout
    return map(int, listed.split())
