"""C++ exceptions that leave functions which Python calls."""

from __future__ import annotations

import copy
import pickle
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any

import pytest

import armexec
from armexec.engines.translated import settle
from armexec.libraries import link_program
from armexec.machines.traps import EXIT
from armexec.objects import read_part
from armexec.toolchain import compile_object

from .guest import needs_cxx

pytestmark = needs_cxx
ENGINES = pytest.mark.parametrize("engine", ["translated:O0", pytest.param("reference", marks=pytest.mark.long)])

SOURCE = r"""
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>
static int alive;
struct Guard { Guard() { alive++; } ~Guard() { alive--; } };
static void deep(int n) {
    Guard guard;
    if (n) deep(n - 1);
    throw std::out_of_range("too large");
}
namespace ns {
template <class T> struct Templated : std::runtime_error {
    using std::runtime_error::runtime_error;
    ~Templated() { alive += 100; }
};
struct First { virtual ~First() {} int x = 7; };
struct Second : First, std::logic_error {
    Second() : std::logic_error("base") {}
    const char *what() const noexcept override { return "own"; }
};
struct Plain { int x; };
}
struct Touchy { void (*f)(); ~Touchy() { f(); } };
struct Late { void (*f)(); ~Late() noexcept(false) { f(); } };
extern "C" {
int living() { int n = alive; alive = 0; return n; }
int on_their_way() { return std::uncaught_exceptions(); }
int has_current() { return std::current_exception() != nullptr; }
int lets_out(int x) { Guard guard; if (x > 3) deep(x); return x; }
void throw_int() { throw 42; }
void throw_bool() { throw true; }
void throw_char() { throw 'a'; }
void throw_unsigned_long() { throw ~0ul; }
void throw_float() { throw 0.5f; }
void throw_double() { throw 2.5; }
void throw_text() { throw "text"; }
void throw_string() { throw std::string("short"); }
void throw_long_string() { throw std::string(1000, 'x'); }
void throw_plain() { throw ns::Plain{1}; }
void throw_pointer() { static int x; throw &x; }
void throw_null() { throw nullptr; }
void throw_templated() { throw ns::Templated<int>("templated"); }
void throw_second() { throw ns::Second(); }
void throw_local() { struct Here {}; throw Here(); }
void throw_bytes() { throw std::runtime_error("\xff\xfe"); }
void throw_again() { try { throw 5; } catch (int) { throw; } }
void throw_kept() {
    std::exception_ptr kept;
    try { throw std::range_error("kept"); } catch (...) { kept = std::current_exception(); }
    std::rethrow_exception(kept);
}
void throw_by_library(int i) { std::vector<int> v(3); v.at(i) = 1; }
void *throw_no_memory() { void *p = ::operator new(1ul << 62); alive = 0; return p; }
void promise() noexcept { throw 1; }
int with_stack(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j) { if (a) throw j; return j; }
long double in_frame(long double x) { if (x < 0) throw std::domain_error("negative"); return x; }
int call(int (*f)(int), int x) { Guard guard; try { return f(x); } catch (std::exception &) { return -1; } }
int call_while_caught(int (*f)(int), int x) { try { throw 1; } catch (int) { return f(x); } }
int picky(int);
int call_import_while_caught(int x) { try { throw 1; } catch (int) { return picky(x); } }
int call_while_unwinding(void (*f)()) { try { Touchy t{f}; throw 1; } catch (int) { return 7; } }
void call_late(void (*f)()) { Late late{f}; }
void through();
asm(".globl through\n.type through, %function\nthrough: stp x29, x30, [sp, #-16]!\nbl throw_int\n"
    "ldp x29, x30, [sp], #16\nret\n.size through, . - through");
int catches_beyond() { try { through(); } catch (...) { return 1; } return 0; }
int call_late_inside(void (*f)()) { try { Late late{f}; } catch (std::exception &) { return 3; } return 4; }
}
"""


@pytest.fixture(scope="module", params=["translated:O0", pytest.param("reference", marks=pytest.mark.long)])
def module(request: pytest.FixtureRequest) -> Iterator[armexec.Module]:
    picky = armexec.callback(lambda x: {0: 5}[x], "int(int)", engine=request.param)
    with armexec.compile(SOURCE, opt="-O1", target="linux", engine=request.param, imports={"picky": picky}) as made:
        yield made


