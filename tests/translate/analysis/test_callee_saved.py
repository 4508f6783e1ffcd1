"""Registers saved on the stack: returned as they were where that is certain, and as they are where it isn't."""

from __future__ import annotations

import pytest

import armexec
from armexec.errors import ExecutionError

from ..guest import functions

TIERS = pytest.mark.parametrize("tier", ["O0", "O2"])

# A caller that shows what becomes of x19, x20, x29 and the stack pointer, and a callee.
CALLER = """
    outer: stp x29, x30, [sp, #-48]!
         stp x19, x20, [sp, #16]
         mov x29, sp
         mov x19, #1000
         mov x20, #2000
         mov x9, sp
         str x9, [sp, #32]
         bl inner
         mov x10, sp
         ldr x9, [sp, #32]
         sub x9, x10, x9
         sub x10, x29, x10
         add x0, x0, x19
         add x0, x0, x20, lsl #16
         add x0, x0, x9, lsl #40
         add x0, x0, x10, lsl #48
         ldp x19, x20, [sp, #16]
         ldp x29, x30, [sp], #48
         ret
"""
CALLEES = {
    "restores": """
        inner: stp x29, x30, [sp, #-32]!
             stp x19, x20, [sp, #16]
             mov x29, sp
             mov x19, x0
             cbz x0, done
             sub x0, x0, #1
             bl inner
        done: add x0, x0, x19
             ldp x19, x20, [sp, #16]
             ldp x29, x30, [sp], #32
             ret""",
    "swaps": """
        inner: stp x19, x20, [sp, #-16]!
             mov x19, x0
             ldp x20, x19, [sp], #16
             ret""",
    "keeps one of two": """
        inner: str x19, [sp, #-16]!
             mov x19, x0
             add x20, x20, #5
             ldr x19, [sp], #16
             ret""",
    "restores on one way": """
        inner: stp x19, x20, [sp, #-16]!
             mov x20, #77
             cbz x0, done
             ldr x20, [sp, #8]
        done: add sp, sp, #16
             ret""",
    "overwrites half a slot": """
        inner: stp x19, x20, [sp, #-16]!
             mov x19, x0
             str w0, [sp, #4]
             ldp x19, x20, [sp], #16
             ret""",
    "overwrites a slot by a vector": """
        inner: stp x19, x20, [sp, #-32]!
             movi v0.16b, #1
             str q0, [sp]
             ldp x19, x20, [sp], #32
             ret""",
    "overwrites a slot through a pointer": """
        inner: stp x19, x20, [sp, #-16]!
             mov x9, sp
             add x9, x9, x0, lsl #3
             str x0, [x9]
             ldp x19, x20, [sp], #16
             ret""",
    "has it overwritten by another": """
        inner: stp x29, x30, [sp, #-32]!
             stp x19, x20, [sp, #16]
             add x9, sp, #16
             bl other
             ldp x19, x20, [sp, #16]
             ldp x29, x30, [sp], #32
             ret
        other: str x0, [x9]
             ret""",
    "has it overwritten below its frame": """
        inner: str x19, [sp, #-32]
             str x30, [sp, #-16]!
             mov x19, #3
             bl other
             ldr x30, [sp], #16
             ldr x19, [sp, #-32]
             ret
        other: str x0, [sp, #-16]!
             add sp, sp, #16
             ret""",
    "writes to its caller's frame": """
        inner: str x0, [sp, #16]
             ret""",
    "moves the stack pointer by a register": """
        inner: and x9, x0, #4
             sub sp, sp, x9
             str x0, [sp, #-16]
             add sp, sp, x9
             ret""",
    "returns with another frame pointer": """
        inner: stp x29, x30, [sp, #-16]!
             add x29, x29, #8
             ldr x30, [sp, #8]
             add sp, sp, #16
             ret""",
    "calls with the stack pointer moved and back": """
        inner: str x30, [sp, #-32]!
             str x19, [sp, #8]
             mov x19, x0
             bl other
             add x0, x0, x19
             ldr x19, [sp, #8]
             ldr x30, [sp], #32
             ret
        other: sub sp, sp, #16
             str x0, [sp]
             ldr x0, [sp], #16
             ret""",
}


@TIERS
@pytest.mark.parametrize("callee", CALLEES)
def test_registers_are_what_the_reference_machine_has(callee: str, tier: str) -> None:
    text = CALLER + CALLEES[callee]
    (outer,) = functions(text, "outer/1", tier=tier)
    expected = armexec.function(text, "long(long)", engine="reference")
    for value in (0, 1, 2):
        assert outer(value) == expected(value)


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_a_misaligned_stack_pointer_is_reported_where_it_is_used(engine: str) -> None:
    text = """
        outer: stp x29, x30, [sp, #-16]!
             bl aligned
             sub sp, sp, x0
             bl inner
             add sp, sp, #16
             ldp x29, x30, [sp], #16
             ret
        aligned: stp x29, x30, [sp, #-16]!
             bl inner
             ldp x29, x30, [sp], #16
             ret
        inner: str x0, [sp, #-16]!
             ldr x0, [sp], #16
             ret
        """
    outer = armexec.function(text, "long(long)", engine=engine)
    assert outer(16) == 16
    with pytest.raises(ExecutionError, match="inner"):
        outer(8)
