"""Who takes part: what makes a kernel ready to run, and which of them can do so here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from armexec.errors import Error

if TYPE_CHECKING:
    from armexec.bench.kernels import Kernel

__all__ = ["CHOICES", "HOST", "HOST_TUNED", "Contender", "Run", "Runner", "choose"]

CHOICES = ("host", "native", "translated", "qemu", "unicorn")
"""What `--engines` takes: `host` is the host's own build in its two ways, `native` armexec's engine on AArch64."""

HOST, HOST_TUNED = "host -O2", "host -O2 tuned"
"""The names of the two ways: for any processor of this kind, and for the one that is here."""


class Run(NamedTuple):
    """What one run of a kernel gave, and how many seconds of processor time it took."""

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
        """Why it can't run here, or None if it can."""

    def start(self, kernel: Kernel) -> AbstractContextManager[Runner]:
        """Make a kernel ready; leaving the context gives back what it took. Raises Error."""

    def describe(self) -> str:
        """Which program and version it is, in a few words."""


def choose(names: Iterable[str], tier: str | None = None) -> tuple[list[Contender], dict[str, str]]:
    """The contenders of these names (of CHOICES; all for no name) that can run here, and why the others can't.

    Args:
        tier: the translated engine's tier, "O0" to "O3"; its own choice otherwise.

    Raises:
        Error: there is no contender of a name, or none of them can run.
    """
    from armexec.bench.arm_engine import ArmEngine
    from armexec.bench.host_build import HostBuild
    from armexec.bench.qemu import Qemu
    from armexec.bench.unicorn_engine import Unicorn

    wanted = set(names) or set(CHOICES)
    for name in sorted(wanted - set(CHOICES)):
        near = difflib.get_close_matches(name, CHOICES, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Error(f"nothing called {name!r} takes part{hint} Choose from {', '.join(CHOICES)}")
    made: dict[str, list[Contender]] = {
        "host": [HostBuild(HOST), HostBuild(HOST_TUNED, tuned=True)],
        "native": [ArmEngine("native")],
        "translated": [ArmEngine("translated", tier)],
        "qemu": [Qemu()],
        "unicorn": [Unicorn()],
    }
    present: list[Contender] = []
    absent: dict[str, str] = {}
    for name in CHOICES:
        if name in wanted:
            reason = made[name][0].unavailable()
            if reason is None:
                present += made[name]
            else:
                absent[name] = reason
    if not present:
        raise Error("nothing can be measured: " + "; ".join(f"{name}: {why}" for name, why in absent.items()))
    return present, absent
