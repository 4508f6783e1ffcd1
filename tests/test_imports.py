"""What undefined symbols stand for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import armexec
from engines import AVAILABLE, needs_processes

CALLEE = "long square(long x) { return x * x; } long base = 7; const long *where(void) { return &base; }"
CALLER = """
extern long square(long);
extern long base;
long f(long x) { return square(x) + base; }
long (*pointer(void))(long) { return square; }
"""


@pytest.fixture(scope="module", params=[name for name in AVAILABLE if name != "native"])
def callee(request: pytest.FixtureRequest) -> armexec.Module:
    return armexec.compile(CALLEE, "c", "-O1", engine=request.param)


def test_functions_and_modules(callee: armexec.Module) -> None:
    caller = armexec.compile(
        CALLER, "c", "-O1", engine=callee.engine, imports={"square": callee.square, "base": callee}
    )
    assert caller.f(5) == 32
    assert caller.pointer() == callee.square.address
    assert caller.missing == {}


def test_addresses(callee: armexec.Module) -> None:
    given = {"square": callee.square.address, "base": callee.where()}
    assert armexec.compile(CALLER, "c", "-O1", engine=callee.engine, imports=given).f(6) == 43


def test_assembly_and_objects(callee: armexec.Module) -> None:
    text = "f: stp x29, x30, [sp, #-16]!; bl square; add x0, x0, #1; ldp x29, x30, [sp], #16; ret"
    imports = {"square": callee}
    assert armexec.function(text, "long f(long)", engine=callee.engine, imports=imports)(9) == 82
    code = armexec.assemble(text)
    assert armexec.load(code.object(), engine=callee.engine, imports=imports)["f"].with_signature("long(long)")(3) == 10


def test_they_live_as_long_as_what_uses_them(callee: armexec.Module) -> None:
    def make() -> armexec.Function:
        own = armexec.compile(CALLEE, "c", "-O1", engine=callee.engine)
        return armexec.compile(CALLER, "c", "-O1", engine=callee.engine, imports={"square": own, "base": own}).f

    f = make()
    assert f(5) == 32


def test_what_is_missing(callee: armexec.Module) -> None:
    text = CALLER + "extern long other(void); long g(void) { return other() + 1; } long h(void) { return other() + 2; }"
    caller = armexec.compile(text, "c", "-O1", engine=callee.engine, imports={"square": callee})
    assert caller.missing == {"base": ["f"], "other": ["g", "h"]}
    with pytest.raises(armexec.UndefinedSymbol, match=r"symbol other is called by g.*\(nor base\)"):
        caller.g()


def test_compiler_rt_gives_way(callee: armexec.Module) -> None:
    text = (
        "void *memcpy(void *, const void *, unsigned long); long f(char *a, long n) { return (long)memcpy(a, a, n); }"
    )
    flags = "-fno-builtin"
    imports = {"memcpy": armexec.compile("long g(long a, long b, long n) { return n; }", "c", engine=callee.engine).g}
    assert armexec.compile(text, "c", flags=flags, engine=callee.engine, imports=imports).f(bytearray(9), 9) == 9


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x", "a function, a callable, a module or an address, not 'x'"),
        (-1, "-0x1, which is no address"),
        (1 << 64, "which is no address"),
        (1.5, "not 1.5"),
        (None, "not None"),
    ],
)
def test_wrong_imports(value: object, message: str) -> None:
    with pytest.raises(armexec.LoadError, match=message):
        armexec.compile(CALLER, "c", engine="reference", imports={"square": value})  # type: ignore[dict-item]


def test_modules_of_another_engine() -> None:
    callee = armexec.compile(CALLEE, "c", engine="translated")
    with pytest.raises(armexec.LoadError, match=r"'square' is code of the engine 'translated'.* for 'reference'"):
        armexec.compile(CALLER, "c", engine="reference", imports={"square": callee})
    other = armexec.compile("int other;", "c", engine="reference")
    with pytest.raises(armexec.LoadError, match="no symbol 'square'"):
        armexec.compile(CALLER, "c", engine="reference", imports={"square": other})


@needs_processes
@pytest.mark.slow
def test_kept_translations_know_no_addresses() -> None:
    code = f"""
import armexec
callee = armexec.compile({CALLEE!r}, "c", "-O1", engine="translated")
caller = armexec.compile({CALLER!r}, "c", "-O1", engine="translated", imports={{"square": callee, "base": callee}})
print(caller.f(5))
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout == "32\n", done.stderr


@pytest.mark.parametrize("engine", AVAILABLE)
def test_a_fault_in_another_modules_function_is_told_as_its_own(engine: str) -> None:
    with armexec.compile("int load(int *p) { return *p; }", "c", "-O1", engine=engine) as inner:
        source = "int load(int *); int outer(int *p) { return load(p) + 1; }"
        with armexec.compile(source, "c", "-O1", engine=engine, imports={"load": inner.load}) as outer:
            with pytest.raises(armexec.MemoryFault) as caught:
                outer.outer(24)
            assert caught.value.symbol.partition("+")[0] == "load"
            assert caught.value.pc == inner.load.address
