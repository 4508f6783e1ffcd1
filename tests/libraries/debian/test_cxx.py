"""libstdc++, and a library that throws and catches with it."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.objects.helpers import ZIG

import armexec

from .combinations import combinations

pytestmark = pytest.mark.slow

STRING = "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE"
# Declared here, since there are no headers of libstdc++.
SOURCE = """
namespace std {
class exception { public: virtual ~exception(); virtual const char *what() const noexcept; };
class logic_error : public exception { void *text; public: ~logic_error(); const char *what() const noexcept; };
class out_of_range : public logic_error { public: ~out_of_range(); };
void __throw_out_of_range(const char *);
struct ios_base { struct Init { Init(); ~Init(); }; };
extern struct basic_ostream cout;
}
static std::ios_base::Init streams;
extern "C" {
void *print_text(void *, const char *) asm("_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc");
void *print_number(void *, int) asm("_ZNSolsEi");
void prints(int);
int destroyed;
const char *caught_text(int);
int caught(int), calls_back(int (*)(int), int), of_each_thread(void);
}
struct Counted { ~Counted() { destroyed++; } };
static void thrower(int x) {
    Counted counted;
    if (x < 0) throw x;
    if (x > 9) std::__throw_out_of_range("more than nine");
}
int caught(int x) {
    try {
        thrower(x);
    } catch (int value) {
        return value;
    } catch (const std::exception &) {
        return 1000;
    }
    return 0;
}
const char *caught_text(int x) {
    static char text[100];
    try {
        thrower(x);
    } catch (const std::out_of_range &error) {
        const char *from = error.what();
        for (int i = 0; i < 99 && (text[i] = from[i]); i++);
    }
    return text;
}
void prints(int x) { print_text(print_number(print_text(&std::cout, "the number is "), x), "\\n"); }
int uncaught(int x) { thrower(x); return x; }
int calls_back(int (*f)(int), int x) { Counted counted; return f(x) + 1; }
thread_local int count = 40;
int of_each_thread(void) { return ++count; }
"""


@pytest.fixture(scope="module")
def thrower(library: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, linked with Debian's."""
    folder = tmp_path_factory.mktemp("cxx")
    (folder / "l.cpp").write_text(SOURCE)
    command = [ZIG, "c++", "-target", "aarch64-linux-gnu", "-shared", "-fPIC", "-O1", "-g", "-w", "-fno-sanitize=all"]
    command += ["-nostdlib", "-nostdlib++", "-nostdinc++", "l.cpp", "-o", "libthrower.so"]
    command += [str(library(name)) for name in ("libstdc++.so.6", "libgcc_s.so.1", "libc.so.6")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "libthrower.so"


@pytest.fixture(scope="module", params=combinations(("reference", "own"), ("reference", "glibc")))
def m(request: pytest.FixtureRequest, thrower: Path, search: Callable[[str], list[Path]]) -> armexec.Module:
    engine, c_library = request.param
    return armexec.load(thrower, search=search(c_library), engine=engine)


@pytest.mark.slow
def test_exceptions_are_caught(m: armexec.Module) -> None:
    before = m.globals["destroyed"]
    assert [m.caught(x) for x in (3, -7, 12)] == [0, -7, 1000]
    assert m.globals["destroyed"] == before + 3
    assert m.caught_text.returning(str)(10) == "more than nine"


@pytest.mark.slow
def test_an_exception_that_nobody_catches(m: armexec.Module) -> None:
    with pytest.raises(armexec.Aborted, match="signal 6"):
        m["uncaught(int)"](11)
    assert m.caught(-1) == -1


def test_exceptions_of_python_pass_through(m: armexec.Module) -> None:
    problem = ValueError("of Python's")

    def raises(x: int) -> int:
        raise problem

    assert m.calls_back(lambda x: 2 * x, 20) == 41
    with pytest.raises(ValueError, match="of Python's") as caught:
        m.calls_back(raises, 1)
    assert caught.value is problem


def test_thread_local_variables(m: armexec.Module) -> None:
    assert [m.of_each_thread() for _ in range(3)] == [41, 42, 43]


def test_streams(m: armexec.Module, capsys: pytest.CaptureFixture[str]) -> None:
    m.prints(-12)
    assert capsys.readouterr().out == "the number is -12\n"


def test_strings_by_linkage_name(m: armexec.Module) -> None:
    """A std::string of 32 bytes: address, size, and 16 bytes of room for short texts."""
    append = m[f"{STRING}9_M_appendEPKcm"].with_signature("void *(void *, const char *, unsigned long)")
    compare = m[f"{STRING.replace('_ZN', '_ZNK', 1)}7compareEPKc"].with_signature("int(const void *, const char *)")
    reserve = m[f"{STRING}7reserveEm"].with_signature("void(void *, unsigned long)")
    dispose = m[f"{STRING}10_M_disposeEv"].with_signature("void(void *)")
    text = (ctypes.c_uint64 * 4)()
    text[0] = ctypes.addressof(text) + 16
    for _ in range(5):
        append(text, "a long text, ", 13)
    assert ctypes.string_at(text[0], text[1]) == b"a long text, " * 5
    assert text[0] != ctypes.addressof(text) + 16
    assert compare(text, "a long text, " * 5) == 0
    assert compare(text, "b") < 0
    reserve(text, 1000)
    assert text[2] >= 1000
    dispose(text)
