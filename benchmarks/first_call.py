"""How long until a function that was never called has its first result, in fresh processes.

Each measurement is a process of its own that has imported everything; the clock starts before the image is put into
memory, and stops after the first call. "empty": nothing is in the cache; "warm": a process before it left its
translations there; "off": the cache is switched off. Beside each stands its ratio to `python -c pass`.

Prints a table, or JSON with --json. Medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

CHILD = """
import sys, time, json
import armexec
from armexec.abi.declarations import parse_prototype
from armexec.engines.translated import TranslatedEngine
from armexec.translate.cfg import jump_tables, partition
from armexec.translate.codegen import line_table
from armexec.translate.ir import unit
from armexec.translate.codegen.llvm import compiled_modules, llvm
from armexec.isa import decode
from armexec.sources.images import code_image
kind, tier = sys.argv[1:]
if kind == "small":
    text = "\\n".join(["mov x1, #3", *["madd x0, x0, x1, x0\\neor x1, x0, x1, lsr #7"] * 9, "ret"])
elif kind == "straight":
    body = "add x0, x0, x1; eor x2, x0, x3, lsl #3; ldr x3, [sp, #-16]; madd x1, x2, x0, x3; str x1, [sp, #-8]"
    text = "\\n".join([*(body.split("; ") * 2000), "ret"])
else:
    text = '''
    mov x9, #0
outer: mov x2, #200
inner: mul x3, x2, x9
    add x3, x3, x0
    eor x1, x1, x3, ror #9
    subs x2, x2, #1
    b.ne inner
    add x9, x9, #1
    cmp x9, x0
    b.lo outer
    mov x0, x1
    ret'''
code = armexec.assemble(text)
for word in set(code.words):
    decode(word)
llvm()
prototype = parse_prototype("long(long)")
image = code_image(code, "guest", entry="f")
engine = TranslatedEngine(tier)
start = time.perf_counter()
f = engine.load(image, lambda name: None).bind(0, prototype)
f(1000)
first = time.perf_counter() - start
start = time.perf_counter()
f(1000)
print(json.dumps({"first": first, "second": time.perf_counter() - start, "compiled": compiled_modules()}))
"""
KINDS = {"small": "20 instructions", "straight": "10,000 instructions", "loop": "a loop of 200,000 rounds"}


def _run(kind: str, tier: str, folder: str | None) -> dict[str, float]:
    environment = {**os.environ, "ARMEXEC_CACHE": "off" if folder is None else "on"}
    if folder is not None:
        environment["ARMEXEC_CACHE_DIR"] = folder
    done = subprocess.run(
        [sys.executable, "-c", CHILD, kind, tier], env=environment, check=True, capture_output=True, text=True
    )
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


def _baseline() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tier", action="append", help="O0, O1, O2, O3 or auto; may be given again")
    parser.add_argument("--kind", action="append", choices=KINDS)
    arguments = parser.parse_args()
    results: dict[str, dict[str, list[float]]] = {}
    for number in range(arguments.rounds):
        for kind in arguments.kind or KINDS:
            for tier in arguments.tier or ("O2",):
                with tempfile.TemporaryDirectory() as folder:
                    baseline = _baseline()
                    for state, where in (("off", None), ("empty", folder), ("warm", folder)):
                        found = _run(kind, tier, where)
                        row = results.setdefault(f"{KINDS[kind]}, {tier}, {state}", {})
                        row.setdefault("first ms", []).append(found["first"] * 1e3)
                        row.setdefault("second ms", []).append(found["second"] * 1e3)
                        row.setdefault("ratio", []).append(found["first"] / baseline)
                        row.setdefault("modules compiled", []).append(found["compiled"])
        if number == 0 and not arguments.json:
            print(f"{'':42}{'first':>10}{'second':>10}{'ratio':>8}{'compiled':>10}")
    medians = {name: {what: statistics.median(values) for what, values in row.items()} for name, row in results.items()}
    if arguments.json:
        print(json.dumps(medians, indent=2))
        return
    for name, row in medians.items():
        times = f"{row['first ms']:7.1f} ms{row['second ms']:7.2f} ms"
        print(f"{name:42}{times}{row['ratio']:8.2f}{row['modules compiled']:10.0f}")


if __name__ == "__main__":
    main()
