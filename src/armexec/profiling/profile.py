"""Profiles: the functions and lines of the guest that take the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from armexec.errors import Error
from armexec.profiling.collector import Collector

__all__ = ["FEW", "HotFunction", "HotLine", "Profile", "profile"]

T = TypeVar("T")

FEW = 20
"""Minimum number of samples that say something."""
_NONE = "(armexec)"
"""The function of samples in code that is none of the guest's, such as the way into it."""


@dataclass(frozen=True)
class HotFunction:
    """A function and the samples in it, without those in functions that it calls.

    `name` is as in the source, or `(armexec)` for what the guest needs of the translator; `samples` is how often it was
    met, `share` the part of all samples, from 0 to 1.
    """

    name: str
    samples: int
    share: float


@dataclass(frozen=True)
class HotLine:
    """A line of the source and the samples in it. `name` is `file:line`; the rest is as in `HotFunction`."""

    name: str
    samples: int
    share: float
    file: str
    line: int


class Profile:
    """A record of what guest code did in a `with` block: `with armexec.profile() as p: ...`, and then look at it."""

    def __init__(self) -> None:
        self._running: Collector | None = None
        self._functions: list[HotFunction] | None = None
        self._lines: list[HotLine] = []
        self._unit = "samples"

    def __enter__(self) -> Self:
        if self._running is not None:
            raise Error("this profile is being made already")
        running = Collector()
        running.start()
        self._running = running
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running, self._running = self._running, None
        assert running is not None
        places = running.stop()
        # Instructions and samples can't be added. Where there are both, the samples tell the time.
        sampled = [place for place in places if not place.executed]
        self._unit = "samples" if sampled or not places else "instructions"
        functions: Counter[str] = Counter()
        lines: Counter[tuple[str, int]] = Counter()
        for place in sampled or places:
            functions[place.function or _NONE] += place.times
            if place.line is not None:
                lines[place.line] += place.times
        total = functions.total()
        self._functions = [HotFunction(name, n, n / total) for name, n in _hottest(functions)]
        self._lines = [HotLine(f"{at[0]}:{at[1]}", n, n / total, *at) for at, n in _hottest(lines)]

    def _done(self) -> list[HotFunction]:
        if self._functions is None or self._running is not None:
            raise Error("the profile isn't there before the end of its `with` block")
        return self._functions

    def _repr_html_(self) -> str:
        """The functions as a table, for notebooks. Raises Error before the end of the `with` block."""
        from armexec.html import table

        rows = ((f"{f.share:.1%}", f.samples, f.name) for f in self._done())
        return table("Profile", ("share", self._unit, "function"), rows, detail=f"{self.samples} {self._unit}")

    @property
    def functions(self) -> list[HotFunction]:
        """The functions with samples, hottest first. Raises Error before the end of the `with` block."""
        return self._done()

    @property
    def lines(self) -> list[HotLine]:
        """The lines with samples, hottest first, as far as there is debug information.

        Raises:
            Error: before the end of the `with` block.
        """
        self._done()
        return self._lines

    @property
    def samples(self) -> int:
        """The number of all samples; below `FEW`, shares mean little. Raises Error as the others."""
        return sum(function.samples for function in self._done())

    @property
    def unit(self) -> str:
        """The unit of the counts: "samples", or "instructions" where only the reference engine ran."""
        self._done()
        return self._unit

    def __repr__(self) -> str:
        if self._functions is None:
            return "<Profile, not made yet>"
        hottest = ", ".join(f"{f.name} {f.share:.0%}" for f in self._functions[:3])
        return f"<Profile of {self.samples} {self._unit}: {hottest or 'nothing'}>"


def _hottest(counts: Mapping[T, int]) -> list[tuple[T, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))


def profile() -> Profile:
    """A profile of what guest code does in a `with` block, in every thread.

    >>> with armexec.profile() as p:
    ...     mod.fn(3)
    >>> p.functions, p.lines

    Only the guest's own time counts, not that of Python or of translating. Code that runs on the processor is
    sampled, every millisecond of its time or as often as the system can (most Linux machines: every 4 ms), so let it
    work for a second; on the native engine only in threads that there are at the beginning. The reference engine counts
    instructions, exactly. Profiles use SIGPROF, and there is one at a time. Where the block ends, code that was met is
    translated once more, to find its lines.

    Entering it raises:
        Error: a profile is being made already.
        HostError: the system gives no timers, or SIGPROF is used by another profiler.
    """
    return Profile()
