"""The price of a sandbox: the kernels of `armexec bench`, translated with and without one.

Times are of the processor. Each kernel runs both ways in turn, and a ratio is that of the least times, so that other
work of the machine counts little. Results are compared too. `--quick` runs fewer rounds; names choose kernels.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from armexec.bench.arm_image import arm_image, entry
from armexec.bench.kernels import Kernel, choose
from armexec.engines.sandboxed import SandboxedEngine
from armexec.engines.translated import TranslatedEngine

ROUNDS, QUICK_ROUNDS = 25, 7


def measure(kernel: Kernel, rounds: int) -> tuple[float, float]:
    """The least seconds without a sandbox, and with one."""
    image = arm_image(kernel)
    calls: list[Callable[[int], int]] = []
    for engine in (TranslatedEngine("O2"), SandboxedEngine("O2")):
        calls.append(engine.load(image, lambda _: None).bind(*entry(image)))
    times: list[list[float]] = [[], []]
    for number in range(rounds):
        results = []
        for which in (0, 1) if number % 2 else (1, 0):
            start = time.thread_time()
            results.append(calls[which](kernel.count))
            times[which].append(time.thread_time() - start)
        assert results[0] == results[1], kernel.name
    return min(times[0]), min(times[1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", nargs="*")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    ratios = []
    print(f"{'':12} {'without':>10} {'sandbox':>10} {'ratio':>7}")
    for kernel in choose(given.kernels):
        without, inside = measure(kernel, QUICK_ROUNDS if given.quick else ROUNDS)
        ratios.append(inside / without)
        print(f"{kernel.name:12} {without * 1e3:7.2f} ms {inside * 1e3:7.2f} ms {ratios[-1]:7.2f}", flush=True)
    mean = statistics.geometric_mean(ratios)
    print(f"{'geometric mean':34} {mean:7.2f}\n{'worst':34} {max(ratios):7.2f}")


if __name__ == "__main__":
    main()