def thrown(function: Any, *arguments: Any) -> armexec.GuestException:
    with pytest.raises(armexec.GuestException) as caught:
        function(*arguments)
    return caught.value


def test_it_tells_type_text_and_place(module: armexec.Module) -> None:
    error = thrown(module.lets_out, 5)
    assert isinstance(error, armexec.ExecutionError)
    assert (error.type, error.what, error.value) == ("std::out_of_range", "too large", None)
    assert str(error).startswith("C++ exception std::out_of_range: too large, thrown at 0x")
    assert error.symbol.startswith("_ZL4deepi+")
    line = 1 + next(n for n, text in enumerate(SOURCE.splitlines()) if "too large" in text)
    assert error.source == f"<source>:{line}"
    assert error.__notes__[-1].startswith("called from lets_out, <source>:")
    # All of the seven objects were destroyed.
    assert (module.living(), module.on_their_way(), module.has_current()) == (0, 0, 0)
    assert module.lets_out(3) == 3


def test_it_can_be_copied_and_pickled(module: armexec.Module) -> None:
    error = thrown(module.lets_out, 4)
    for made in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (str(made), made.type, made.what, made.pc) == (str(error), error.type, error.what, error.pc)


@pytest.mark.parametrize(
    ("name", "type", "what", "value"),
    [
        ("int", "int", None, 42),
        ("bool", "bool", None, True),
        ("char", "char", None, ord("a")),
        ("unsigned_long", "unsigned long", None, 2**64 - 1),
        ("float", "float", None, 0.5),
        ("double", "double", None, 2.5),
        ("text", "char const*", None, "text"),
        ("string", "std::string", None, "short"),
        ("long_string", "std::string", None, "x" * 1000),
        ("plain", "ns::Plain", None, None),
        ("pointer", "int*", None, None),
        ("null", "std::nullptr_t", None, None),
        ("templated", "ns::Templated<int>", "templated", None),
        ("second", "ns::Second", "own", None),
        ("local", "throw_local::Here", None, None),
        ("bytes", "std::runtime_error", "\\xff\\xfe", None),
        ("again", "int", None, 5),
        ("kept", "std::range_error", "kept", None),
        ("no_memory", "std::bad_alloc", "std::bad_alloc", None),
    ],
)
def test_types_and_values(module: armexec.Module, name: str, type: str, what: str | None, value: object) -> None:
    module.living()
    error = thrown(module[f"throw_{name}"])
    assert (error.type, error.what, error.value) == (type, what, value)
    assert error.symbol.startswith(f"throw_{name}+")
    # The exception itself was destroyed, once.
    assert module.living() == (100 if name == "templated" else 0)


def test_the_place_is_in_the_authors_code(module: armexec.Module) -> None:
    error = thrown(module.throw_by_library, 7)
    assert error.type == "std::out_of_range"
    assert error.symbol.startswith("throw_by_library+")


