"""What a call costs: `f(3)` of `int fn(int num) { return num; }` against a bare ctypes call of the host's own function.

Prints a table, or JSON with --json. Processor time, medians of several rounds, the two
measured in turn.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import shutil
import statistics
import subprocess
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import armexec

SOURCE = "int fn(int num) { return num; }"


def native_function(folder: Path) -> Callable[[int], int] | None:
    """The same function made by the host's compiler, called through ctypes with argtypes."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    (folder / "fn.c").write_text(SOURCE)
    library = folder / "fn.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, folder / "fn.c"], check=True)
    function: Any = ctypes.CDLL(str(library)).fn
    function.argtypes = (ctypes.c_int,)
    function.restype = ctypes.c_int
    return function  # type: ignore[no-any-return]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        functions: dict[str, Callable[[int], int]] = {}
        native = native_function(Path(folder))
        if native is not None:
            functions["ctypes"] = native
        for engine in ("native", "translated", "reference"):
            try:
                module = armexec.compile(SOURCE, language="c", engine=engine)
            except armexec.HostError:
                continue
            functions[engine] = module.fn
        times: dict[str, list[float]] = {name: [] for name in functions}
        for _ in range(arguments.rounds):
            for name, function in functions.items():
                count = 1_000 if name == "reference" else 50_000
                assert function(3) == 3
                seconds = timeit.timeit(lambda f=function: f(3), number=count, timer=time.process_time)
                times[name].append(seconds / count)
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = medians.get("ctypes")
    rows = {
        name: {"nanoseconds": seconds * 1e9, "ratio": seconds / base if base else None}
        for name, seconds in medians.items()
    }
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    for name, row in rows.items():
        ratio = f"{row['ratio']:8.2f} x ctypes" if row["ratio"] is not None else ""
        print(f"{name:12} {row['nanoseconds']:10.0f} ns {ratio}")


if __name__ == "__main__":
    main()
