"""Shared libraries with their dependencies: bound in ELF's order, initialized, called by name and by offset."""

from __future__ import annotations

import ctypes
import subprocess
import threading
from pathlib import Path

import pytest

import armexec
from armexec.objects import load_image
from armexec.objects.dynamic.read import read_library
from engines import AVAILABLE

from ..helpers import ZIG, compiled
from .libraries import gcc_shared, shared

WITH_THREADS = [engine for engine in AVAILABLE if engine != "native"]


def refused(file: object, **options: object) -> str:
    with pytest.raises(armexec.LoadError) as caught:
        armexec.load(file, **options)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_libraries_that_need_each_other(folder: Path, engine: str) -> None:
    with armexec.load("liba.so", search=[folder], engine=engine) as m:
        assert m.calls_other(3) == 33
        assert [m.through_table(i, 2) for i in range(3)] == [23, 1002, 20]
        assert m.calls_shared_name() == 7
        assert m.calls_optional(5) == -5


@pytest.mark.parametrize("engine", AVAILABLE)
def test_the_first_definition_wins(folder: Path, engine: str) -> None:
    with armexec.load(folder / "liba.so", search=[folder], engine=engine) as m:
        assert (m.calls_both(), m["second_calls_both"].with_signature("int()")()) == (1, 1)


def test_symbolic_libraries_use_their_own(folder: Path, tmp_path: Path) -> None:
    symbolic = "extern int both(void); int second(void) { return both(); }"
    shared(tmp_path, "libs.so", "int both(void) { return 2; }" + symbolic, "-Wl,-Bsymbolic")
    shared(
        tmp_path,
        "libu.so",
        "extern int second(void); int both(void) { return 1; } int f(void) {return second();}",
        "libs.so",
    )
    with armexec.load(tmp_path / "libu.so", search=tmp_path) as m:
        assert m["f"].with_signature("int()")() == 2


@pytest.mark.parametrize("engine", AVAILABLE)
def test_initializers_and_finalizers(folder: Path, engine: str) -> None:
    ended = (ctypes.c_int * 1)(5)
    with armexec.load("liba.so", search=folder, engine=engine) as m:
        log = ctypes.c_int.from_address(m.events_address())
        second = ctypes.c_int.from_address(m.events_address() + 4)
        # liba needs libb, so that is first, although it needs liba too.
        assert (log.value, second.value) == (2, 1)
        m.tell_end(ended)
    assert ended[0] == 105


def test_the_functions_are_those_of_the_library(folder: Path) -> None:
    with armexec.load("liba.so", search=folder) as m:
        names = [function.name for function in m.functions]
        assert "calls_other" in names
        assert not {"other", "shared_name"} & set(names)
        assert "other" not in dir(m)
        # But they are found, as dlsym finds them.
        assert m["other"].prototype is None or m["other"].name == "other"
        assert m["other"].with_signature("int(int)")(1) == 12
        assert m.calls_other.signature == "int calls_other(int x)"
        assert "ret" in m.calls_other.disassembly


def test_functions_by_offset(folder: Path) -> None:
    with armexec.load("liba.so", search=folder) as m:
        offset = m.called_back.offset
        assert m.at(offset, "int(int)")(7) == 70
        assert m.at(offset, "int(int)").name == "called_back"
        assert m.at(offset + 4, "long(long)").name.endswith(f"liba.so+{offset + 4:#x}")
        for wrong, why in [(offset + 2, "no multiple of 4"), (1 << 40, "there is no code"), (-4, "there is no code")]:
            with pytest.raises(armexec.LoadError, match=why):
                m.at(wrong, "int(int)")
        with pytest.raises(armexec.LoadError, match="an offset is an int"):
            m.at("f", "int(int)")  # type: ignore[arg-type]
        with pytest.raises(armexec.SignatureError):
            m.at(offset, "no prototype")


def test_missing_symbols(folder: Path) -> None:
    with armexec.load("liba.so", search=folder) as m:
        path = str(folder / "liba.so")
        assert dict(m.image.missing_symbols) == {"missing": (path,), "missing_too": (path,)}
        with pytest.raises(armexec.UndefinedSymbol, match=r"missing is called by liba\.so: .*nor missing_too"):
            m.calls_missing(1)


