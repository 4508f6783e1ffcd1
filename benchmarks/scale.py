"""How translation grows with the code, and with a process's age: processor time, peak memory, size of the host's code.

    python benchmarks/scale.py [--json] [--tier O2] [--largest N] [--limit SECONDS]
    python benchmarks/scale.py --age [--largest N]

`straight` is one function of N instructions without a branch; `chain` is N instructions in functions of ten, each of
which calls the next; `fan` is one that calls many small functions in turn. Every size is translated in a process of its
own with an empty cache, from the image to the first result. Memory is what the process's peak grew by, code what it has
more of in executable pages. A shape ends where a size takes more seconds than the limit.

`--age` translates distinct functions of three instructions in one process, each dropped at once, and says what one of
them costs that comes after so many others; `crowd` is a C file of functions of one line, all of which one calls.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

import armexec
from armexec.abi import parse_prototype
from armexec.asm import assemble
from armexec.engines.translated import TranslatedEngine
from armexec.memory import Protection, process_map
from armexec.sources.images import words_image

SIZES = (10, 100, 1_000, 10_000, 100_000)
AGES = (10, 100, 500, 1_000, 2_000, 3_500, 4_000, 5_000)
CROWDS = (500, 2_000)
LINEAR = 1.15
"""The exponent of growth up to which it counts as linear: caches and allocators cost something too."""
SETTLED = 0.1
"""Seconds below which growth says nothing: what a translation costs by itself is most of it."""

# Every instruction depends on the arguments and on one before, so that no optimizer makes less of them.
BODY = (
    "add x0, x0, x1",
    "eor x2, x2, x0, lsl #3",
    "madd x0, x0, x2, x1",
    "ror x1, x1, #7",
    "sub x2, x2, x1",
    "orr x3, x0, x2",
    "and x1, x1, x3",
    "add x0, x0, x3, lsr #5",
)


def straight(size: int) -> list[int]:
    """The words of one function of `size` instructions."""
    body = list(assemble("\n".join(BODY)).words)
    return (body * (size // len(body) + 1))[: size - 1] + list(assemble("ret").words)


def chain(size: int) -> list[int]:
    """The words of functions of ten instructions each, `size` in all; each calls the next, but for the last."""
    body = "\n".join(BODY[:6])
    calling = assemble(f"stp x29, x30, [sp, #-16]!\n{body}\nbl #12\nldp x29, x30, [sp], #16\nret")
    last = assemble(f"{body}\nret\nnop\nnop\nnop")
    return list(calling.words) * (size // 10 - 1) + list(last.words)


def fan(size: int) -> list[int]:
    """The words of a function that calls many of nine instructions in turn, `size` in all."""
    count = max((size - 3) // 10, 0)
    begin, end = assemble("stp x29, x30, [sp, #-16]!"), assemble("ldp x29, x30, [sp], #16\nret")
    leaf = assemble("\n".join([*BODY, "ret"]))
    calls = [0x94000000 | (count - i + 2 + 9 * i) for i in range(count)]  # bl
    return [*begin.words, *calls, *end.words, *(list(leaf.words) * count)]


SHAPES: dict[str, Callable[[int], list[int]]] = {"straight": straight, "chain": chain, "fan": fan}


def _peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _executable() -> int:
    """The bytes of this process's executable pages."""
    return sum(entry.end - entry.start for entry in process_map() if Protection.EXECUTE in entry.protection)


def translate(shape: str, size: int, tier: str) -> dict[str, float]:
    """Translate and call it in this process: "seconds", and bytes of "memory" and "code"."""
    prototype = parse_prototype("long fn(long, long, long)")
    engine = TranslatedEngine(tier)
    # What is made once for a process is made before.
    first = engine.load(words_image(straight(11), "<first>", entry="fn"), lambda _: None)
    first.bind(0, prototype)(1, 2, 3)
    image = words_image(SHAPES[shape](size), "<scale>", entry="fn")
    peak, executable, start = _peak(), _executable(), time.process_time()
    loaded = engine.load(image, lambda _: None)
    loaded.bind(0, prototype)(1, 2, 3)
    seconds = time.process_time() - start
    return {"seconds": seconds, "memory": _peak() - peak, "code": _executable() - executable}


