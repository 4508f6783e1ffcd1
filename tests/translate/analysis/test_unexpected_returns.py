"""Functions that leave by another way than their own return: who goes on finds all registers."""

from __future__ import annotations

import ctypes
import random

import pytest

import armexec

ENGINES = pytest.mark.parametrize("engine", ["reference", "translated", "translated:O0", "translated:O2"])

FAILS = """
    f:  stp x29, x30, [sp, #-16]!
        mov x29, sp
        cbnz x0, 1f
        bl fail
    1:  mov x0, #1
        ldp x29, x30, [sp], #16
        ret
    fail: mov x0, #-1
        mov sp, x29
        ldp x29, x30, [sp], #16
        ret
"""


@ENGINES
def test_a_callee_that_returns_for_its_caller(engine: str) -> None:
    f = armexec.function(FAILS, "long(long)", engine=engine)
    assert [f(0), f(1), f(0)] == [-1, 1, -1]


@ENGINES
def test_the_caller_of_both_goes_on_with_its_registers(engine: str) -> None:
    text = (
        """
    entry: stp x29, x30, [sp, #-32]!
        stp x19, x20, [sp, #16]
        mov x19, x0
        mov x20, #100
        mov x0, x1
        mov x9, #7
        bl f
        add x0, x0, x19
        add x0, x0, x20
        ldp x19, x20, [sp, #16]
        ldp x29, x30, [sp], #32
        ret
    """
        + FAILS
    )
    f = armexec.function(text, "long(long, long)", engine=engine)
    assert [f(1000, 0), f(1000, 1)] == [1099, 1101]


JUMPS = """
    // long entry(long depth, long value): what was set before the jump, and what the jump brings.
    entry: stp x29, x30, [sp, #-240]!
        stp x19, x20, [sp, #16]
        stp d8, d9, [sp, #32]
        mov x19, x0
        mov x20, x1
        fmov d8, #2.5
        add x0, sp, #64
        bl setjmp
        cbnz x0, back
        add x0, sp, #64
        mov x1, x19
        mov x2, x20
        bl deep
        mov x0, #-1
        b out
    back: add x0, x0, x19, lsl #8
        fcvtzs x1, d8
        add x0, x0, x1, lsl #16
    out: ldp d8, d9, [sp, #32]
        ldp x19, x20, [sp, #16]
        ldp x29, x30, [sp], #240
        ret
    deep: stp x29, x30, [sp, #-32]!
        stp x19, x20, [sp, #16]
        fmov d8, #7.0
        mov x19, #55
        mov x20, #66
        cbz x1, jump
        sub x1, x1, #1
        bl deep
        mov x0, #-2
        ldp x19, x20, [sp, #16]
        ldp x29, x30, [sp], #32
        ret
    jump: mov x1, x2
        b longjmp
    setjmp: stp x19, x20, [x0]
        stp x29, x30, [x0, #16]
        mov x9, sp
        str x9, [x0, #32]
        stp d8, d9, [x0, #40]
        mov x0, #0
        ret
    longjmp: ldp x19, x20, [x0]
        ldp x29, x30, [x0, #16]
        ldr x9, [x0, #32]
        mov sp, x9
        ldp d8, d9, [x0, #40]
        mov x0, x1
        ret
"""


@ENGINES
@pytest.mark.parametrize("depth", [0, 1, 5])
def test_longjmp(engine: str, depth: int) -> None:
    f = armexec.function(JUMPS, "long(long, long)", engine=engine)
    for value in (1, 9):
        assert f(depth, value) == value + (depth << 8) + (2 << 16)


@ENGINES
def test_a_return_address_that_was_overwritten(engine: str) -> None:
    """The callee's own registers and results are there where its overwritten return address leads."""
    text = """
    entry: stp x29, x30, [sp, #-16]!
        mov x29, sp
        adr x13, win
        bl vulnerable
        mov x0, #1
        ldp x29, x30, [sp], #16
        ret
    vulnerable: stp x29, x30, [sp, #-48]!
        mov x11, #40
        mov x14, x0
        add x8, sp, #8
        fmov d3, #2.0
        cbz x0, last
        str x13, [x8]
    last: mov x0, #5
        bl result
        ldp x29, x30, [sp], #48
        mov x15, #300
        ret
    result: add x0, x0, x0
        ret
    win: add x0, x0, x11
        add x0, x0, x14
        add x0, x0, x15
        fcvtzs x1, d3
        add x0, x0, x1, lsl #12
        ldp x29, x30, [sp], #16
        ret
    """
    f = armexec.function(text, "long(long)", engine=engine)
    assert f(0) == 1
    assert f(1000) == 10 + 40 + 1000 + 300 + (2 << 12)


