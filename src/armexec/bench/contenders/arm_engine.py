"""armexec's own engines as contenders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from armexec import __version__
from armexec.bench.arm_image import arm_image, entry
from armexec.bench.contenders.runner import Run, Runner
from armexec.bench.kernels import Kernel
from armexec.engines import Engine, get_engine
from armexec.errors import HostError

__all__ = ["ArmEngine", "engine_of"]


def engine_of(name: str, tier: str | None) -> Engine:
    """The engine of that name, pinned to a tier if one is given. Raises HostError."""
    if tier is None or name != "translated":
        return get_engine(name)
    get_engine(name)
    from armexec.engines.translated import TranslatedEngine

    return TranslatedEngine(tier)


class _Bound(Runner):
    """A kernel bound by an engine."""

    def __init__(self, call: Callable[[int], int], settle: Callable[[float], bool]) -> None:
        self._call = call
        self._settle = settle

    def run(self, count: int) -> Run:
        # The time of this thread: an engine may be translating on another.
        start = time.thread_time()
        result = self._call(count)
        return Run(result, time.thread_time() - start)

    def settle(self, timeout: float) -> bool:
        return self._settle(timeout)


class ArmEngine:
    """An engine of armexec: `native` or `translated`."""

    def __init__(self, name: str, tier: str | None = None) -> None:
        self.name = name
        self.tier = tier

    def unavailable(self) -> str | None:
        try:
            get_engine(self.name)
        except HostError as error:
            return str(error).rpartition(": ")[2]
        return None

    @contextmanager
    def start(self, kernel: Kernel) -> Iterator[_Bound]:
        image = arm_image(kernel)
        loaded = engine_of(self.name, self.tier).load(image, lambda _: None)
        try:
            yield _Bound(loaded.bind(*entry(image)), self._settle)
        finally:
            loaded.close()

    def _settle(self, timeout: float) -> bool:
        if self.name != "translated":
            return False
        from armexec.engines.translated import settle

        return settle(timeout)

    def describe(self) -> str:
        return f"armexec {__version__}" + (f", tier {self.tier}" if self.tier else "")
