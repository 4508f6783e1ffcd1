"""Calls through a pointer: of a function of the same image, and of one of another image.

Times are of the processor, medians of rounds in which both run in turn.
"""

from __future__ import annotations

import statistics
import time

import armexec

CALLS = """
f:      stp x29, x30, [sp, #-32]!
        stp x19, x20, [sp, #16]
        mov x19, x0
        mov x20, x1
        mov x0, #0
1:      blr x19
        subs x20, x20, #1
        b.ne 1b
        ldp x19, x20, [sp, #16]
        ldp x29, x30, [sp], #32
        ret
g:      add x0, x0, #1
        ret
"""
COUNT, ROUNDS = 1_000_000, 15


def main() -> None:
    """Print the table."""
    calls = armexec.function(CALLS, "long(long, long)", engine="translated:O2")
    other = armexec.function("add x0, x0, #1\nret", "long(long)", engine="translated:O2")
    cases = {"the same image": calls.module["g"].address, "another image": other.address}
    times: dict[str, list[float]] = {name: [] for name in cases}
    for counted in range(-2, ROUNDS):
        for name, address in cases.items():
            start = time.thread_time()
            assert calls(address, COUNT) == COUNT
            if counted >= 0:
                times[name].append((time.thread_time() - start) / COUNT * 1e9)
    first = statistics.median(times["the same image"])
    for name, found in times.items():
        print(f"{name:16} {statistics.median(found):6.2f} ns a call  x {statistics.median(found) / first:.2f}")


if __name__ == "__main__":
    main()
