"""Violations of the calling convention in a recorded call."""

from __future__ import annotations

import pytest

import armexec
from armexec.testing import ConventionViolation, check_convention

from .recorded import begun, of_example


def test_they_are_told_with_instruction_and_time() -> None:
    run = of_example("A broken calling convention")
    found = run.summary()["violations"]
    assert [(one["rule"].partition(":")[0], one["instruction"], one["time"]) for one in found] == [
        ("it writes below SP", "stur x30, [sp, #-8]", 1),
        ("the low half of v8 isn't preserved", "movi v8.4s, #0", 2),
        ("x19 isn't preserved", "sub x19, x19, #1", 17),
        ("it reads below SP", "ldur x30, [sp, #-8]", 20),
    ]
    for one in found:
        assert run.recording.pcs[one["time"]] == run.base + one["pc"]


@pytest.mark.parametrize(
    "code",
    [
        "mov x19, #0; ret",
        "str x0, [sp, #-8]; ret",
        "stp x19, x30, [sp, #-16]!; mov x19, #1; ldp x19, x30, [sp], #16; ret",
        "movi v15.2d, #0; mov x28, #1; ret",
        "mov x1, #0x1000000; msr fpcr, x1; ret",
    ],
)
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_they_are_those_that_check_convention_finds(code: str, target: str) -> None:
    text = f".globl _f\n_f:\n{code.replace('; ', chr(10))}\n"
    function = armexec.compile(text, "assembly", target=target)["_f"].with_signature("long(long)")
    expected: list[tuple[str, str, int]] = []
    try:
        check_convention(function, 1)
    except ConventionViolation as error:
        expected = [(one.rule.partition(":")[0], one.instruction, one.time) for one in error.violations]
    run = begun(text, "assembly", signature="long(long)", arguments=["1"], target=target)
    found = run.summary()["violations"]
    assert [(one["rule"].partition(":")[0], one["instruction"], one["time"]) for one in found] == expected


def test_apple_keeps_x18_for_itself() -> None:
    text = ".globl _f\n_f:\nmov x18, #1\nstr x0, [sp, #-16]\nret\n"
    run = begun(text, "assembly", signature="long(long)", arguments=["1"], target="apple")
    assert [one["rule"] for one in run.summary()["violations"]] == ["X18 is the system's, and it is written"]


def test_words_are_checked_too() -> None:
    words = "0xD2800013 0xD65F03C0"  # mov x19, #0; ret
    (found,) = begun(words, "hex", signature="long(long)", arguments=["1"]).summary()["violations"]
    assert (found["pc"], found["instruction"]) == (0, "mov x19, #0")


def test_what_hands_change_is_no_violation() -> None:
    run = begun(
        "int f(int n) { return n; }",
        arguments=["1"],
        changes=[{"time": 1, "what": "x20", "value": "1"}, {"time": 1, "what": "v9", "value": "7"}],
    )
    assert run.summary()["violations"] == []


@pytest.mark.parametrize("title", ["Recursion and its stack", "A bug, found backwards", "Sorting an array"])
def test_compilers_keep_to_it(title: str) -> None:
    assert of_example(title).summary()["violations"] == []
