"""The kernels compute what they say, and everyone who runs them the same."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable

import pytest

import armexec
from armexec.bench.contenders.arm_engine import ArmEngine
from armexec.bench.contenders.choice import choose
from armexec.bench.contenders.runner import Contender
from armexec.bench.kernels import FLAGS, KERNELS
from samples import one_of


def _bytes(n: int) -> bytes:
    return bytes((7 * i + 3) & 255 for i in range(n))


def _fib(n: int) -> int:
    return n if n < 2 else _fib(n - 1) + _fib(n - 2)


def _primes(n: int) -> int:
    return sum(all(i % j for j in range(2, i)) for i in range(2, n))


def _steps(x: int) -> int:
    steps = 0
    while x != 1:
        x, steps = 3 * x + 1 if x % 2 else x // 2, steps + 1
    return steps


def _quicksort(n: int) -> int:
    state, numbers, result = 1, [], 0
    for _ in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        numbers.append(state >> 32)
    for number in sorted(numbers):
        result = (result * 31 + number) % 2**64
    return result


def _collatz(n: int) -> int:
    steps = [_steps(x) for x in range(1, n)]
    return sum(steps) << 16 | max(steps)


MEANINGS: dict[str, Callable[[int], int]] = {
    "fib": _fib,
    "sieve": _primes,
    "sha256": lambda n: int.from_bytes(hashlib.sha256(_bytes(n)).digest()[:8], "big"),
    "crc32": lambda n: zlib.crc32(_bytes(n)),
    "quicksort": _quicksort,
    "collatz": _collatz,
    "bytecode": lambda n: sum(i * i % 7 for i in range(1, n + 1)),
}


# The quickest tier to translate: what optimized code computes is for other tests.
TIER = "O0"


@pytest.mark.parametrize("name", MEANINGS)
def test_the_kernel_computes_what_it_says(name: str) -> None:
    with ArmEngine("translated", TIER).start(KERNELS[name]) as runner:
        for n in (2, 3, 20) if name == "fib" else (2, 3, 20, 55, 56, 119, 300):
            assert runner.run(n).result == MEANINGS[name](n), n


@pytest.mark.parametrize("name", one_of(3, KERNELS))
def test_all_have_the_same_results(name: str) -> None:
    contenders, _ = choose((), TIER)
    results = {contender.name: _results(contender, name) for contender in contenders}
    assert len(set(results.values())) == 1, results
    once, again, more = results["translated"]
    assert once == again != more


def _results(contender: Contender, name: str) -> tuple[int, int, int]:
    with contender.start(KERNELS[name]) as runner:
        runs = [runner.run(n) for n in (3, 3, 7)]
    assert all(run.seconds >= 0 for run in runs)
    return runs[0].result, runs[1].result, runs[2].result


def test_vectors_are_written_with_intrinsics() -> None:
    for name, instruction in (("saxpy", "fmul"), ("sad", "uabd")):
        source = KERNELS[name].source
        with armexec.compile(source, "c", "-O2", flags=(*FLAGS, "-fno-vectorize", "-fno-slp-vectorize")) as module:
            assert any(instruction in text for text in module.disassembly.splitlines()), name