@ENGINES
def test_flags_where_a_callee_goes_astray(engine: str) -> None:
    text = """
    entry: stp x29, x30, [sp, #-16]!
        mov x29, sp
        cmp x0, #5
        bl astray
        mov x0, #77
        ldp x29, x30, [sp], #16
        ret
    astray: adr x30, there
        ret
    there: cset x0, hi
        cset x1, eq
        add x0, x0, x1, lsl #1
        ldp x29, x30, [sp], #16
        ret
    """
    f = armexec.function(text, "long(long)", engine=engine)
    assert [f(4), f(5), f(6)] == [0, 2, 1]


@pytest.mark.slow
def test_random_functions_that_return_for_their_callers() -> None:
    """Every register that the functions have written shows in the result, whichever way they leave."""
    for seed in range(12):
        rng = random.Random(f"unexpected returns/{seed}")
        text, depth = _program(rng)
        results = []
        for engine in ("reference", "translated:O2", "translated:O0"):
            f = armexec.function(text, "void(long, void *)", engine=engine)
            out = (ctypes.c_uint64 * 32)()
            for way in range(depth + 1):
                f(way, out)
                results.append((way, list(out)))
        assert results[: depth + 1] == results[depth + 1 : 2 * depth + 2] == results[2 * depth + 2 :], text


def _program(rng: random.Random) -> tuple[str, int]:
    """A chain of functions, each of which may leave for one of its callers, with the deepest one's registers."""
    depth = rng.randrange(2, 5)
    work = [2, 3, 4, 5, 6, 7, 9, 10, 11, 12]
    lines = ["entry:", "stp x29, x30, [sp, #-112]!", "mov x29, sp"]
    lines += [f"stp x{n}, x{n + 1}, [sp, #{n * 8 - 136}]" for n in range(19, 29, 2)]
    lines += ["mov x28, x1", *(f"mov x{n}, #{n}" for n in (*work, *range(19, 28))), "mov x8, x0", "bl f0"]
    # What is there: all that the functions write themselves.
    lines += [f"str x{n}, [x28, #{8 * i}]" for i, n in enumerate((*work, *range(19, 28)))]
    lines += [f"ldp x{n}, x{n + 1}, [sp, #{n * 8 - 136}]" for n in range(19, 29, 2)]
    lines += ["ldp x29, x30, [sp], #112", "ret"]
    for level in range(depth):
        lines += [f"f{level}:", "stp x29, x30, [sp, #-32]!", "mov x29, sp", "stp x19, x20, [sp, #16]"]
        lines += ["str x8, [x28, #200]", f"add x{rng.choice(work)}, x{rng.choice(work)}, x{rng.choice(work)}"]
        lines += [f"mov x19, #{rng.randrange(1000)}", f"eor x20, x19, x{rng.choice(work)}"]
        if level + 1 < depth:
            lines += [f"bl f{level + 1}", f"add x19, x19, #{level}"]
        else:
            for n in work:
                lines.append(f"add x{n}, x{n}, #{rng.randrange(1000)}")
        # Leave for the caller of as many functions above as X8 says.
        lines += [f"cbz x8, own{level}", "mov x1, x8", f"up{level}: ldr x29, [x29]", "sub x1, x1, #1"]
        if level + 1 < depth:
            lines[-4:] = [f"b own{level}"]
        else:
            lines += [f"cmp x1, #{level}", f"b.hi out{level}", f"cbnz x1, up{level}", f"out{level}:"]
            lines += ["mov sp, x29", "ldp x19, x20, [sp, #16]", "ldp x29, x30, [sp], #32", "mov x1, #0", "ret"]
        lines += [f"own{level}: ldp x19, x20, [sp, #16]", "ldp x29, x30, [sp], #32", "mov x1, #0", "ret"]
    return "\n".join(lines), depth - 1
