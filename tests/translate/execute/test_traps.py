"""What stops translated code becomes an exception, and nothing else happens to the process."""

from __future__ import annotations

import ctypes
import threading

import pytest

import armexec
from armexec.errors import (
    BreakpointHit,
    ExecutionError,
    IllegalInstruction,
    MemoryFault,
    SystemCallDenied,
    UnsupportedInstruction,
)
from armexec.machines.traps import TrapKind
from armexec.translate.execute.single_step import GuestState, block_runner
from rules import broken

from ..guest import functions, load


def test_instructions_that_trap_do_so_only_when_they_are_reached() -> None:
    for text, error in (
        ("brk #7", BreakpointHit),
        ("svc #0", SystemCallDenied),
        (".word 0", IllegalInstruction),
        (".word 0x04a00000", UnsupportedInstruction),
    ):
        (f,) = functions(f"f: cbz x0, out\n {text}\nout: mov x0, #5\n ret", "f/1")
        assert f(0) == 5
        with pytest.raises(error):
            f(1)
        assert f(0) == 5


@pytest.mark.parametrize(("text", "access"), [("ldr x0, [x0]", "read"), ("str x0, [x0]", "write")])
def test_a_bad_address_is_a_memory_fault_at_its_instruction(text: str, access: str) -> None:
    loaded, labels = load(f"f: add x1, x0, #1\n mov x2, x1\nbad: {text}\n ret")
    (f,) = functions(f"f: add x1, x0, #1\n mov x2, x1\nbad: {text}\n ret", "f/1")
    for address in (0, 8, 0x1234_5000):
        with pytest.raises(MemoryFault) as caught:
            f(address)
        assert (caught.value.address, caught.value.access) == (address, access)
        assert caught.value.pc & 0xFFF == labels["bad"]
        assert caught.value.instruction == text
    loaded.close()


@pytest.mark.parametrize(
    "text",
    [
        "ldp q0, q1, [x0]\n ldp q2, q3, [x1]\n fadd v2.2d, v2.2d, v0.2d\n fadd v3.2d, v3.2d, v1.2d\n stp q2, q3, [x1]",
        "ldr d0, [x0]\n ldr d1, [x1]\n fmul d0, d1, d0\n str d0, [x1]",
        "ldr d0, [x0]\n nop\n fmadd d0, d1, d2, d0\n str d0, [x1]",
        "ldr q0, [x0]\n nop\n add v0.4s, v0.4s, v1.4s\n str q0, [x1]",
        "ldr x3, [x0]\n nop\n scvtf d0, x3\n str d0, [x1]",
        "ldr x3, [x0]\n add x3, x3, x1\n mov x0, x3",
        "ldr x3, [x0]\n nop\n cmp x3, x1\n cset x0, eq",
        "ldr w3, [x0]\n nop\n cbz w3, 1f\n mov x1, #3\n 1: mov x0, x1",
        "ldrsb x3, [x0]\n nop\n mul x3, x3, x1\n str x3, [x1]",
        "ldr x3, [x0]\n add x3, x3, x1\n str x3, [x0]",
        "ldr w3, [x0, #4]\n nop\n orr w3, w3, #1\n str w3, [x0, #4]",
        "ldadd x3, x4, [x0]\n mov x0, x4",
        "cas x3, x4, [x0]\n mov x0, x3",
    ],
)
@pytest.mark.parametrize("engine", ["translated:O2", "reference"])
def test_a_load_that_is_part_of_what_uses_it_faults_at_its_own_place(text: str, engine: str) -> None:
    f = armexec.function(f"mov x9, x1\n {text}\n ret", "long(void *, void *)", engine=engine)
    memory = (ctypes.c_uint64 * 4)()
    with pytest.raises(MemoryFault) as caught:
        f(8, ctypes.addressof(memory))
    assert (caught.value.pc, caught.value.access) == (f.address + 4, "read")


