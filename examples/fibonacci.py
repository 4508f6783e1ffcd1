"""The same function twice: from C, compiled with optimization, and written by hand in assembly.

    python examples/fibonacci.py [N]

What the compiler made of the C is printed beside the assembly, and both are called for Fibonacci's number N.
"""

from __future__ import annotations

import argparse
import sys
from itertools import zip_longest

import armexec

C = """
unsigned long fibonacci(unsigned n) {
    unsigned long a = 0, b = 1;
    while (n--) {
        unsigned long next = a + b;
        a = b;
        b = next;
    }
    return a;
}
"""

ASSEMBLY = """
fibonacci:
        mov     x1, #0          // a
        mov     x2, #1          // b
        cbz     w0, done
next:   add     x3, x1, x2
        mov     x1, x2
        mov     x2, x3
        subs    w0, w0, #1
        b.ne    next
done:   mov     x0, x1
        ret
"""

LARGEST = 93  # the last one that fits 64 bits


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Fibonacci's numbers from C and from assembly.")
    parser.add_argument("n", nargs="?", type=int, default=LARGEST, help=f"which number, 0 to {LARGEST}")
    parser.add_argument("--engine", choices=("native", "translated", "reference"), help="how armexec runs them")
    options = parser.parse_args(arguments)
    if not 0 <= options.n <= LARGEST:
        parser.error(f"n must be from 0 to {LARGEST}")

    try:
        compiled = armexec.compile(C, language="c", opt="-O2", engine=options.engine).fibonacci
        written = armexec.function(ASSEMBLY, "unsigned long fibonacci(unsigned n)", engine=options.engine)
    except armexec.Error as error:
        print(error, file=sys.stderr)
        return 1

    left, right = compiled.disassembly.expandtabs().splitlines(), written.disassembly.expandtabs().splitlines()
    print(f"{'C, by the compiler':<52}Assembly, by hand")
    for a, b in zip_longest(left, right, fillvalue=""):
        print(f"{a:<52}{b}".rstrip())
    print(f"\nfrom C:        fibonacci({options.n}) = {compiled(options.n)}")
    print(f"from assembly: fibonacci({options.n}) = {written(options.n)}")
    return 0 if compiled(options.n) == written(options.n) else 1


if __name__ == "__main__":
    sys.exit(main())
