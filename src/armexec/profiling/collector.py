"""A collector of the places in images where guest code spends its time, for all engines.

What runs on the processor is sampled; the reference engine counts each instruction it executes. There is one profile
at a time in a process, since there is one SIGPROF.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from armexec.objects.symbolize import function_name, line
from armexec.profiling import registry
from armexec.translate.events import add_listener, remove_listener

if TYPE_CHECKING:
    from armexec.objects import Image
    from armexec.profiling.registry import NativeImage
    from armexec.translate.codegen.link import HostCode
    from armexec.translate.events import TranslatedImage
    from armexec.translate.observe.sample_places import CodeRanges
    from armexec.translate.observe.sampler import Sampler
    from armexec.translate.unit_registry import Names

__all__ = ["Collector", "Place"]


class Place(NamedTuple):
    """A function by its name in the source, "" where there is none, and a line, which were met some `times`.

    `executed` says that instructions were counted, and not samples.
    """

    function: str
    line: tuple[str, int] | None
    times: int
    executed: bool = False


class Collector:
    """One profile, from `start` to `stop`."""

    def __init__(self) -> None:
        self._executed: Counter[tuple[str, tuple[str, int] | None]] = Counter()
        self._sampler: Sampler | None = None
        self._ranges: CodeRanges | None = None
        self._natives: list[NativeImage] = []
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to collect.

        Raises:
            Error: a profile is being made already.
            HostError: the system gives no timer, or SIGPROF is somebody else's.
        """
        natives = registry.begin(self)
        try:
            for loaded in natives:
                self.began_native(loaded)
            add_listener(self)
        except BaseException:
            self._end()
            raise

    def stop(self) -> list[Place]:
        """End, and return what was found. Raises HostError."""
        counts = self._end()
        found = [Place(function, at, count, True) for (function, at), count in self._executed.items()]
        return found + list(self._places(counts))

    def _end(self) -> dict[int, int]:
        registry.end()
        remove_listener(self)
        return self._sampler.stop() if self._sampler is not None else {}

    # -- what runs ----------------------------------------------------------------------------------------------------
    def executed(self, image: Image, base: int, counts: Mapping[int, int]) -> None:
        """Take note of instructions that the reference engine has executed."""
        with self._lock:
            for address, count in counts.items():
                offset = address - base
                self._executed[function_name(image, offset), line(image, offset)] += count

    def began_native(self, loaded: NativeImage) -> None:
        """Take note of an image that runs on the processor as it is."""
        self._natives.append(loaded)
        self._add_range(loaded.base, loaded.base + loaded.image.size)

    def began(self, image: TranslatedImage) -> None:
        """Take note of an image. Its host code stays in memory, so that pcs stay good."""
        self._translated().began(image)

    def linked(self, code: HostCode) -> None:
        """Take note of host code of one of these images."""
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

            images = self._ranges.images if self._ranges is not None else []
            for sample in places(rest, images):
                yield _place(sample.names, sample.address, sample.samples)


def _place(names: Names | None, address: int | None, count: int) -> Place:
    if names is None or address is None:
        return Place("", None, count)
    return Place(names.function(address) or f"{address:#x}", names.line(address), count)
