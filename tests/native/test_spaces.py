"""Address spaces of the native engine: what is the processor's, and what is only true there."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

import armexec
from armexec.engines.native_space.words import is_for_processor
from engines import AVAILABLE

needs_processor = pytest.mark.skipif(
    "native" not in AVAILABLE, reason="only an AArch64 processor runs the guest's words"
)
CODE, DATA = 0x4000_0000, 0x10_0000
COUNT = "again: add x0, x0, #1; b again"


@pytest.mark.parametrize(
    ("text", "is_for"),
    [
        ("add x0, x1, x2; ldr q0, [x1]; bl .; fdiv d0, d1, d2; brk #1; hlt #1; nop; bti c; dmb ish; isb", True),
        ("mrs x0, nzcv; msr nzcv, x0; mrs x0, fpcr; mrs x0, fpsr", True),
        ("ldaddal x0, x1, [x2]; casal x0, x1, [x2]; ldar x0, [x1]; stlr x0, [x1]", True),
        (".word 0, 1, 0xffff", True),
        ("svc #0", False),
        ("hvc #0", False),
        ("mrs x0, tpidr_el0", False),
        ("msr tpidr_el0, x0", False),
        ("msr fpcr, x0", False),
        ("msr fpsr, x0", False),
        ("mrs x0, ctr_el0", False),
        ("mrs x0, midr_el1", False),
        ("dc zva, x0", False),
        ("ic ivau, x0", False),
        ("paciasp", False),
        ("retaa", False),
        ("braa x0, x1", False),
        ("ldraa x0, [x1]", False),
        ("pacga x0, x1, x2", False),
        ("xpaci x0", False),
        # SVE: `add z0.b, p0/m, z0.b, z0.b`.
        (".inst 0x04000000", False),
        (".inst 0xffffffff", False),
    ],
)
def test_what_the_processor_is_left_to_execute(text: str, is_for: bool) -> None:
    code = armexec.assemble(text).bytes
    assert is_for_processor(code.ljust(0x1000, b"\0")) is is_for


def test_exclusive_accesses_are_executed_in_one_go() -> None:
    pair = armexec.assemble("ldxr x0, [x1]; stxr w2, x0, [x1]").bytes
    for at in range(0, 0x1000, 0x40):
        code = bytearray(0x1000)
        code[at : at + 8] = pair
        assert is_for_processor(bytes(code)) is (0x100 <= at < 0xF00)


@pytest.fixture
def space() -> armexec.AddressSpace:
    return armexec.AddressSpace("native")


def cpu_at(space: armexec.AddressSpace, text: str, address: int = CODE) -> armexec.Cpu:
    space.map(address, 0x1000, "rx", data=armexec.assemble(text, address=address).bytes)
    cpu = armexec.Cpu(space)
    cpu.pc = address
    return cpu


@needs_processor
def test_an_address_that_the_process_uses_is_an_error(space: armexec.AddressSpace) -> None:
    used = space.map(None, 0x1000)
    with pytest.raises(armexec.HostError, match="this process has something there"):
        armexec.AddressSpace("native").map(used, 0x1000)
    with pytest.raises(armexec.HostError, match="is mapped already"):
        space.map(used, 0x1000)


@needs_processor
def test_a_space_in_a_cycle_gives_its_addresses_back() -> None:
    for n in range(3):
        made = armexec.AddressSpace("native")
        cpu = cpu_at(made, f"movz x0, #{n}; svc #0")
        made.hook_svc(lambda cpu, _, made=made: cpu.interrupt())
        cpu.run()
        assert cpu.x[0] == n
        del made, cpu


@needs_processor
def test_all_registers_come_back(space: armexec.AddressSpace) -> None:
    cpu = cpu_at(space, "brk #1")
    for n in range(31):
        cpu.x[n] = n << 56 | n
    for n in range(32):
        cpu.v[n] = n << 120 | n
    cpu.sp, cpu.nzcv, cpu.fpcr, cpu.fpsr, cpu.tpidr_el0 = 0x123, 0b1010, 0x1C0_0000, 0x1F, 5
    before = cpu.save()
    assert cpu.run().reason == "breakpoint"
    assert cpu.save() == before


@needs_processor
def test_memory_has_the_guests_protections(space: armexec.AddressSpace) -> None:
    from rules import broken

    cpu = cpu_at(space, "str x0, [x1]; brk #0")
    space.map(DATA, 0x2000, "rw")
    cpu.x[0], cpu.x[1] = 7, DATA + 0xFFC
    assert cpu.run().reason == "breakpoint"
    space.protect(DATA + 0x1000, 0x1000, "")
    cpu.pc, cpu.x[1] = CODE, DATA + 0x1000
    stop = cpu.run()
    assert (stop.reason, stop.access, stop.address) == ("fault", "write", DATA + 0x1000)
    # A debugger may do what the guest may not.
    space.write(DATA + 0xFF8, bytes(range(16)))
    assert space.read(DATA + 0xFF8, 16) == bytes(range(16))
    assert cpu.run().reason == "fault"
    assert not broken()


@needs_processor
def test_an_end_in_a_page_of_the_processors(space: armexec.AddressSpace) -> None:
    cpu = cpu_at(space, "add x0, x0, #1; add x0, x0, #1; brk #0")
    for _ in range(3):
        cpu.pc, cpu.x[0] = CODE, 0
        assert (cpu.run().reason, cpu.x[0]) == ("breakpoint", 2)
        cpu.pc, cpu.x[0] = CODE, 0
        assert (cpu.run(until=CODE + 4).reason, cpu.x[0]) == ("until", 1)


@needs_processor
def test_a_run_in_a_host_function_keeps_the_end_of_the_outer_one(space: armexec.AddressSpace) -> None:
    cpu = cpu_at(space, "blr x5; add x0, x0, #1; add x0, x0, #1; brk #0")

    def inner(outer: armexec.Cpu) -> None:
        other = armexec.Cpu(space)
        other.pc = CODE + 4
        assert other.run(until=CODE + 8).reason == "until"
        other.pc = CODE + 4
        assert other.run().reason == "breakpoint"

    cpu.x[5] = space.host_function(inner)
    assert (cpu.run(until=CODE + 8).reason, cpu.x[0]) == ("until", 1)


@needs_processor
def test_spaces_of_several_threads() -> None:
    results: list[int] = []

    def work(number: int) -> None:
        cpu = cpu_at(
            armexec.AddressSpace("native"), "1: add x2, x2, x0; subs x0, x0, #1; b.ne 1b; brk #0", number << 32
        )
        cpu.x[0] = 1000 * number
        assert cpu.run().reason == "breakpoint"
        results.append(cpu.x[2])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(5, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [1000 * n * (1000 * n + 1) // 2 for n in range(5, 9)]


@needs_processor
def test_limits_in_another_thread_than_the_main_one() -> None:
    reasons: list[str] = []

    def work() -> None:
        cpu = cpu_at(armexec.AddressSpace("native"), COUNT)
        reasons.append(cpu.run(time_limit=0.05).reason)
        threading.Timer(0.05, cpu.interrupt).start()
        reasons.append(cpu.run().reason)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reasons == ["time limit", "interrupted"]


@pytest.fixture
def default_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@needs_processor
@pytest.mark.usefixtures("default_handler")
def test_ctrl_c(space: armexec.AddressSpace) -> None:
    cpu = cpu_at(space, COUNT)
    for _ in range(3):
        before = cpu.x[0]
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            cpu.run()
        timer.join()
        assert cpu.x[0] > before
        assert cpu.pc in (CODE, CODE + 4)


@needs_processor
def test_functions_and_spaces_take_turns(space: armexec.AddressSpace) -> None:
    function = armexec.function("ldr x0, [x0]; ret", "long(long)", engine="native")
    cpu = cpu_at(space, "blr x5; ldr x1, [x0]")

    def call(cpu: armexec.Cpu) -> None:
        with pytest.raises(armexec.MemoryFault):
            function(8)
        cpu.x[0] = 16

    cpu.x[5] = space.host_function(call)
    for _ in range(3):
        cpu.pc = CODE
        stop = cpu.run()
        assert (stop.reason, stop.address) == ("fault", 16)
        with pytest.raises(armexec.MemoryFault):
            function(8)


@needs_processor
def test_it_is_the_processor_that_runs(space: armexec.AddressSpace) -> None:
    cpu = cpu_at(space, "1: subs x0, x0, #1; b.ne 1b; brk #0")
    cpu.x[0] = 50_000_000
    before = time.process_time()
    stop = cpu.run()
    assert (stop.reason, stop.instructions) == ("breakpoint", None)
    assert str(stop) == f"breakpoint at 0x{CODE + 8:x} (#0)"
    # The interpreter would take minutes.
    assert time.process_time() - before < 60
