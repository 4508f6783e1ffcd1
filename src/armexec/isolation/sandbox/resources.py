"""Limits of resources (setrlimit)."""

from __future__ import annotations

import contextlib
import resource
import sys

__all__ = ["limit_resources"]

_FILES = 512
"""File descriptors: each thread has some, of files in memory by which it accesses memory safely."""
_FILE_SIZE = 2 << 20
"""Bytes of each of these files."""
_OWN_MEMORY = 1 << 30
"""Bytes for what every worker has: stacks, translations, Python's own memory."""
_ADDRESSES = 64 << 30
"""Bytes of addresses, most of them reserved below stacks: there a limit is no use."""


def limit_resources(memory: int) -> None:
    """Limit this process: no core dumps, few and small files, and `memory` bytes beside what it has and needs; 0: any.

    Linux counts memory that a process may write to itself (RLIMIT_DATA). Shared memory isn't counted: the filter of
    system calls refuses it, except for files in memory, which have limits here. The filter also refuses new processes:
    RLIMIT_NPROC would count all of the user's, and threads. On macOS it counts processes alone.
    """
    wanted = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: _FILES, resource.RLIMIT_FSIZE: _FILE_SIZE}
    if sys.platform == "darwin":
        wanted[resource.RLIMIT_NPROC] = 1
    if memory:
        mapped, data = _mapped()
        wanted[resource.RLIMIT_DATA] = data + _OWN_MEMORY + memory
        wanted[resource.RLIMIT_AS] = mapped + _ADDRESSES + memory
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # macOS refuses some of them.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (least, least))


def _mapped() -> tuple[int, int]:
    """Bytes that this process has mapped, and those that it may write to; 0 where the system doesn't tell."""
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:
        fields = [int(field) * resource.getpagesize() for field in file.read().split()]
        return fields[0], fields[5]
    return 0, 0
