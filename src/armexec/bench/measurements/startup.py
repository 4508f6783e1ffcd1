"""Start-up: whole processes, from nothing to a result, with a warm cache."""

from __future__ import annotations

import os
import tempfile

from armexec.bench.figures import Series, median
from armexec.bench.measurements.children import python

__all__ = ["measure_startup"]

_SOURCE = "int fn(int num) { return num; }\n"


def measure_startup(rounds: int) -> dict[str, float]:
    """Seconds of processor time, the medians of the rounds, by command. Raises Error."""
    with tempfile.TemporaryDirectory(prefix="armexec-bench-") as folder:
        file = os.path.join(folder, "fn.cpp")
        with open(file, "w", encoding="utf-8") as source:
            source.write(_SOURCE)
        commands = {
            "python -c pass": ["-c", "pass"],
            "import armexec": ["-c", "import armexec"],
            "armexec run fn.cpp 3": ["-m", "armexec", "run", file, "3"],
        }
        times: dict[str, Series] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, arguments in commands.items():
                seconds = python(arguments, {"ARMEXEC_CACHE_DIR": os.path.join(folder, "cache")}).processor
                if number:  # the first round fills the cache, and leaves bytecode
                    times[name].append(seconds)
    return {name: median(series) for name, series in times.items()}
