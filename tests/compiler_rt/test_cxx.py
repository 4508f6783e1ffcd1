"""C++ without a library: virtual functions, new and delete, casts and types at run time, static variables."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from ctypes import c_int, c_long
from functools import lru_cache
from pathlib import Path

import pytest

import armexec
from armexec.module import Module
from engines import AVAILABLE

from . import libgcc
from .helpers import quick

CLASSES = Path(__file__).with_name("classes.cpp")
# Each thing that works is a bit or a digit.
WANTED = [12365, 131423111, (1 << 20) - 1, (1 << 13) - 1, (1 << 10) - 1, 331, 42, 4231]
GXX = "aarch64-linux-gnu-g++"
_ALL = [
    (engine, target, opt, compiler)
    for engine in (*AVAILABLE, "translated:O2")
    for target, compiler in (("linux", None), ("apple", None), ("linux", GXX))
    for opt in ("-O0", "-O1", "-O2", "-O3")
]
# The default run has each engine, target, level and compiler once; it is compiling and translating that take long.
_FEW = [
    ("reference", "linux", "-O0", None),
    ("reference", "apple", "-O3", None),
    ("reference", "linux", "-O1", GXX),
    ("translated:O0", "apple", "-O2", None),
]


@lru_cache(maxsize=8)
def classes(engine: str, target: str, opt: str, compiler: str | None = None) -> Module:
    if compiler is not None and shutil.which(compiler) is None:
        pytest.skip(f"{compiler} isn't installed")
    return armexec.compile(
        CLASSES.read_text(), opt=opt, target=target, engine=engine, compiler=compiler, flags="-std=c++17"
    )


@pytest.mark.parametrize(("engine", "target", "opt", "compiler"), _FEW)
def test_classes(engine: str, target: str, opt: str, compiler: str | None) -> None:
    module = classes(engine, target, opt, compiler)
    assert [module.check(i) for i in range(len(WANTED))] == WANTED


@pytest.mark.long
@pytest.mark.parametrize(("engine", "target", "opt", "compiler"), _ALL)
def test_classes_everywhere(engine: str, target: str, opt: str, compiler: str | None) -> None:
    test_classes(engine, target, opt, compiler)


def test_what_is_wanted_is_what_gcc_and_its_library_give(tmp_path: Path) -> None:
    if shutil.which(GXX) is None or shutil.which(libgcc.QEMU) is None:
        pytest.skip(f"{GXX} or {libgcc.QEMU} isn't installed")
    main = f'\n#include <stdio.h>\nint main() {{ for (int i = 0; i < {len(WANTED)}; i++) printf("%ld\\n", check(i)); }}'
    command = [GXX, "-x", "c++", "-std=c++17", "-O1", "-static", "-o", tmp_path / "classes", "-"]
    subprocess.run(command, input=(CLASSES.read_text() + main).encode(), check=True)
    done = subprocess.run([libgcc.QEMU, tmp_path / "classes"], capture_output=True, check=True)
    assert [int(line) for line in done.stdout.split()] == WANTED


FUNCTIONS = """
#include <new>
struct Shape { virtual int sides() = 0; virtual void gone() = delete; Shape() { early(); } void early(); };
struct Square : Shape { int sides() override { return 4; } void gone() = delete; };
bool calls_early;
void Shape::early() { if (calls_early) sides(); }
extern "C" int sides(int early) { calls_early = early; return Square().sides(); }

struct Fails { int value; Fails(const int *p) : value(*p) {} };
extern "C" int lazily(const int *p) { static Fails f(p); return f.value; }
extern "C" int itself(int n) { static int value = itself(n + 1); return value; }

