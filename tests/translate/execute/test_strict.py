"""Code that sets FPCR or reads FPSR, and code of other images, which it calls or is called by."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

import armexec
from armexec.translate.mode import SPECULATIVE, STRICT
from armexec.translate.tiers import OPTIMIZED

from ..guest import load

ENGINES = pytest.mark.parametrize("engine", ["reference", "translated", "translated:O2"])
TINY, HALF_WAY = 5e-324, 1 + 2**-52

SETS_FPCR = "f: msr fpcr, x0\n ret"
READS_FPSR = "f: mrs x0, fpsr\n ret"
CALLS_AND_ADDS = """
    f: stp x29, x30, [sp, #-32]!
       stp d0, d1, [sp, #16]
       mov x9, x0
       mov x0, x1
       blr x9
       ldp d0, d1, [sp, #16]
       ldp x29, x30, [sp], #32
       b adds
    adds: fadd d0, d0, d1
       ret
"""
"""Calls its first argument with its second, and adds two numbers afterwards, in a function of its own."""
DIVIDES_AND_CALLS = "f: fdiv d0, d0, d1\n br x0"
ADDS = "f: fadd d0, d0, d1\n ret"
SETS_AND_CALLS = """
    f: stp x29, x30, [sp, #-16]!
       msr fpcr, x1
       blr x0
       msr fpcr, xzr
       ldp x29, x30, [sp], #16
       ret
"""
CALLS_AND_READS = """
    f: stp x29, x30, [sp, #-16]!
       blr x0
       mrs x0, fpsr
       ldp x29, x30, [sp], #16
       ret
"""

FZ, UP, DOWN, ZERO, DN, AHP, FZ16 = 1 << 24, 1 << 22, 2 << 22, 3 << 22, 1 << 25, 1 << 26, 1 << 19


def make(text: str, signature: str, engine: str) -> armexec.Function:
    return armexec.function(text, signature, engine=engine)


def bits(value: float) -> bytes:
    return bytes(ctypes.c_double(value))


MODES = [
    (FZ, TINY, TINY, 0.0),
    (UP, 1.0, 2**-60, HALF_WAY),
    (DOWN, -1.0, -(2**-60), -HALF_WAY),
    (ZERO, HALF_WAY, 2**-54, HALF_WAY),
    (0, TINY, TINY, 2 * TINY),
]


@ENGINES
@pytest.mark.parametrize(("fpcr", "a", "b", "total"), MODES)
def test_what_a_callee_of_another_image_sets_holds_for_its_caller(
    engine: str, fpcr: int, a: float, b: float, total: float
) -> None:
    setter = make(SETS_FPCR, "void(long)", engine)
    for _ in range(2):
        caller = make(CALLS_AND_ADDS, "double(long, long, double, double)", engine)
        assert caller(setter.address, fpcr, a, b) == total
    # Made before, and translated already.
    assert caller(setter.address, 0, a, b) == a + b
    assert caller(setter.address, fpcr, a, b) == total


@ENGINES
@pytest.mark.parametrize(("fpcr", "a", "b", "total"), MODES)
def test_what_a_caller_of_another_image_sets_holds_for_its_callee(
    engine: str, fpcr: int, a: float, b: float, total: float
) -> None:
    adds = make(ADDS, "double(double, double)", engine)
    sets = make(SETS_AND_CALLS, "double(long, long, double, double)", engine)
    assert adds(a, b) == a + b
    assert sets(adds.address, fpcr, a, b) == total
    assert adds(a, b) == a + b


@ENGINES
def test_nan_and_half_precision_modes(engine: str) -> None:
    setter = make(SETS_FPCR, "void(long)", engine)
    payload = make(
        CALLS_AND_ADDS.replace(
            "fadd d0, d0, d1",
            "mov x9, #0x123\n movk x9, #0x7ff8, lsl #48\n fmov d0, x9\n fadd d0, d0, d1\n fmov x0, d0",
        ),
        "unsigned long(long, long)",
        engine,
    )
    assert payload(setter.address, 0) == 0x7FF8000000000123
    assert payload(setter.address, DN) == 0x7FF8000000000000
    converts = make(
        CALLS_AND_ADDS.replace("fadd d0, d0, d1", "mov w9, #0x7c00\n fmov s0, w9\n fcvt s0, h0\n fmov w0, s0"),
        "unsigned int(long, long)",
        engine,
    )
    assert converts(setter.address, 0) == 0x7F800000
    assert converts(setter.address, AHP) == 0x47800000
    flushes = make(
        CALLS_AND_ADDS.replace("fadd d0, d0, d1", "mov w9, #1\n fmov s0, w9\n fadd h0, h0, h0\n fmov w0, s0"),
        "unsigned int(long, long)",
        engine,
    )
    assert flushes(setter.address, 0) == 2
    assert flushes(setter.address, FZ16) == 0


@ENGINES
def test_flags_of_what_another_image_computes(engine: str) -> None:
    reads = make(READS_FPSR, "long()", engine)
    divides = make(DIVIDES_AND_CALLS, "long(long, double, double)", engine)
    assert divides(reads.address, 1.0, 0.0) == 2
    assert divides(reads.address, 1.0, 3.0) == 16
    assert divides(reads.address, 1.0, 2.0) == 0
    # Of the call's own only.
    assert reads() == 0
    calls = make(CALLS_AND_READS, "long(long, double, double)", engine)
    divide = make("fdiv d0, d0, d1\nret", "double(double, double)", engine)
    assert divide(0.0, 1.0) == 0
    assert calls(divide.address, 1.0, 0.0) == 2
    assert calls(divide.address, 0.0, 0.0) == 1


@ENGINES
def test_back_and_forth(engine: str) -> None:
    """The caller goes on with all its registers, and images call each other several levels deep."""
    setter = make(SETS_FPCR, "void(long)", engine)
    deep = make(
        """
        f: stp x29, x30, [sp, #-64]!
           stp x19, x20, [sp, #16]
           stp d8, d9, [sp, #32]
           stp x21, x22, [sp, #48]
           mov x19, x0
           mov x20, x1
           mov x21, x2
           fmov d8, d0
           cbz x1, last
           bl inner
           sub x1, x20, #1
           mov x0, x19
           mov x2, x21
           fmov d0, d8
           bl f
           fadd d0, d0, d8
           add x0, x0, x20
        out: ldp x21, x22, [sp, #48]
           ldp d8, d9, [sp, #32]
           ldp x19, x20, [sp, #16]
           ldp x29, x30, [sp], #64
           ret
        last: mov x0, x21
           blr x19
           fadd d0, d8, d8
           mov x0, #0
           b out
        inner: fadd d0, d0, d0
           ret
        """,
        "double(long, long, long, double)",
        engine,
    )
    assert deep(setter.address, 3, FZ, TINY) == 0
    assert deep(setter.address, 3, 0, TINY) == 5 * TINY
    assert deep(setter.address, 0, UP, 1.5) == 3


@ENGINES
def test_each_call_from_python_begins_anew(engine: str) -> None:
    sets = make("msr fpcr, x0\nmsr fpsr, x0\nmsr tpidr_el0, x0\nret", "void(long)", engine)
    fpcr = make("mrs x0, fpcr\nret", "long()", engine)
    tpidr = make("mrs x0, tpidr_el0\nret", "long()", engine)
    fpsr = make("mrs x0, fpsr\nret", "long()", engine)
    tiny = make(ADDS, "double(double, double)", engine)
    for _ in range(3):
        sets(FZ | 0x1F)
        assert (fpcr(), tpidr(), fpsr()) == (0, 0, 0)
        assert tiny(TINY, TINY) == 2 * TINY


def test_an_image_is_fast_again_when_no_other_can_tell() -> None:
    """What is translated for calls from strict images isn't used by others."""
    adds = make(ADDS, "double(double, double)", "translated:O2")
    sets: Callable[..., Any] = make(SETS_AND_CALLS, "double(long, long, double, double)", "translated:O2")
    assert sets(adds.address, UP, 1.0, 2**-60) == HALF_WAY
    assert adds(1.0, 2**-60) == 1.0


ROUNDS = """
    f: mov x9, #0
       fmov d2, d0
    loop: tbz x1, #0, next
       msr fpcr, x0
    next: fadd d2, d2, d1
       lsr x1, x1, #1
       eor x0, x0, x2
       add x9, x9, #1
       cmp x9, #40
       b.ne loop
       fmov d0, d2
       ret
"""
"""Writes X0 to FPCR in each round whose bit in X1 is set; in between X2 changes X0's bits."""


@pytest.mark.parametrize("engine", ["translated", "translated:O0", "translated:O2"])
@pytest.mark.parametrize("rounds", [0, 1, 0b1000, 0b101, 0xF0F0F, (1 << 40) - 1])
def test_loops_that_change_fpcr_now_and_then(engine: str, rounds: int) -> None:
    signature = "double(long, long, long, double, double)"
    ours, reference = (make(ROUNDS, signature, name) for name in (engine, "reference"))
    for fpcr, changed in ((UP, UP), (UP, DOWN), (0, 0), (ZERO, UP), (FZ, FZ), (UP, 0)):
        for a, b in ((1.0, 2**-60), (1.0, 1e-17), (TINY, TINY), (float("inf"), float("-inf"))):
            assert bits(ours(fpcr, rounds, changed, a, b)) == bits(reference(fpcr, rounds, changed, a, b))


@ENGINES
def test_registers_are_kept_where_the_mode_changes(engine: str) -> None:
    """In a function that is called, with flags, V registers and the stack in use."""
    f = make(
        """
        f: stp x29, x30, [sp, #-48]!
           stp x19, x20, [sp, #16]
           stp d8, d9, [sp, #32]
           mov x19, x0
           fmov d8, d0
           movi v5.16b, #3
           mov x7, #11
           cmp x7, #11
           bl sets
           cset x6, eq
           add x7, x7, x6
           add v5.16b, v5.16b, v5.16b
           umov w5, v5.b[7]
           fadd d0, d8, d1
           msr fpcr, xzr
           fadd d2, d8, d1
           fsub d0, d0, d2
           fcmp d0, #0.0
           cset x4, gt
           add x0, x7, x5
           add x0, x0, x19
           add x0, x0, x4, lsl #8
           ldp d8, d9, [sp, #32]
           ldp x19, x20, [sp, #16]
           ldp x29, x30, [sp], #48
           ret
        sets: msr fpcr, x1
           ret
        """,
        "long(long, long, double, double)",
        engine,
    )
    for _ in range(3):
        assert f(100, UP, 1.0, 2**-60) == 12 + 6 + 100 + 256
        assert f(100, 0, 1.0, 2**-60) == 12 + 6 + 100
        assert f(100, DOWN, 1.0, 2**-60) == 12 + 6 + 100


def test_code_that_could_set_fpcr_computes_with_the_hosts_instructions() -> None:
    loaded, labels = load("f: cbz x0, g\n msr fpcr, x0\n g: fmadd d0, d0, d1, d2\n ret", tier="O2")
    sources = []
    for mode in (SPECULATIVE, STRICT):
        record, _ = loaded.translator.plan(loaded.base + labels["f"], None, OPTIMIZED, mode)
        sources.append(record.source(OPTIMIZED))
    assert ["call double @llvm.fma.f64" in source for source in sources] == [True, False]
