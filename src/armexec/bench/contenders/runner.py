"""Runners of kernels, and the contenders that make kernels ready to run, as protocols."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from armexec.bench.kernels import Kernel

__all__ = ["HOST", "HOST_TUNED", "Contender", "Run", "Runner"]

HOST, HOST_TUNED = "host -O2", "host -O2 tuned"
"""The names of the host's two builds: for any processor of its kind, and for this processor."""


class Run(NamedTuple):
    """The result of one run of a kernel, and the seconds of processor time that it took."""

    result: int
    seconds: float


class Runner(Protocol):
    """A kernel that is ready to run."""

    def run(self, count: int) -> Run:
        """Run it once. Raises Error if it fails."""

    def settle(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for optimization that has begun. True if there was any."""
        return False


class Contender(Protocol):
    """One way to run kernels."""

    name: str

    def unavailable(self) -> str | None:
        """The reason why it can't run here, or None if it can."""

    def start(self, kernel: Kernel) -> AbstractContextManager[Runner]:
        """Make a kernel ready, and release its resources when the context is left. Raises Error."""

    def describe(self) -> str:
        """The program and its version, in a few words."""