def measure(shape: str, size: int, tier: str, limit: float) -> dict[str, float] | None:
    """The same in a new process; None if it isn't done after `limit` seconds."""
    command = (sys.executable, __file__, "--one", shape, str(size), "--tier", tier)
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "ARMEXEC_CACHE_DIR": cache}
        try:
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=limit, check=True)
        except subprocess.TimeoutExpired:
            return None
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def age(counts: Sequence[int], tier: str) -> dict[int, dict[str, float]]:
    """By how many functions were translated in this process, "seconds" and bytes of "memory" of each of the last."""
    prototype = parse_prototype("long fn(long)")
    engine = TranslatedEngine(tier)
    found = {}
    done = 0
    for count in counts:
        peak, start, before = _peak(), time.process_time(), done
        while done < count:
            done += 1
            words = assemble(f"add x0, x0, #{done & 4095}\neor x0, x0, #{2 ** (done >> 12) * 3}\nret").words
            loaded = engine.load(words_image(list(words), "<age>", entry="fn"), lambda _: None)
            loaded.bind(0, prototype)(1)
            loaded.close()
        each = count - before
        found[count] = {"seconds": (time.process_time() - start) / each, "memory": (_peak() - peak) / each}
    return found


def crowd(count: int) -> dict[str, float]:
    """Compile, translate and call a function that calls `count` of one line: "seconds" to the first result."""
    lines = [f"int f{i}(int x) {{ return x * {i + 3} + {i}; }}" for i in range(count)]
    calls = "".join(f"s += f{i}(x);\n" for i in range(count))
    module = armexec.compile(
        "\n".join([*lines, f"int all(int x) {{ int s = 0; {calls} return s; }}"]), "c", engine="translated"
    )
    start = time.process_time()
    assert module["all"](3) == sum(3 * (i + 3) + i for i in range(count))
    return {"seconds": time.process_time() - start}


def exponent(rows: dict[int, dict[str, float]]) -> float | None:
    """The largest e of any step in which time grows as size to the power of e; None if no step says anything."""
    steps = [
        math.log(rows[large]["seconds"] / rows[small]["seconds"], large / small)
        for small, large in zip(rows, list(rows)[1:], strict=False)
        if rows[large]["seconds"] > SETTLED
    ]
    return max(steps, default=None)


def _print_age(largest: int, tier: str) -> None:
    with tempfile.TemporaryDirectory() as cache:
        os.environ["ARMEXEC_CACHE_DIR"] = cache
        print(f"{'before':>10} {'ms each':>9} {'KB each':>9}")
        for count, row in age([n for n in AGES if n <= largest], tier).items():
            print(f"{count:10,} {row['seconds'] * 1e3:9.2f} {row['memory'] / 1e3:9.2f}")
        for count in (n for n in CROWDS if n <= largest):
            print(f"crowd of {count:6,}: {crowd(count)['seconds']:.2f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tier", choices=("O0", "O1", "O2", "O3"), default="O2")
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--limit", type=float, default=300.0)
    parser.add_argument("--age", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(translate(arguments.one[0], int(arguments.one[1]), arguments.tier)))
        return
    if arguments.age:
        _print_age(arguments.largest, arguments.tier)
        return
    found: dict[str, dict[int, dict[str, float]]] = {}
    for shape in SHAPES:
        rows = found[shape] = {}
        if not arguments.json:
            print(f"{shape:10} {'instructions':>12} {'seconds':>9} {'us each':>9} {'memory MB':>9} {'code KB':>9}")
        for size in (size for size in SIZES if size <= arguments.largest):
            figures = measure(shape, size, arguments.tier, arguments.limit)
            if figures is None:
                if not arguments.json:
                    print(f"{'':10} {size:12,} not done after {arguments.limit:g} s")
                break
            rows[size] = figures
            if not arguments.json:
                seconds, memory, code = figures["seconds"], figures["memory"] / 1e6, figures["code"] / 1e3
                print(f"{'':10} {size:12,} {seconds:9.3f} {seconds / size * 1e6:9.1f} {memory:9.1f} {code:9.0f}")
        power = exponent(rows)
        if power is not None and not arguments.json:
            verdict = "worse than linear" if power > LINEAR else "linear"
            print(f"{'':10} time grows at most as the size to the power of {power:.2f}: {verdict}\n")
    if arguments.json:
        print(
            json.dumps({shape: {"rows": rows, "exponent": exponent(rows)} for shape, rows in found.items()}, indent=2)
        )


if __name__ == "__main__":
    main()
