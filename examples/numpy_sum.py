"""A function over an array: the sum of NumPy's int64 elements, in assembly.

    python examples/numpy_sum.py [COUNT]

A NumPy array is passed where the prototype has a pointer. Nothing is copied: the function reads the array's own memory.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

import armexec

SUM = """
        // long sum(const long *values, unsigned long count)
        mov     x2, x0              // X0 is the result, so the pointer moves to X2
        mov     x0, #0
        cbz     x1, done
next:   ldr     x3, [x2], #8        // load an element, and step to the next one
        add     x0, x0, x3
        subs    x1, x1, #1
        b.ne    next
done:   ret
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Sum an array in assembly.")
    parser.add_argument("count", nargs="?", type=int, default=1_000_000, help="how many elements")
    parser.add_argument("--engine", choices=("native", "translated", "reference"), help="how armexec runs it")
    options = parser.parse_args(arguments)
    if options.count < 0:
        parser.error("an array can't have less than 0 elements")

    total = armexec.function(SUM, "long sum(const long *values, unsigned long count)", engine=options.engine)
    values = np.random.default_rng(1).integers(-(2**40), 2**40, options.count)
    print(total.disassembly)

    total(values, 0)  # the first call translates the function
    begin = time.perf_counter()
    result = total(values, len(values))
    ours = time.perf_counter() - begin
    begin = time.perf_counter()
    expected = values.sum()
    theirs = time.perf_counter() - begin
    print(f"\nthe function's sum of {options.count} elements: {result:>22} in {ours * 1e3:.3f} ms ({total.engine})")
    print(f"NumPy's:{'':{len(str(options.count)) + 28}} {expected:>22} in {theirs * 1e3:.3f} ms")

    # The prototype says what the pointer points to, so an array of something else is refused.
    try:
        total(values.astype(np.float32), len(values))
    except armexec.SignatureError as error:
        print(f"\nAnd for an array of float32:\n  {error}")
    return 0 if result == expected else 1


if __name__ == "__main__":
    sys.exit(main())
