"""Traces of calls, programs and Cpus: their columns, their rows, and how they end."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import armexec
from armexec.debugger.open import target_of
from armexec.space import AddressSpace
from engines import AVAILABLE
from program.guest import needs_c

from .compare import EAGER, SOON, assert_equal, both, traced

SOURCE = r"""
#include <stdatomic.h>
#include <string.h>
typedef int (*function)(int);
static int table[64];
static atomic_int counter;
_Thread_local int mine;
int add(int a, int b) { return a + b; }
int sum(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) { s += a[i]; a[i] = s; } return s; }
double scale(double *a, int n, double by) { double s = 0; for (int i = 0; i < n; i++) s += a[i] *= by; return s; }
int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
int count(int n) { for (int i = 0; i < n; i++) atomic_fetch_add(&counter, i); return counter; }
int fill(int n) { for (int i = 0; i < n; i++) table[i & 63] = i * mine++; return table[n & 63]; }
int call(function f, int n) { int s = 0; for (int i = 0; i < n; i++) s += f(i); return s; }
int store(int **p, int n) { for (int i = 0; i < n; i++) *p[i] = i; return n; }
typedef int four __attribute__((vector_size(16)));
four mix(four a, int n) { for (int i = 0; i < n; i++) a = a * a + i; return a; }
"""


@pytest.fixture(scope="module")
def translated() -> Iterator[Any]:
    with armexec.compile(SOURCE, "c", flags=["-O1"], engine="translated") as made:
        yield made


@pytest.fixture(scope="module")
def interpreted() -> Iterator[Any]:
    with armexec.compile(SOURCE, "c", flags=["-O1"], engine="reference") as made:
        yield made


@pytest.fixture(params=["translated", "interpreted"])
def module(request: Any) -> Any:
    return request.getfixturevalue(request.param)


def _calls() -> dict[str, Callable[[Any], tuple[Any, ...]]]:
    return {
        "add": lambda m: (m.add, 3, 4),
        "sum": lambda m: (m.sum, np.arange(100, dtype=np.int32), 100),
        "scale": lambda m: (m.scale, np.arange(60.0), 60, 1.5),
        "list": lambda m: (m.sum, list(range(40)), 40),
        "fib": lambda m: (m.fib, 9),
        "fill": lambda m: (m.fill, 100),
        "mix": lambda m: (m.mix, (1, 2, 3, 4), 30),
        "callback": lambda m: (m.call, lambda n: n * n, 20),
    }


@pytest.mark.parametrize("name", list(_calls()))
@pytest.mark.parametrize("policy", [SOON, EAGER])
def test_calls_are_traced_alike_by_both_recorders(translated: Any, name: str, policy: Any) -> None:
    module = translated
    make = _calls()[name]
    traces = []
    for chosen in (None, policy):
        if name == "fill":
            module.globals["mine"] = 0
        traces.append(_moved(traced(target_of(*make(module)), chosen)))
    (first, expected), (second, found) = traces
    assert first == second
    assert str(expected) == str(found)


def _moved(trace: armexec.Trace) -> tuple[Any, list[str]]:
    """The result, and what doesn't depend on where the stack and arguments are."""
    assert trace.error is None
    rows = [f"{row.place.symbol} {row.text} {[(a.size, a.is_write) for a in row.memory]}" for row in trace]
    small = [(row.time, {n: v for n, v in row.registers.items() if v < 1 << 31}) for row in trace]
    return str(trace.result), [*rows, *map(str, small)]


def test_a_trace_has_columns(module: Any) -> None:
    trace = armexec.trace(module.add, 3, 4)
    assert (trace.result, trace.error, len(trace), trace.stop.reason) == (7, None, 2, "returned")
    assert trace.pc.tolist() == [trace.pc[0], trace.pc[0] + 4]
    assert trace.time.tolist() == [0, 1]
    writes = trace.registers
    assert (writes.time.tolist(), writes.register.tolist(), writes.value.tolist()) == ([0], [0], [7])
    assert writes.of("x0").value.tolist() == [7]
    assert len(trace.memory) == 0
    assert [row.text for row in trace] == ["add w0, w1, w0", "ret"]
    assert str(trace[0]).endswith("w0 = 7")
    assert trace[-1].text == "ret"
    assert trace[0].place.function == "add"
    with pytest.raises(IndexError):
        trace[2]
    with pytest.raises(armexec.LoadError, match="no register"):
        writes.of("w0")


def test_memory_has_old_and_new_values(module: Any) -> None:
    data = np.array([5, 6, 7], np.int32)
    begin = data.ctypes.data
    trace = armexec.trace(module.sum, data, 3)
    assert data.tolist() == [5, 11, 18]
    writes = trace.memory.writes
    assert writes.address.tolist() == [begin, begin + 4, begin + 8]
    assert (writes.old.tolist(), writes.new.tolist()) == ([5, 6, 7], [5, 11, 18])
    assert writes.size.tolist() == [4, 4, 4]
    reads = trace.memory.reads
    assert (reads.value.tolist(), reads.old.tolist()) == ([5, 6, 7], [5, 6, 7])
    assert len(trace.memory.at(begin + 6, 2)) == 2
    assert (trace.pc[writes.time] == writes.pc).all()