extern "C" char *get(unsigned long n) { return (char *)operator new(n) + 1; }
extern "C" char *get_array(unsigned long n) { return new char[n] + 1; }
extern "C" void give(void *p) { operator delete(p); }
extern "C" long *longs(long n) { return new long[n] + 1; }
struct Cast { virtual ~Cast() {} };
struct Wrong { virtual ~Wrong() {} };
extern "C" int cast() { Cast c; Cast *volatile p = &c; return &dynamic_cast<Wrong &>(*p) != nullptr; }
int handled;
extern "C" void *with_handler(unsigned long n) {
    std::set_new_handler([] { handled++; std::set_new_handler(nullptr); });
    return operator new(n);
}
extern "C" int handler_calls() { return handled; }
"""
# Only for macOS: on Linux such code has the C++ library.
THROWS = """
extern "C" int throws(int x) { if (x > 3) throw x; return x; }
extern "C" int catches(int x) { try { return throws(x); } catch (...) { return -1; } }
"""


@lru_cache(maxsize=8)
def functions(engine: str, target: str = "linux") -> Module:
    source = FUNCTIONS + (THROWS if target == "apple" else "")
    return armexec.compile(source, opt="-O1", target=target, engine=quick(engine))


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_what_ends_the_program_is_named_with_its_caller(engine: str, target: str) -> None:
    m = functions(engine, target)
    assert m.sides(0) == 4
    for call, message in [
        (lambda: m.sides(1), r"a pure virtual function was called.*\(__cxa_pure_virtual\) at .*<source>:6"),
        (lambda: m.get(1 << 62), r"operator new found no memory.*\(_Znwm\) at .*\(_?get\+.*<source>:13"),
        (lambda: m.get_array(1 << 62), r"operator new found no memory.*\(_?get_array\+"),
        (lambda: m.longs(-1), r"array of a negative or too great length|operator new found no memory"),
        (lambda: m.with_handler(1 << 62), "operator new found no memory"),
        (m.cast, r"a dynamic_cast of a reference failed.*\(__cxa_bad_cast\).*\(_?cast\+"),
        (lambda: m.itself(1), "static variable's initialization needs itself"),
    ]:
        with pytest.raises(armexec.Aborted, match=message):
            call()
    assert (m.sides(0), m.handler_calls()) == (4, 1)
    if target == "apple":
        for throws in (m.throws, m.catches):
            with pytest.raises(
                armexec.Aborted, match=r"an exception was thrown: .* \(__cxa_throw\) at .*\(_?(throws|catches)\+"
            ):
                throws(4)
        assert (m.throws(3), m.catches(3)) == (3, 3)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_a_static_variable_is_tried_again_after_a_fault(engine: str) -> None:
    m = functions(engine)
    for _ in range(2):
        with pytest.raises(armexec.MemoryFault):
            m.lazily(8)
    assert m.lazily(c_int(5)) == 5
    assert m.lazily(c_int(6)) == 5


def test_a_static_variable_is_tried_again_after_a_fault_and_a_pause() -> None:
    source = """
    struct Fails { int value; Fails(const int *p) : value(*p) {} };
    extern "C" int lazily(const int *p) { static Fails f(p); return f.value; }
    extern "C" int call(int (*f)(int), int n) { return f(n); }
    """
    m = armexec.compile(source, opt="-O1", engine="translated:O0")
    # Calls inside each other have stacks of their own, which later calls could have.
    assert m.call(lambda n: m.call(lambda k: k + 1, n) + 1, 5) == 7
    for _ in range(2):
        time.sleep(0.5)
        for _ in range(2):
            with pytest.raises(armexec.MemoryFault):
                m.lazily(8)
    assert m.lazily(c_int(5)) == 5


def test_threads_make_a_static_variable_once() -> None:
    source = """
    int made, seen[8];
    struct Slow { int v; Slow(int n) { for (volatile int i = 0; i < n; i = i + 1) ; v = ++made; } };
    extern "C" int slow(int n) { static Slow s(n); return s.v; }
    """
    m = armexec.compile(source, opt="-O1", engine="translated:O0")
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(m.slow(3_000_000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1] * 4


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_static_objects_are_destroyed_when_the_module_is_closed(engine: str, target: str) -> None:
    source = """
    long *order;
    void note(int digit) { if (order) *order = *order * 10 + digit; }
    struct Noted { int digit; Noted(int d) : digit(d) {} ~Noted() { note(digit); } };
    Noted first(1), second(2);
    extern "C" void use(long *at) { order = at; static Noted third(3); }
    """
    order = (c_long * 1)()
    with armexec.compile(source, opt="-O1", target=target, engine=quick(engine)) as m:
        m.use(order)
        assert order[0] == 0
    assert order[0] == 321
    m.close()
    assert order[0] == 321


@pytest.mark.parametrize("engine", AVAILABLE)
def test_a_fault_in_a_destructor_is_raised_and_the_memory_given_back(engine: str) -> None:
    source = """
    struct Bad { int *at; ~Bad() { *at = 1; } } bad;
    extern "C" void set(int *at) { bad.at = at; }
    """
    m = armexec.compile(source, opt="-O1", engine=quick(engine))
    m.set(8)
    with pytest.raises(armexec.MemoryFault):
        m.close()
    assert m.closed
    with pytest.raises(armexec.Error, match="closed"):
        m.set(8)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_the_programs_own_operators_are_used_by_the_others(engine: str) -> None:
    source = """
    typedef unsigned long size_t;
    char room[1000]; int news, deletes;
    void *operator new(size_t n) { news++; return room; }
    void operator delete(void *p) noexcept { deletes++; }
    struct V { virtual ~V() {} };
    extern "C" int f() {
        char *volatile p = new char[3];
        delete[] p;
        V *volatile v = new V;
        delete v;
        return news * 10 + deletes;
    }
    """
    assert armexec.compile(source, opt="-O0", engine=quick(engine)).f() == 22


ENDED = """
int ask(int (*f)(int), int x) { return f(x); }
int get(int (*make)(int), int x) { static int value = make(x); return value; }
int wrong(int x) { return *(int *)(long)x; }
int right(int x) { return x + 1; }
"""


@pytest.mark.parametrize("target", ["linux", "apple"])
@pytest.mark.parametrize("engine", [name for name in AVAILABLE if name != "native"])
@pytest.mark.parametrize("error", [armexec.MemoryFault, KeyError])
@pytest.mark.parametrize("inside", [False, True])
def test_another_call_makes_a_static_variable_whose_maker_has_ended(
    engine: str, target: str, error: type[Exception], inside: bool
) -> None:
    """The stack of the call that ended is another one than that of the next."""
    m = armexec.compile(ENDED, target=target, engine=quick(engine))

    def raises(x: int) -> int:
        raise KeyError(x)

    def ends(_: int = 0) -> int:
        with pytest.raises(error):
            m.get(m.wrong if error is armexec.MemoryFault else raises, 16)
        return 7

    if inside:
        assert m.ask(ends, 1) == 7
    else:
        thread = threading.Thread(target=ends)
        thread.start()
        thread.join()
    with armexec.limits(time_limit=10):
        assert (m.get(m.right, 5), m.get(m.right, 9)) == (6, 6)