def test_calls_of_every_kind(module: armexec.Module) -> None:
    assert thrown(module.with_stack, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10).value == 10
    assert module.with_stack(0, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 10
    assert thrown(module.in_frame, -1).what == "negative"
    assert module.in_frame(1.5) == 1.5


def test_inside_a_callback(module: armexec.Module) -> None:
    module.living()
    caught = []

    def catches(x: int) -> int:
        try:
            return module.lets_out(x)
        except armexec.GuestException as error:
            caught.append(error.type)
            return 10

    assert module.call(catches, 8) == 10
    assert caught == ["std::out_of_range"]
    assert module.living() == 0
    # A function of the guest's own is called without Python in between: its exception is caught by the guest.
    assert module.call(module.lets_out, 8) == -1
    # Through Python it is one of Python's, which passes the guest by.
    assert thrown(module.call, lambda x: module.lets_out(x) + 1, 8).type == "std::out_of_range"
    assert module.living() == 1
    assert module.lets_out(2) == 2


def test_what_is_caught_and_on_its_way_is_put_back(module: armexec.Module) -> None:
    def fails(*_: object) -> int:
        raise KeyError

    for function in (module.call_while_caught, module.call_while_unwinding):
        arguments = (fails, 1) if function.name == "call_while_caught" else (fails,)
        with pytest.raises(KeyError):
            function(*arguments)
        assert (module.on_their_way(), module.has_current()) == (0, 0)
    seen = []

    def inner(x: int) -> int:
        seen.append(module.has_current())
        with pytest.raises(KeyError):
            module.call_while_caught(fails, 1)
        seen.append(module.has_current())
        return x

    assert module.call_while_caught(inner, 9) == 9
    assert seen == [1, 1]
    assert module.has_current() == 0


def test_calls_without_ctypes_put_it_back_too(module: armexec.Module) -> None:
    function, is_fast = module.call_import_while_caught, False
    for _ in range(3):
        for _ in range(3):
            assert function(0) == 5
            with pytest.raises(KeyError):
                function(1)
            assert (module.on_their_way(), module.has_current()) == (0, 0)
        settle(100)
        is_fast = isinstance(type(function).__dict__["__call__"], BuiltinFunctionType)
    assert is_fast or module.engine == "reference"


def test_from_a_destructor(module: armexec.Module) -> None:
    assert thrown(module.call_late, module.throw_string).value == "short"
    assert module.call_late_inside(module.throw_kept) == 3


@pytest.mark.slow
def test_noexcept_ends_the_program(module: armexec.Module, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(armexec.Aborted, match=r"signal 6 \(.*uncaught exception of type int\)"):
        module.promise()
    assert "terminating" in capfd.readouterr().err
    assert module.lets_out(3) == 3
    assert (module.on_their_way(), module.has_current()) == (0, 0)


def test_from_threads(module: armexec.Module) -> None:
    found: list[object] = []

    def work(x: int) -> None:
        for _ in range(3):
            try:
                module.lets_out(x)
            except armexec.GuestException as error:
                found.append(error.what)

    threads = [threading.Thread(target=work, args=(x,)) for x in (4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["too large"] * 6


STATIC = r"""
#include <stdexcept>
struct Fails { Fails() { throw std::runtime_error("no start"); } };
static Fails fails;
extern "C" int f() { return 1; }
"""


@pytest.mark.slow
@ENGINES
def test_from_a_static_object(engine: str, tmp_path: Path) -> None:
    error = thrown(lambda: armexec.compile(STATIC, target="linux", engine=engine))
    assert (error.type, error.what) == ("std::runtime_error", "no start")
    assert "Fails" in error.symbol
    file = tmp_path / "fails.o"
    file.write_bytes(compile_object(STATIC, language="c++", target="linux").data)
    assert thrown(lambda: armexec.load(file, engine=engine)).what == "no start"


@pytest.mark.slow
@ENGINES
def test_at_close(engine: str) -> None:
    source = r"""
    #include <cstdlib>
    #include <stdexcept>
    extern "C" void late() { throw std::runtime_error("at the end"); }
    extern "C" int f() { return std::atexit(late); }
    """
    module = armexec.compile(source, target="linux", engine=engine)
    assert module.f() == 0
    assert thrown(module.close).what == "at the end"
    assert module.closed


@pytest.mark.slow
def test_code_without_unwind_tables_ends_the_program(module: armexec.Module, capfd: pytest.CaptureFixture[str]) -> None:
    # As on Linux: who knows what handlers there are.
    with pytest.raises(armexec.Aborted, match="uncaught exception of type int"):
        module.catches_beyond()
    assert "terminating" in capfd.readouterr().err
    assert thrown(module.throw_int).value == 42


@pytest.mark.long
def test_a_program_ends_as_on_linux() -> None:
    result = armexec.run(STATIC.replace('extern "C" int f()', "int main()"), engine="translated:O0")
    assert (result.status, result.signal) == (134, 6)
    assert "uncaught exception of type std::runtime_error: no start" in result.error_text


def test_the_start_up_code_knows_where_functions_return_to() -> None:
    part = read_part(compile_object("int f() { throw 1; }", language="c++", target="linux").data, "a.o")
    image = link_program("a", [part])
    # The first address of the code that the unwind table describes, and its size.
    described = struct.pack("<QQ", EXIT - 1, 8)
    assert any(described in segment.data for segment in image.segments)
