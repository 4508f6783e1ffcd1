"""Every kind of stop, with the registers that it leaves, on each engine."""

from __future__ import annotations

import signal
import threading
import time

import pytest

import armexec
from armexec.cpu import StopReason

from .guest import CODE, DATA, executed, on_each_engine, start

pytestmark = on_each_engine

ROUNDS = 5
"""Code is translated when it has been executed a few times."""


def test_until(engine: str) -> None:
    _, cpu, _ = start(engine, "add x0, x0, #1; add x0, x0, #2; add x0, x0, #3")
    for _ in range(ROUNDS):
        cpu.pc, cpu.x[0] = CODE, 0
        stop = cpu.run(until=CODE + 8)
        assert (stop.reason, stop.pc, stop.address) == ("until", CODE + 8, CODE + 8)
        assert executed(engine, stop, 2)
        assert (cpu.pc, cpu.x[0]) == (CODE + 8, 3)
    # The run ends at once where it is to end.
    assert cpu.run(until=CODE + 8).instructions == 0
    # In the middle of what is one block by now.
    cpu.pc, cpu.x[0] = CODE, 0
    cpu.run(until=CODE + 4)
    assert (cpu.pc, cpu.x[0]) == (CODE + 4, 1)


def test_until_where_nothing_is_mapped(engine: str) -> None:
    _, cpu, _ = start(engine, "add x0, x0, #1; ret")
    for n in range(ROUNDS):
        cpu.pc, cpu.x[30] = CODE, 0xDEAD_BEE0
        assert cpu.run(until=0xDEAD_BEE0).reason is StopReason.UNTIL
        assert cpu.x[0] == n + 1


@pytest.mark.parametrize(
    ("text", "access", "offset"),
    [
        ("mov x2, #7; ldr x3, [x0]", "read", 0),
        ("mov x2, #7; ldr x2, [x0], #8", "read", 0),
        ("mov x2, #7; str x2, [x0, #8]!", "write", 8),
        ("mov x2, #7; ldp x2, x3, [x0, #-8]", "read", 0),
        ("mov x2, #7; stp x3, x3, [x0, #-8]!", "write", 0),
        ("mov x2, #7; ld4 {v0.2d-v3.2d}, [x0], #64", "read", 0),
        ("mov x2, #7; ldr q2, [x0, #-8]", "read", 0),
        ("mov x2, #7; ldadd x2, x3, [x0]", "read", 0),
        ("mov x2, #7; swp x2, x2, [x0]", "read", 0),
        ("mov x2, #7; ldxr x2, [x0]", "read", 0),
        ("mov x2, #7; dc zva, x0", "write", 0),
        ("mov x2, #7; ld1 {v0.2d-v3.2d}, [x5]", "read", 0),
        ("mov x2, #7; ldp q0, q1, [x6]", "read", 0),
        ("mov x2, #7; ld2 {v0.16b, v1.16b}, [x6], x2", "read", 0),
    ],
)
def test_a_fault_leaves_the_registers_as_before_the_instruction(
    engine: str, text: str, access: str, offset: int
) -> None:
    _, cpu, _ = start(engine, text, b"\xff" * 0x1000)
    end = DATA + 0x1000
    for _ in range(ROUNDS):
        cpu.pc, cpu.x[0], cpu.x[3], cpu.x[5], cpu.x[6] = CODE, end, 3, end - 32, end - 16
        stop = cpu.run()
        assert (stop.reason, stop.pc, stop.address, stop.access) == ("fault", CODE + 4, end + offset, access)
        assert (cpu.x[5], cpu.x[6]) == (end - 32, end - 16)
        assert executed(engine, stop, 1)
        assert (cpu.pc, cpu.x[0], cpu.x[2], cpu.x[3]) == (CODE + 4, end, 7, 3)
        # A processor may have loaded some of the V registers (they are UNKNOWN then).
        assert cpu.v[0].q == 0 or engine == "native"
    assert str(stop) == f"fault at 0x{CODE + 4:x}: can't {access} memory at 0x{end + offset:x}"


def test_a_fault_leaves_the_exclusive_monitor_as_before_the_instruction(engine: str) -> None:
    space, cpu, _ = start(engine, "ldxr x2, [x1]; stxr w3, x2, [x1]; brk #0")
    for _ in range(ROUNDS):
        space.protect(DATA, 0x1000, "r")
        cpu.pc, cpu.x[3] = CODE, 5
        assert cpu.run(until=CODE + 4).reason == "until"
        before = cpu.save()
        stop = cpu.run()
        assert (stop.reason, stop.access, stop.address) == ("fault", "write", DATA)
        assert cpu.save() == before
        space.protect(DATA, 0x1000, "rw")
        assert cpu.run().reason == "breakpoint"
        assert cpu.x[3] == 0