def test_calls_of_missing_symbols_can_leave(folder: Path) -> None:
    """Where the processor itself runs the code, the stub of such a call branches to where it is told."""
    image = armexec.load("liba.so", search=folder).image
    base, leave = 0x4000_0000, 0x7777_0000
    assert image.missing.are_executed
    contents = dict(image.place(base, lambda name: None, leave))
    (stub, *others) = sorted(image.missing.stubs)
    found = [image.missing.at(offset) for offset in (stub, *others)]
    assert sorted(missing.symbol.name for missing in found if missing is not None) == ["missing", "missing_too"]
    segment = max(offset for offset in contents if offset <= stub)
    code = contents[segment][stub - segment :]
    branch = armexec.disassemble(int.from_bytes(code[:4], "little"), address=stub)[0]
    assert branch.mnemonic == "bl"
    assert leave.to_bytes(8, "little") in code
    # The pointer in the library's table is the stub's address.
    assert any((base + stub).to_bytes(8, "little") in data for data in contents.values())


def test_missing_libraries(folder: Path, tmp_path: Path) -> None:
    assert "liba.so needs lib" in (message := refused(folder / "liba.so"))
    assert "and no folder was given to look for it" in message
    (tmp_path / "libleaf.so").write_bytes((folder / "libleaf.so").read_bytes())
    message = refused(folder / "liba.so", search=[tmp_path])
    assert f"liba.so needs libb.so, which isn't in {tmp_path}" in message
    (tmp_path / "libb.so").write_bytes((folder / "libb.so").read_bytes()[:1200])
    assert "libb.so" in (message := refused(folder / "liba.so", search=[tmp_path]))
    assert "(needed by " in message
    assert "search is a list of folders, not int 5" in refused(folder / "liba.so", search=5)
    assert "no such file" in refused("libnothing.so", search=[tmp_path]).lower()


def test_the_system_has_no_say(tmp_path: Path) -> None:
    shared(tmp_path, "libz.so.1", "int f(void) { return 1; }")
    shared(tmp_path, "liba.so", "extern int f(void); int g(void) { return f(); }", "libz.so.1")
    (tmp_path / "libz.so.1").unlink()
    assert "needs libz.so.1" in refused(tmp_path / "liba.so")


def test_paths_of_dependencies_are_names(tmp_path: Path) -> None:
    """A library may have been linked to another by its path, which means nothing here."""
    (tmp_path / "host").mkdir()
    (tmp_path / "guest").mkdir()
    where = tmp_path / "host" / "libq.so"
    shared(tmp_path / "host", "libq.so", "int f(void) { return 1; }", f"-Wl,-soname,{where}")
    user = shared(tmp_path, "liba.so", "extern int f(void); int g(void) { return f(); }", "host/libq.so")
    assert read_library(user.read_bytes(), "liba.so").needed == (str(where),)
    assert f"needs {where}" in refused(user)
    shared(tmp_path / "guest", "libq.so", "int f(void) { return 2; }")
    with armexec.load(user, search=tmp_path / "guest") as m:
        assert m["g"].with_signature("int()")() == 2


