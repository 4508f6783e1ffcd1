"""Sessions of calls: steps, breakpoints, watched bytes, and times."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest

import armexec
from armexec.cpu import StopReason
from engines import AVAILABLE

SOURCE = """
#include <stddef.h>
int total;
static long calls;
static __attribute__((noinline)) int square(int x) { calls++; return x * x; }
int squares(int n) {
    int s = 0;
    for (int i = 1; i <= n; i++) {
        s += square(i);
        total = s;
    }
    return s;
}
int factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }
double half(double x) { return x / 2; }
typedef struct { long a, b, c; } triple;
triple turned(triple t) { triple r = {t.b, t.c, t.a}; return r; }
int twice(int (*f)(int), int x) { return f(f(x)); }
void fill(int *p, int n) { for (int i = 0; i < n; i++) p[i] = i + 1; }
int load(int *p) { return *p; }
const char *label(void) { return "armexec"; }
long many(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j) { return i - j; }
"""


@pytest.fixture(scope="module", params=AVAILABLE)
def mod(request: pytest.FixtureRequest) -> Any:
    with armexec.compile(SOURCE, language="c", opt="-O0", flags="-g", engine=request.param) as module:
        yield module


def test_begins_before_the_first_instruction(mod: Any) -> None:
    session = armexec.debug(mod.squares, 3)
    assert session.time == 0
    assert session.result is None
    assert not session.finished
    assert session.cpu.pc == mod.squares.address
    assert session.cpu.w[0] == 3


def test_steps_to_the_result(mod: Any) -> None:
    with armexec.debug(mod.squares, 4) as session:
        count = 0
        while not session.finished:
            step = session.step()
            assert (step.begin, step.end) == (count, count + 1)
            count += 1
        assert session.result == 30
        assert session.time == count
        again = session.step(5)
        assert again.stop is not None
        assert again.stop.reason == StopReason.RETURNED
        assert (again.begin, again.end) == (count, count)


def test_a_step_tells_what_has_changed() -> None:
    code = "sub sp, sp, #16; str w0, [sp, #12]; subs w1, w0, w0; fmov d1, #1.5; add sp, sp, #16; ret"
    with armexec.debug(armexec.function(armexec.assemble(code), "int(int)"), 3) as session:
        session.step()
        stored = session.step()
        assert str(stored).split() == ["str", "w0,", "[sp,", "#12]", "[sp+12]", "←", "3"]
        (change,) = stored.memory
        assert (change.address, change.new) == (session.cpu.sp + 12, b"\3\0\0\0")
        assert [str(change) for change in session.step().registers] == ["nzcv: ZC"]
        assert [str(change) for change in session.step().registers] == ["d1: 0.0 → 1.5"]
        assert session.step(2).stop is None
        assert session.result == 3


def test_all_kinds_of_arguments(mod: Any) -> None:
    point = mod.types["triple"](a=1, b=2, c=3)
    for function, arguments in (
        (mod.half, (5.0,)),
        (mod.turned, (point,)),
        (mod.many, (1, 2, 3, 4, 5, 6, 7, 8, 90, 10)),
        (mod.label.returning(str), ()),
    ):
        with armexec.debug(function, *arguments) as session:
            session.run()
            assert session.result == function(*arguments)


def test_named_arguments_and_bad_ones(mod: Any) -> None:
    with armexec.debug(mod.squares, n=2) as session:
        session.run()
        assert session.result == 5
    with pytest.raises(armexec.SignatureError):
        armexec.debug(mod.squares)
    with pytest.raises(armexec.SignatureError):
        armexec.debug(mod.squares, 1, 2)
    with pytest.raises(armexec.SignatureError):
        armexec.debug(mod.squares, "text")
    with pytest.raises(armexec.SignatureError, match="Function, a Cpu or a program"):
        armexec.debug(print)


def test_lists_are_written_back_at_the_end(mod: Any) -> None:
    values = [0, 0, 0]
    with armexec.debug(mod.fill, values, 3) as session:
        session.run()
        assert values == [1, 2, 3]


def test_goes_to_any_time(mod: Any) -> None:
    with armexec.debug(mod.squares, 3) as session:
        states = []
        while not session.finished:
            states.append((session.cpu.save(), session.memory.read(mod.globals.address("total"), 4)))
            session.step()
        end = session.time
        for time in (end - 1, 3, 40, 0, 17, 16, 18):
            session.goto(time)
            assert session.time == time
            assert (session.cpu.save(), session.memory.read(mod.globals.address("total"), 4)) == states[time]
        session.back(5)
        assert session.time == 13
        session.back(100)
        assert session.time == 0
        session.goto(end)
        assert session.result == 14
        with pytest.raises(armexec.Error, match=f"no time {end + 1}"):
            session.goto(end + 1)


def test_stops_at_breakpoints(mod: Any) -> None:
    with armexec.debug(mod.squares, 3) as session:
        session.breakpoints.add("square")
        arguments = []
        while session.run().reason == StopReason.BREAKPOINT:
            assert session.place.function == "square"
            arguments.append(session.cpu.w[0])
        assert arguments == [1, 2, 3]
        assert session.run_back().reason == StopReason.BREAKPOINT
        assert session.cpu.w[0] == 3
        assert session.run_back().reason == StopReason.BREAKPOINT
        assert session.cpu.w[0] == 2
        session.breakpoints.clear()
        assert session.run_back().reason == StopReason.BEGIN
        assert session.time == 0
        assert session.run().reason == StopReason.RETURNED


def test_conditions(mod: Any) -> None:
    with armexec.debug(mod.squares, 5) as session:
        one = session.breakpoints.add("square", "w0 == 4")
        session.run()
        assert session.cpu.w[0] == 4
        one.remove()
        assert len(session.breakpoints) == 0
        session.goto(0)
        session.breakpoints.add(mod["square"].address, lambda s: s.cpu.w[0] == 3)
        session.run()
        assert session.cpu.w[0] == 3
        with pytest.raises(armexec.SignatureError, match="no expression"):
            session.breakpoints.add("square", "w0 =")


def test_places(mod: Any) -> None:
    line = next(n for n, text in enumerate(SOURCE.splitlines(), 1) if "total = s" in text)
    with armexec.debug(mod.squares, 3) as session:
        file = session.source.rpartition(":")[0]
        assert session.run(f"{file}:{line}").reason == StopReason.UNTIL
        assert session.source == f"{file}:{line}"
        for wrong in ("nothing_there", "other.c:3", f"{file}:10000"):
            with pytest.raises(armexec.LoadError):
                session.run(wrong)
        with pytest.raises(armexec.SignatureError):
            session.breakpoints.add(1.5)  # type: ignore[arg-type]


def test_watches_memory(mod: Any) -> None:
    with armexec.debug(mod.squares, 3) as session:
        watch = session.watch("total", 4)
        values = []
        while (stop := session.run()).reason == StopReason.WATCHPOINT:
            assert stop.address == mod.globals.address("total")
            assert stop.access == "write"
            values.append(int.from_bytes(session.memory.read(stop.address, 4), "little"))
        assert values == [1, 5, 14]
        session.run_back()
        session.step()
        assert session.last_write("total", 4) == session.time - 1
        watch.remove()
        assert session.run().reason == StopReason.RETURNED
        with pytest.raises(armexec.SignatureError):
            session.watch("total", 4, "x")


def test_last_write(mod: Any) -> None:
    with armexec.debug(mod.squares, 3) as session:
        session.run()
        time = session.last_write("total", 4)
        assert time is not None
        session.goto(time)
        assert [change.new for change in session.step().memory] == [(14).to_bytes(4, "little")]
        session.goto(time)
        before = session.last_write("total", 4)
        assert before is not None
        assert before < time
        wrote = session.last_write("w0")
        assert wrote is not None
        session.goto(wrote)
        instruction = session.instruction
        assert instruction is not None
        assert "x0" in instruction.writes
        session.goto(0)
        assert session.last_write("x0") is None
        assert session.last_write("total") is None
        with pytest.raises(armexec.LoadError):
            session.last_write("x77")


def test_calls(mod: Any) -> None:
    with armexec.debug(mod.factorial, 5) as session:
        session.run(lambda s: s.cpu.pc == mod.factorial.address and s.cpu.w[0] == 2)
        assert [frame.place.function for frame in session.backtrace] == ["factorial"] * 4
        depth = len(session.backtrace)
        session.finish()
        assert len(session.backtrace) == depth - 1
        assert session.cpu.w[0] == 2
        while session.instruction is not None and not session.instruction.text.startswith("bl"):
            session.back()
        step = session.next()
        assert step.stop is None
        assert step.end > step.begin + 1
        assert session.cpu.w[0] == 1
        session.goto(0)
        assert session.finish().reason == StopReason.RETURNED
        assert session.result == 120


def test_changes_by_hand(mod: Any) -> None:
    with armexec.debug(mod.squares, 3) as session:
        session.run("square")
        session.cpu.w[0] = 10
        session.run()
        assert session.result == 100 + 4 + 9
        session.goto(2)
        session.run()
        assert session.result == 100 + 4 + 9
        session.goto(0)
        session.cpu.w[0] = 1
        session.run()
        assert session.result == 1
        session.goto(session.last_write("total", 4) or 0)
        session.step()
        address = session.cpu.sp
        old = session.memory.read(address, 4)
        session.memory.write(address, b"\7\0\0\0")
        session.back()
        assert session.memory.read(address, 4) == old
        session.step()
        assert session.memory.read(address, 4) == b"\7\0\0\0"


def test_functions_of_python_are_called_once(mod: Any) -> None:
    calls = []

    def add(x: int) -> int:
        calls.append(x)
        return x + 10

    with armexec.debug(mod.twice, add, 1) as session:
        session.run()
        assert session.result == 21
        end = session.time
        session.goto(0)
        session.goto(end)
        assert session.result == 21
        assert calls == [1, 11]


def test_memory_that_python_writes_goes_back(mod: Any) -> None:
    total = mod.globals.address("total")

    def change(x: int) -> int:
        mod.globals["total"] += 100
        return x

    mod.globals["total"] = 0
    with armexec.debug(mod.squares, 1) as before:
        before.run()
    with armexec.debug(mod.twice, change, 1) as session:
        session.run(lambda s: s.instruction is not None and s.instruction.text.startswith("blr"))
        session.memory.write(total, b"\1\0\0\0")
        session.run()
        assert mod.globals["total"] == 201
        session.goto(0)
        assert mod.globals["total"] == 1
        session.run()
        assert mod.globals["total"] == 201


def test_exceptions_of_python_pass_and_the_time_stays(mod: Any) -> None:
    def fail(x: int) -> int:
        raise ValueError(x)

    with armexec.debug(mod.twice, fail, 1) as session:
        with pytest.raises(ValueError, match="1"):
            session.run()
        time = session.time
        with pytest.raises(ValueError, match="1"):
            session.step()
        assert session.time == time
        session.back()
        assert session.time == time - 1


def test_faults_are_told_and_not_raised(mod: Any) -> None:
    with armexec.debug(mod.load, None) as session:
        stop = session.run()
        assert stop.reason == StopReason.FAULT
        assert isinstance(session.error, armexec.MemoryFault)
        assert session.error.address == 0
        assert session.error.pc == session.cpu.pc
        time = session.time
        assert session.step().stop is not None
        assert session.time == time
        session.back()
        assert session.error is None
        assert session.step().stop is None


def test_other_ends() -> None:
    for code, kind in (
        ("nop; brk #7", armexec.BreakpointHit),
        ("nop; .word 0", armexec.IllegalInstruction),
        ("nop; svc #0", armexec.SystemCallDenied),
        ("nop; br xzr", armexec.MemoryFault),
    ):
        function = armexec.function(armexec.assemble(code), "int(int)")
        with armexec.debug(function, 3) as session:
            session.run()
            assert isinstance(session.error, kind)
            assert session.time == (2 if "br xzr" in code else 1)


def test_limits() -> None:
    endless = armexec.function(armexec.assemble("1: add x0, x0, #1; b 1b"), "long(long)")
    with armexec.debug(endless, 0) as session:
        with armexec.limits(instruction_limit=1001):
            assert session.run().reason == StopReason.INSTRUCTION_LIMIT
        assert session.time == 1001
        with armexec.limits(time_limit=0.05):
            assert session.run().reason == StopReason.TIME_LIMIT
        assert session.cpu.x[0] == (session.time + 1) // 2


def test_the_past_is_within_no_limits(mod: Any) -> None:
    with armexec.debug(mod.squares, 3) as session:
        session.watch("total", 4)
        first = session.run()
        session.step(5)
        now = session.time
        with armexec.limits(time_limit=0.001, instruction_limit=1):
            time.sleep(0.002)
            stop = session.run_back()
            assert (stop.reason, stop.address) == (StopReason.WATCHPOINT, first.address)
            assert session.time == first.instructions - 1
            assert session.run() == first
            session.goto(now)
            assert session.run().reason == StopReason.TIME_LIMIT
            assert session.time == now


def test_going_back_uses_up_no_limit() -> None:
    endless = armexec.function(armexec.assemble("1: add x0, x0, #1; b 1b"), "long(long)")
    with armexec.debug(endless, 0) as session:
        session.step(500)
        with armexec.limits(instruction_limit=300):
            session.step(100)
            session.back(1)
            session.run_back()
            assert session.run().reason == StopReason.INSTRUCTION_LIMIT
        assert session.time == 800


def test_going_back_where_memory_has_changed() -> None:
    module = armexec.compile("static long a = 5; long *p = &a; long fn(void) { return *p; }", "c", engine="translated")
    with armexec.debug(module.fn) as session:
        session.run()
        module.globals["p"] = 0
        with pytest.raises(armexec.Error, match="time 2 can't be left once more"):
            session.run_back(lambda session: False)


def test_closed(mod: Any) -> None:
    session = armexec.debug(mod.squares, 3)
    session.close()
    session.close()
    with pytest.raises(armexec.Error, match="closed"):
        session.step()
    assert "closed" in repr(session)
    with pytest.raises(TypeError):
        copy.deepcopy(session)


def test_the_module_may_be_dropped() -> None:
    session = armexec.debug(armexec.compile("int fn(int x) { return x + 1; }").fn, 3)
    session.run()
    assert session.result == 4


def test_replaced_functions() -> None:
    text = "__attribute__((noinline)) int g(int x) { return x + 1; } int f(int x) { return g(x) * 2; }"
    for engine in AVAILABLE:
        with armexec.compile(text, language="c", opt="-O0", engine=engine) as mod:
            mod.replace("g", lambda x: x + 100)
            with armexec.debug(mod.f, 1) as session:
                session.run()
                assert session.result == mod.f(1) == 202
