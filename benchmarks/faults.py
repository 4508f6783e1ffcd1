"""What a guest's fault costs: to its exception, and with the exception's text; beside an exception of Python's own.

Prints a table, or JSON with --json. Processor time, minima of several rounds, all measured in turn.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import armexec

LOAD = "ldr x0, [x0]\nadd x0, x0, #1\nret"
STORE = "str x0, [x0]\nadd x0, x0, #1\nret"


def _own() -> None:
    raise ValueError("own")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--faults", type=int, default=2000)
    arguments = parser.parse_args()
    load = armexec.function(LOAD, "long(long)", engine="translated")
    store = armexec.function(STORE, "long(long)", engine="translated")

    def raised(function: Callable[[], object], *, text: bool = False) -> None:
        try:
            function()
        except (armexec.MemoryFault, ValueError) as error:
            if text:
                str(error)

    cases: dict[str, Callable[[], None]] = {
        "Python's own": lambda: raised(_own),
        "load": lambda: raised(lambda: load(16)),
        "store": lambda: raised(lambda: store(16)),
        "load, with its text": lambda: raised(lambda: load(16), text=True),
    }
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(arguments.rounds):
        for name, case in cases.items():
            case()
            start = time.process_time()
            for _ in range(arguments.faults):
                case()
            best[name] = min(best[name], (time.process_time() - start) / arguments.faults)
    base = best["Python's own"]
    rows = {name: {"microseconds": seconds * 1e6, "ratio": seconds / base} for name, seconds in best.items()}
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    for name, row in rows.items():
        print(f"{name:20} {row['microseconds']:8.1f} us {row['ratio']:8.1f} x")


if __name__ == "__main__":
    main()
