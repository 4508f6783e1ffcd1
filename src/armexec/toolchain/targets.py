"""The systems a source can be compiled for. All are AArch64; any of them can be compiled for on any host."""

from __future__ import annotations

import sys
from typing import NamedTuple

from armexec.errors import CompileError

__all__ = ["Target", "resolve_target"]


class Target(NamedTuple):
    """One system: its LLVM triple, `object_format` ("elf" or "macho") and the compiler flags it needs."""

    name: str
    triple: str
    object_format: str
    flags: tuple[str, ...] = ()


_TARGETS = {
    "linux": Target("linux", "aarch64-linux-musl", "elf"),
    # macOS 11 is the first on Apple silicon.
    "apple": Target("apple", "arm64-apple-macos11", "macho"),
    "bare": Target("bare", "aarch64-none-elf", "elf", ("-ffreestanding",)),
}


def resolve_target(target: str) -> Target:
    """The target called `target`: "linux", "apple", "bare", or "host" for the one that fits this machine.

    Raises CompileError for any other name.
    """
    name = ("apple" if sys.platform == "darwin" else "linux") if target == "host" else target
    try:
        return _TARGETS[name]
    except (KeyError, TypeError):
        raise CompileError(f"unknown target {target!r}: choose one of host, {', '.join(_TARGETS)}") from None
