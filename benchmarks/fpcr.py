"""The price of FPCR: a loop in a function that could write it, and one under another rounding mode.

Times are of the processor, medians of rounds in which all run in turn; ratios are to the same loop in a function
without the instruction.
"""

from __future__ import annotations

import statistics
import time

import armexec

LOOP = """
        cbz x0, loop
        msr fpcr, x0
loop:   fmadd d0, d0, d1, d2
        fadd d3, d3, d0
        subs x1, x1, #1
        b.ne loop
        ret
"""
SIGNATURE = "double(long, long, double, double, double)"
COUNT, ROUNDS = 2_000_000, 15


def main() -> None:
    """Print the table."""
    with_write = armexec.function(LOOP, SIGNATURE, engine="translated:O2")
    without = armexec.function(LOOP.replace("msr fpcr, x0", "nop"), SIGNATURE, engine="translated:O2")
    cases = {
        "no msr fpcr": (without, 0),
        "msr fpcr that isn't executed": (with_write, 0),
        "msr fpcr of another rounding mode": (with_write, 1 << 22),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for counted in range(-2, ROUNDS):
        for name, (f, fpcr) in cases.items():
            start = time.thread_time()
            f(fpcr, COUNT, 1.0, 0.5, 1.0)
            if counted >= 0:
                times[name].append(time.thread_time() - start)
    first = statistics.median(times["no msr fpcr"])
    for name, found in times.items():
        print(f"{name:36} {statistics.median(found) * 1e3:8.2f} ms  x {statistics.median(found) / first:.2f}")


if __name__ == "__main__":
    main()
