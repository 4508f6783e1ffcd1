"""Start-up: `import armexec`, and the README's `armexec run examples/fn.cpp 3` with a warm cache, as whole processes.

Prints a table, or JSON with --json. Medians; `python -c pass` stands beside them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import armexec": ["-c", "import armexec"],
    "armexec run examples/fn.cpp 3": ["-m", "armexec", "run", str(ROOT / "examples" / "fn.cpp"), "3"],
    "armexec run examples/fn.hex 3": ["-m", "armexec", "run", str(ROOT / "examples" / "fn.hex"), "3"],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(arguments.rounds + 1):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
            if number:  # the first round warms the caches
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    if arguments.json:
        print(json.dumps({name: seconds * 1e3 for name, seconds in medians.items()}, indent=2))
        return
    for name, seconds in medians.items():
        print(f"{name:32} {seconds * 1e3:8.0f} ms")


if __name__ == "__main__":
    main()
