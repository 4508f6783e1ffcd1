"""Stretches of a target, loaded when they are first needed: NumPy takes its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from armexec.debugger.target import Target
from armexec.engines.observed import Policy, unavailable
from armexec.translate.codegen.shield import shielded

if TYPE_CHECKING:
    from armexec.debugger.fast.stretch import Stretches

__all__ = ["stretches_of"]


def stretches_of(target: Target, policy: Policy | None) -> Stretches | None:
    """The stretches of a target; None where there are none, as on `reference`."""
    if target.engine == "reference" or unavailable():
        return None
    # Ctrl-C while NumPy is imported would leave it unusable.
    return shielded(_kind)(target, policy)


def _kind() -> type[Stretches]:
    from armexec.debugger.fast.stretch import Stretches

    return Stretches
