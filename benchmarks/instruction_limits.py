"""What limits cost: the kernels of `armexec bench` in code that counts instructions, and short calls with limits.

Times are of the processor, the least of rounds in which both run in turn; ratios are to the same kernel without a
limit. Names of kernels may be given.
"""

from __future__ import annotations

import statistics
import sys
import time

import armexec
from armexec.bench.contenders.arm_engine import ArmEngine
from armexec.bench.kernels import choose

LIMIT = 1 << 60
ROUNDS, SECONDS = 40, 1.5


def kernels() -> None:
    """Print a line for each kernel, and the geometric mean."""
    ratios = []
    for kernel in choose(sys.argv[1:]):
        with ArmEngine("translated", "O2").start(kernel) as runner:
            times: tuple[list[float], list[float]] = ([], [])
            end = time.monotonic() + SECONDS
            for round_ in range(-1, ROUNDS):
                plain = runner.run(kernel.count)
                with armexec.limits(instruction_limit=LIMIT) as limits:
                    counted = runner.run(kernel.count)
                assert plain.result == counted.result
                if round_ >= 0:
                    times[0].append(plain.seconds)
                    times[1].append(counted.seconds)
                if round_ >= 5 and time.monotonic() > end:
                    break
        least, least_counted = map(min, times)
        ratios.append(least_counted / least)
        print(
            f"{kernel.name:12} {least * 1e3:8.2f} ms {least_counted * 1e3:8.2f} ms  x {ratios[-1]:.2f}"
            f"  {limits.instructions:12,} instructions",
            flush=True,
        )
    print(f"geometric mean x {statistics.geometric_mean(ratios):.3f}")


def calls() -> None:
    """Print the time of a call of a function that does nothing, with limits of its module."""
    source = "int fn(int n) { return n; }"
    for name, value in (("none", None), ("time_limit", 10.0), ("instruction_limit", LIMIT), ("stack_size", 1 << 20)):
        settings = {} if value is None else {name: value}
        fn = armexec.compile(source, "c", **settings).fn  # type: ignore[arg-type]
        least = float("inf")
        for _ in range(20):
            start = time.thread_time()
            for _ in range(2000):
                fn(3)
            least = min(least, (time.thread_time() - start) / 2000)
        print(f"a call, {name:18} {least * 1e6:6.2f} us")


if __name__ == "__main__":
    calls()
    kernels()
