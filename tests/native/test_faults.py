"""Faults of functions: the same exceptions on every engine, and all registers on the native one."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import threading
import time
from collections.abc import Callable

import pytest

import armexec
from engines import AVAILABLE

on_each_engine = pytest.mark.parametrize("engine", AVAILABLE)
needs_processor = pytest.mark.skipif(
    "native" not in AVAILABLE, reason="only an AArch64 processor runs the guest's words"
)
NOWHERE = 0x2470


def failure(call: Callable[..., object], *arguments: object) -> armexec.ExecutionError:
    with pytest.raises(armexec.ExecutionError) as caught:
        call(*arguments)
    return caught.value


@on_each_engine
@pytest.mark.parametrize(
    ("text", "kind", "at", "access"),
    [
        ("nop; ldr x0, [x0]; ret", armexec.MemoryFault, 4, "read"),
        ("nop; ldp x0, x1, [x0]; ret", armexec.MemoryFault, 4, "read"),
        ("nop; str x0, [x0]; ret", armexec.MemoryFault, 4, "write"),
        ("nop; st1 {v0.b}[3], [x0]; ret", armexec.MemoryFault, 4, "write"),
        ("nop; ldadd x0, x1, [x0]; ret", armexec.MemoryFault, 4, "read"),
        ("nop; ldr q0, [x0]; fmov x0, d0; ret", armexec.MemoryFault, 4, "read"),
        ("nop; udf #3", armexec.IllegalInstruction, 4, ""),
        ("nop; brk #7", armexec.BreakpointHit, 4, ""),
        ("nop; hlt #7", armexec.BreakpointHit, 4, ""),
        ("nop; br x0", armexec.MemoryFault, None, "execute"),
        ("add x0, x0, #1; br x0", armexec.MemoryFault, None, "execute"),
        ("mov x30, x0; ret", armexec.MemoryFault, None, "execute"),
        ("stp x29, x30, [sp, #-16]!; blr x0; ldp x29, x30, [sp], #16; ret", armexec.MemoryFault, None, "execute"),
    ],
)
def test_a_fault_is_the_same_exception(
    engine: str, text: str, kind: type[armexec.ExecutionError], at: int | None, access: str
) -> None:
    function = armexec.function(text, "long(long)", engine=engine)
    for _ in range(3):
        error = failure(function, NOWHERE)
        assert type(error) is kind
        address = NOWHERE + ("add" in text)
        assert error.pc == (address if at is None else function.address + at)
        if isinstance(error, armexec.MemoryFault):
            assert (error.address, error.access) == (address if at is None else NOWHERE, access)


@on_each_engine
def test_a_fault_tells_its_place(engine: str) -> None:
    module = armexec.compile("int f(int *p) {\n return *p;\n}\nint g(int *p) { return f(p) + 1; }", "c", engine=engine)
    error = failure(module.g, NOWHERE)
    assert (error.symbol.partition("+")[0], error.source[-2:]) == ("f", ":2")
    assert error.instruction.startswith("ldr w0, [x")
    assert any("g" in note for note in error.__notes__)


@on_each_engine
def test_recursion_without_end_is_a_stack_overflow(engine: str) -> None:
    # The reference engine would take long to get there.
    if engine == "reference":
        pytest.skip("its stack takes long to run out")
    text = "long f(long n) { volatile char b[1000]; b[0] = n; return n ? f(n - 1) + b[0] : 0; }"
    module = armexec.compile(text, "c", engine=engine)
    results: list[object] = []

    def work() -> None:
        assert module.f(10) == 55
        error = failure(module.f, 10**7)
        results.append(type(error))
        assert module.f(10) == 55

    work()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [armexec.StackOverflow] * 2


@on_each_engine
def test_faults_inside_of_functions_of_python(engine: str) -> None:
    module = armexec.compile(
        "long deep(long (*f)(long), long x) { return f(x) + 1; } int get(int *p) { return *p; }", "c", engine=engine
    )

    def catch(x: int) -> int:
        failure(module.get, x)
        return x

    assert module.deep(catch, NOWHERE) == NOWHERE + 1
    # A fault after a nested one, and one that passes through the guest.
    assert failure(module.deep, module.get, 8).pc
    nested = failure(module.deep, lambda x: module.deep(module.get, x), 16)
    assert isinstance(nested, armexec.MemoryFault)
    assert nested.address == 16
    assert module.deep(catch, NOWHERE) == NOWHERE + 1


@needs_processor
def test_all_registers_are_those_of_the_fault() -> None:
    wanted = random.Random(1)
    values = {f"x{n}": wanted.getrandbits(64) for n in range(31) if n != 18}
    vectors = {f"v{n}": wanted.getrandbits(128) for n in range(32)}
    lines = ["msr fpcr, x0", "msr fpsr, x1"]
    for name, value in vectors.items():
        for half in (0, 1):
            lines += [f"ldr x9, ={value >> 64 * half & (1 << 64) - 1:#x}", f"mov {name}.d[{half}], x9"]
    lines += ["subs xzr, x0, x0"]
    lines += [f"ldr {name}, ={value:#x}" for name, value in values.items()]
    function = armexec.function("\n".join([*lines, "brk #1"]), "void(long, long)", engine="native")
    error = failure(function, 0x1C00000, 0x10)
    found = {name: error.cpu[name] for name in error.cpu.known}
    assert {name: found[name] for name in (*values, *vectors)} == {**values, **vectors}
    assert (found["nzcv"], found["fpcr"], found["fpsr"]) == (0b0110, 0x1C00000, 0x10)
    assert found["pc"] == error.pc == function.address + 4 * (len(lines))
    assert found["sp"] % 16 == 0
    assert [frame.pc for frame in error.backtrace] == [error.pc]
    # What the guest has changed is as before.
    assert armexec.function("mrs x0, fpcr; ret", "long()", engine="native")() == 0


NESTED = """
top:
    stp x29, x30, [sp, #-32]!
    bl inner
    ldp x29, x30, [sp], #32
    ret
inner:
    sub sp, sp, #16
    str x30, [sp, #8]
    mov x8, #16
    blr x8
    ldr x30, [sp, #8]
    add sp, sp, #16
    ret
"""


@needs_processor
def test_the_calls_are_those_of_the_fault() -> None:
    error = failure(armexec.function(NESTED, "long(long)", engine="native"), 0)
    lines = NESTED.splitlines()
    assert [lines[frame.line - 1].split() for frame in error.backtrace[1:]] == [["blr", "x8"], ["bl", "inner"]]
    assert (error.backtrace[0].pc, error.backtrace.rest) == (16, "")


@needs_processor
def test_exceptions_with_registers_can_be_copied() -> None:
    import pickle

    error = failure(armexec.function("brk #1", "void(long)", engine="native"), 5)
    assert pickle.loads(pickle.dumps(error)).cpu.x[0] == 5


@needs_processor
def test_many_threads_fault() -> None:
    function = armexec.function("ldr x0, [x0]; ret", "long(long)", engine="native")
    wrong: list[object] = []

    def work(number: int) -> None:
        for n in range(1, 50):
            address = 16 * (100 * number + n)
            error = failure(function, address)
            if not isinstance(error, armexec.MemoryFault) or error.cpu.x[0] != address:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@needs_processor
def test_what_is_sent_is_for_others() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGSEGV, lambda number, _: seen.append(number))
    try:
        function = armexec.function("ldr x0, [x0]; ret", "long(long)", engine="native")
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(0.01)
        assert seen == [signal.SIGSEGV]
        assert isinstance(failure(function, NOWHERE), armexec.MemoryFault)
        assert seen == [signal.SIGSEGV]
    finally:
        signal.signal(signal.SIGSEGV, before)


@needs_processor
def test_both_engines_faults_are_told_apart() -> None:
    for _ in range(3):
        for engine in ("native", "translated"):
            function = armexec.function("ldr x0, [x0]; ret", "long(long)", engine=engine)
            assert isinstance(failure(function, NOWHERE), armexec.MemoryFault)
    native = armexec.compile("long call(long (*f)(long), long x) { return f(x); }", "c", engine="native")
    translated = armexec.compile("long get(long *p) { return *p; }", "c", engine="translated")
    for _ in range(3):
        assert isinstance(failure(native.call, lambda x: translated.get(x + 8), NOWHERE), armexec.MemoryFault)


@on_each_engine
def test_a_time_limit_leaves_the_guest(engine: str) -> None:
    function = armexec.function("1: b 1b", "void()", engine=engine)
    with armexec.limits(time_limit=0.1):
        error = failure(function)
    assert isinstance(error, armexec.TimeLimitExceeded)
    assert error.pc == function.address
    assert armexec.function("ret", "long(long)", engine=engine)(3) == 3


@needs_processor
def test_a_look_at_signals_changes_no_register() -> None:
    # It goes on until X19 is set in memory, and all other registers are kept.
    stop = (ctypes.c_uint64 * 1)()
    text = """
        sub sp, sp, #32
        stp x29, x30, [sp]
        str x19, [sp, #16]
        mov x10, #0x1234
        mov x19, #77
        movi v3.16b, #9
        mov x11, x10
        cmp x10, x11
    1:  ldr x9, [x0]
        cbz x9, 1b
        b.ne 2f
        sub x10, x10, x11
        add x10, x10, x19
        umov w9, v3.b[15]
        add x10, x10, x9
        mov x0, x10
    2:  ldp x29, x30, [sp]
        ldr x19, [sp, #16]
        add sp, sp, #32
        ret
    """
    function = armexec.function(text, "long(void *)", engine="native")
    seen: list[int] = []

    def alarm(number: int, _: object) -> None:
        seen.append(number)
        if len(seen) == 3:
            stop[0] = 1

    before = signal.signal(signal.SIGALRM, alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        assert function(ctypes.addressof(stop)) == 77 + 9
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(seen) >= 3


@needs_processor
def test_an_exception_of_a_handler_leaves_the_guest() -> None:
    function = armexec.function("1: b 1b", "void()", engine="native")

    def refuse(*_: object) -> None:
        raise ZeroDivisionError

    before = signal.signal(signal.SIGALRM, refuse)
    try:
        for _ in range(3):
            signal.setitimer(signal.ITIMER_REAL, 0.03)
            with pytest.raises(ZeroDivisionError):
                function()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
