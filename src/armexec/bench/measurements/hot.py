"""Hot runs: a kernel on all contenders in turn, round by round, after each is warm."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from armexec.bench.contenders.runner import HOST, HOST_TUNED, Contender, Runner
from armexec.bench.figures import Series, median, ratio
from armexec.bench.kernels import Kernel
from armexec.errors import Error

__all__ = ["Hot", "measure_kernel"]

_WARM = 0.2
"""Minimum seconds of warming. Some contenders optimize code that has run for a while."""
_WARM_AT_MOST = 30.0
"""Maximum seconds of warming."""
_SLOW = 0.2
"""Seconds. A longer run is made only in every third round, since it varies little."""
_SLOW_ROUNDS = 3


@dataclass(frozen=True)
class Hot:
    """A kernel's seconds of processor time by contender, and its result, which is the same for all."""

    count: int
    result: int
    times: dict[str, Series]

    @property
    def host(self) -> str | None:
        """The host's own build with the lesser median; None if there is none."""
        builds = [name for name in (HOST, HOST_TUNED) if name in self.times]
        return min(builds, key=lambda name: median(self.times[name]), default=None)

    def seconds(self, name: str) -> float | None:
        """The median time of a contender, or of the better build for "host"; None if there is none."""
        series = self._series(name)
        return None if series is None else median(series)

    def ratio(self, name: str, base: str) -> float | None:
        """The time of a contender divided by that of `base`; None if one of them took no part."""
        one, other = self._series(name), self._series(base)
        return None if one is None or other is None else ratio(one, other)

    def _series(self, name: str) -> Series | None:
        key = self.host if name == "host" else name
        return self.times.get(key) if key is not None else None


def measure_kernel(
    kernel: Kernel, count: int, contenders: Sequence[Contender], rounds: int, say: Callable[[str], None]
) -> Hot:
    """Run a kernel with the argument `count` for some rounds; `say` is called with the current activity.

    Raises:
        Error: a contender can't run it, or two have different results.
    """
    results: dict[str, int] = {}
    times: dict[str, Series] = {contender.name: [] for contender in contenders}
    with ExitStack() as stack:
        runners: dict[str, Runner] = {}
        every: dict[str, int] = {}
        for contender in contenders:
            say(f"{kernel.name}: warming {contender.name}")
            runner = runners[contender.name] = stack.enter_context(contender.start(kernel))
            longest = _warm(runner, count, results, contender.name)
            every[contender.name] = _SLOW_ROUNDS if longest > _SLOW else 1
            _check(kernel, results)
        for number in range(rounds):
            say(f"{kernel.name}: round {number + 1} of {rounds}")
            # In alternating order, so that none has an advantage by its place.
            for name in sorted(runners, key=list(runners).index, reverse=number % 2 == 1):
                if number % every[name]:
                    times[name].append(None)
                    continue
                results[name], seconds = runners[name].run(count)
                times[name].append(seconds)
                _check(kernel, results)
    return Hot(count, next(iter(results.values())), times)


def _warm(runner: Runner, count: int, results: dict[str, int], name: str) -> float:
    """Run until it is warm, and return the seconds of the last run."""
    begin = time.monotonic()
    while True:
        results[name], seconds = runner.run(count)
        spent = time.monotonic() - begin
        settled = not runner.settle(max(_WARM_AT_MOST - spent, 0))
        if spent >= (_WARM if settled else _WARM_AT_MOST):
            return seconds


def _check(kernel: Kernel, results: dict[str, int]) -> None:
    """Check that all results are the same. Raises Error."""
    if len(set(results.values())) > 1:
        shown = ", ".join(f"{name} 0x{result:x}" for name, result in results.items())
        raise Error(f"the kernel {kernel.name} has different results: {shown}")
