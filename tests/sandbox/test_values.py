"""What Python passes into a sandbox, and what comes out of it."""

from __future__ import annotations

import array
import ctypes
import gc
import threading
import weakref

import numpy as np
import pytest

import armexec
from armexec.engines.translated import settle

TEXT = """
typedef struct { long a, b, c; } big;
typedef struct { double x; const int *p; } holder;
int table[4] = {1, 2, 3, 4};
const char *name = "hello";
int *inner = table + 1;
holder held;
static _Thread_local int mine = 7;
int bump(void) { return ++mine; }
long sum(const int *p, int n) { long s = 0; for (int i = 0; i < n; i++) s += p[i]; return s; }
void scale(double *p, int n, double by) { for (int i = 0; i < n; i++) p[i] *= by; }
void both(int *to, const int *from, int n) { for (int i = 0; i < n; i++) to[i] += from[i]; }
big twice(big b) { b.a *= 2; b.b *= 2; b.c *= 2; return b; }
void change(big *b) { b->b = 50; }
long length(const char *s) { long n = 0; while (s[n]) n++; return n; }
long apply(long (*f)(long), long x) { return f(x) + 1; }
int ask(int (*f)(const int *, big), int v) { big b = {v, v + 1, v + 2}; return f(&v, b); }
int *give(int *(*f)(void)) { return f(); }
int first(const int *p) { return *p; }
int *where(void) { return table; }
const char *named(void) { return name; }
int many(int a, int b, int c, int d, int e, int f, int g, int h, int i, long j) { return a + b + h + 10 * i + 100 * j; }
int use(const holder *h) { return *h->p; }
int use_held(void) { return *held.p; }
int pick(const int *const *rows, int i, int j) { return rows[i][j]; }
long extern_add(long, long);
long outside(long a) { return extern_add(a, 1); }
"""


@pytest.fixture(scope="module")
def mod() -> armexec.Module:
    return armexec.compile(TEXT, "c", opt="-O1", sandbox=True, imports={"extern_add": lambda a, b: a + b})


def test_arrays_are_copied_in_and_back(mod: armexec.Module) -> None:
    assert mod.sum(np.arange(10, dtype=np.int32), 10) == 45
    assert (
        mod.sum(array.array("i", [1, 2, 3]), 3) == mod.sum([1, 2, 3], 3) == mod.sum((ctypes.c_int * 3)(1, 2, 3), 3) == 6
    )
    values = np.ones(5)
    mod.scale(values, 5, 3.0)
    assert values.tolist() == [3.0] * 5
    mod.scale(values[1:3], 2, 2.0)
    assert values.tolist() == [3.0, 6.0, 6.0, 3.0, 3.0]
    listed = [1.0, 2.0]
    mod.scale(listed, 2, 2.0)
    assert listed == [2.0, 4.0]
    large = np.ones(1_000_000)
    mod.scale(large, 1_000_000, 2.0)
    assert large.sum() == 2_000_000
    assert mod.sum(np.empty(0, np.int32), 0) == 0


def test_an_array_that_is_passed_twice_is_one(mod: armexec.Module) -> None:
    values = np.arange(6, dtype=np.int32)
    mod.both(values, values, 6)
    assert values.tolist() == [0, 2, 4, 6, 8, 10]
    mod.both(values, values[1:4], 3)
    assert values[:3].tolist() == [2, 6, 10]
    with pytest.raises(armexec.SignatureError, match="overlaps with another argument"):
        mod.both(values[:4], values[2:], 4)


def test_copies_come_back_after_a_fault_too(mod: armexec.Module) -> None:
    values = np.ones(4)
    with pytest.raises(armexec.MemoryFault):
        mod.scale(values, 1 << 30, 2.0)
    assert values.tolist() == [2.0] * 4


def test_arrays_of_the_sandbox_are_not_copied(mod: armexec.Module) -> None:
    values = mod.empty((2, 3), np.int32)
    values[:] = 5
    assert values.shape == (2, 3)
    assert mod.sum(values, 6) == 30
    mod.globals["held"].p = values
    assert mod.use_held() == 5
    values[0, 0] = 9
    assert mod.use_held() == 9
    assert mod.give(lambda: values) == int(mod.globals["held"].p)
    assert mod.empty(3).dtype == np.float64
    assert mod.empty(0).size == 0
    with pytest.raises(armexec.Error, match="objects of Python"):
        mod.empty(3, object)
    with pytest.raises(armexec.Error):
        mod.empty(-1)
    with pytest.raises(armexec.Error):
        mod.empty(1 << 50, "u1")
    with pytest.raises(armexec.HostError, match="left of its 4 GiB"):
        mod.empty(1 << 33, "u1")


