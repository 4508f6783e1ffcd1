"""Thread-local variables of compiled code: each thread of Python has its own, in every model."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

import armexec
from armexec.objects import link
from engines import AVAILABLE

from .helpers import GCC, compiled, gcc_compiled

SOURCE = """
_Thread_local int counter = 5;
static _Thread_local long zeros[3000];
_Thread_local char aligned[16] __attribute__((aligned(256))) = {1, 2, 3};
_Thread_local int *pointer;
static int target = 9;
int bump(int n) { return counter += n; }
long bump_zero(int i) { return ++zeros[i]; }
unsigned long where(void) { return (unsigned long)aligned; }
int first(int i) { return aligned[i]++; }
int through(void) { if (!pointer) pointer = &target; return (*pointer)++; }
int *address(void) { return &counter; }
int faulting(int *p) { counter++; return *p; }
"""
FORMS: list[tuple[str, ...]] = [
    ("-O0",),
    ("-O2", "-fPIC"),
    ("-O1", "-ftls-model=initial-exec"),
    ("-O2", "-mtls-size=48"),
    ("-O1", "-mtls-size=32", "-g0"),
]
WITH_THREADS = [engine for engine in AVAILABLE if engine != "native"]


def use(m: armexec.Module) -> list[int]:
    def call(name: str, *arguments: int) -> int:
        takes = ", ".join(["int"] * len(arguments))
        return int(m[name].with_signature(f"long({takes})" if name == "where" else f"int({takes})")(*arguments))

    found = [call("bump", 1), call("bump", 2), call("bump_zero", 2999), call("bump_zero", 2999), call("bump_zero", 0)]
    return [*found, call("where") % 256, call("first", 2), call("first", 2), call("first", 9)]


@pytest.mark.parametrize("engine", WITH_THREADS)
@pytest.mark.parametrize("form", FORMS)
def test_every_model(form: tuple[str, ...], engine: str) -> None:
    opt, *flags = form
    expected = [6, 8, 1, 2, 1, 0, 3, 4, 0]
    with armexec.compile(SOURCE, "c", opt, "linux", flags, engine=engine) as m:
        through = m["through"].with_signature("int()")
        assert use(m) == expected
        found: list[object] = []
        threads = [threading.Thread(target=lambda: found.append((use(m), through()))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # What they point to is the same for all.
        assert sorted(map(str, found)) == sorted(str((expected, 9 + n)) for n in range(4))
        assert m["bump"].with_signature("int(int)")(0) == 8
    assert use(armexec.compile(SOURCE, "c", opt, "linux", flags, engine=engine)) == expected


@pytest.mark.skipif(GCC is None, reason="aarch64-linux-gnu-gcc is not installed")
@pytest.mark.parametrize("flags", [("-O1",), ("-O2", "-fPIC")])
def test_code_of_gcc(flags: tuple[str, ...]) -> None:
    with armexec.load(gcc_compiled(SOURCE, *flags), engine=WITH_THREADS[0]) as m:
        assert use(m) == [6, 8, 1, 2, 1, 0, 3, 4, 0]


@pytest.mark.parametrize("engine", WITH_THREADS)
def test_objects_share_them(engine: str) -> None:
    first = compiled("_Thread_local int shared = 3; _Thread_local char own = 1; int get(void) { return shared; }")
    second = compiled(
        "extern _Thread_local int shared; static _Thread_local long own = 7;"
        "int add(int n) { return shared += n + own; }"
    )
    with armexec.Module(link([(first, "a.o"), (second, "b.o")]), engine) as m:
        assert m["add"].with_signature("int(int)")(1) == 11
        assert m["get"].with_signature("int()")() == 11


@pytest.mark.parametrize("engine", WITH_THREADS)
def test_after_a_fault_they_are_still_there(engine: str) -> None:
    with armexec.compile(SOURCE, "c", "-O1", "linux", engine=engine) as m:
        with pytest.raises(armexec.MemoryFault):
            m.faulting(8)
        assert m.bump(0) == 6
        assert m.address() % 4 == 0


def test_a_thread_that_ends_gives_its_block_back() -> None:
    source = "_Thread_local char large[1 << 24]; int touch(void) { large[1 << 23] = 1; return large[0]; }"
    with armexec.compile(source, "c", "-O0", "linux", engine=WITH_THREADS[0]) as m:
        addresses = set()
        where = m["touch"]
        for _ in range(200):  # 3 GiB in all
            thread = threading.Thread(target=where)
            thread.start()
            thread.join()
            addresses.add(thread.ident)
        assert where() == 0


@pytest.mark.parametrize("engine", WITH_THREADS)
def test_closing_gives_the_memory_back(engine: str) -> None:
    m = armexec.compile(SOURCE, "c", "-O1", "linux", engine=engine)
    assert m.bump(1) == 6
    m["bump_zero"].with_signature("int(int)")(3)
    region = weakref.ref(m.loaded.region)  # type: ignore[attr-defined]
    m.close()
    gc.collect()
    assert region() is None
    with pytest.raises(armexec.Error, match="the module is closed"):
        m.bump(1)


def test_too_many_of_them() -> None:
    source = "_Thread_local char a[1 << 30], b[1 << 30]; char *f(void) { return a; } char *g(void) { return b; }"
    with pytest.raises(armexec.LoadError, match=r"thread-local variables take .* bytes, and each thread may have"):
        armexec.compile(source, "c", "-O1", "linux", ["-mtls-size=48"])


def test_the_native_engine_refuses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from armexec.engines.native import NativeEngine

    image = armexec.compile(SOURCE, "c", "-O1", "linux", engine="reference").image
    with pytest.raises(armexec.HostError, match="thread-local variables, which the engine 'native' can't give it"):
        NativeEngine().load(image, lambda name: None)
