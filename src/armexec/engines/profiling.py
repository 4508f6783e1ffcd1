"""Where guest code spends its time, for all engines: places of images, and how often each was met.

What runs on the processor is sampled; the reference engine counts each instruction it executes. There is one profile
at a time in a process, since there is one SIGPROF.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from armexec.errors import Error
from armexec.forks import hold
from armexec.objects.symbolize import function_name, line
from armexec.translate.events import unwatch, watch

if TYPE_CHECKING:
    from armexec.objects import Image
    from armexec.translate.codegen.link import HostCode
    from armexec.translate.execute.runtime import Translator
    from armexec.translate.observe.sample_places import CodeRanges
    from armexec.translate.observe.sampler import Sampler
    from armexec.translate.unit_registry import Names

__all__ = ["Counted", "Place", "Profiling", "counted", "executable"]


class Place(NamedTuple):
    """A function by its name in the source, "" where there is none, and a line; how many `times` they were met.

    `executed`: these are instructions that were executed, and not samples.
    """

    function: str
    line: tuple[str, int] | None
    times: int
    executed: bool = False


class Counted(Protocol):
    """Takes the counts of instructions that were executed, by address, of an image at a base."""

    def __call__(self, image: Image, base: int, counts: Mapping[int, int]) -> None: ...


class Executable(Protocol):
    """An image whose code runs on the processor as it is."""

    image: Image
    base: int


_lock = hold(threading.Lock())
_executables: weakref.WeakSet[Executable] = weakref.WeakSet()
_active: Profiling | None = None


def executable(loaded: Executable) -> None:
    """There is an image whose code runs on the processor as it is."""
    with _lock:
        _executables.add(loaded)
        profiling = _active
    if profiling is not None:
        profiling.began_native(loaded)


def counted() -> Counted | None:
    """Who wants to know how often instructions are executed, if anybody does."""
    return _active.executed if _active is not None else None


class Profiling:
    """One profile, from `start` to `stop`."""

    def __init__(self) -> None:
        self._executed: Counter[tuple[str, tuple[str, int] | None]] = Counter()
        self._sampler: Sampler | None = None
        self._ranges: CodeRanges | None = None
        self._natives: list[Executable] = []
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin.

        Raises:
            Error: a profile is being made already.
            HostError: the system gives no timer, or SIGPROF is somebody else's.
        """
        global _active  # noqa: PLW0603
        with _lock:
            if _active is not None:
                raise Error("a profile is being made already: there can be one at a time")
            _active = self
            natives = list(_executables)
        try:
            for loaded in natives:
                self.began_native(loaded)
            watch(self)
        except BaseException:
            self._end()
            raise

    def stop(self) -> list[Place]:
        """End; what was found. Raises HostError."""
        counts = self._end()
        found = [Place(function, at, count, True) for (function, at), count in self._executed.items()]
        return found + list(self._places(counts))

    def _end(self) -> dict[int, int]:
        global _active  # noqa: PLW0603
        with _lock:
            _active = None
        unwatch(self)
        return self._sampler.stop() if self._sampler is not None else {}

    # -- what runs ----------------------------------------------------------------------------------------------------
    def executed(self, image: Image, base: int, counts: Mapping[int, int]) -> None:
        """Instructions that the reference engine has executed."""
        with self._lock:
            for address, count in counts.items():
                offset = address - base
                self._executed[function_name(image, offset), line(image, offset)] += count

    def began_native(self, loaded: Executable) -> None:
        """An image runs on the processor as it is."""
        self._natives.append(loaded)
        self._add_range(loaded.base, loaded.base + loaded.image.size)

    def began(self, translator: Translator) -> None:
        """A translator is at work. Its code stays in memory, so that pcs stay good."""
        self._translated().began(translator)

    def linked(self, code: HostCode) -> None:
        """Of one of these."""
        self._translated().linked(code)

    def _translated(self) -> CodeRanges:
        with self._lock:
            if self._ranges is None:
                from armexec.translate.observe.sample_places import CodeRanges

                self._ranges = CodeRanges(self._add_range)
            return self._ranges

    def _add_range(self, start: int, end: int) -> None:
        with self._lock:
            if self._sampler is None:
                # Only now: the reference engine needs none of it.
                from armexec.translate.observe.sampler import sampler

                made = sampler()
                made.start()
                self._sampler = made
        self._sampler.add_range(start, end)

    # -- what was found -----------------------------------------------------------------------------------------------
    def _places(self, counts: Mapping[int, int]) -> Iterator[Place]:
        rest: dict[int, int] = {}
        for pc, count in counts.items():
            loaded = next((n for n in self._natives if n.base <= pc < n.base + n.image.size), None)
            if loaded is None:
                rest[pc] = count
            else:
                offset = pc - loaded.base
                yield Place(function_name(loaded.image, offset), line(loaded.image, offset), count)
        if rest:
            from armexec.translate.observe.sample_places import places

            translators = self._ranges.translators if self._ranges is not None else []
            for sample in places(rest, translators):
                yield _place(sample.names, sample.address, sample.samples)


def _place(names: Names | None, address: int | None, count: int) -> Place:
    if names is None or address is None:
        return Place("", None, count)
    return Place(names.function(address) or f"{address:#x}", names.line(address), count)
