"""The meaning of branches."""

from __future__ import annotations

import pytest

from ..machine import START, execute

ONES = (1 << 64) - 1


@pytest.mark.parametrize(
    ("text", "registers", "taken"),
    [
        ("cbz w1, #-8", {1: 1 << 32}, True),
        ("cbz x1, #-8", {1: 1 << 32}, False),
        ("cbnz x1, #-8", {1: 1 << 32}, True),
        ("tbz w1, #31, #-8", {1: 1 << 31}, False),
        ("tbnz x1, #63, #-8", {1: 1 << 63}, True),
        ("tbnz x1, #3, #-8", {1: ONES ^ 8}, False),
        ("b.al #-8", {}, True),
        ("b.nv #-8", {}, True),
        ("b.eq #-8", {}, False),
        ("b.ne #-8", {}, True),
        ("b #-8", {}, True),
    ],
)
def test_branches(text: str, registers: dict[int, int], taken: bool) -> None:
    assert execute(text, registers).next_pc == START + (-8 if taken else 4)


@pytest.mark.parametrize("text", ["blr x30", "blraaz x30", "blrab x30, sp"])
def test_a_call_reads_its_target_before_it_writes_the_link(text: str) -> None:
    machine = execute(text, {30: 0x4000})
    assert machine.next_pc == 0x4000
    assert machine.registers[30] == START + 4


def test_call_of_a_label() -> None:
    machine = execute("bl #0x100")
    assert (machine.next_pc, machine.registers[30]) == (START + 0x100, START + 4)


@pytest.mark.parametrize("text", ["ret", "retaa", "retab", "br x30", "braa x30, x1", "brabz x30"])
def test_returns(text: str) -> None:
    assert execute(text, {30: 0x4000}).next_pc == 0x4000