def test_calls_are_the_same_without_ctypes(mod: armexec.Module) -> None:
    outside, inside = np.arange(6, dtype=np.int32), mod.empty(6, np.int32)
    inside[:] = range(6)
    for _ in range(2):
        for _ in range(4):
            assert mod.sum(outside, 6) == mod.sum(inside, 6) == mod.sum(mod.where() - 0, 0) + 15 == 15
            assert mod.sum(inside[2:], 4) == 14
            assert mod.sum(None, 0) == 0
            with pytest.raises(armexec.SignatureError):
                mod.sum(inside[::2], 3)
            with pytest.raises(armexec.SignatureError):
                mod.sum(mod.empty(6, np.float32), 6)
            with pytest.raises(armexec.MemoryFault):
                mod.sum(outside.ctypes.data, 6)
        settle(10.0)


def test_memory_is_given_back(mod: armexec.Module) -> None:
    for _ in range(64):
        assert mod.empty(1 << 28, "u1").size == 1 << 28
        gc.collect()


def test_an_array_outlives_its_module() -> None:
    module = armexec.compile("int table[4] = {1, 2, 3, 4};", "c", sandbox=True)
    values, table = module.empty(4), module.globals["table"]
    module.close()
    del module
    gc.collect()
    values[:] = 3
    assert values.sum() == 12
    assert table.tolist() == [1, 2, 3, 4]


def test_structs_text_and_functions(mod: armexec.Module) -> None:
    assert mod.twice((1, 2, 3)) == mod.types["big"](2, 4, 6)
    value = mod.types["big"](1, 2, 3)
    mod.change(value)
    assert value.b == 50
    assert mod.length("text") == 4
    assert mod.length(b"bytes\0") == 5
    assert mod.apply(lambda x: 2 * x, 20) == 41
    assert mod.outside(4) == 5
    assert mod.many(*range(10)) == 988
    assert mod.use({"x": 1.0, "p": np.array([42], np.int32)}) == 42
    assert mod.named.returning(str)() == "hello"

    def asked(p: armexec.GuestPointer, b: object) -> int:
        assert repr(p).startswith("<const int * 0x")
        return p[0] + b.c  # type: ignore[attr-defined]

    assert mod.ask(asked, 5) == 12
    with pytest.raises(ZeroDivisionError):
        mod.apply(lambda x: x // 0, 1)


def test_pointers_are_addresses_of_the_sandbox(mod: armexec.Module) -> None:
    place = mod.where()
    assert place == mod.globals.address("table") < 1 << 32
    assert mod.sum(place, 4) == 10
    assert mod.globals["inner"][0] == 2
    assert mod.globals["inner"].array(3).tolist() == [2, 3, 4]
    mod.globals["inner"][2] = 44
    assert mod.globals["table"].tolist() == [1, 2, 3, 44]
    mod.globals["table"][3] = 4


def test_thread_local_variables(mod: armexec.Module) -> None:
    seen = []
    before = mod.bump()
    thread = threading.Thread(target=lambda: seen.append(mod.bump()))
    thread.start()
    thread.join()
    assert seen == [8]
    assert mod.bump() == before + 1


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda mod: setattr(mod.globals["held"], "p", np.zeros(3, "i4")), "outside of the sandbox"),
        (lambda mod: mod.globals.__setitem__("inner", np.zeros(3, "i4")), "outside of the sandbox"),
        (lambda mod: mod.use(mod.types["holder"](x=1.0, p=np.zeros(3, "i4"))), "outside of the sandbox"),
        (lambda mod: mod.first(ctypes.pointer(ctypes.c_int(5))), "points out of the sandbox"),
        (lambda mod: mod.sum(np.zeros(4, np.float32), 4), "float"),
        (lambda mod: mod.scale(b"12345678", 1, 2.0), "const"),
    ],
)
def test_what_cant_be_passed_is_refused(mod: armexec.Module, attempt: object, message: str) -> None:
    with pytest.raises(armexec.SignatureError, match=message):
        attempt(mod)  # type: ignore[operator]


