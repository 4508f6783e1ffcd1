"""Runners of kernels, and the contenders that make kernels ready to run, as protocols."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from armexec.bench.kernels import Kernel

__all__ = ["HOST", "HOST_TUNED", "Contender", "Run", "Runner"]

HOST, HOST_TUNED = "host -O2", "host -O2 tuned"
"""The names of the two ways: for any processor of this kind, and for the one that is here."""


class Run(NamedTuple):
    """The result of one run of a kernel, and the seconds of processor time that it took."""

    result: int
    seconds: float


class Runner(Protocol):
    """A kernel made ready."""

    def run(self, count: int) -> Run:
        """Run it once. Raises Error for what it does wrong."""

    def settle(self, timeout: float) -> bool:
        """Wait until nothing that has begun makes it faster, at most `timeout` seconds; True if something did."""
        return False


class Contender(Protocol):
    """One way to run kernels."""

    name: str

    def unavailable(self) -> str | None:
        """The reason why it can't run here, or None if it can."""

    def start(self, kernel: Kernel) -> AbstractContextManager[Runner]:
        """Make a kernel ready; leaving the context gives back what it took. Raises Error."""

    def describe(self) -> str:
        """The program and its version, in a few words."""