def test_folders_relative_to_the_library(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    shared(tmp_path / "below", "libx.so", "int f(void) { return 4; }")
    source = "extern int f(void); int g(void) { return f(); }"
    shared(tmp_path, "liby.so", source, "below/libx.so", "-Wl,-rpath,$ORIGIN/below:/usr/lib")
    with armexec.load(tmp_path / "liby.so") as m:
        assert m["g"].with_signature("int()")() == 4


def test_without_dependencies_an_image_can_be_looked_at(folder: Path) -> None:
    image = load_image((folder / "liba.so").read_bytes(), "liba.so")
    assert "other" in image.missing_symbols
    with pytest.raises(armexec.LoadError, match="no symbol 'other'"):
        image.find("other")


@pytest.mark.parametrize("engine", AVAILABLE)
def test_versions(tmp_path: Path, engine: str) -> None:
    (tmp_path / "v").write_text("ONE { global: f; local: *; };\nTWO { global: f; } ONE;\n")
    source = """
    int f_one(void) { return 1; } int f_two(void) { return 2; }
    __asm__(".symver f_one, f@ONE"); __asm__(".symver f_two, f@@TWO");
    """
    shared(tmp_path, "libv.so", source, "-Wl,--version-script=v")
    user = 'extern int f(void), old(void); __asm__(".symver old, f@ONE"); int g(void) { return 10 * old() + f(); }'
    shared(tmp_path, "libu.so", user, "libv.so")
    with armexec.load("libu.so", search=tmp_path, engine=engine) as m:
        assert m["g"].with_signature("int()")() == 12
    with armexec.load("libv.so", search=tmp_path, engine=engine) as m:
        values = [m[name].with_signature("int()")() for name in ("f", "f@TWO", "f@@TWO", "f@ONE")]
        assert values == [2, 2, 2, 1]
        assert len([f for f in m.functions if f.name == "f"]) == 1


INDIRECT = """
static int calls;
static int seven(int x) { return x * 7; }
static int eight(int x) { return x * 8; }
int which = 1;
static void *resolve(void) { calls++; return which ? seven : eight; }
int chosen(int) __attribute__((ifunc("resolve")));
static int own(int) __attribute__((ifunc("resolve")));
int call(int x) { return chosen(x); }
int call_own(int x) { return own(x); }
int resolved(void) { return calls; }
int (*pointer)(int) = chosen;
int through(int x) { return pointer(x); }
"""


@pytest.mark.parametrize("engine", AVAILABLE)
def test_indirect_functions(tmp_path: Path, engine: str) -> None:
    shared(tmp_path, "libi.so", INDIRECT, target="gnu")
    shared(tmp_path, "libj.so", "extern int chosen(int); int user(int x) { return chosen(x); }", "libi.so")
    with armexec.load("libj.so", search=tmp_path, engine=engine) as m:
        calls = [m[f].with_signature("int(int)") for f in ("user", "chosen", "call", "call_own", "through", "user")]
        assert [call(3) for call in calls] == [21] * 6
        # One resolver, which has been asked once.
        assert m["resolved"].with_signature("int()")() == 1


THREADS = """
__thread int counter = 5;
static __thread long zeros[30];
extern __thread int theirs;
__thread char aligned[16] __attribute__((aligned(128))) = {1, 2, 3};
int bump(int n) { return counter += n; }
long bump_zero(int i) { return ++zeros[i]; }
int their(int n) { return theirs += n; }
unsigned long where(void) { return (unsigned long)aligned; }
int first(int i) { return aligned[i]++; }
int *address(void) { return &counter; }
"""


@pytest.mark.parametrize("engine", WITH_THREADS)
@pytest.mark.parametrize("flags", [(), ("-ftls-model=initial-exec",), ("-O0",)])
def test_thread_local_variables(tmp_path: Path, engine: str, flags: tuple[str, ...]) -> None:
    shared(tmp_path, "libt.so", "__thread int theirs = 70; __thread short more = 3;")
    shared(tmp_path, "libs.so", THREADS, "libt.so", "-g", *flags)
    with armexec.load("libs.so", search=tmp_path, engine=engine) as m:

        def all_of_them() -> list[int]:
            return [
                m.bump(1), m.bump(2), m.bump_zero(7), m.bump_zero(7), m.their(1), m.their(1),
                m.where() % 128, m.first(2), m.first(2), m.first(9),
            ]  # fmt: skip

        expected = [6, 8, 1, 2, 71, 72, 0, 3, 4, 0]
        found: list[object] = []
        assert all_of_them() == expected
        for _ in range(3):
            thread = threading.Thread(target=lambda: found.append((all_of_them(), m.address())))
            thread.start()
            thread.join()
        assert [values for values, _ in found] == [expected] * 3  # type: ignore[misc]
        assert m.bump(0) == 8
        assert m.address() not in [address for _, address in found]  # type: ignore[misc]


def test_thread_local_variables_by_a_function_call(tmp_path: Path) -> None:
    source = "__thread int zero, counter = 41; static __thread int own = 5;"
    source += "int get(void) { return ++counter + zero++; } int get_own(void) { return own++; }"
    (tmp_path / "libg.so").write_bytes(gcc_shared(source, "-mtls-dialect=trad"))
    with armexec.load("libg.so", search=tmp_path, engine=WITH_THREADS[0]) as m:
        get, get_own = (m[name].with_signature("int()") for name in ("get", "get_own"))
        assert (get(), get(), get_own(), get_own()) == (42, 44, 5, 6)


def test_a_thread_local_variable_that_no_library_has(tmp_path: Path) -> None:
    shared(tmp_path, "liba.so", "extern __thread int far; int get(void) { return far; }")
    message = refused(tmp_path / "liba.so")
    assert "no library defines the thread-local variable far, which " in message
    assert "liba.so uses" in message


@pytest.mark.parametrize("engine", WITH_THREADS)
def test_errno_is_there(tmp_path: Path, engine: str) -> None:
    source = "int *__errno_location(void); int set(int x) { *__errno_location() = x; return 0; }"
    source += "extern __thread int errno; int get(void) { return errno; }"
    shared(tmp_path, "libe.so", source, "-g")
    with armexec.load("libe.so", search=tmp_path, engine=engine) as m:
        assert m.get() == 0
        m.set(34)
        assert m.get() == 34


def test_pages_are_read_only_after_the_relocation(tmp_path: Path) -> None:
    source = "int f(int x) { return x; } int (*const p[])(int) = {f}; void set(void **q) { *q = 0; }"
    source += "void **where(void) { return (void **)p; } int data = 3; int *variable(void) { return &data; }"
    for size in (4096, 16384, 65536):
        shared(tmp_path, "libr.so", source, f"-Wl,-z,max-page-size={size}", "-g")
        with armexec.load("libr.so", search=tmp_path) as m:
            m.set(m.variable())
            with pytest.raises(armexec.MemoryFault, match="can't write"):
                m.set(m.where())


def test_hosts_with_larger_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armexec.engines.loading.page_size", lambda: 16384)
    source = "int f(int x) { return x + 1; } int (*const p[])(int) = {f}; int n = 4; int g(int i) { return p[i](n++); }"
    path = shared(tmp_path, "libs.so", source, "-Wl,-z,max-page-size=4096", "-g")
    message = refused(path)
    assert (
        "it has code and variables in one page of this host, of 16 KiB: link it with -z max-page-size=16384" in message
    )
    for size in ("max-page-size=16384", "max-page-size=65536"):
        shared(tmp_path, "libs.so", source, f"-Wl,-z,{size}", "-g")
        with armexec.load(path) as m:
            assert (m.g(0), m.g(0)) == (5, 6)
            protections = {step.protection for step in m.memory_steps if step.protection is not None}
            assert not any(protection.writable_and_executable for protection in protections)


def test_packed_relative_relocations(tmp_path: Path) -> None:
    numbers = ", ".join(f"&v[{i}]" for i in range(200))
    source = f"static int v[200] = {{[7] = 70, [150] = 1500}}; int *volatile p[] = {{0, {numbers}, 0, &v[7]}};"
    source += "int get(int i) { return *p[i]; }"
    (tmp_path / "in.o").write_bytes(compiled(source, "-fPIC"))
    command = [ZIG, "ld.lld", "-shared", "--pack-dyn-relocs=relr", "in.o", "-o", "librelr.so"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    library = read_library((tmp_path / "librelr.so").read_bytes(), "librelr.so")
    found = [r.address for r in library.relocations if r.type == 1027]
    assert [address - found[0] for address in found] == [*range(0, 1600, 8), 1608]
    with armexec.load(tmp_path / "librelr.so") as m:
        get = m["get"].with_signature("int(int)")
        assert [get(i) for i in (8, 151, 200, 202)] == [70, 1500, 0, 70]


def test_compiler_rt_stands_in(tmp_path: Path) -> None:
    source = "void *memcpy(void *, const void *, unsigned long); double f(double x) { return x; }"
    source += "long double g(double x) { return x; } double h(double x) { return (double)(g(x) * g(x)); }"
    source += "int copied(int *a, int *b) { memcpy(a, b, 4000); return a[999]; }"
    shared(tmp_path, "libc.so.6", "int own = 1;")
    path = shared(tmp_path, "liba.so", source, "libc.so.6", "-g")
    (tmp_path / "libc.so.6").unlink()
    with armexec.load(path) as m:
        assert m.h(1.5) == 2.25
        assert m.copied([0] * 1000, list(range(1000))) == 999
        assert not m.image.missing_symbols


def test_several_modules_of_a_library_share_nothing(folder: Path) -> None:
    with armexec.load("liba.so", search=folder) as first, armexec.load("liba.so", search=folder) as second:
        assert first.events_address() != second.events_address()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("-pie", "-Wl,-e,f"), "a program, not a shared library"),
        (("-static", "-Wl,-e,f"), "an executable"),
    ],
)
def test_programs_are_refused(tmp_path: Path, flags: tuple[str, ...], message: str) -> None:
    (tmp_path / "p.c").write_text("int f(void) { return 1; }")
    command = [ZIG, "cc", "-target", "aarch64-linux-musl", "-nostdlib", "p.c", "-o", "p", *flags]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert message in refused(tmp_path / "p")


def test_libraries_are_not_linked_with_objects(folder: Path) -> None:
    message = refused([folder / "libleaf.so", folder / "liba.so"])
    assert "a shared library, which isn't linked with other files: load it by itself" in message


@pytest.mark.parametrize("engine", ["translated", "reference"])
def test_in_an_address_space(folder: Path, engine: str) -> None:
    space = armexec.AddressSpace(engine)
    image = armexec.load("liba.so", search=folder).image
    placed = space.load(image)
    cpu = armexec.Cpu(space)
    cpu.sp = space.map(0x7000_0000, 0x10000, "rw") + 0x10000
    cpu.pc, cpu.x[0], cpu.x[30] = placed["calls_other"], 3, 0x1234_5678
    cpu.run(until=0x1234_5678)
    assert cpu.x[0] == 33
