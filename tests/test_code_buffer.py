"""Code that is written while programs run: by the guest and by Python, into memory that is lent to the guest."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import armexec
from engines import AVAILABLE, needs_processes

ENGINES = [*(name for name in AVAILABLE if name != "native"), "translated:O0"]
BASE = r"""
typedef unsigned word;
typedef int function(int);
int call(function *fn, int x) { return fn(x); }
void put(word *place, const word *words, int count) {
    for (int i = 0; i < count; i++) place[i] = words[i];
    __builtin___clear_cache((char *)place, (char *)(place + count));
}
int put_and_call(word *place, const word *words, int count, int x) {
    put(place, words, count);
    return ((function *)place)(x);
}
/* Calls of many functions, which are all at one address. */
long many(word *place, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
        const word words[] = {0x52800001u | i << 5, 0x1b017c00u, 0xd65f03c0u}; /* mov w1, #i; mul w0, w0, w1; ret */
        if (put_and_call(place, words, 3, 3) != 3 * i) return -i - 1;
        sum += 3 * i;
    }
    return sum;
}
"""


@pytest.fixture(params=[*ENGINES, "all translated"], scope="module")
def mod(request: pytest.FixtureRequest) -> armexec.Module:
    """ "translated" interprets at first what was written."""
    if request.param != "all translated":
        return armexec.compile(BASE, "c", engine=str(request.param))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMEXEC_DISABLE", "cold-interpretation")
        return armexec.compile(BASE, "c", engine="translated")


def words(text: str) -> list[int]:
    return list(armexec.assemble(text).words)


def data(text: str) -> bytes:
    return armexec.assemble(text).bytes


def test_the_guest_writes_code_and_calls_it(mod: armexec.Module) -> None:
    with armexec.CodeBuffer(4096) as code:
        for add in (1, 2, 3):
            made = words(f"add w0, w0, #{add}; ret")
            assert mod.put_and_call(code, made, len(made), 40) == 40 + add


def test_python_writes_code_and_the_guest_calls_it(mod: armexec.Module) -> None:
    with armexec.CodeBuffer(data("add w0, w0, #1; ret")) as code:
        assert mod.call(code, 2) == 3
    with armexec.CodeBuffer(64) as code:
        for add in (1, 2):
            code.write(0, data(f"add w0, w0, #{add}; ret"))
            assert mod.call(code, 2) == 2 + add
        code.write(8, data("mov w0, #9; ret"))
        assert mod.call(int(code) + 8, 2) == 9
        assert mod.call(code, 2) == 4


def test_memory_of_any_kind(mod: armexec.Module) -> None:
    for memory in (np.zeros(16, np.uint32), (ctypes.c_uint32 * 16)(), bytearray(64)):
        view = memoryview(memory).cast("B")
        with armexec.CodeBuffer(memory) as code:
            for value in (5, 6):
                view[:8] = data(f"mov w0, #{value}; ret")
                code.clear_cache()
                assert mod.call(code, 0) == value
            assert code.read(4, 4) == data("ret")


def test_what_is_no_code_buffer_isnt_executed(mod: armexec.Module) -> None:
    memory = np.array(words("mov w0, #1; ret"), np.uint32)
    with pytest.raises(armexec.MemoryFault) as caught:
        mod.call(memory.ctypes.data, 0)
    assert (caught.value.access, caught.value.address) == ("execute", memory.ctypes.data)
    with armexec.CodeBuffer(memory) as code:
        assert mod.call(code, 0) == 1
    with pytest.raises(armexec.MemoryFault):
        mod.call(memory.ctypes.data, 0)
    made = armexec.CodeBuffer(memory)
    assert mod.call(made, 0) == 1
    del made, code
    gc.collect()
    with pytest.raises(armexec.MemoryFault):
        mod.call(memory.ctypes.data, 0)


def test_faults_in_written_code_tell_the_instruction(mod: armexec.Module) -> None:
    with armexec.CodeBuffer(data("mov x1, #0x1000; ldr w0, [x1]; ret")) as code:
        with pytest.raises(armexec.MemoryFault) as caught:
            mod.call(code, 0)
        assert (caught.value.pc, caught.value.address) == (code.address + 4, 0x1000)
        assert caught.value.instruction == "ldr w0, [x1]"
    with armexec.CodeBuffer(data("nop; brk #7")) as code:
        with pytest.raises(armexec.BreakpointHit) as hit:
            mod.call(code, 0)
        assert hit.value.pc == code.address + 4
    with armexec.CodeBuffer(data("nop; udf #1")) as code, pytest.raises(armexec.IllegalInstruction):
        mod.call(code, 0)
    # The end of the memory.
    with armexec.CodeBuffer(data("nop")) as code:
        with pytest.raises(armexec.MemoryFault) as ended:
            mod.call(code, 0)
        assert (ended.value.access, ended.value.address) == ("execute", code.address + 4)
    with armexec.CodeBuffer(data("svc #0; ret")) as code, pytest.raises(armexec.SystemCallDenied):
        mod.call(code, 0)


def test_many_functions_at_one_address(mod: armexec.Module) -> None:
    with armexec.CodeBuffer(4096) as code:
        assert mod.many(code, 100) == 3 * 99 * 50


@pytest.mark.long
def test_a_thousand_functions_need_little_memory() -> None:
    mod = armexec.compile(BASE, "c", engine="translated")
    with armexec.CodeBuffer(4096) as code:
        mod.many(code, 300)
        before = _resident()
        assert mod.many(code, 1300) == 3 * 1299 * 650
        assert _resident() - before < 60 << 20


def _resident() -> int:
    fields = Path("/proc/self/statm").read_text().split() if sys.platform == "linux" else ["0", "0"]
    return int(fields[1]) * 4096


CHANGES_ITSELF = r"""
        stp     x29, x30, [sp, #-16]!
        adr     x0, changed
        movz    w1, #0x0120             // mov w0, #9
        movk    w1, #0x5280, lsl #16
        str     w1, [x0]
        dc      cvau, x0
        dsb     ish
        ic      ivau, x0
        dsb     ish
        isb
changed:
        mov     w0, #1
        ldp     x29, x30, [sp], #16
        ret
"""


def test_code_that_changes_what_follows_in_the_same_function(mod: armexec.Module) -> None:
    with armexec.CodeBuffer(256) as code:
        code.write(0, data(CHANGES_ITSELF))
        assert [mod.call(code, 0) for _ in range(3)] == [9, 9, 9]
        code.write(0, data(CHANGES_ITSELF))
        assert mod.call(code, 0) == 9


CHANGES_ITS_CALLER = r"""
word *own, *other;
/* Many functions come and go, and so does the caller. */
int churn(int count) {
    for (int i = 0; i < count; i++) {
        const word words[] = {0x52800001u | i << 5, 0x1b017c00u, 0xd65f03c0u};
        if (put_and_call(other, words, 3, 3) != 3 * i) return -1;
        const word add[] = {0x11000000u | i << 10}; /* add w0, w0, #i */
        put(own, add, 1);
    }
    return 1000;
}
int change(word *place, word value) {
    *place = value;
    __builtin___clear_cache((char *)place, (char *)(place + 1));
    return 5;
}
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_code_that_has_its_callee_change_it(engine: str) -> None:
    mod = armexec.compile(BASE + CHANGES_ITS_CALLER, "c", engine=engine)
    text = """
        stp x29, x30, [sp, #-32]!
        str w19, [sp, #16]
        mov w19, #7
        adr x0, changed
        movz w1, #0x0260        // add w0, w19, w0, lsl #2
        movk w1, #0x0b00, lsl #16
        orr w1, w1, #0x800
        ldr x9, target
        blr x9
changed:
        mov w0, #1
        ldr w19, [sp, #16]
        ldp x29, x30, [sp], #32
        ret
        .balign 8
target: .quad 0
    """
    with armexec.CodeBuffer(256) as code:
        content = data(text)
        code.write(0, content)
        code.write(len(content) - 8, mod.change.address.to_bytes(8, "little"))
        assert [mod.call(code, 0) for _ in range(3)] == [27, 27, 27]


@pytest.mark.parametrize("engine", ENGINES)
def test_old_code_on_the_stack_isnt_freed(engine: str) -> None:
    mod = armexec.compile(BASE + CHANGES_ITS_CALLER, "c", engine=engine)
    text = """
        stp x29, x30, [sp, #-16]!
        ldr x9, churn
        blr x9
        add w0, w0, #1
        ldp x29, x30, [sp], #16
        ret
        .balign 8
    churn: .quad 0
    """
    content = data(text)
    with armexec.CodeBuffer(256) as code, armexec.CodeBuffer(4096) as other:
        mod.globals["own"], mod.globals["other"] = code.address + 12, other.address
        for count in (100, 80, 100):
            code.write(0, content[:-8] + mod.churn.address.to_bytes(8, "little"))
            assert mod.call(code, count) == 1000 + count - 1


def test_written_functions_call_each_other(mod: armexec.Module) -> None:
    """The caller stays, and what it calls directly is changed: the call isn't bound to the old one."""
    with armexec.CodeBuffer(4096) as code:
        caller = "stp x29, x30, [sp, #-16]!; bl callee; add w0, w0, #100; ldp x29, x30, [sp], #16; ret; callee: "
        code.write(0, data(caller + "add w0, w0, #1; ret"))
        assert [mod.call(code, 5) for _ in range(3)] == [106, 106, 106]
        place = code.address + 20
        for add in (2, 3, 4):
            made = words(f"add w0, w0, #{add}; ret")
            assert mod.put_and_call(place, made, 2, 5) == 5 + add
            assert mod.call(code, 5) == 105 + add


def test_loops_recursion_and_calls_back(mod: armexec.Module) -> None:
    fibonacci = """
    fib: cmp w0, #2
        b.lt 1f
        stp x29, x30, [sp, #-32]!
        stp x19, x20, [sp, #16]
        mov w19, w0
        sub w0, w0, #1
        bl fib
        mov w20, w0
        sub w0, w19, #2
        bl fib
        add w0, w0, w20
        ldp x19, x20, [sp, #16]
        ldp x29, x30, [sp], #32
    1:  ret
    """
    depth = 8 if mod.engine == "reference" else 20
    expected = [0, 1]
    while len(expected) <= depth:
        expected.append(sum(expected[-2:]))
    with armexec.CodeBuffer(4096) as code:
        code.write(0, data(fibonacci))
        assert mod.call(code, depth) == expected[depth]
        code.write(0, data("mov w1, #0; 1: add w1, w1, w0; subs w0, w0, #1; b.ne 1b; mov w0, w1; ret"))
        assert mod.call(code, 1000) == 500500


SLOT, SLOTS = 8, 6
"""Words of a function, and how many there are: several are in one line of the cache."""


class _Slots:
    """Functions next to each other, and what they compute."""

    def __init__(self, mod: armexec.Module, code: armexec.CodeBuffer) -> None:
        self.mod, self.code = mod, code
        self.functions: list[tuple[str, int, int]] = []
        for at in range(SLOTS):
            self.functions.append(("add", 0, 0))
            self.write(at, ("add", at, 0), by_guest=False)

    def write(self, at: int, function: tuple[str, int, int], *, by_guest: bool) -> None:
        """Those that go on in another one go on in one behind them."""
        kind, value, other = function
        target = at + 1 + other % max(SLOTS - at - 1, 1)
        if target == SLOTS and kind in ("call", "jump"):
            kind = "add"
        distance = 4 * SLOT * (target - at)
        text = {
            "add": f"add w0, w0, #{value}; ret",
            "loop": f"mov w1, #{other + 1}; 1: add w0, w0, #{value}; subs w1, w1, #1; b.ne 1b; ret",
            "jump": f"add w0, w0, #{value}; b .+{distance - 4}",
            "call": f"stp x29, x30, [sp, #-16]!; bl .+{distance - 4}; add w0, w0, #{value};"
            " ldp x29, x30, [sp], #16; ret",
        }[kind]
        self.functions[at] = kind, value, other + 1 if kind == "loop" else target
        if by_guest:
            made = words(text)
            self.mod.put(self.code.address + 4 * SLOT * at, made, len(made))
        else:
            self.code.write(4 * SLOT * at, data(text))

    def call(self, at: int, x: int) -> int:
        result: int = self.mod.call(self.code.address + 4 * SLOT * at, x)
        return result

    def expected(self, at: int, x: int) -> int:
        kind, value, other = self.functions[at]
        if kind == "loop":
            return x + value * other
        return x + value + (self.expected(other, 0) if kind in ("call", "jump") else 0)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, SLOTS - 1),
            st.sampled_from(["add", "loop", "jump", "call"]),
            st.integers(0, 4095),
            st.integers(0, 400),
            st.booleans(),
            st.lists(st.integers(0, SLOTS - 1), max_size=4),
        ),
        max_size=8,
    )
)
def test_the_newest_code_runs(mod: armexec.Module, steps: list[tuple[int, str, int, int, bool, list[int]]]) -> None:
    with armexec.CodeBuffer(4 * SLOT * SLOTS) as code:
        slots = _Slots(mod, code)
        for at, kind, value, other, by_guest, called in steps:
            slots.write(at, (kind, value, other % 8 if mod.engine == "reference" else other), by_guest=by_guest)
            for place in called:
                assert slots.call(place, 7) == slots.expected(place, 7)


