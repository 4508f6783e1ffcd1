"""Branches to where there is no code, and functions that don't end as they should: the same errors on all engines."""

from __future__ import annotations

import ctypes

import pytest

import armexec
from armexec.errors import ExecutionError, MemoryFault

ENGINES = pytest.mark.parametrize("engine", ["translated", "translated:O2", "reference"])

BRANCHES = {
    "jump": "f: br x0",
    "call": "f: stp x29, x30, [sp, #-16]!\n blr x0\n ldp x29, x30, [sp], #16\n ret",
    "return": "f: ret x0",
    "return by x30": "f: mov x30, x0\n ret",
    "return by the frame": "f: stp x29, x0, [sp, #-16]!\n ldp x29, x30, [sp], #16\n ret",
}
WORDS = (ctypes.c_uint32 * 2)(0xD65F03C0, 0xD65F03C0)
"""Instructions in memory that isn't code."""


@ENGINES
@pytest.mark.parametrize("how", BRANCHES)
@pytest.mark.parametrize(
    "target",
    # The address of the data differs in each process, and so can't be a test's name.
    [0, 1, 0x1234_5678, 0x1234_5679, pytest.param(ctypes.addressof(WORDS), id="data"), 0x7FFF_FFFF_FFFC, 2**63],
)
def test_a_branch_to_where_there_is_no_code(engine: str, how: str, target: int) -> None:
    f = armexec.function(BRANCHES[how], "void(unsigned long)", engine=engine)
    with pytest.raises(MemoryFault, match=f"there is no code at 0x{target:x}") as caught:
        f(target)
    error = caught.value
    assert (error.access, error.address, error.pc, error.instruction) == ("execute", target, target, "")


@ENGINES
@pytest.mark.parametrize("branch", ["b data", "bl data", "adr x9, data\n br x9", "cbz xzr, data"])
def test_a_branch_to_data(engine: str, branch: str) -> None:
    f = armexec.function(f"f: {branch}\n ret\n.data\ndata: ret", "void()", engine=engine)
    with pytest.raises(MemoryFault, match="there is no code at") as caught:
        f()
    assert caught.value.access == "execute"
    assert caught.value.symbol == "data"


@ENGINES
def test_a_branch_into_the_middle_of_an_instruction(engine: str) -> None:
    f = armexec.function("f: add x0, x0, #2\n br x0\n ret", "void(long)", engine=engine)
    with pytest.raises(MemoryFault) as caught:
        f(f.address + 8)
    assert caught.value.pc == f.address + 10


@ENGINES
@pytest.mark.parametrize(
    "text",
    [
        "fact: mov x0, #1",
        "fact: cbz x0, out\n ret\n out: mov x0, #1",
        "fact: mov x9, x30\n bl other\n other: mov x0, #1",
        "fact: mov x0, #1\n fmov d0, #1.0",
    ],
)
def test_a_function_without_ret(engine: str, text: str) -> None:
    f = armexec.function(text, "long(long)", engine=engine)
    with pytest.raises(
        MemoryFault, match=r"^ran past the end of (fact|other): is a `ret` missing\? at 0x\w+$"
    ) as caught:
        f(0)
    assert caught.value.access == "execute"
    assert caught.value.pc == caught.value.address == f.address + len(f.bytes)


@ENGINES
@pytest.mark.parametrize(
    "text",
    [
        "f: bl g\n ret\n g: mov x0, #5\n ret",
        "f: bl g\n add x0, x0, #1\n ret\n g: mov x0, #5\n ret",
        "f: adr x9, g\n blr x9\n cbz x0, 1f\n add x0, x0, #1\n 1: ret\n g: mov x0, #5\n ret",
        "f: cbz x0, 1f\n mov x1, x0\n sub x0, x0, #1\n bl f\n mul x0, x0, x1\n ret\n 1: mov x0, #1\n ret",
    ],
)
def test_a_function_that_does_not_keep_x30(engine: str, text: str) -> None:
    f = armexec.function(text, "long(long)", engine=engine)
    with pytest.raises(ExecutionError, match="returns to itself again and again: X30 isn't saved"):
        f(3)


@ENGINES
@pytest.mark.parametrize(
    ("text", "result"),
    [
        # Rounds of a loop by ret, which end.
        ("f: mov x9, x30\n mov x1, #0\n bl 1f\n 1: add x1, x1, x0\n subs x0, x0, #1\n b.eq 2f\n ret\n"
         " 2: mov x0, x1\n ret x9", 6),
        ("f: mov x9, x30\n bl g\n mov x30, x9\n ret\n g: add x0, x0, #1\n ret", 4),
        ("f: mov x9, x30\n bl g\n add x0, x0, #2\n ret x9\n g: ret", 5),
        ("f: str x30, [sp, #-16]!\n bl g\n ldr x30, [sp], #16\n ret\n g: ret", 3),
    ],
)  # fmt: skip
def test_functions_that_keep_the_link_elsewhere(engine: str, text: str, result: int) -> None:
    f = armexec.function(text, "long(long)", engine=engine)
    assert [f(3), f(3)] == [result, result]


@ENGINES
def test_the_frame_of_the_caller_is_there(engine: str) -> None:
    f = armexec.function(
        "ldp x0, x1, [sp]\n ldr x2, [sp, #248]\n orr x0, x0, x1\n orr x0, x0, x2\n ret", "long()", engine=engine
    )
    assert f() == 0
