"""What does the guest's system calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["SystemCallHandler"]

SystemCallHandler: TypeAlias = Callable[[int, int, tuple[int, ...]], int]
"""A function that does a system call: from its pc, its number (X8) and X0 to X5 to what becomes of X0 (syscall(2)).

An exception that it raises leaves the guest.
"""
