"""The processor that a guest sees: its registers, as data and as an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cpu import Cpu
    from .stop import Stop, StopReason

__all__ = ["Cpu", "Stop", "StopReason"]


def __getattr__(name: str) -> Any:
    # Translated code from the cache needs the register file alone, and is to start fast.
    if name == "Cpu":
        from .cpu import Cpu

        return Cpu
    if name in ("Stop", "StopReason"):
        from . import stop

        return getattr(stop, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
