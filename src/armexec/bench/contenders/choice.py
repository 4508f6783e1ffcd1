"""The choice of contenders: those that are asked for and can run here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from armexec.bench.contenders.arm_engine import ArmEngine
from armexec.bench.contenders.host_build import HostBuild
from armexec.bench.contenders.qemu import Qemu
from armexec.bench.contenders.runner import HOST, HOST_TUNED, Contender
from armexec.bench.contenders.unicorn_engine import Unicorn
from armexec.errors import Error

__all__ = ["CHOICES", "choose"]

CHOICES = ("host", "native", "translated", "qemu", "unicorn")
"""The names that `--engines` takes: `host` is the host's own build in its two ways, `native` armexec's engine."""


def choose(names: Iterable[str], tier: str | None = None) -> tuple[list[Contender], dict[str, str]]:
    """The contenders of these names (of CHOICES; all for no name) that can run here, and the reasons why others can't.

    Args:
        tier: the translated engine's tier, "O0" to "O3"; its own choice otherwise.

    Raises:
        Error: there is no contender of a name, or none of them can run.
    """
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