def test_a_run_goes_on_after_a_fault(engine: str) -> None:
    space, cpu, _ = start(engine, "add x0, x0, #1; ldr x2, [x3]; brk #0")
    cpu.x[3] = 0x7000_0000
    for _ in range(ROUNDS):
        cpu.pc = CODE
        assert cpu.run().reason == "fault"
    space.map(0x7000_0000, 0x1000, "r", data=b"\x2a")
    assert cpu.run().reason == "breakpoint"
    assert (cpu.x[0], cpu.x[2]) == (ROUNDS, 42)


@pytest.mark.parametrize(
    ("text", "address", "access"),
    [
        ("mov x0, #0x8000; br x0", 0x8000, "execute"),
        (f"mov x0, #{DATA}; br x0", DATA, "execute"),
        ("ldr x0, =0x40000002; br x0", CODE + 2, "execute"),
        ("mov x0, #2; br x0", 2, "execute"),
        ("mov x0, #0; br x0", 0, "execute"),
        ("mov x0, #4; br x0", 4, "execute"),
        ("mov x0, #-1; br x0", (1 << 64) - 1, "execute"),
        ("mov x0, #1; br x0", 1, "execute"),
    ],
)
def test_a_branch_to_where_no_code_is(engine: str, text: str, address: int, access: str) -> None:
    _, cpu, _ = start(engine, text)
    for _ in range(ROUNDS):
        cpu.pc = CODE
        stop = cpu.run()
        assert (stop.reason, stop.pc, stop.address, stop.access) == ("fault", address, address, access)
        assert executed(engine, stop, 2)
        assert cpu.pc == address


def test_unaligned_accesses(engine: str) -> None:
    _, cpu, _ = start(engine, "mov x2, #1; ldr x0, [sp]; ldxr x0, [x3]")
    for _ in range(ROUNDS):
        cpu.pc, cpu.sp, cpu.x[3] = CODE, DATA + 8, DATA + 12
        stop = cpu.run()
        assert (stop.reason, stop.pc, stop.address, stop.access) == ("fault", CODE + 4, DATA + 8, "align")
        cpu.pc = CODE + 8
        stop = cpu.run()
        assert (stop.reason, stop.address, stop.access) == ("fault", DATA + 12, "align")


def test_protections(engine: str) -> None:
    space, cpu, _ = start(engine, "str x0, [x1]; ldr x0, [x1]; brk #0")
    for protection, access in (("rw", None), ("r", "write"), ("", "write"), ("rw", None)):
        space.protect(DATA, 0x1000, protection)
        for _ in range(ROUNDS):
            cpu.pc = CODE
            stop = cpu.run()
            assert (stop.reason, stop.access) == (("fault", access) if access else ("breakpoint", ""))
    space.protect(DATA, 0x1000, "")
    cpu.pc = CODE + 4
    assert cpu.run().access == "read"


def test_code_can_be_read_by_the_guest(engine: str) -> None:
    _, cpu, _ = start(engine, "ldr w0, here; here: brk #0")
    for _ in range(ROUNDS):
        cpu.pc = CODE
        cpu.run()
    assert cpu.x[0] == 0xD420_0000


@pytest.mark.parametrize("text", [".inst 0", ".inst 0xffffffff", ".inst 0xd4000002", ".inst 0x04200000"])
def test_undefined_instructions(engine: str, text: str) -> None:
    _, cpu, _ = start(engine, f"add x5, x5, #1; {text}")
    for n in range(ROUNDS):
        cpu.pc = CODE
        stop = cpu.run()
        assert (stop.reason, stop.pc, stop.address) == ("undefined", CODE + 4, CODE + 4)
        assert cpu.x[5] == n + 1
    assert "undefined instruction at 0x40000004" in str(stop)


def test_breakpoints_and_system_calls(engine: str) -> None:
    _, cpu, _ = start(engine, "add x5, x5, #1; svc #3; add x5, x5, #1; brk #9")
    for n in range(ROUNDS):
        cpu.pc = CODE
        stop = cpu.run()
        assert (stop.reason, stop.pc, stop.address, stop.immediate) == ("system call", CODE + 8, CODE + 4, 3)
        assert (cpu.pc, cpu.x[5]) == (CODE + 8, 2 * n + 1)
        stop = cpu.run()
        assert (stop.reason, stop.pc, stop.address, stop.immediate) == ("breakpoint", CODE + 12, CODE + 12, 9)
        assert cpu.x[5] == 2 * n + 2
    assert str(stop) == f"breakpoint at 0x{CODE + 12:x} (#9)"


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 7, 100, 1000])
def test_instruction_limits_are_exact(engine: str, limit: int) -> None:
    _, cpu, _ = start(engine, "again: add x0, x0, #1; add x2, x2, x0; b again")
    for _ in range(3):
        cpu.pc, cpu.x[0], cpu.x[2] = CODE, 0, 0
        stop = cpu.run(instruction_limit=limit)
        rounds, rest = divmod(limit, 3)
        assert (stop.reason, stop.instructions) == ("instruction limit", limit)
        assert cpu.pc == CODE + 4 * rest
        assert cpu.x[0] == rounds + (rest > 0)
        assert cpu.x[2] == rounds * (rounds + 1) // 2 + (rounds + 1 if rest > 1 else 0)