def test_code_of_others_is_called_by_python(mod: armexec.Module) -> None:
    other = armexec.compile("long half(long x) { return x / 2; }", "c", engine="translated")
    inside = armexec.compile("long third(long x) { return x / 3; }", "c", sandbox=True)
    callback = armexec.callback(lambda x: -x, "long(long)", engine="translated")
    assert [mod.apply(f, 30) for f in (other.half, inside.third, callback)] == [16, 11, -29]
    user = "long extern_add(long, long); long f(long a) { return extern_add(a, 2); }"
    adder = armexec.compile("long extern_add(long a, long b) { return a + b; }", "c", sandbox=True)
    assert armexec.compile(user, "c", sandbox=True, imports={"extern_add": adder.extern_add}).f(3) == 5
    assert armexec.compile(user, "c", engine="translated", imports={"extern_add": adder.extern_add}).f(3) == 5
    for sandbox in (True, False):
        with pytest.raises(armexec.LoadError, match="can't reach it"):
            armexec.compile(user, "c", sandbox=sandbox, engine="translated", imports={"extern_add": adder})
    mod.replace("first", lambda p: p[0] + 1000)
    assert mod.first([5]) == 5


def test_engines_without_sandboxes_refuse() -> None:
    for engine in ("reference", "native"):
        with pytest.raises(armexec.HostError):
            armexec.function("ret", "void()", sandbox=True, engine=engine)
    with pytest.raises(armexec.SignatureError, match="sandbox is True or False"):
        armexec.function("ret", "void()", sandbox=1)  # type: ignore[arg-type]


def test_many_sandboxes() -> None:
    functions = [armexec.function("add x0, x0, x1; ret", "long(long, long)", sandbox=True) for _ in range(40)]
    assert [f(n, 1) for n, f in enumerate(functions)] == [n + 1 for n in range(40)]


def test_a_sandbox_goes_with_what_uses_it() -> None:
    function = armexec.function("ldr w0, [x0]; ret", "int(const int *)", sandbox=True)
    array_in_it = function.module.empty(4, np.int32)
    assert function([5]) == 5
    settle(10.0)
    assert function.sandbox is not None
    reference = weakref.ref(function.sandbox.memory)
    del function
    gc.collect()
    assert reference() is not None
    array_in_it[:] = 1
    del array_in_it
    gc.collect()
    assert reference() is None


def test_time_limits_and_threads() -> None:
    mod = armexec.compile(
        'void spin(void) { for (;;) __asm__ volatile(""); } int one(void) { return 1; }', "c", sandbox=True
    )
    with armexec.limits(time_limit=0.1), pytest.raises(armexec.TimeLimitExceeded):
        mod.spin()
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(mod.one())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1] * 8


def test_programs_run_in_sandboxes() -> None:
    text = (
        "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
        "int main(int argc, char **argv) { char *p = malloc(1 << 20); memset(p, 'x', 1 << 20);"
        ' printf("%d %s %c %s", argc, argv[1], p[1 << 19], getenv("NAME")); return 3; }'
    )
    result = armexec.run(text, ["hello"], language="c", environment={"NAME": "value"}, sandbox=True)
    assert (result.status, result.text) == (3, "2 hello x value")
    mod = armexec.compile(
        "#include <stdio.h>\n#include <stdlib.h>\n"
        'char *make(int n) { char *s = malloc(64); sprintf(s, "<%d>", n); return s; }',
        "c",
        sandbox=True,
    )
    assert mod.make.returning(str)(12) == "<12>"


def test_limits_of_memory_and_stacks() -> None:
    text = "void *malloc(unsigned long); int f(unsigned long n) { return malloc(n) != 0; }"
    mod = armexec.compile(text, "c", sandbox=True, memory_limit=1 << 20)
    assert [mod.f(size) for size in (100, 1 << 24)] == [1, 0]
    deep = armexec.compile(
        "long f(long n) { volatile long a[64]; a[0] = n; return n ? f(n - 1) + a[0] : 0; }", "c", sandbox=True
    )
    assert deep.f(1000) == 500500
    with armexec.limits(stack_size=1 << 16), pytest.raises(armexec.StackOverflow):
        deep.f(1000)
    assert deep.f(1000) == 500500