def test_code_over_several_pages(mod: armexec.Module) -> None:
    count = 6000
    with armexec.CodeBuffer(4 * count + 64) as code:
        code.write(0, data("add w0, w0, #1\n" * count + "ret"))
        assert mod.call(code, 1) == count + 1
        code.write(4 * (count - 1), data("add w0, w0, #5"))
        assert mod.call(code, 1) == count + 5


def test_floating_point_and_its_flags() -> None:
    """Code that reads FPSR, and numbers that aren't."""
    for engine in ENGINES:
        mod = armexec.compile("double call(double (*fn)(double), double x) { return fn(x); }", "c", engine=engine)
        with armexec.CodeBuffer(64) as code:
            code.write(0, data("fdiv d0, d0, d0; ret"))
            assert mod.call(code, 2.0) == 1.0
            assert str(mod.call(code, 0.0)) == "nan"
            code.write(0, data("msr fpsr, xzr; fmov d1, xzr; fdiv d0, d0, d1; mrs x0, fpsr; scvtf d0, x0; ret"))
            assert mod.call(code, 1.0) == 2.0  # DZC


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "reference"])
def test_a_thread_in_code_that_is_changed_goes_on(engine: str) -> None:
    mod = armexec.compile(
        BASE
        + """
        int spin(function *fn, volatile int *stop) {
            int sum = 0;
            while (!*stop) sum = fn(sum & 0xff);
            return sum;
        }
        """,
        "c",
        engine=engine,
    )
    stop = np.zeros(1, np.int32)
    results: list[int] = []
    with armexec.CodeBuffer(4096) as code:
        code.write(0, data("add w0, w0, #1; ret"))
        threads = [threading.Thread(target=lambda: results.append(mod.spin(code, stop))) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for i in range(60):
                made = words(f"mov w0, #{i + 1000}; ret")
                assert mod.put_and_call(code, made, 2, 0) == i + 1000
        finally:
            stop[0] = 1
            for thread in threads:
                thread.join(30)
        assert len(results) == 2
        assert all(1000 <= result < 1060 or result <= 256 for result in results)


def _close(code: armexec.CodeBuffer, x: int) -> int:
    code.close()
    return x


def test_code_that_removes_itself_while_it_runs() -> None:
    """A function of Python that it calls closes the buffer."""
    for engine in ENGINES:
        mod = armexec.compile(BASE, "c", engine=engine)
        code = armexec.CodeBuffer(256)
        closer = armexec.callback(partial(_close, code), "int(int)", engine=engine.partition(":")[0])
        text = "stp x29, x30, [sp, #-16]!; ldr x9, there; blr x9; ldp x29, x30, [sp], #16; ret; .balign 8; there: "
        code.write(0, data(text + f".quad {closer.address}"))
        with pytest.raises(armexec.MemoryFault) as caught:
            mod.call(code, 1)
        assert (caught.value.access, caught.value.address) == ("execute", code.address + 12)


def test_what_a_code_buffer_refuses() -> None:
    for wrong in (0, -1, True, "text", 1.5, np.zeros((4, 4), np.uint32).T[1:], b"", 1 << 60, np.zeros(9, "b")[1:]):
        with pytest.raises(armexec.LoadError):
            armexec.CodeBuffer(wrong)  # type: ignore[arg-type]
    with armexec.CodeBuffer(64) as code:
        assert len(code) == 64
        assert "64 bytes" in repr(code)
        for begin, end in ((-4, 4), (0, 65), (8, 4)):
            with pytest.raises(armexec.LoadError):
                code.clear_cache(begin, end)
        with pytest.raises(armexec.LoadError, match="has none"):
            code.write(60, bytes(8))
    assert code.closed
    assert "closed" in repr(code)
    memory = np.zeros(16, np.uint32)
    with armexec.CodeBuffer(memory), pytest.raises(armexec.LoadError, match="another"):
        armexec.CodeBuffer(memory[4:8])
    with armexec.CodeBuffer(bytes(8)) as constant, pytest.raises(armexec.LoadError, match="changed"):
        constant.write(0, bytes(4))


@needs_processes
def test_no_page_of_the_host_is_executable() -> None:
    from armexec.memory import process_map

    mod = armexec.compile(BASE, "c", engine="translated")
    with armexec.CodeBuffer(4096) as code:
        made = words("mov w0, #1; ret")
        assert mod.put_and_call(code, made, 2, 0) == 1
        entry = next(e for e in process_map() if e.start <= code.address < e.end)
        assert "x" not in str(entry.protection)
