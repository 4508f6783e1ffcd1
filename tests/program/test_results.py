"""The results of system calls in registers."""

from __future__ import annotations

import pytest

import armexec

# A function that does nothing but a system call, as getpid(3): its result stays where the argument was.
CALLS = """
    .globl main
main:
    stp x29, x30, [sp, #-16]!
    mov w0, #7
    bl own_id
    lsr w19, w0, #2
    mov w0, #3
    bl through_another
    sub w0, w19, w0, lsr #3
    ldp x29, x30, [sp], #16
    ret
through_another:
    b own_id
own_id:
    mov w8, #172
    svc #0
    ret
"""
# A switch on the result of a system call, whose register held a constant before.
SWITCH = """
    .globl main
main:
    mov w0, #2
    mov w8, #172
    svc #0
    sub w0, w0, #999
    cmp w0, #3
    b.hi 9f
    adr x1, table
    ldrsw x2, [x1, w0, uxtw #2]
    add x1, x1, x2
    br x1
1:  mov w0, #11
    ret
2:  mov w0, #22
    ret
9:  mov w0, #99
    ret
table: .word 1b - table, 2b - table, 1b - table, 1b - table
"""


@pytest.mark.parametrize("engine", ["reference", "translated"])
@pytest.mark.parametrize(("source", "status"), [(CALLS, 1000 // 4 - 1000 // 8), (SWITCH, 22)])
def test_results_of_system_calls(source: str, status: int, engine: str) -> None:
    assert armexec.run(source, engine=engine, language="assembly").status == status
