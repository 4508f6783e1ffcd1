"""Code that changes: what was made of the old code never runs."""

from __future__ import annotations

import pytest

import armexec

from .guest import CODE, DATA, executed, make_space, on_each_engine, start

pytestmark = on_each_engine


def _returns(n: int) -> bytes:
    return armexec.assemble(f"movz x0, #{n}; ret").bytes


def test_code_written_by_the_host(engine: str) -> None:
    space, cpu, _ = start(engine, "movz x0, #0; ret")
    for n in range(60):
        space.write(CODE, _returns(n))
        for _ in range(3):
            cpu.pc, cpu.x[30] = CODE, 0xF000
            cpu.run(until=0xF000)
            assert cpu.x[0] == n


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_thousand_functions_written_by_the_guest_at_one_address(engine: str, rounds: int) -> None:
    count = 1000 if rounds == 1 and engine in ("reference", "translated") else 60
    # The guest writes `movz x0, #n; ret` into a page, has it made executable, and calls it; X20 adds up the results.
    space, cpu, _ = start(
        engine,
        f"""
        next: lsl w2, w19, #5
              movz w3, #0xd280, lsl #16
              orr w2, w2, w3
              str w2, [x21]
              ldr w2, ret
              str w2, [x21, #4]
              dc cvau, x21
              ic ivau, x21
              isb
              svc #1
              mov x22, #{rounds}
        call: blr x21
              add x20, x20, x0
              subs x22, x22, #1
              b.ne call
              svc #2
              add x19, x19, #1
              cmp x19, #{count}
              b.ne next
              brk #0
        ret:  ret
        """,
    )
    page = 0x7000_0000
    space.map(page, 0x1000, "rw")
    cpu.x[21] = page

    def call(cpu: armexec.Cpu, immediate: int) -> None:
        space.protect(page, 0x1000, "rx" if immediate == 1 else "rw")

    space.hook_svc(call)
    stop = cpu.run()
    assert stop.reason == "breakpoint", stop
    assert cpu.x[20] == rounds * sum(range(count))


def test_code_that_is_unmapped_and_mapped_again(engine: str) -> None:
    space, cpu, _ = start(engine, "movz x0, #1; ret")
    for n in range(2, 8):
        for _ in range(3):
            cpu.pc, cpu.x[30] = CODE, 0xF000
            assert cpu.run(until=0xF000).reason == "until"
        space.unmap(CODE, 0x1000)
        cpu.pc = CODE
        stop = cpu.run()
        assert (stop.reason, stop.access, stop.address) == ("fault", "execute", CODE)
        space.map(CODE, 0x1000, "rx", data=_returns(n))
        cpu.run(until=0xF000)
        assert cpu.x[0] == n


def test_code_whose_pages_lose_their_right_to_run(engine: str) -> None:
    space, cpu, _ = start(engine, "movz x0, #1; ret")
    for _ in range(3):
        cpu.pc, cpu.x[30] = CODE, 0xF000
        cpu.run(until=0xF000)
    space.protect(CODE, 0x1000, "r")
    cpu.pc = CODE
    assert cpu.run(until=0xF000).access == "execute"
    space.protect(CODE, 0x1000, "rx")
    assert cpu.run(until=0xF000).reason == "until"


def test_a_block_over_two_pages(engine: str) -> None:
    space = make_space(engine)
    nops = armexec.assemble("nop\n" * 8).bytes
    edge = CODE + 0x1000
    space.map(CODE, 0x2000, "rx")
    space.write(edge - 8, nops + _returns(1))
    cpu = armexec.Cpu(space)
    for n in range(2, 6):
        for _ in range(3):
            cpu.pc, cpu.x[30] = edge - 8, 0xF000
            assert executed(engine, cpu.run(until=0xF000), 10)
        assert cpu.x[0] == n - 1
        space.write(edge + 24, _returns(n))
    space.unmap(edge, 0x1000)
    cpu.pc = edge - 8
    stop = cpu.run(until=0xF000)
    assert (stop.reason, stop.address) == ("fault", edge)
    assert executed(engine, stop, 2)


def test_the_next_instruction_changes_in_a_hook(engine: str) -> None:
    space, cpu, _ = start(engine, "again: str x2, [x1]; movz x0, #1; b again")
    cpu.run(instruction_limit=90)
    assert cpu.x[0] == 1
    space.hook_write(lambda cpu, access: space.write(CODE + 4, _returns(2)[:4]), DATA, DATA + 8)
    cpu.run(instruction_limit=2)
    assert cpu.x[0] == 2
