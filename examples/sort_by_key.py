"""Callbacks: C's sorting calls a Python function for each comparison.

    python examples/sort_by_key.py [WORD ...]

The C function takes a function pointer. Python passes a callable for it, which gets pointers into the array's memory.
An exception in it leaves the C code, and is raised where the C function was called.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np

import armexec

SORT = """
typedef int compare(const int *, const int *);

/* Insertion sort: of equal numbers, those that come first stay first. */
void sort(int *values, long count, compare *order) {
    for (long i = 1; i < count; i++) {
        int value = values[i];
        long j = i;
        for (; j > 0 && order(&values[j - 1], &value) > 0; j--)
            values[j] = values[j - 1];
        values[j] = value;
    }
}
"""


def sort_by_key(words: list[str], key: Callable[[str], int], engine: str | None = None) -> tuple[list[str], int]:
    """The words in the order of their keys, and how often the C function has compared two."""
    module = armexec.compile(SORT, "c", "-O2", engine=engine)
    indexes = np.arange(len(words), dtype=np.int32)
    comparisons = 0

    def order(left: armexec.GuestPointer, right: armexec.GuestPointer) -> int:
        nonlocal comparisons
        comparisons += 1
        return key(words[left[0]]) - key(words[right[0]])

    module.sort(indexes, len(indexes), order)
    return [words[index] for index in indexes], comparisons


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Sort words by their length, in C.")
    parser.add_argument("words", nargs="*", default=["an", "Arm", "function", "calls", "a", "Python", "function"])
    parser.add_argument("--engine", choices=("native", "translated", "reference"), help="how armexec runs it")
    options = parser.parse_args(arguments)
    words, comparisons = sort_by_key(options.words, len, options.engine)
    print(" ".join(words))
    print(f"{comparisons} comparisons in Python")
    return 0


if __name__ == "__main__":
    sys.exit(main())