def test_steps(engine: str) -> None:
    _, cpu, _ = start(engine, "again: add x0, x0, #1; sub x2, x2, #1; b again")
    for n in range(1, 40):
        stop = cpu.step()
        assert (stop.reason, stop.instructions, stop.pc) == ("instruction limit", 1, cpu.pc)
        assert cpu.pc == CODE + 4 * (n % 3)
        assert (cpu.x[0], -cpu.x[2] & (1 << 64) - 1) == ((n + 2) // 3, (n + 1) // 3)
    cpu.step(300)
    assert cpu.x[0] == 113


def test_time_limits(engine: str) -> None:
    _, cpu, _ = start(engine, "again: add x0, x0, #1; b again")
    before = time.monotonic()
    stop = cpu.run(time_limit=0.05)
    assert stop.reason == "time limit"
    assert 0.05 <= time.monotonic() - before < 5
    assert cpu.x[0] > 0
    assert executed(engine, stop, 2 * cpu.x[0] - (cpu.pc == CODE + 4))


def test_an_interrupt_from_another_thread(engine: str) -> None:
    _, cpu, _ = start(engine, "again: add x0, x0, #1; b again")
    timer = threading.Timer(0.05, cpu.interrupt)
    timer.start()
    stop = cpu.run(time_limit=20)
    assert stop.reason == "interrupted"
    assert executed(engine, stop, 2 * cpu.x[0] - (cpu.pc == CODE + 4))
    # It is over with that run.
    assert cpu.run(instruction_limit=10).reason == "instruction limit"


class _Interrupt(Exception):
    pass


def _run_with_alarm(cpu: armexec.Cpu, seconds: float) -> None:
    try:
        # Again after a while: Python drops what is raised while an object is freed.
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.3)
        cpu.run(time_limit=20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_exception_of_a_signal_handler_comes_between_instructions(engine: str) -> None:
    space, cpu, _ = start(engine, "again: add x0, x0, #1; ldadd x2, x3, [x1]; add x4, x4, #1; b again")
    cpu.x[2] = 1

    def interrupt(*_: object) -> None:
        raise _Interrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        for n in range(30):
            with pytest.raises(_Interrupt):
                _run_with_alarm(cpu, 0.001 + 0.0007 * (n % 7))
            added = int.from_bytes(space.read(DATA, 8), "little")
            at = cpu.pc - CODE
            rounds = cpu.x[4] - (at == 12)
            assert (cpu.x[0], added) == (rounds + (at > 0), rounds + (at > 4))
    finally:
        signal.signal(signal.SIGALRM, old)


def test_two_cpus_in_one_space(engine: str) -> None:
    space, first, _ = start(engine, "again: ldadd x0, x2, [x1]; b again")
    second = armexec.Cpu(space)
    second.pc, second.x[1] = CODE, DATA
    first.x[0], second.x[0] = 1, 100
    for _ in range(10):
        first.run(instruction_limit=10)
        second.run(instruction_limit=10)
    assert int.from_bytes(space.read(DATA, 8), "little") == 50 * 101


def test_wrong_limits(engine: str) -> None:
    _, cpu, _ = start(engine, "nop")
    for wrong in ({"instruction_limit": -1}, {"time_limit": -1.0}, {"until": 1 << 64}):
        with pytest.raises(armexec.Error):
            cpu.run(**wrong)  # type: ignore[arg-type]


def test_floating_point_state(engine: str) -> None:
    _, cpu, _ = start(engine, "fdiv d2, d0, d1; fcvtzs x0, d2; brk #0")
    for _ in range(ROUNDS):
        cpu.pc, cpu.fpsr, cpu.v[0].d, cpu.v[1].d = CODE, 0, 1.0, 3.0
        cpu.fpcr = 1 << 22  # towards plus infinity
        cpu.run()
        assert cpu.v[2].q == 0x3FD5_5555_5555_5556
        assert cpu.fpsr == 1 << 4
