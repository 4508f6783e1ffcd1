"""Limits of instructions in loops of floating point that are left where a NaN comes up: regions, exits, pairs."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import pytest

import armexec

SOURCE = """
typedef double number;
number dot(const number *a, const number *b, int n) {
    number s = 0;
    for (int i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}
void scale(number *a, number f, int n) { for (int i = 0; i < n; i++) a[i] = a[i] * f + 1; }
number horner(const number *a, number x, int n) { number s = 0; while (n--) s = s * x + a[n]; return s; }
int steps(number x, number y, int most) {
    number a = x, b = y;
    int n = 0;
    while (n < most && !(a * a + b * b > 4)) { number t = a * a - b * b + x; b = 2 * a * b + y; a = t; n++; }
    return n;
}
"""
SIZE = 9
NO_LIMIT = 1 << 40


@pytest.fixture(scope="module", params=["translated:O2", "translated:O0"])
def modules(request: pytest.FixtureRequest) -> Iterator[tuple[armexec.Module, armexec.Module]]:
    with (
        armexec.compile(SOURCE, "c", "-O2", engine="reference") as reference,
        armexec.compile(SOURCE, "c", "-O2", engine=request.param) as other,
    ):
        yield reference, other


def run(module: armexec.Module, name: str, numbers: list[float], limit: int) -> tuple[object, ...]:
    """The bits of the result or where it was stopped, how many instructions, and the array afterwards."""
    array = bytearray(struct.pack(f"<{SIZE}d", *numbers))
    other = struct.pack(f"<{SIZE}d", *range(SIZE))
    x, y = numbers[:2]
    found: object
    with armexec.limits(instruction_limit=limit) as limits:
        try:
            if name == "dot":
                found = module.dot(array, other, SIZE)
            elif name == "scale":
                found = module.scale(array, y, SIZE)
            elif name == "horner":
                found = module.horner(array, x, SIZE)
            else:
                found = module.steps(x, y, 20)
        except armexec.InstructionLimitExceeded as error:
            found = error.pc - module.loaded.base
    return struct.pack("<d", found) if isinstance(found, float) else found, limits.instructions, bytes(array)


@pytest.mark.parametrize("name", ["dot", "scale", "horner", "steps"])
def test_loops(name: str, modules: tuple[armexec.Module, armexec.Module]) -> None:
    reference, other = modules
    rng = random.Random(name)
    for _ in range(6):
        numbers = [rng.uniform(-2, 2) for _ in range(SIZE)]
        for place in rng.sample(range(SIZE), rng.randrange(3)):
            numbers[place] = rng.choice([float("nan"), -float("nan"), float("inf"), -float("inf"), 0.0])
        whole = run(reference, name, numbers, NO_LIMIT)
        assert run(other, name, numbers, NO_LIMIT) == whole
        count = whole[1]
        assert isinstance(count, int)
        for limit in (count, count - 1, *rng.choices(range(count), k=8)):
            assert run(other, name, numbers, limit) == run(reference, name, numbers, limit), (numbers, limit)
