"""The kernels: C sources of one function, `u64 kernel(u64 n)`, without libraries and without side effects."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from armexec.errors import Error

__all__ = ["FLAGS", "KERNELS", "Kernel", "choose"]

FLAGS = ("-ffp-contract=off", "-fno-math-errno")
"""Options of every build. They make floating-point results equal to the bit, and sqrt an instruction."""


@dataclass(frozen=True)
class Kernel:
    """A kernel; `count` is its argument, with which the host's own build takes 5 to 30 ms; `quick` a smaller one."""

    name: str
    title: str
    count: int
    quick: int

    @property
    def filename(self) -> str:
        """The source's name, for messages."""
        return f"{self.name}.c"

    @property
    def source(self) -> str:
        """The text in C."""
        return files("armexec.bench").joinpath("sources", self.filename).read_text(encoding="utf-8")


KERNELS = {
    kernel.name: kernel
    for kernel in (
        Kernel("loops", "integer loops", 8_000, 500),
        Kernel("fib", "recursion", 32, 24),
        Kernel("sieve", "sieve of Eratosthenes", 2_000_000, 200_000),
        Kernel("sha256", "SHA-256", 1_500_000, 100_000),
        Kernel("crc32", "CRC-32 by table", 4_000_000, 200_000),
        Kernel("matmul", "matrix product, double", 320, 80),
        Kernel("nbody", "n-body, double", 120_000, 6_000),
        Kernel("mandelbrot", "Mandelbrot set, double", 240, 40),
        Kernel("strings", "string bytes", 600, 40),
        Kernel("quicksort", "quicksort", 150_000, 10_000),
        Kernel("saxpy", "saxpy, float vectors", 20_000, 1_500),
        Kernel("sad", "sum of absolute differences", 100_000, 5_000),
        Kernel("collatz", "Collatz chains", 80_000, 5_000),
        Kernel("bytecode", "bytecode interpreter", 250_000, 15_000),
        Kernel("callbacks", "sort by function pointer", 30_000, 2_000),
        Kernel("dispatch", "calls through tables", 3_000, 200),
    )
}


def choose(names: Iterable[str]) -> list[Kernel]:
    """The kernels of these names, in the order of KERNELS; all of them for no name.

    Raises:
        Error: there is no kernel of a name.
    """
    wanted = set(names)
    for name in sorted(wanted - set(KERNELS)):
        near = difflib.get_close_matches(name, KERNELS, 1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise Error(f"there is no kernel {name!r}{hint} The kernels are {', '.join(KERNELS)}")
    return [kernel for kernel in KERNELS.values() if not wanted or kernel.name in wanted]
