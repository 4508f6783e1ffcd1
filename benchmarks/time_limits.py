"""How late time limits are: the time from the end of a limit to its exception, in code of several kinds.

Prints a table of percentiles in milliseconds, or JSON with --json. The machine should have nothing else to do: what
others run on its processors counts here, too, so the load is told, and how late Python itself is: a sleep, and an
alarm (signal.setitimer) in a loop.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import time
from collections.abc import Callable

import numpy as np

import armexec
from armexec.resource_limits.deadlines import deadline

# What can be computed without the loop or the recursion is: these are none of it.
SOURCE = """
void *memset(void *, int, unsigned long);
long loop(long n) { unsigned long x = n; while (n--) x = (x ^ x >> 7) * 31; return x; }
long deep(long n) { return n ? (deep(n - 1) ^ n) * 31 : 7; }
long recursion(long n) { long s = 0; while (n--) s ^= deep(1000 + (s & 7)); return s; }
long callback(long n, long (*f)(long)) { long s = 0; while (n--) s += f(n); return s; }
long fill(char *p, long size, long n) { while (n--) memset(p, n, size); return p[0]; }
"""
FOREVER = 1 << 60
GOAL = 0.005
_AT_ONCE = 8
"""More functions than are translated before a limit's end."""


def _new_function(engine: str, number: int) -> armexec.Function:
    lines = [f"add x{i % 8}, x{(i + 1) % 8}, #{(i * 7 + number) % 4096}" for i in range(3000)]
    return armexec.function("\n".join((*lines, "ret")), "long(long)", engine=f"{engine}:O2")


def _cases(module: armexec.Module, engine: str) -> tuple[dict[str, Callable[[], object]], Callable[[], None]]:
    """The code of each kind; and what is called between two limits, when no time is taken."""
    big = np.zeros(64 << 20, np.uint8)
    small = np.zeros(4 << 10, np.uint8)
    translated = (_new_function(engine, n) for n in itertools.count())
    waiting = [next(translated) for _ in range(_AT_ONCE)]

    def translation() -> None:
        # Code that is new each time: most of the time is LLVM's.
        while True:
            waiting.pop()(1)

    def refill() -> None:
        while len(waiting) < _AT_ONCE:
            waiting.append(next(translated))

    def alarm() -> None:
        signal.signal(signal.SIGALRM, _raise)
        when = deadline()
        assert when is not None
        signal.setitimer(signal.ITIMER_REAL, max(when - time.monotonic(), 1e-6))
        while True:
            pass

    def sleep() -> None:
        when = deadline()
        assert when is not None
        time.sleep(max(when - time.monotonic(), 0))

    return {
        "Python: a sleep": sleep,
        "Python: an alarm": alarm,
        "loop": lambda: module.loop(FOREVER),
        "recursion": lambda: module.recursion(FOREVER),
        "callback": lambda: module.callback(FOREVER, lambda x: 1),
        "memset, 4 KiB": lambda: module.fill(small, small.size, FOREVER),
        "memset, 64 MiB": lambda: module.fill(big, big.size, FOREVER),
        "translation": translation,
    }, refill


class _Alarm(Exception):
    pass


def _raise(*_: object) -> None:
    raise _Alarm


def _late(call: Callable[[], object], limit: float) -> float:
    """The seconds from the end of a limit to its exception."""
    start = time.perf_counter()
    with contextlib.suppress(armexec.TimeLimitExceeded, _Alarm), armexec.limits(time_limit=limit):
        call()
    return time.perf_counter() - start - limit


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--engine", default="translated")
    parser.add_argument("--count", type=int, default=100, help="limits of each kind")
    arguments = parser.parse_args()
    module = armexec.compile(SOURCE, "c", "-O1", engine=arguments.engine)
    cases, prepare = _cases(module, arguments.engine)
    chance = random.Random(1)
    late: dict[str, list[float]] = {name: [] for name in cases}
    for call in cases.values():
        _late(call, 0.05)
        prepare()
    for _ in range(arguments.count):
        for name, call in cases.items():
            late[name].append(_late(call, chance.uniform(0.01, 0.04)))
            prepare()
    rows = {}
    for name, found in late.items():
        found.sort()
        at = {share: found[min(int(len(found) * share / 100), len(found) - 1)] * 1e3 for share in (50, 95, 100)}
        within = sum(each <= GOAL for each in found) / len(found)
        rows[name] = {"50 %": at[50], "95 %": at[95], "most": at[100], "within 5 ms": within}
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    if arguments.json:
        print(json.dumps({"load": load, "late": rows}, indent=2))
        return
    print(f"{'':18}{'50 %':>9}{'95 %':>9}{'most':>9}{'within 5 ms':>13}")
    for name, row in rows.items():
        print(f"{name:18}{row['50 %']:9.2f}{row['95 %']:9.2f}{row['most']:9.2f}{row['within 5 ms']:13.0%}")
    print(f"load: {load:.1f} for each processor")


if __name__ == "__main__":
    main()
