"""The instructions that were executed before now."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from armexec.errors import Error

__all__ = ["Counted", "Path"]

_Array: TypeAlias = Any
"""An array of NumPy, which is imported where it is needed."""


@dataclass(frozen=True)
class Counted:
    """Many instructions that were executed. `pcs`: their addresses, each once; `counts`: how often each was executed,
    and `last` when it was last."""

    begin: int
    end: int
    pcs: _Array
    counts: _Array
    last: _Array


@dataclass(frozen=True)
class _Listed:
    """Instructions by their times."""

    begin: int
    pcs: array[int]

    @property
    def end(self) -> int:
        return self.begin + len(self.pcs)


class Path:
    """Addresses of instructions by their times, from time 0 on: each, or of many at once only the last time of each."""

    def __init__(self) -> None:
        self._parts: list[_Listed | Counted] = []

    @property
    def end(self) -> int:
        """The number of instructions."""
        return self._parts[-1].end if self._parts else 0

    def append(self, pc: int) -> None:
        """One more."""
        parts = self._parts
        if not parts or not isinstance(parts[-1], _Listed):
            parts.append(_Listed(self.end, array("Q")))
        part = parts[-1]
        assert isinstance(part, _Listed)
        part.pcs.append(pc)

    def extend(self, counted: Counted) -> None:
        """Many more."""
        self._parts.append(counted)

    def cut(self, time: int) -> None:
        """Forget those from a time on, which isn't within many that came at once."""
        parts = self._parts
        while parts and parts[-1].begin >= time:
            parts.pop()
        if parts and parts[-1].end > time:
            part = parts[-1]
            assert isinstance(part, _Listed)
            del part.pcs[time - part.begin :]

    def pc(self, time: int) -> int:
        """The address of an instruction. Raises Error: it is one of many, and the address was executed again."""
        for part in reversed(self._parts):
            if part.begin <= time < part.end:
                if isinstance(part, _Listed):
                    return part.pcs[time - part.begin]
                found = part.pcs[part.last == time].tolist()
                if found:
                    return int(found[0])
        raise Error(f"it isn't known what was executed at time {time}: go there to see")

    def last(self, wanted: Callable[[int], bool]) -> int | None:
        """The time of the last instruction whose address fulfils a condition; None without one."""
        import numpy as np

        known: dict[int, bool] = {}
        for part in reversed(self._parts):
            pcs = np.frombuffer(part.pcs, np.uint64) if isinstance(part, _Listed) else part.pcs
            each = (np.unique(pcs) if isinstance(part, _Listed) else pcs).tolist()
            for pc in each:
                if pc not in known:
                    known[pc] = wanted(pc)
            chosen = np.isin(pcs, np.array([pc for pc in each if known[pc]], np.uint64))
            found = np.flatnonzero(chosen)
            # An array with a view can't grow.
            del pcs
            if len(found):
                return part.begin + int(found[-1]) if isinstance(part, _Listed) else int(part.last[found].max())
        return None

    def counts(self) -> dict[int, int]:
        """How often each address was executed."""
        found: Counter[int] = Counter()
        for part in self._parts:
            if isinstance(part, _Listed):
                found.update(part.pcs)
            else:
                found.update(dict(zip(part.pcs.tolist(), part.counts.tolist(), strict=True)))
        return dict(found)