def test_wide_values_have_high_halves() -> None:
    function = armexec.function(armexec.assemble("ldr q0, [x0]; str q0, [x1]; ret"), "void(void *, void *)")
    source, target = (ctypes.c_uint64 * 2)(1, 2), (ctypes.c_uint64 * 2)(3, 4)
    trace = armexec.trace(function, source, target)
    memory = trace.memory
    assert list(zip(memory.old.tolist(), memory.old_high.tolist(), strict=True)) == [(1, 2), (3, 4)]
    assert list(zip(memory.new.tolist(), memory.new_high.tolist(), strict=True)) == [(1, 2), (1, 2)]
    assert trace.registers.of("v0").high.tolist() == [2]
    assert trace[0].registers == {"v0": 2 << 64 | 1}


@pytest.mark.parametrize("policy", [SOON, EAGER, None])
def test_a_fault_ends_the_trace(module: Any, policy: Any) -> None:
    numbers = np.zeros(30, np.int32)
    addresses = [numbers.ctypes.data + 4 * n for n in range(29)]
    pointers = np.array([*addresses, 16], np.uint64)
    trace = traced(target_of(module.store, pointers, 30), policy)
    assert isinstance(trace.error, armexec.MemoryFault)
    assert (trace.error.address, trace.result) == (16, None)
    assert trace.memory.writes.new.tolist() == list(range(29))
    assert numbers.tolist() == [*range(29), 0]
    assert trace.stop.reason == "fault"


def test_what_a_function_of_python_raises_is_the_error(module: Any) -> None:
    def fail(n: int) -> int:
        if n == 3:
            raise ValueError("three")
        return n

    trace = armexec.trace(module.call, fail, 10)
    assert isinstance(trace.error, ValueError)
    assert (trace.result, trace.stop) == (None, None)
    assert len(trace) > 10


def test_interrupts_are_raised(module: Any) -> None:
    def interrupt(n: int) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        armexec.trace(module.call, interrupt, 10)


def test_atomics_are_recorded_as_a_read_and_a_write(module: Any) -> None:
    module.globals["counter"] = 0
    trace = traced(target_of(module.count, 40), EAGER)
    assert trace.result == sum(range(40))
    assert trace.memory.writes.new.tolist()[:5] == [0, 1, 3, 6, 10]


def test_a_limit_ends_the_trace(module: Any) -> None:
    whole = armexec.trace(module.fib, 12)
    for limit in (0, 1, 17, 1000):
        trace = armexec.trace(module.fib, 12, limit=limit)
        assert (len(trace), trace.result, trace.stop.reason) == (limit, None, "instruction limit")
        assert (trace.pc == whole.pc[:limit]).all()
    with pytest.raises(armexec.SignatureError, match="limit"):
        armexec.trace(module.fib, 12, limit=-1)


def test_a_ring_keeps_the_last_instructions(module: Any) -> None:
    whole = armexec.trace(module.fib, 12)
    trace = armexec.trace(module.fib, 12, limit=100, ring=True)
    assert (len(trace), trace.first, trace.result) == (100, len(whole) - 100, 144)
    assert (trace.pc == whole.pc[-100:]).all()
    assert trace.time.tolist() == whole.time[-100:].tolist()
    assert trace.registers.value.tolist() == whole.registers.value[whole.registers.time >= trace.first].tolist()
    assert [row.time for row in trace] == trace.time.tolist()


def test_a_ring_forgets_what_is_older(monkeypatch: Any) -> None:
    from armexec.engines.recorded import records

    monkeypatch.setattr(records, "_DATA", 2 * records._LEAST * records.MOST)
    code = armexec.assemble("1: subs x0, x0, #1; b.ne 1b; ret")
    function = armexec.function(code, "long(long)")
    trace = armexec.trace(function, 400_000, limit=2000, ring=True)
    assert len(trace) == 2000
    assert trace.recording.pieces[0].first > 200_000
    assert trace.registers.of("x0").value.tolist() == list(range(998, -1, -1))
    assert trace[1].registers == {"x0": 998, "nzcv": 2}


def test_a_cpu_is_traced_to_what_stops_it() -> None:
    space = AddressSpace()
    space.map(0x1000, 0x1000, "rx", data=armexec.assemble("mov x1, #5; str x1, [x0]; brk #1").bytes)
    space.map(0x4000, 0x1000)
    cpu = armexec.Cpu(space)
    cpu.pc, cpu.x[0] = 0x1000, 0x4008
    trace = armexec.trace(cpu)
    assert (trace.stop.reason, trace.stop.immediate, cpu.pc) == ("breakpoint", 1, 0x1008)
    assert (trace.memory.address.tolist(), trace.memory.new.tolist()) == ([0x4008], [5])
    assert space.read(0x4008, 8) == (5).to_bytes(8, "little")
    with pytest.raises(armexec.SignatureError, match="takes no arguments"):
        armexec.trace(cpu, 3)


