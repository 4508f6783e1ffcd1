"""The knowledge of a block about registers, the segments that it is run again by, and the ways out of it."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from armexec.machines.llvm.flags import Flags
from armexec.machines.llvm.shapes import Pending, Shapes
from armexec.machines.llvm.values import Value

__all__ = ["CachedVector", "Exit", "Knowledge", "Segment"]


class CachedVector:
    """What a block knows of a V register: its low bits, and whether those above them are zero.

    It may be a half of a longer value, and is taken out of that when it is asked for.
    """

    __slots__ = ("_half", "_shapes", "narrow", "zero_above")

    def __init__(self, shapes: Shapes | None, *, zero_above: bool, half: tuple[Shapes, int] | None = None) -> None:
        self._shapes = shapes
        self._half = half
        self.zero_above = zero_above
        self.narrow: dict[int, Shapes] = {}

    @property
    def shapes(self) -> Shapes:
        if self._shapes is None:
            assert self._half is not None
            whole, index = self._half
            self._shapes = whole.half(index)
        return self._shapes

    @property
    def whole(self) -> Shapes | None:
        """What it is a half of."""
        return self._half[0] if self._half is not None else None

    @property
    def pending(self) -> list[Pending]:
        """The results that it holds, or is a part of, which haven't been looked at."""
        held = [] if self._shapes is None else [self._shapes, *self.narrow.values()]
        held += [self._half[0]] if self._half is not None else []
        return [shapes.pending for shapes in held if shapes.pending is not None]

    def copy(self) -> CachedVector:
        if self._shapes is None:
            assert self._half is not None
            return CachedVector(None, zero_above=self.zero_above, half=(self._half[0].copy(), self._half[1]))
        other = CachedVector(self._shapes.copy(), zero_above=self.zero_above)
        other.narrow = {bits: shapes.copy() for bits, shapes in self.narrow.items()}
        return other


Knowledge: TypeAlias = tuple[dict[int, Value], dict[int, Value], Flags, dict[int, CachedVector]]
"""What is known at a place in a block: general registers, their lower halves, the flags, V registers."""


class Segment:
    """A part of a block that can be run again from its start: nothing outside of the machine changes in it.

    `knowledge`: what the block knew where it starts, None for the block's own start. `reads`, `writes`: registers, as
    bits; what is written first doesn't count as read.
    """

    __slots__ = ("knowledge", "pc", "reads", "writes")

    def __init__(self, pc: int, knowledge: Knowledge | None) -> None:
        self.pc = pc
        self.knowledge = knowledge
        self.reads = 0
        self.writes = 0


class Exit(NamedTuple):
    """A way out of a block to where `label` is: run the segment of this number again, in nonspeculative code.

    `vectors`, `flags`: of what is known where the segment starts, what may be used at this exit.
    """

    label: str
    segment: int
    flags: Flags | None
    vectors: dict[int, CachedVector]
