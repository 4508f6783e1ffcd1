"""Instructions a second with something done for each of them: sessions, traces, coverage; and Unicorn's Python hook.

Sessions are measured where they go instruction by instruction, where they run to the end, and where they go from there
to the middle and back to the end.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

import armexec
from armexec.bench.contenders.unicorn_engine import Unicorn
from armexec.bench.kernels import FLAGS, KERNELS, Kernel
from armexec.debugger.open import target_of
from armexec.errors import Error
from armexec.tracing.counted import run_counted

__all__ = ["HOOK", "SESSION", "TRACE", "measure_debugging"]

SESSION, RUN, GOTO, TRACE, COVERAGE, HOOK = (
    "session",
    "session.run",
    "session.goto",
    "trace",
    "coverage",
    "unicorn hook",
)
_KERNELS = ("collatz", "fib", "sieve", "quicksort", "nbody")
_STEPS, _QUICK_STEPS = 20_000, 2_000
_LONG = {"quicksort": 1 << 18, "nbody": 480_000, "fib": 34}
"""Counts for runs in which it doesn't matter how they begin: interpreted, while blocks are made."""
_HOOKED, _QUICK_HOOKED = 300_000, 20_000


def measure_debugging(*, quick: bool, unicorn: bool, say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """By kernels, the figures of each. `unicorn`: whether that takes part, where it is installed.

    Raises:
        Error: a run ends in another way than it should.
    """
    found = {}
    for name in _KERNELS:
        say(f"{name}: sessions and traces")
        found[name] = _measure(KERNELS[name], quick, unicorn and Unicorn().unavailable() is None)
    return found


def _measure(kernel: Kernel, quick: bool, unicorn: bool) -> dict[str, float]:
    count = kernel.quick if quick else kernel.count
    figures = {}
    with armexec.compile(kernel.source, "c", "-O2", flags=FLAGS, engine="translated") as module:
        function, expected = module.kernel, module.kernel(count)
        steps = _QUICK_STEPS if quick else _STEPS
        with armexec.debug(function, kernel.count) as session:
            # It is asked before each instruction, so each is executed by itself.
            figures[SESSION] = _rate(lambda: session.run(lambda there: there.time == steps).instructions or 0)
        with armexec.debug(function, count) as session:
            figures[RUN] = _rate(lambda: session.run().instructions or 0)
            _check(kernel, session.result, expected)

            def there_and_back() -> int:
                end = session.time
                session.goto(end // 2)
                session.goto(end)
                return end

            figures[GOTO] = _rate(there_and_back)
            _check(kernel, session.result, expected)

        long = count if quick else _LONG.get(kernel.name, count)
        found = function(long)

        def traced() -> int:
            # A ring, so that no memory is new to the system after a while.
            trace = armexec.trace(function, long, limit=1 << 20, ring=True)
            _check(kernel, trace.result, found)
            return trace.first + len(trace)

        def covered() -> int:
            target = target_of(function, long)
            try:
                with tempfile.TemporaryDirectory() as folder:
                    end = run_counted(target, coverage=os.path.join(folder, "coverage.info"))
            finally:
                target.close()
            _check(kernel, end.result, found)
            return (end.stop.instructions or 0) if end.stop is not None else 0

        for way, run in ((TRACE, traced), (COVERAGE, covered)):
            # As all others, they are warm.
            run()
            figures[way] = _rate(run)
    if unicorn:
        with Unicorn().start(kernel) as machine:
            hooked = _QUICK_HOOKED if quick else _HOOKED
            figures[HOOK] = _rate(lambda: machine.run_hooked(kernel.count, hooked))
    return figures


def _rate(run: Callable[[], int]) -> float:
    """How many of what it gives a run makes in a second of processor time."""
    start = time.process_time()
    count = run()
    return count / (time.process_time() - start)


def _check(kernel: Kernel, result: object, expected: object) -> None:
    if result != expected:
        raise Error(f"the kernel {kernel.name} gives {result!r} when it is traced, else {expected!r}")