def _space_with(text: str) -> Any:
    space = AddressSpace("translated")
    code = armexec.assemble(text, address=0x1000)
    space.map(0x1000, 0x1000, "rx", data=code.bytes)
    space.map(0x4000, 0x2000)
    cpu = armexec.Cpu(space)
    cpu.pc, cpu.x[0] = 0x1000, 0x4000
    return space, cpu


LOOP = """
    mov x2, #40
    add x0, x0, #256
 1: str x2, [x0, #8]!
    ldp x3, x4, [x0, #-8]
    st1 {v0.16b, v1.16b}, [x0]
    stp q2, q3, [x0, #-16]
    swpal x2, x5, [x0]
    sub x2, x2, #1
    dc zva, x0
    cbnz x2, 1b
    brk #0
"""


@pytest.mark.parametrize("policy", [SOON, EAGER])
def test_what_blocks_leave_to_the_interpreter_is_recorded(policy: Any) -> None:
    trace = both(lambda: (_space_with(LOOP)[1],), policy)
    assert trace.stop.reason == "breakpoint"
    assert len(trace) > 300


@pytest.mark.parametrize("policy", [SOON, EAGER])
def test_a_store_of_several_over_the_edge_of_a_page_overwrites_once(policy: Any) -> None:
    text = """
        mov x2, #700
        mov x1, #0x4f00
     1: stp x1, x2, [x1], #8
        subs x2, x2, #1
        b.ne 1b
        brk #0
    """
    trace = both(lambda: (_space_with(text)[1],), policy)
    assert trace.stop.reason == "fault"


def test_hooks_are_called_and_what_they_change_is_recorded() -> None:
    def make() -> tuple[Any]:
        space, cpu = _space_with("mov x2, #30\n1: svc #1\n ldr x3, [x0]\n subs x2, x2, #1\n b.ne 1b\n brk #0")

        def answer(cpu: Any, number: int) -> None:
            cpu.x[7] = cpu.x[7] + 1

        space.hook_svc(answer)
        space.hook_read(lambda cpu, access: setattr(cpu, "sp", cpu.sp + 16), 0x4000, 0x4008)
        return (cpu,)

    trace = both(make, EAGER)
    assert trace.registers.of("x7").value.tolist() == list(range(1, 31))
    assert trace.registers.of("sp").value.tolist() == list(range(16, 31 * 16, 16))


def test_code_that_changes_is_traced_as_it_is() -> None:
    one, two = (armexec.assemble(f"mov x5, #{n}").bytes for n in (1, 2))

    def make() -> tuple[Any]:
        space, cpu = _space_with("mov x2, #30\n1: mov x5, #1\n svc #0\n subs x2, x2, #1\n b.ne 1b\n brk #0")
        space.hook_svc(lambda cpu, number: space.write(0x1004, two if cpu.x[2] & 4 else one))
        return (cpu,)

    trace = both(make, EAGER)
    assert set(trace.registers.of("x5").value.tolist()) == {1, 2}


MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) {
    char line[200];
    long total = 0;
    while (fgets(line, sizeof line, stdin)) {
        char *copy = malloc(100000 + strlen(line));
        strcpy(copy, line);
        total += atoi(copy);
        free(copy);
    }
    printf("%s: %ld\\n", argv[1], total);
    return argc;
}
"""


@needs_c
@pytest.mark.parametrize("sandbox", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_programs(sandbox: bool) -> None:
    def make() -> tuple[Any, ...]:
        lines = b"".join(b"%d\n" % n for n in range(60))
        return target_of(MAIN, ["sum"], language="c", input=lines, sandbox=sandbox)

    for policy in (SOON, None):
        trace = traced(make(), policy)
        assert trace.error is None
        assert trace.result == armexec.ProgramResult(2, 0, b"sum: 1770\n", b"")
        assert len(trace.memory) > 1000
    assert "fgets" in {row.place.function for row in trace}


def test_functions_of_sandboxes() -> None:
    with armexec.compile(SOURCE, "c", engine="translated", sandbox=True) as module:
        for policy in (EAGER, None):
            trace = traced(target_of(module.sum, [1, 2, 3] * 20, 60), policy)
            assert (trace.error, trace.result) == (None, 120)


def test_what_cant_be_traced() -> None:
    with pytest.raises(armexec.SignatureError, match="Function, a Cpu or a program"):
        armexec.trace(5)
    with armexec.compile("int one(void) { return 1; }", "c") as module:
        function = module.one
    with pytest.raises(armexec.Error, match="closed"):
        armexec.trace(function)


def test_limits_of_a_block_hold(module: Any) -> None:
    with armexec.limits(instruction_limit=1000):
        trace = armexec.trace(module.fib, 20)
    assert (len(trace), trace.stop.reason) == (1000, "instruction limit")


@pytest.mark.skipif("native" not in AVAILABLE, reason="only an AArch64 processor runs the words")
def test_functions_of_the_native_engine() -> None:
    with armexec.compile(SOURCE, "c", engine="native") as module:
        trace = armexec.trace(module.fib, 10)
        assert trace.result == 55
        assert_equal(trace, armexec.trace(module.fib, 10))
