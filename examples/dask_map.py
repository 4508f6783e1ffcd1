"""A function in C over an array that is larger than memory, in all processes of a Dask cluster.

    pip install "armexec[dask]"
    python examples/dask_map.py [GIGABYTES] [--workers N] [--scheduler ADDRESS]

Dask sends the function itself, by its content: the workers need armexec, but neither the source nor a compiler. Each
part of the array is made where it is used, so that no process ever has all of it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import dask.array as da
from distributed import Client, LocalCluster, progress

import armexec

SOURCE = """
// Kepler's equation, E - e sin(E) = M, by Newton's method, with a series for the sine.
static double sine(double x) {
    double term = x, sum = x;
    for (int n = 1; n < 12; n++) {
        term *= -x * x / ((2 * n) * (2 * n + 1));
        sum += term;
    }
    return sum;
}
double anomaly(double m) {
    double e = m;
    for (int i = 0; i < 6; i++)
        e -= (e - 0.3 * sine(e) - m) / (1 - 0.3 * sine(1.5707963267948966 - e));
    return e;
}
"""
CHUNK = 4 << 20
"""Elements of a part of the array: 32 MiB."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Call a function in C for each element of a Dask array.")
    parser.add_argument("gigabytes", nargs="?", type=float, default=2.0, help="the array's size (2)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="how many processes (one a processor)")
    parser.add_argument("--scheduler", help="the address of a cluster, instead of processes of this machine")
    options = parser.parse_args(arguments)
    count = round(options.gigabytes * 1e9 / 8)

    anomaly = armexec.compile(SOURCE, "c", "-O2").anomaly.ufunc
    anomalies = da.linspace(0, 3, count, chunks=min(CHUNK, count)).map_blocks(anomaly, dtype=float)
    total = anomalies.sum()

    cluster = None if options.scheduler else LocalCluster(n_workers=options.workers, threads_per_worker=1)
    with Client(options.scheduler or cluster) as client:
        begin = time.perf_counter()
        future = client.compute(total)
        progress(future)
        there = float(future.result())
        together = time.perf_counter() - begin
        processes = len(client.scheduler_info(n_workers=-1)["workers"])
    if cluster is not None:
        cluster.close()

    begin = time.perf_counter()
    here = float(total.compute(scheduler="synchronous"))
    alone = time.perf_counter() - begin
    print(f"\n{options.gigabytes:g} GB, {count} elements, {anomalies.numblocks[0]} parts")
    print(f"{processes} processes: {together:6.2f} s  {there!r}")
    print(f"this process: {alone:5.2f} s  {here!r}")
    return 0 if there == here else 1


if __name__ == "__main__":
    sys.exit(main())
