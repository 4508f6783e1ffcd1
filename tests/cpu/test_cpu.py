"""The registers of a Cpu as Python sees them."""

from __future__ import annotations

import numpy as np
import pytest

import armexec
from armexec.cpu.registers import REGISTERS
from armexec.cpu.state import OFFSETS


@pytest.fixture
def cpu() -> armexec.Cpu:
    return armexec.Cpu(armexec.AddressSpace("reference"))


def test_general_registers(cpu: armexec.Cpu) -> None:
    assert list(cpu.x) == [0] * 31
    cpu.x[3] = 0x1122_3344_5566_7788
    assert (cpu.x[3], cpu.w[3]) == (0x1122_3344_5566_7788, 0x5566_7788)
    cpu.w[3] = 5
    assert cpu.x[3] == 5
    cpu.x[3] = -1
    assert cpu.x[3] == (1 << 64) - 1
    cpu.w[3] = -1
    assert cpu.x[3] == (1 << 32) - 1
    assert len(cpu.x) == len(cpu.w) == 31
    assert repr(cpu.w).startswith("[0x0, 0x0, 0x0, 0xffffffff, ")


@pytest.mark.parametrize("number", [31, -1, 100])
def test_there_are_no_others(cpu: armexec.Cpu, number: int) -> None:
    for registers in (cpu.x, cpu.w):
        with pytest.raises(IndexError):
            registers[number]
        with pytest.raises(IndexError):
            registers[number] = 0
    if number != 31:
        with pytest.raises(IndexError):
            cpu.v[number]


def test_values_that_do_not_fit(cpu: armexec.Cpu) -> None:
    for value in (1 << 64, -(1 << 63) - 1, 1.5, "1", None):
        with pytest.raises(armexec.SignatureError):
            cpu.x[0] = value  # type: ignore[assignment]
        with pytest.raises(armexec.SignatureError):
            cpu.pc = value  # type: ignore[assignment]
    with pytest.raises(armexec.SignatureError, match="w0 has 32 bits"):
        cpu.w[0] = 1 << 32
    with pytest.raises(armexec.SignatureError):
        cpu.nzcv = 16
    with pytest.raises(armexec.SignatureError):
        cpu.v[0] = b"short"
    assert not any(cpu.save())


def test_special_registers(cpu: armexec.Cpu) -> None:
    for name in ("pc", "sp", "fpcr", "fpsr", "tpidr_el0"):
        setattr(cpu, name, 0x1234_5678_9ABC_DEF0)
        assert getattr(cpu, name) == getattr(cpu.state, name) == 0x1234_5678_9ABC_DEF0
    cpu.nzcv = 0b1010
    assert (cpu.state.n, cpu.state.z, cpu.state.c, cpu.state.v, cpu.nzcv) == (1, 0, 1, 0, 10)


def test_vector_registers(cpu: armexec.Cpu) -> None:
    v = cpu.v[2]
    v.q = 0x0F0E_0D0C_0B0A_0908_0706_0504_0302_0100
    assert v.lanes().tolist() == list(range(16))
    assert [hex(lane) for lane in v.lanes("u4")] == ["0x3020100", "0x7060504", "0xb0a0908", "0xf0e0d0c"]
    v.d = 1.5
    assert (v.d, v.q) == (1.5, 0x3FF8 << 48)
    v.s = -2.5
    assert (v.s, v.q) == (-2.5, 0xC020_0000)
    v.h = 1.0
    assert (v.h, v.q) == (1.0, 0x3C00)
    lanes = v.lanes(np.float32)
    lanes[:] = [1, 2, 3, 4]
    assert v.q == 0x40800000_40400000_40000000_3F800000
    assert cpu.v[3].q == 0
    cpu.v[3] = 7
    cpu.v[4] = bytes(range(16))
    assert (cpu.v[3].q, cpu.v[4].lanes().tolist()) == (7, list(range(16)))
    assert [register.q != 0 for register in cpu.v].count(True) == 3
    with pytest.raises(armexec.SignatureError):
        v.s = 1e300
    with pytest.raises(armexec.SignatureError):
        v.d = "1"  # type: ignore[assignment]


def test_all_registers_at_once(cpu: armexec.Cpu) -> None:
    cpu.x[1], cpu.v[1], cpu.sp = 1, 2, 3
    saved = cpu.save()
    other = armexec.Cpu(cpu.space)
    other.restore(saved)
    assert (other.x[1], other.v[1].q, other.sp) == (1, 2, 3)
    with pytest.raises(armexec.SignatureError):
        other.restore(saved[:-1])


def test_its_text(cpu: armexec.Cpu) -> None:
    assert repr(cpu) == "<Cpu pc=0x0 sp=0x0 nzcv (reference); registers are 0>"
    cpu.pc, cpu.nzcv, cpu.x[7], cpu.v[1], cpu.fpcr = 0x40, 0b0110, 5, 9, 1 << 22
    assert repr(cpu) == ("<Cpu pc=0x40 sp=0x0 nZCv (reference)\n  x7=0x5 v1=0x9 fpcr=0x400000; other registers are 0>")


def test_the_state_has_each_register_where_the_register_file_says() -> None:
    for register in REGISTERS.values():
        if register.name in OFFSETS and register.name != "v":
            assert OFFSETS[register.name] == register.offset
    assert OFFSETS["v"] == REGISTERS["v"].offset
    assert OFFSETS["x"] == REGISTERS["x0"].offset
    assert OFFSETS["v_registers"] == REGISTERS["v0"].offset


def test_it_needs_an_address_space() -> None:
    with pytest.raises(armexec.SignatureError, match="AddressSpace"):
        armexec.Cpu("space")  # type: ignore[arg-type]


def test_stops_as_text(cpu: armexec.Cpu) -> None:
    stop = cpu.run()
    assert str(stop) == "fault: there is no code at 0x0"
    assert isinstance(stop, armexec.Stop)
    cpu.pc = 0x40
    assert str(cpu.run(until=0x40)) == "until at 0x40, after 0 instructions"
