"""What a worker process may do: limits of resources everywhere, and on Linux Landlock and a filter of system calls."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import NamedTuple

# Not later: files can't be opened then.
from armexec.isolation.sandbox.landlock import abi_version, restrict
from armexec.isolation.sandbox.resources import limit_resources
from armexec.isolation.sandbox.seccomp import can_filter, install

__all__ = ["Sandbox", "allow_files", "available", "deny_files", "filter_system_calls", "limit_resources"]


class Sandbox(NamedTuple):
    """What confines a worker.

    `landlock`: the version of the kernel's Landlock ABI that was used, 0 without one. `seccomp`: whether a filter of
    system calls is there. `memory`: bytes that it may map, beside those that every worker needs; 0 without a limit.
    """

    landlock: int
    seccomp: bool
    memory: int


def available() -> str:
    """What confines workers on this host, in words."""
    if sys.platform != "linux":
        return "limits of resources only: they contain crashes, and no hostile code"
    if not can_filter():
        return "none: this kernel has no seccomp filters, or its system calls aren't known"
    version = abi_version()
    return f"seccomp, Landlock {version}" if version else "seccomp, no Landlock"


def deny_files() -> int:
    """Let this thread, and those that it starts, open no file any more; the version of Landlock's ABI, or 0."""
    return restrict() if sys.platform == "linux" else 0


def allow_files(read: Iterable[str], write: Iterable[str]) -> int:
    """As `deny_files`, but for some files, and all below some folders, which may be read, or also changed."""
    return restrict(read, write) if sys.platform == "linux" else 0


def filter_system_calls() -> bool:
    """Refuse all system calls that running the guest doesn't need, in all threads. Whether that can be done here.

    Raises:
        OSError: the kernel is Linux and has no such filter.
    """
    if sys.platform != "linux":
        return False
    install()
    return True
