"""Hooks on code, memory, system calls and breakpoints, on each engine."""

from __future__ import annotations

from typing import Any

import pytest

import armexec

from .guest import CODE, DATA, executed, on_each_engine, start

pytestmark = on_each_engine


def test_every_instruction(engine: str) -> None:
    space, cpu, _ = start(engine, "mov x0, #3; again: sub x0, x0, #1; cbnz x0, again; brk #0")
    seen: list[tuple[int, int]] = []
    hook = space.hook_code(lambda cpu, address: seen.append((address - CODE, cpu.x[0])))
    cpu.run()
    assert seen == [(0, 0), (4, 3), (8, 2), (4, 2), (8, 1), (4, 1), (8, 0), (12, 0)]
    hook.remove()
    hook.remove()
    cpu.pc = CODE
    cpu.run()
    assert len(seen) == 8


def test_a_range_of_code(engine: str) -> None:
    space, cpu, _ = start(engine, "again: add x0, x0, #1; add x2, x2, #1; add x3, x3, #1; b again")
    cpu.run(instruction_limit=400)
    seen: list[tuple[int, int, int]] = []
    with space.hook_code(lambda cpu, address: seen.append((address, cpu.x[0], cpu.x[2])), CODE + 4, CODE + 8):
        cpu.run(instruction_limit=400)
    assert seen == [(CODE + 4, n, n - 1) for n in range(101, 201)]
    cpu.run(instruction_limit=400)
    assert cpu.x[3] == 300
    assert len(seen) == 100


def test_a_code_hook_changes_registers_and_the_pc(engine: str) -> None:
    space, cpu, _ = start(engine, "mov x0, #1; mov x0, #2; brk #0")

    def skip(cpu: armexec.Cpu, address: int) -> None:
        cpu.pc = address + 4
        cpu.x[5] = 99

    space.hook_code(skip, CODE + 4, CODE + 8)
    assert cpu.run().reason == "breakpoint"
    assert (cpu.x[0], cpu.x[5]) == (1, 99)


def test_a_code_hook_ends_the_run_before_its_instruction(engine: str) -> None:
    space, cpu, _ = start(engine, "mov x0, #1; mov x0, #2; brk #0")
    hook = space.hook_code(lambda cpu, address: cpu.interrupt(), CODE + 4, CODE + 8)
    stop = cpu.run()
    assert (stop.reason, stop.pc, cpu.x[0]) == ("interrupted", CODE + 4, 1)
    hook.remove()
    assert cpu.run().reason == "breakpoint"
    assert cpu.x[0] == 2


def test_reads_and_writes(engine: str) -> None:
    space, cpu, _ = start(engine, "ldr x2, [x1, #8]; add x2, x2, #1; stp x2, x0, [x1, #16]; brk #0", bytes(range(64)))
    cpu.x[0] = 5
    for _ in range(3):
        cpu.pc = CODE
        cpu.run()
    value = int.from_bytes(bytes(range(8, 16)), "little")
    seen: list[Any] = []
    space.hook_read(lambda cpu, access: seen.append((access, cpu.x[2])), DATA + 15, DATA + 16)
    space.hook_write(lambda cpu, access: seen.append((access, cpu.x[2])), DATA, DATA + 0x1000)
    for _ in range(3):
        cpu.pc = CODE
        cpu.run()
        read, *written = seen
        seen.clear()
        assert (read[0].kind, read[0].address, read[0].size, read[0].value, read[0].pc) == (
            "read",
            DATA + 8,
            8,
            value,
            CODE,
        )
        assert read[1] == value
        assert [(a.kind, a.address, a.size, a.value, a.pc) for a, _ in written] == [
            ("write", DATA + 16, 8, value + 1, CODE + 8),
            ("write", DATA + 24, 8, 5, CODE + 8),
        ]


def test_accesses_elsewhere_are_not_reported(engine: str) -> None:
    space, cpu, _ = start(engine, "ldr x2, [x1, #8]; str x2, [x1, #24]; brk #0")
    seen: list[Any] = []
    space.hook_read(lambda cpu, access: seen.append(access), DATA + 16, DATA + 24)
    space.hook_write(lambda cpu, access: seen.append(access), DATA + 16, DATA + 24)
    for _ in range(3):
        cpu.pc = CODE
        assert cpu.run().reason == "breakpoint"
    assert not seen


def test_a_memory_hook_ends_the_run_after_its_instruction(engine: str) -> None:
    space, cpu, _ = start(engine, "mov x0, #7; str x0, [x1]; mov x0, #8; brk #0")
    space.hook_write(lambda cpu, access: cpu.interrupt(), DATA, DATA + 8)
    stop = cpu.run()
    assert (stop.reason, stop.pc, cpu.x[0]) == ("interrupted", CODE + 8, 7)
    assert space.read(DATA, 1) == b"\7"


def test_system_calls(engine: str) -> None:
    space, cpu, _ = start(engine, "again: svc #5; sub x0, x0, #1; cbnz x0, again; svc #6; brk #0")
    cpu.x[0] = 50
    calls: list[tuple[int, int]] = []

    def call(cpu: armexec.Cpu, immediate: int) -> None:
        calls.append((immediate, cpu.pc - CODE))
        cpu.x[7] += 1

    space.hook_svc(call)
    assert cpu.run().reason == "breakpoint"
    assert calls == [(5, 4)] * 50 + [(6, 16)]
    assert cpu.x[7] == 51


def test_a_system_call_can_end_the_run(engine: str) -> None:
    space, cpu, _ = start(engine, "svc #5; mov x0, #1; brk #0")
    space.hook_svc(lambda cpu, immediate: cpu.interrupt())
    stop = cpu.run()
    assert (stop.reason, stop.pc) == ("interrupted", CODE + 4)
    assert executed(engine, stop, 1)


def test_breakpoints(engine: str) -> None:
    space, cpu, _ = start(engine, "again: add x0, x0, #1; brk #5; b again")
    seen: list[tuple[int, int]] = []
    space.hook_brk(lambda cpu, immediate: seen.append((immediate, cpu.pc)))
    cpu.run(instruction_limit=30)
    assert seen == [(5, CODE + 8)] * 10
    assert cpu.x[0] == 10


def test_an_exception_in_a_hook_is_raised_by_run(engine: str) -> None:
    space, cpu, _ = start(engine, "mov x0, #1; str x0, [x1]; mov x0, #2; brk #0")

    def fail(cpu: armexec.Cpu, _: object) -> None:
        raise armexec.HostError("from the hook")

    for hook, pc, x0 in (
        (space.hook_code(fail, CODE + 4, CODE + 8), CODE + 4, 1),
        (space.hook_write(fail), CODE + 8, 1),
        (space.hook_brk(fail), CODE + 16, 2),
    ):
        cpu.pc = CODE
        with hook, pytest.raises(armexec.HostError, match="from the hook"):
            cpu.run()
        assert (cpu.pc, cpu.x[0]) == (pc, x0)


def test_hooks_may_run_other_cpus(engine: str) -> None:
    space, cpu, labels = start(engine, "svc #0; svc #0; brk #0; double: add x0, x0, x0; ret")
    cpu.x[0] = 1

    def call(cpu: armexec.Cpu, immediate: int) -> None:
        other = armexec.Cpu(space)
        other.pc, other.x[0], other.x[30] = labels["double"], cpu.x[0], 0xF000
        assert other.run(until=0xF000).reason == "until"
        cpu.x[0] = other.x[0]

    space.hook_svc(call)
    assert cpu.run().reason == "breakpoint"
    assert cpu.x[0] == 4
