"""Loops, which are translated as a whole when they are very hot: limits, faults and changes in the middle of them."""

from __future__ import annotations

import random

import pytest

import armexec

from .guest import CODE, DATA, ENGINES, executed, start

NESTED = """
        mov  x9, #0
outer:  mov  x8, x20
inner:  ldr  x3, [x1, x9, lsl #3]
        add  x3, x3, x8
        eor  x4, x4, x3, ror #7
        str  x4, [x1, x9, lsl #3]
        tbz  x3, #2, even
        bl   twice
even:   fmov d1, x3
        add  v2.2d, v2.2d, v1.2d
        fmov x5, d2
        umov x6, v2.d[1]
        subs x8, x8, #1
        b.ne inner
        add  x9, x9, #1
        and  x9, x9, #511
        adds x7, x7, x5
        adc  x10, x10, x6
        b    outer
twice:  add  x4, x4, x4
        mov  v2.d[1], x4
        ret
"""
"""Loops within loops, with branches, a call, flags that live long, and V registers in several views."""


def _begin(engine: str) -> armexec.Cpu:
    _, cpu, _ = start(engine, NESTED, random.Random(1).randbytes(4096))
    cpu.x[20] = 5
    return cpu


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_a_loop_in_pieces(engine: str) -> None:
    rng = random.Random(engine)
    reference, cpu = _begin("reference"), _begin(engine)
    for _ in range(150):
        limit = rng.choice((1, 2, 7, 30, 100, 500))
        stops = [each.run(instruction_limit=limit) for each in (reference, cpu)]
        assert stops[0] == stops[1]
        assert reference.save() == cpu.save()
    assert reference.space.read(DATA, 4096) == cpu.space.read(DATA, 4096)  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fault_in_a_loop(engine: str) -> None:
    _, cpu, labels = start(engine, "again: str x0, [x1, x0, lsl #3]; add x0, x0, #1; add x2, x2, x0; b again")
    for _ in range(3):
        cpu.pc, cpu.x[0], cpu.x[2] = CODE, 0, 0
        stop = cpu.run()
        assert (stop.reason, stop.pc, stop.address) == ("fault", labels["again"], DATA + 4096)
        assert (cpu.x[0], cpu.x[2]) == (512, 512 * 513 // 2)
        assert executed(engine, stop, 4 * 512)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_middle_of_a_loop_as_an_end(engine: str) -> None:
    _, cpu, labels = start(
        engine, "again: add x0, x0, #1; tbz x0, #0, again; odd: add x2, x2, #1; last: add x3, x3, #1; b again"
    )
    cpu.run(instruction_limit=500)
    for label in ("last", "odd", "again", "odd", "last"):
        cpu.pc, cpu.x[0], cpu.x[2], cpu.x[3] = CODE, 0, 0, 0
        for n in range(1, 6):
            stop = cpu.run(until=labels[label])
            assert (stop.reason, stop.pc) == ("until", labels[label])
            if label == "again":
                assert executed(engine, stop, 0 if n == 1 else 1 if n % 2 else 4)
            else:
                assert (cpu.x[0], cpu.x[2], cpu.x[3]) == (2 * n - 1, n - (label == "odd"), n - 1)
            cpu.step()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_part_of_a_loop_changes(engine: str) -> None:
    space, cpu, labels = start(engine, "again: add x0, x0, #1; b there; nop; there: add x2, x2, #1; b again")
    for n in range(1, 8):
        cpu.pc, cpu.x[0], cpu.x[2] = CODE, 0, 0
        space.write(labels["there"], armexec.assemble(f"add x2, x2, #{n}").bytes)
        cpu.run(instruction_limit=400)
        assert (cpu.x[0], cpu.x[2]) == (100, 100 * n)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_hook_within_a_loop(engine: str) -> None:
    space, cpu, labels = start(engine, "again: add x0, x0, #1; b there; nop; there: str x0, [x1]; b again")
    cpu.run(instruction_limit=400)
    seen: list[int] = []
    with space.hook_code(lambda cpu, address: seen.append(cpu.x[0]), labels["there"], labels["there"] + 4):
        cpu.run(instruction_limit=400)
    assert seen == list(range(101, 201))
    cpu.run(instruction_limit=400)
    with space.hook_write(lambda cpu, access: seen.append(access.value), DATA, DATA + 8):
        cpu.run(instruction_limit=400)
    assert seen[100:] == list(range(301, 401))
