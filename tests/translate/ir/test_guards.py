"""NaNs where results are tested together: scalars beside vectors, zeros above, loops that are unrolled."""

import struct

import pytest

import armexec

SIGNALLING, QUIET, INFINITY = 0xFFF4_0000_0000_1234, 0x7FF8_0000_0000_5678, 0x7FF0_0000_0000_0000
PLAIN = 0x3FF8_0000_0000_0000

# Two doubles and a third that is tested with them; the third is stored as a whole register too.
TOGETHER = """
together:
    ldr q0, [x0]
    ldr d1, [x0, #16]
    ldr q2, [x0, #32]
    ldr d3, [x0, #48]
    fadd v0.2d, v0.2d, v2.2d
    fmul d1, d1, d3
    str q0, [x1]
    str q1, [x1, #16]
    ret
"""
LOOP = """
loop:
    ldr d0, [x0], #8
    ldr d1, [x1]
    fmul d2, d0, d1
    fsub d2, d2, d0
    subs x2, x2, #1
    str d2, [x1], #8
    b.ne loop
    ret
"""


def _run(engine: str, source: str, inputs: list[int], outputs: list[int], *rest: int) -> bytes:
    a = bytearray(struct.pack(f"<{len(inputs)}Q", *inputs))
    b = bytearray(struct.pack(f"<{len(outputs)}Q", *outputs))
    parameters = ", ".join(["void *", "void *", *["long"] * len(rest)])
    armexec.function(source, f"void({parameters})", engine=engine)(a, b, *rest)
    return bytes(b)


@pytest.mark.parametrize("special", [SIGNALLING, QUIET, INFINITY])
@pytest.mark.parametrize("place", [0, 1, 2, 4, 5, 6])
def test_a_scalar_is_tested_with_a_vector(special: int, place: int) -> None:
    inputs = [PLAIN] * 8
    inputs[place] = special
    # The other operand of the same operation: infinity less infinity, infinity times zero.
    other = {0: 0xFFF0_0000_0000_0000, 1: 0xFFF0_0000_0000_0000, 2: 0}
    inputs[(place + 4) % 8] = other[place % 4] if special == INFINITY else PLAIN
    expected = _run("reference", TOGETHER, inputs, [0] * 4)
    assert _run("translated", TOGETHER, inputs, [0] * 4) == expected


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("special", [SIGNALLING, QUIET, INFINITY])
def test_a_nan_in_any_round_of_a_loop(special: int, count: int) -> None:
    for place in range(count):
        inputs, outputs = [PLAIN] * count, [PLAIN] * count
        inputs[place] = special
        expected = _run("reference", LOOP, inputs, outputs, count)
        assert _run("translated", LOOP, inputs, outputs, count) == expected
