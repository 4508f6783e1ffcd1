"""A function in C over a data set that is larger than memory, in all processes of a Ray cluster.

    pip install "armexec[ray]"
    python examples/ray_map.py [GIGABYTES] [--processes N] [--address ADDRESS]

Ray sends the function itself, by its content: the workers need armexec, but neither the source nor a compiler. The
batches of the data set are made where they are used, and only the latest are in memory.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import numpy as np
import ray

import armexec

SOURCE = """
// How many steps 3n + 1 takes from a number to 1.
unsigned steps(unsigned long n) {
    unsigned count = 0;
    for (n += 1; n != 1; count++)
        n = n % 2 ? 3 * n + 1 : n / 2;
    return count;
}
"""
BATCH = 1 << 20
"""Elements of a batch: 8 MiB."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Call a function in C for each element of a Ray data set.")
    parser.add_argument("gigabytes", nargs="?", type=float, default=2.0, help="the data set's size (2)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="how many (one a processor)")
    parser.add_argument("--address", help="that of a cluster, instead of processes of this machine")
    options = parser.parse_args(arguments)
    count = round(options.gigabytes * 1e9 / 8)
    blocks = -(-count // BATCH)

    steps = armexec.compile(SOURCE, "c", "-O2").steps.ufunc

    def batch_steps(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        # The sum of a batch is all that is kept of it.
        return {"steps": np.array([steps(batch["id"].astype(np.uint64)).sum()])}

    if options.address:
        ray.init(options.address)
    else:
        ray.init(num_cpus=options.processes, include_dashboard=False)
    processes = int(ray.cluster_resources()["CPU"])
    begin = time.perf_counter()
    data = ray.data.range(count, override_num_blocks=blocks).map_batches(batch_steps, batch_size=None)
    there = sum(int(row["steps"]) for row in data.iter_rows())
    together = time.perf_counter() - begin
    ray.shutdown()

    begin = time.perf_counter()
    parts = (np.arange(start, min(start + BATCH, count)) for start in range(0, count, BATCH))
    here = sum(int(batch_steps({"id": part})["steps"][0]) for part in parts)
    alone = time.perf_counter() - begin
    print(f"\n{options.gigabytes:g} GB, {count} elements, {blocks} batches")
    print(f"{processes} processes: {together:6.2f} s  {there}")
    print(f"this process: {alone:5.2f} s  {here}")
    return 0 if there == here else 1


if __name__ == "__main__":
    sys.exit(main())
