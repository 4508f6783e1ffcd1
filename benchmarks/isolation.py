"""What isolate="process" costs: calls in a worker process beside calls in this one, arrays, callbacks, and its start.

    python benchmarks/isolation.py [--json]

Wall time: medians and minima of many calls, since another process does a part of each. A pipe between two processes of
Python's is measured beside, as the least that any such call takes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

import armexec

SOURCE = """
int same(int x) { return x; }
long sum(const long *a, long n) { long s = 0; for (long i = 0; i < n; i++) s += a[i]; return s; }
void twice(long *a, long n) { for (long i = 0; i < n; i++) a[i] *= 2; }
long apply(long (*f)(long), long n) { long s = 0; for (long i = 0; i < n; i++) s += f(i); return s; }
"""
LARGE = 1 << 20
CALLBACKS = 100


def _echo(pipe: Connection) -> None:
    while True:
        pipe.send_bytes(pipe.recv_bytes())


def _times(call: Callable[[], Any], count: int) -> dict[str, float]:
    """The median and the minimum in microseconds."""
    found = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        found.append(1e6 * (time.perf_counter() - started))
    return {"median": statistics.median(found), "minimum": min(found)}


def _calls(module: armexec.Module, count: int) -> dict[str, dict[str, float]]:
    small, large = np.arange(16), np.arange(LARGE)
    rows: dict[str, tuple[Callable[[], Any], int]] = {
        "an int": (lambda: module.same(3), count),
        "16 longs, read": (lambda: module.sum(small, 16), count),
        "16 longs, changed": (lambda: module.twice(small, 16), count),
        "8 MiB, read": (lambda: module.sum(large, LARGE), 20),
        "8 MiB, changed": (lambda: module.twice(large, LARGE), 20),
        f"{CALLBACKS} callbacks": (lambda: module.apply(lambda x: x, CALLBACKS), 20),
    }
    for call, _ in rows.values():
        call()
        call()
    return {name: _times(call, times) for name, (call, times) in rows.items()}


def measure(count: int) -> dict[str, dict[str, dict[str, float]]]:
    """The times of each kind, by what is measured."""
    mine, other = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_echo, args=(other,), daemon=True)
    process.start()
    mine.send_bytes(b"")
    mine.recv_bytes()

    def through_pipe() -> None:
        mine.send_bytes(bytes(64))
        mine.recv_bytes()

    pipe = _times(through_pipe, count)
    process.terminate()
    here = armexec.compile(SOURCE, "c", "-O2")
    started = time.perf_counter()
    first = armexec.compile(SOURCE, "c", "-O2", isolate="process")
    first_load = 1e6 * (time.perf_counter() - started)

    def load() -> None:
        armexec.compile(SOURCE, "c", "-O2", isolate="process").close()

    def load_and_call() -> None:
        with armexec.compile(SOURCE, "c", "-O2", isolate="process") as module:
            module.same(1)

    return {
        "a pipe, there and back": {"pipe": pipe},
        **{
            name: {"this process": here_times, "worker": there_times}
            for (name, here_times), there_times in zip(
                _calls(here, count).items(), _calls(first, count).values(), strict=True
            )
        },
        "the first module": {"worker": {"median": first_load, "minimum": first_load}},
        "another module, and its end": {"worker": _times(load, 10)},
        "the same with a call": {"worker": _times(load_and_call, 10)},
    }


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--count", type=int, default=2000, help="calls of each kind (2000)")
    options = parser.parse_args()
    found = measure(options.count)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{'microseconds, median (minimum)':32}{'this process':>22}{'worker':>22}")
    for name, times in found.items():
        cells = []
        for where in ("this process", "worker"):
            each = times.get(where) or (times.get("pipe") if where == "worker" else None)
            cells.append(f"{each['median']:.1f} ({each['minimum']:.1f})" if each else "")
        print(f"{name:32}{cells[0]:>22}{cells[1]:>22}")


if __name__ == "__main__":
    main()