@pytest.mark.parametrize(
    ("text", "at"), [("ldr x3, [x0]\n add x3, x3, x1\n str x3, [x0]", 8), ("ldadd x1, x4, [x0]", 0)]
)
@pytest.mark.parametrize("engine", ["translated:O2", "reference"])
def test_what_can_be_read_but_not_written_is_a_fault_of_the_write(text: str, at: int, engine: str) -> None:
    f = armexec.function(f"{text}\n ret", "void(const void *, long)", engine=engine)
    # Bytes of this process's own code.
    with pytest.raises(MemoryFault) as caught:
        f(ctypes.cast(ctypes.pythonapi.Py_GetVersion, ctypes.c_void_p).value, 1)
    assert (caught.value.pc, caught.value.access) == (f.address + at, "write")


def test_the_instruction_is_told_apart_in_inlined_functions() -> None:
    (outer,) = functions(
        """
        outer: stp x29, x30, [sp, #-16]!
             bl inner
             ldp x29, x30, [sp], #16
             ret
        inner: add x0, x0, #8
             ldr w0, [x0]
             ret""",
        "outer/1",
    )
    value = (ctypes.c_int * 4)(1, 2, 3, 4)
    assert outer(ctypes.addressof(value)) == 3
    with pytest.raises(MemoryFault) as caught:
        outer(0)
    assert caught.value.instruction == "ldr w0, [x0]"
    assert caught.value.symbol.startswith("inner")


def test_a_misaligned_stack_pointer() -> None:
    (f,) = functions("f: mov x1, sp\n add sp, sp, #8\n ldr x0, [sp]\n mov sp, x1\n ret", "f/0")
    with pytest.raises(MemoryFault) as caught:
        f()
    assert caught.value.access == "align"


def test_endless_recursion() -> None:
    (small, large) = functions(
        """
        small: stp x29, x30, [sp, #-16]!
             bl small
             ldp x29, x30, [sp], #16
             ret
        large: stp x29, x30, [sp, #-496]!
             bl large
             ldp x29, x30, [sp], #496
             ret""",
        "small/0",
        "large/0",
    )
    with pytest.raises(ExecutionError):
        small()
    with pytest.raises(MemoryFault) as caught:
        large()
    assert caught.value.access == "write"


def test_many_faults_leave_nothing_behind() -> None:
    (f,) = functions("f: ldr x0, [x0]\n ret", "f/1")
    value = ctypes.c_int64(42)
    for _ in range(300):
        with pytest.raises(MemoryFault):
            f(16)
        assert f(ctypes.addressof(value)) == 42


def test_threads_fault_on_their_own() -> None:
    (f,) = functions("f: ldr x0, [x0]\n ret", "f/1")
    values = [ctypes.c_int64(n) for n in range(4)]
    wrong: list[object] = []

    def work(n: int) -> None:
        for _ in range(50):
            try:
                f(n + 1)
                wrong.append("no fault")
            except MemoryFault as fault:
                if fault.address != n + 1:
                    wrong.append(fault)
            if f(ctypes.addressof(values[n])) != n:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.usefixtures("others_pages")
def test_no_page_is_ever_writable_and_executable() -> None:
    (f,) = functions("f: blr x0\n ret", "f/1")
    with pytest.raises(MemoryFault):
        f(4)
    assert broken() == []


def test_runs_of_single_instructions() -> None:
    add, trap, ret, load_word = block_runner(
        [(0x1000, [0x8B020020]), (0x2000, [0xD4200020]), (0x3000, [0xD65F03C0]), (0x4000, [0xF9400020])]
    )
    state = GuestState(pc=0x1000)
    state.x[1], state.x[2], state.x[30] = 40, 2, 0x5550
    assert add(state) is None
    assert (state.x[0], state.pc) == (42, 0x1004)
    stopped = trap(state)
    assert stopped is not None
    assert (stopped.kind, stopped.pc, stopped.detail) == (TrapKind.BREAKPOINT, 0x2000, 1)
    assert ret(state) is None
    assert state.pc == 0x5550
    state.x[1] = 64
    stopped = load_word(state)
    assert stopped is not None
    assert (stopped.kind, stopped.detail) == (TrapKind.READ, 64)


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_a_call_of_a_null_pointer(engine: str) -> None:
    call = armexec.function(
        "stp x29, x30, [sp, #-16]!\nblr x0\nldp x29, x30, [sp], #16\nret", "long(long)", engine=engine
    )
    with pytest.raises(MemoryFault, match="there is no code at 0x0 at 0x0") as caught:
        call(0)
    assert caught.value.pc == 0
