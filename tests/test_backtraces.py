"""`error.backtrace` and `error.cpu` of faults of the guest, on each engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache

import pytest

import armexec
from samples import one_of

SOURCE = r"""
typedef long (*function)(long);
void abort(void);
long missing(long);
#define KEPT __attribute__((noinline))
KEPT long leaf(const long *p) { return *p; }
KEPT long middle(const long *p) { return leaf(p) + 1; }
long top(const long *p) { return middle(p) * 2; }
KEPT long trap(long a) { __builtin_trap(); return a; }
long traps(long a) { return trap(a) + 1; }
KEPT long undefined(long a) { __asm__ volatile(".word 0"); return a; }
long is_undefined(long a) { return undefined(a) + 1; }
KEPT long system_call(long a) { __asm__ volatile("svc #0"); return a; }
long calls_system(long a) { return system_call(a) + 1; }
KEPT long through(function f, long a) { return f(a) + 1; }
long wild(long a) { return through((function)16, a) + 1; }
KEPT long uses(long a) { return missing(a) + 1; }
long misses(long a) { return uses(a) + 1; }
KEPT long ends(long a) { if (a) abort(); return a; }
long aborts(long a) { return ends(a) + 1; }
KEPT long deeper(long n) { volatile long kept[4]; kept[0] = n; return n ? deeper(n + 1) + kept[0] : 0; }
long deep(long n) { return deeper(n) + 1; }
KEPT long rounds(long n) { volatile long i = 0; for (;;) i += n; return i; }
long spins(long n) { return rounds(n) + 1; }
long calls_back(function f, long a) { return through(f, a) * 2; }
"""
ENGINES = ["reference", "translated:O0", "translated:O2"]
CASES = {
    "top": (8, ["leaf", "middle", "top"]),
    "traps": (5, ["trap", "traps"]),
    "is_undefined": (5, ["undefined", "is_undefined"]),
    "calls_system": (5, ["system_call", "calls_system"]),
    "wild": (5, ["", "through", "wild"]),
    "misses": (5, ["uses", "misses"]),
    "aborts": (5, ["ends", "aborts"]),
}


@cache
def module(engine: str, opt: str = "-O2") -> armexec.Module:
    return armexec.compile(SOURCE, "c", engine=engine, opt=opt, filename="guest.c")


def failure(call: Callable[..., object], *arguments: object) -> armexec.ExecutionError:
    with pytest.raises(armexec.ExecutionError) as caught:
        call(*arguments)
    return caught.value


def names(error: armexec.ExecutionError) -> list[str]:
    return [frame.function for frame in error.backtrace]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("opt", one_of(2, ["-O2", "-O0"]))
def test_calls_of_each_kind_of_fault(engine: str, opt: str) -> None:
    for name, (argument, expected) in CASES.items():
        error = failure(module(engine, opt)[name], argument)
        assert names(error) == expected, name
        assert not error.backtrace.rest
        assert error.backtrace[0].pc == error.pc


@pytest.mark.parametrize("engine", ENGINES)
def test_a_frame_has_its_place(engine: str) -> None:
    error = failure(module(engine).top, 8)
    inner, middle, _ = error.backtrace
    lines = SOURCE.splitlines()
    assert (inner.symbol, inner.file, lines[inner.line - 1][:14]) == (error.symbol, "guest.c", "KEPT long leaf")
    assert middle.symbol.startswith("middle+0x")
    assert "middle" in lines[middle.line - 1]
    assert str(error.backtrace).splitlines()[:2] == [
        "Backtrace of the guest (most recent call first):",
        f'  File "guest.c", line {inner.line}, in leaf',
    ]
    assert repr(error.backtrace) == "<Backtrace leaf < middle < top>"


def test_all_registers_are_known_to_the_reference() -> None:
    error = failure(module("reference").traps, 5)
    assert len(error.cpu.known) == 69
    assert (error.cpu.x[0], error.cpu.pc, error.cpu.fpcr) == (5, error.pc, 0)
    assert error.cpu.x[30] == error.backtrace[1].pc + 4


def test_registers_of_translated_code_say_which_are_known() -> None:
    error = failure(module("translated:O2").top, 8)
    assert (error.cpu.pc, error.cpu.x[0], error.cpu.x[30]) == (error.pc, 8, error.backtrace[1].pc + 4)
    assert error.cpu.sp % 16 == 0
    assert "v0" not in error.cpu.known
    with pytest.raises(armexec.UnknownRegister, match="translated code"):
        error.cpu.v[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_recursion_shows_its_innermost_calls(engine: str) -> None:
    with armexec.limits(stack_size=1 << 16):
        error = failure(module(engine).deep, 1)
    assert isinstance(error, armexec.StackOverflow)
    assert names(error)[:64] == ["deeper"] * 64
    assert len(error.backtrace) == 64
    assert "more calls" in error.backtrace.rest
    assert "times more]" in str(error.backtrace)


@pytest.mark.parametrize("engine", ENGINES)
def test_limits_tell_where_it_was(engine: str) -> None:
    with armexec.limits(instruction_limit=10_007):
        assert names(failure(module(engine).spins, 1)) == ["rounds", "spins"]
    with armexec.limits(time_limit=0.05):
        assert names(failure(module(engine).spins, 1)) == ["rounds", "spins"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_call_within_a_call_ends_at_python(engine: str) -> None:
    functions = module(engine)
    assert names(failure(functions.calls_back, lambda _: functions.top(8), 3)) == ["leaf", "middle", "top"]

    def fails(_: int) -> int:
        failure(functions.top, 8)
        return functions.traps(1)

    assert names(failure(functions.calls_back, fails, 3)) == ["trap", "traps"]


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_have_their_own(engine: str) -> None:
    found: list[list[str]] = []

    def work() -> None:
        for _ in range(5):
            found.append(names(failure(module(engine).top, 8)))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["leaf", "middle", "top"]] * 15


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_asked_for_later_is_of_the_fault(engine: str) -> None:
    functions = module(engine)
    first = failure(functions.top, 8)
    for n in range(20):
        with armexec.limits(stack_size=1 << 16):
            failure(functions.deep if n == 10 else functions.traps, n + 1)
    assert names(first) == ["leaf", "middle", "top"]
    assert first.cpu.x[0] == 8


CODE = """
top:
    stp x29, x30, [sp, #-32]!
    str x19, [sp, #16]
    mov x29, sp
    cbz x0, 1f
    bl leaf
    ldr x19, [sp, #16]
    ldp x29, x30, [sp], #32
    ret
1:  bl inner
    ldp x29, x30, [sp], #32
    ret
leaf:
    ldr x0, [x0]
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


@pytest.mark.parametrize("engine", ENGINES)
def test_code_without_tables(engine: str) -> None:
    function = armexec.function(CODE, "long(long)", engine=engine)
    lines = CODE.splitlines()
    shown = [lines[frame.line - 1].split(":")[-1].split() for frame in failure(function, 8).backtrace]
    assert shown == [["ldr", "x0,", "[x0]"], ["bl", "leaf"]]
    wild = failure(function, 0).backtrace
    assert [lines[frame.line - 1].split()[-2:] for frame in wild[1:]] == [["blr", "x8"], ["bl", "inner"]]
    assert wild[0].pc == 16


BROKEN = {
    "a loop": "stp x29, x30, [sp, #-16]!; mov x29, sp; mov sp, x29; str x29, [x29]; adr x1, 0; str x1, [x29, #8]",
    "unaligned": "mov x29, #3; mov sp, x29; mov x30, #8",
    "unmapped": "mov x29, #0x1000; mov x1, #0; mov x30, x1",
    "everything": "mov x29, #-1; mov x30, #-1; mov x1, sp; sub sp, x1, x0, lsl #4",
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_stack_breaks_nothing(engine: str, kind: str) -> None:
    function = armexec.function(f"{BROKEN[kind]}; mov x9, #8; ldr x0, [x9]; ret", "long(long)", engine=engine)
    error = failure(function, 64)
    assert 1 <= len(error.backtrace) <= 64
    assert str(error.backtrace)
    assert str(error.cpu)


def test_a_sandbox() -> None:
    functions = armexec.compile(SOURCE, "c", opt="-O2", filename="guest.c", sandbox=True)
    for name, (argument, expected) in CASES.items():
        assert names(failure(functions[name], argument)) == expected, name


def test_a_worker() -> None:
    functions = armexec.compile(SOURCE, "c", opt="-O2", filename="guest.c", isolate="process")
    try:
        error = failure(functions.top, 8)
        assert names(error) == ["leaf", "middle", "top"]
        assert [frame.file for frame in error.backtrace] == ["guest.c"] * 3
        assert error.cpu.x[0] == 8
    finally:
        functions.close()
