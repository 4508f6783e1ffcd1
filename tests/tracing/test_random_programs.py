"""Random programs are traced alike by the interpreter and by blocks, and as single steps see them."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.space.test_programs import integer_states

import armexec
from armexec.engines.observed import Policy
from armexec.space import AddressSpace
from differential.state import CODE, CODE_SIZE, DATA, DATA_SIZE, State
from differential.test_simd_programs import simd_program

from .compare import EAGER, QUICK, both

COUNT = 20


def _cpu(state: State) -> armexec.Cpu:
    space = AddressSpace("translated")
    end = armexec.assemble("brk #0").bytes
    space.map(CODE, CODE_SIZE, "rx", data=b"".join(word.to_bytes(4, "little") for word in state.code) + end)
    space.map(DATA, DATA_SIZE, "rw", data=bytes(state.memory()))
    cpu = armexec.Cpu(space)
    for n in range(31):
        cpu.x[n] = state.registers[n]
    for n in range(32):
        cpu.v[n] = state.vectors[n]
    cpu.sp, cpu.pc, cpu.nzcv = state.registers[31], state.pc, state.nzcv
    cpu.fpcr, cpu.fpsr = state.fpcr, state.fpsr
    return cpu


def _check(seed: int, state: State, policy: Policy) -> armexec.Trace:
    cpus: list[Any] = []

    def make() -> tuple[armexec.Cpu]:
        cpus.append(_cpu(state))
        return (cpus[-1],)

    limit = random.Random(seed).choice((10_000_000, 1, 7, 50))
    trace = both(make, policy, f"seed {seed}", limit=limit)
    assert cpus[0].save() == cpus[1].save()
    assert cpus[0].space.read(DATA, DATA_SIZE) == cpus[1].space.read(DATA, DATA_SIZE)
    return trace


def test_programs() -> None:
    for seed, state in integer_states(9000, COUNT):
        _check(seed, state, QUICK)


def test_programs_of_better_code() -> None:
    for seed, state in integer_states(9100, 3):
        _check(seed, state, EAGER)


def test_simd_programs() -> None:
    for seed in range(3):
        _check(seed, simd_program(seed), (QUICK, EAGER)[seed % 2])


@pytest.mark.long
def test_many_programs() -> None:
    for seed, state in integer_states(30_000, 3000):
        _check(seed, state, QUICK if seed % 8 else EAGER)
    for seed in range(1000, 1200):
        _check(seed, simd_program(seed), (QUICK, EAGER)[seed % 2])


def test_rows_are_what_single_steps_see() -> None:
    for seed, state in integer_states(9200, 4):
        trace = _check(seed, state, QUICK)
        cpu: Any = _cpu(state)
        values: dict[str, int] = {}
        for row in trace:
            assert (row.pc, row.time) == (cpu.pc, trace.first + row.time)
            before = cpu.space.read(DATA, DATA_SIZE)
            cpu.step()
            values |= row.registers
            for name, value in row.registers.items():
                register = getattr(cpu, name, None)
                if name[0] == "x":
                    register = cpu.x[int(name[1:])]
                elif name[0] == "v":
                    register = cpu.v[int(name[1:])].q
                assert register == value, (seed, row)
            after = cpu.space.read(DATA, DATA_SIZE)
            for access in row.memory:
                begin = access.address - DATA
                for seen, value in ((before, access.old), (after, access.new))[: 1 + access.is_write]:
                    assert int.from_bytes(seen[begin : begin + access.size], "little") == value, (seed, row)
        assert values
