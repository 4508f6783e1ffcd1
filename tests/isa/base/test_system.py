"""The meaning of exceptions and of system instructions in user space."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armexec.isa import decode
from armexec.isa.system_registers import register_name, system_register
from armexec.machines.traps import Trap, TrapKind

from ..machine import START, Memory, execute

ONES = (1 << 64) - 1


def trap(text: str) -> Trap:
    with pytest.raises(Trap) as caught:
        execute(text)
    return caught.value


def test_exceptions() -> None:
    svc, brk, hlt = trap("svc #0x80"), trap("brk #1"), trap("hlt #0xf000")
    assert (svc.kind, svc.detail) == (TrapKind.SUPERVISOR_CALL, 0x80)
    assert (brk.kind, brk.detail) == (TrapKind.BREAKPOINT, 1)
    assert (hlt.kind, hlt.detail) == (TrapKind.BREAKPOINT, 0xF000)


@pytest.mark.parametrize(
    "text",
    [
        "udf #0",
        "hvc #0",
        "smc #0",
        "dcps1",
        "eret",
        "eretaa",
        "drps",
        "tlbi vmalle1",
        "dc isw, x0",
        "ic iallu",
        "at s1e1r, x0",
        "cfp rctx, x0",
        "sysl x0, #3, c7, c4, #1",
        "msr daifset, #2",
        "msr pan, #1",
        "mrs x0, sctlr_el1",
        "mrs x0, cntpct_el0",
        "mrs x0, s3_0_c15_c2_0",
        "msr tpidrro_el0, x0",
        "msr cntkctl_el1, x0",
    ],
)
def test_privileged_and_undefined(text: str) -> None:
    assert trap(text).kind == TrapKind.UNDEFINED


@given(number=st.integers(0, 127))
def test_hints_change_nothing(number: int) -> None:
    # 7 is XPACLRI, which strips X30: here there is nothing to strip.
    registers = {number: 100 + number for number in range(32)}
    machine = execute(f"hint #{number}", registers, nzcv=5)
    assert machine.registers == list(registers.values())
    assert (machine.NZCV.value, machine.next_pc) == (5, START + 4)


@given(nzcv=st.integers(0, 15))
def test_flags_as_a_register(nzcv: int) -> None:
    assert execute("mrs x0, nzcv", nzcv=nzcv).registers[0] == nzcv << 28
    assert execute("msr nzcv, x0", {0: nzcv << 28 | 0xFFF_FFFF}).NZCV.value == nzcv
    assert execute("cfinv", nzcv=nzcv).NZCV.value == nzcv ^ 2


def test_flags_of_comparisons_in_the_external_format() -> None:
    # FCMP's results: less, equal, greater, unordered; and what AXFLAG makes of them (the manual's table of it).
    for arm, external in ((0b1000, 0b0000), (0b0110, 0b0110), (0b0010, 0b0010), (0b0011, 0b0100)):
        assert execute("axflag", nzcv=arm).NZCV.value == external
    for external, arm in ((0b0000, 0b1000), (0b0110, 0b0110), (0b0010, 0b0010), (0b0100, 0b0011)):
        assert execute("xaflag", nzcv=external).NZCV.value == arm


@pytest.mark.parametrize(
    ("register", "kept"),
    [
        ("tpidr_el0", ONES),
        ("fpcr", 0x07C8_0000),
        ("fpsr", 0x0800_009F),
        ("dit", 1 << 24),
        ("ssbs", 1 << 12),
        ("nzcv", 0xF000_0000),
    ],
)
def test_registers_of_user_space_keep_what_is_written(register: str, kept: int) -> None:
    assert execute(f"msr {register}, x0\nmrs x1, {register}", {0: ONES}).registers[1] == kept


@pytest.mark.parametrize("register", ["ctr_el0", "dczid_el0", "tpidrro_el0", "cntfrq_el0", "cntvct_el0"])
def test_registers_that_user_space_only_reads(register: str) -> None:
    execute(f"mrs x0, {register}")
    assert trap(f"msr {register}, x0" if register in ("tpidrro_el0", "cntfrq_el0") else "msr s3_3_c0_c0_1, x0")


def test_pstate_fields() -> None:
    assert execute("msr dit, #1\nmrs x0, dit").registers[0] == 1 << 24
    assert execute("msr ssbs, #1\nmsr ssbs, #0\nmrs x0, ssbs").registers[0] == 0
    assert decode(0xD503417F) is None  # SMSTART: not a field that the M1 has


def test_dc_zva_zeroes_the_block() -> None:
    memory = Memory()
    memory.write(0x1000, bytes([255]) * 192)
    execute("dc zva, x0", {0: 0x1055}, memory=memory)
    assert memory.read(0x1000, 192) == bytes([255]) * 64 + bytes(64) + bytes([255]) * 64


def test_cache_maintenance_changes_nothing() -> None:
    text = "dc cvau, x0\ndsb ish\nic ivau, x0\ndsb ish\nisb\ndc cvac, x0\ndc civac, x0\ndc cvap, x0\nsb\ndmb sy"
    assert execute(text, {0: 0x1000}).registers[0] == 0x1000


def test_names_of_system_registers() -> None:
    assert register_name(0b11_011_1101_0000_010, write=False) == "TPIDR_EL0"
    assert register_name(0b11_000_1111_0010_000, write=True) == "S3_0_C15_C2_0"
    generic = system_register("s3_3_c13_c0_2")
    named = system_register("tpidr_el0")
    assert generic is not None
    assert named is not None
    assert generic.number == named.number
    assert system_register("s3_8_c0_c0_0") is None
    assert system_register("nonsense") is None
