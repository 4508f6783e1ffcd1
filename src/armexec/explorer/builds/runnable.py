"""What a builder gives a runner."""

from __future__ import annotations

from dataclasses import dataclass

from armexec.objects import Image, Prototype

__all__ = ["Runnable"]


@dataclass(frozen=True)
class Runnable:
    """What a runner is told to load. `prototypes` by the linkage names of functions, `lines` by offsets of
    instructions: those of the source, and 0 for other code."""

    image: Image
    prototypes: dict[str, Prototype]
    lines: dict[int, int]
    is_program: bool
    is_compiled: bool
