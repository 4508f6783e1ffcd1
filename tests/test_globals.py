"""The variables of a module: read and written by name, as views of the guest's memory."""

from __future__ import annotations

import ctypes
import gc
import shutil
import subprocess
import threading
import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import armexec
from armexec.abi.guest_pointer import GuestPointer
from engines import AVAILABLE
from objects.dynamic.libraries import shared
from objects.helpers import ZIG, compiled, gcc_compiled

C = """
struct point { int x, y; };
struct flags { unsigned a : 3; int b : 5; _Bool c : 1; };
union number { int i; float f; };
enum color { RED, GREEN = 5, BLUE };
struct node { int value; struct node *next; const char *label; int (*op)(int, int); };
int counter = 3;
unsigned char byte = 200;
_Bool flag = 1;
enum color color = GREEN;
double real = 2.5;
_Float16 half = 0.5f16;
long double wide_real = 1.25L;
double _Complex z = 1 + 2i;
__int128 wide = (__int128)1 << 100;
int table[4] = {1, 2, 3, 4};
double grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
struct point points[2] = {{1, 2}, {3, 4}};
char name[16] = "hi";
const char *text = "hello";
struct point origin = {1, 2};
struct flags flags = {5, -3, 1};
union number number = {.f = 1.0f};
struct node second = {2, 0, "two", 0};
struct node first = {1, &second, "one", 0};
const int limit = 7;
const int primes[3] = {2, 3, 5};
const struct point corner = {9, 8};
static volatile int hidden = 4;
int *to_counter = &counter;
int (*op)(int, int);
int zeros[3];
struct {} nothing;

int get(void) { return counter; }
int sum(void) { return table[0] + table[1] + table[2] + table[3]; }
int calls(void) { static int times = 10; return ++times + hidden; }
int apply(int a, int b) { return op(a, b); }
int add(int a, int b) { return a + b; }
int x_of(const struct point *p) { return p->x; }
int raise_x(struct point *p) { return ++p->x; }
"""

CPP = """
struct point { int x, y; int total() const { return x + y; } };
namespace n {
struct S { static int count; static constexpr int k = 9; int f(); };
int S::count = 5;
enum class kind : unsigned char { none, some };
kind which = kind::some;
namespace { int anonymous = 8; }
int S::f() { static int calls = 1; return ++calls + anonymous; }
}
int counter = 3;
int &reference = counter;
point origin = {1, 2};
const point &fixed = origin;
const point apart = {3, 4};
const point &apart_reference = apart;
int *heap;
template <class T> struct box { static T value; };
template <> int box<int>::value = 6;
int f() { static int calls = 10; return ++calls; }
int f(int) { static int calls = 100; return ++calls; }
extern int elsewhere;
int g() { return elsewhere + n::S::k; }
int use() { return n::S().f() + apart_reference.x; }
"""

THREADS = """
_Thread_local int per_thread = 11;
static _Thread_local volatile long numbers[2] = {1, 2};
int next(void) { return ++per_thread + (int)numbers[1]; }
"""


@pytest.fixture(scope="module", params=AVAILABLE)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def module(engine: str) -> Iterator[armexec.Module]:
    with armexec.load(compiled(C, "-g", opt="-O1"), engine=engine) as made:
        yield made


@pytest.fixture
def cpp(engine: str) -> Iterator[armexec.Module]:
    with armexec.load(compiled(CPP, "-g", language="c++", opt="-O0", filename="a.cpp"), engine=engine) as made:
        yield made


def message(module: armexec.Module, name: object) -> str:
    with pytest.raises(armexec.LoadError) as caught:
        module.globals[name]  # type: ignore[index]
    return str(caught.value)


def test_scalars(module: armexec.Module) -> None:
    variables = module.globals
    assert (variables["counter"], variables["byte"], variables["color"], variables["hidden"]) == (3, 200, 5, 4)
    assert variables["flag"] is True
    assert (variables["real"], variables["half"], variables["z"], variables["wide_real"]) == (2.5, 0.5, 1 + 2j, 1.25)
    assert variables["wide"] == 1 << 100
    variables["counter"] = 5
    assert module.get() == variables["counter"] == 5
    new = {"wide": -1, "flag": 0, "z": 3j, "half": 0.25, "wide_real": Fraction(1, 3), "byte": np.uint8(7)}
    for name, value in new.items():
        variables[name] = value
    assert {name: variables[name] for name in new} == new | {"wide_real": variables["wide_real"]}
    assert abs(variables["wide_real"] - Fraction(1, 3)) < Fraction(1, 1 << 110)
    variables["color"] = "BLUE"
    assert variables["color"] == 6


def test_what_the_guest_changes_is_seen(module: armexec.Module) -> None:
    assert module.calls() == 15
    assert module.globals["calls::times"] == module.globals["times"] == 11
    module.globals["times"] = 20
    assert module.calls() == 25


def test_arrays_are_views(module: armexec.Module) -> None:
    table = module.globals["table"]
    assert table.dtype == np.int32
    table[1:3] = 40
    assert module.sum() == 85
    module.globals["table"] = [1, 1, 1, 1]
    assert table.tolist() == [1, 1, 1, 1]
    assert module.globals["grid"].shape == (2, 3)
    assert module.globals["zeros"].tolist() == [0, 0, 0]
    module.globals["points"][1].x = 7
    assert repr(module.globals["points"]) == "(point(x=1, y=2), point(x=7, y=4))"
    module.globals["points"] = [(5, 6), {"x": 7, "y": 8}]
    assert module.globals["points"][1].y == 8


def test_text(module: armexec.Module) -> None:
    assert bytes(module.globals["name"]).rstrip(b"\0") == b"hi"
    module.globals["name"] = "yes"
    assert bytes(module.globals["name"]) == b"yes".ljust(16, b"\0")
    assert module.globals["text"].text() == "hello"
    module.globals["text"] = "replaced"
    gc.collect()
    assert module.globals["text"].text() == "replaced"


def test_structs_are_views(module: armexec.Module) -> None:
    origin = module.globals["origin"]
    origin.x = 5
    assert module.raise_x(origin) == 6
    assert repr(module.globals["origin"]) == "point(x=6, y=2)"
    assert module.globals["origin"] == module.types["point"](6, 2)
    module.globals["origin"] = module.types["point"](8, 9)
    assert (origin.x, origin.y) == (8, 9)
    module.globals["flags"].b = -7
    assert repr(module.globals["flags"]) == "flags(a=5, b=-7, c=True)"
    module.globals["number"].f = 2.0
    assert module.globals["number"].i == 0x40000000
    assert bytes(module.globals["nothing"]) == b""


def test_pointers(module: armexec.Module) -> None:
    pointer = module.globals["to_counter"]
    assert isinstance(pointer, GuestPointer)
    pointer[0] = 9
    assert module.globals["counter"] == 9
    assert pointer == module.globals.address("counter")
    first, second = module.globals["first"], module.globals["second"]
    assert first.next == module.globals.address("second")
    first.next = module.types["node"](value=12, next=None, label=None, op=None)
    gc.collect()
    assert module.globals["first"].next != module.globals.address("second")
    first.next = second
    assert first.next == module.globals.address("second")


def test_what_is_given_is_kept(module: armexec.Module) -> None:
    labels = [np.frombuffer(text, np.uint8).copy() for text in (b"one\0", b"two\0")]
    alive = [weakref.ref(label) for label in labels]
    module.globals["first"] = (1, None, labels[0], None)
    view = module.globals["first"]
    view.next = module.globals["second"]
    module.globals["text"] = labels[1]
    del labels
    gc.collect()
    assert [reference() is not None for reference in alive] == [True, True]
    module.globals["first"] = (1, None, None, None)
    module.globals["text"] = None
    gc.collect()
    assert [reference() is not None for reference in alive] == [False, False]


def test_a_function_of_the_same_name() -> None:
    module = armexec.compile("int counter = 3; int globals(int a) { return counter + a; }", "c")
    assert module["globals"](module.globals["counter"]) == 6
    with pytest.raises(armexec.SignatureError, match=r'the function of that name is mod\["globals"\]'):
        module.globals(3)


def test_function_pointers(module: armexec.Module) -> None:
    module.globals["op"] = module.add
    assert module.apply(2, 3) == 5
    module.globals["op"] = lambda a, b: a * b
    gc.collect()
    assert module.apply(2, 3) == 6
    module.globals["op"] = None
    assert module.globals["op"] == 0


def test_read_only_memory(module: armexec.Module) -> None:
    assert module.globals["limit"] == 7
    for name, value in {"limit": 3, "primes": [1, 2, 3], "corner": (1, 2)}.items():
        with pytest.raises(armexec.Error, match=f"the variable {name} is in read-only memory"):
            module.globals[name] = value
    assert not module.globals["primes"].flags.writeable
    corner = module.globals["corner"]
    with pytest.raises(armexec.Error, match=r"point\.x is in read-only memory"):
        corner.x = 2
    assert (module.x_of(corner), corner.x) == (9, 9)


def test_values_that_do_not_fit(module: armexec.Module) -> None:
    for name, value, why in (
        ("counter", 1 << 40, "1099511627776 is out of range"),
        ("flag", 2, "out of range 0..1"),
        ("table", [1], r"1 values, where `int\[4\]` has 4"),
        ("name", "x" * 17, "17 bytes don't fit"),
        ("to_counter", "x", "text can only be passed"),
        ("origin", (1,), "y must be given"),
    ):
        with pytest.raises(armexec.SignatureError, match=f"the variable {name}: .*{why}"):
            module.globals[name] = value
    assert module.globals["counter"] == 3


def test_it_is_a_mapping(module: armexec.Module) -> None:
    names = list(module.globals)
    assert {"counter", "hidden", "calls::times", "primes"} <= set(names)
    assert len(names) == len(set(names)) == len(module.globals)
    assert all(name in module.globals for name in names)
    assert dict(module.globals).keys() == set(names)
    assert "nope" not in module.globals
    assert 3 not in module.globals
    assert module.globals.get("nope", 4) == 4
    assert module.globals._ipython_key_completions_() == names
    assert repr(module.globals).startswith("<variables of ")
    assert module.globals == module.globals
    with pytest.raises(armexec.Error, match="'counter' can't be removed"):
        del module.globals["counter"]


def test_unknown_names(module: armexec.Module) -> None:
    assert "no variable 'conter'; did you mean counter" in message(module, "conter")
    assert "no variable 'zzzzzzzz'; its variables are" in message(module, "zzzzzzzz")
    assert 'it is a function, mod["get"]' in message(module, "get")
    assert "found by its name, not by 3" in message(module, 3)
    with pytest.raises(LookupError):
        module.globals["conter"]
    words = armexec.function("0xD65F03C0", "void()").module
    assert message(words, "x").endswith("no variable 'x'; it defines no variable")


def test_views_outlive_the_module(engine: str) -> None:
    made = armexec.load(compiled(C, "-g", opt="-O1"), engine=engine)
    variables, table, origin = made.globals, made.globals["table"], made.globals["origin"]
    origin_in_table = made.globals["points"][1]
    made.close()
    with pytest.raises(armexec.Error, match="the module is closed"):
        variables["counter"]
    with pytest.raises(armexec.Error, match="the module is closed"):
        variables["counter"] = 3
    with pytest.raises(armexec.Error, match="the module is closed"):
        variables.address("counter")
    assert "counter" in variables
    del made, variables
    gc.collect()
    table[0], origin.x, origin_in_table.y = 7, 8, 9
    assert (table.tolist(), origin.x, origin_in_table.y) == ([7, 2, 3, 4], 8, 9)


def test_cplusplus(cpp: armexec.Module) -> None:
    variables = cpp.globals
    assert {"n::S::count", "n::which", "counter", "origin", "box<int>::value"} <= set(variables)
    assert (variables["n::S::count"], variables["S::count"], variables["count"]) == (5, 5, 5)
    assert (variables["_ZN1n1S5countE"], variables["n::which"], variables["anonymous"]) == (5, 1, 8)
    assert variables["box<int>::value"] == 6
    variables["which"] = "none"
    assert variables["n::which"] == 0
    assert variables["a.cpp::counter"] == 3


def test_references_stand_for_what_they_refer_to(cpp: armexec.Module) -> None:
    variables = cpp.globals
    variables["reference"] = 9
    assert variables["counter"] == variables["reference"] == 9
    assert variables.address("reference") == variables.address("counter")
    variables["fixed"].x = 4
    assert variables["origin"].x == 4
    with pytest.raises(armexec.Error, match="read-only memory"):
        variables["apart_reference"].x = 4


def test_static_variables_of_functions(cpp: armexec.Module) -> None:
    variables = cpp.globals
    assert (variables["f()::calls"], variables["f(int)::calls"], variables["n::S::f::calls"]) == (10, 100, 1)
    assert {"f()::calls", "f(int)::calls", "n::S::f::calls"} <= set(variables)
    assert "'f::calls' may be any of: f()::calls, f(int)::calls" in message(cpp, "f::calls")
    cpp["f(int)"](0)
    assert (variables["f()::calls"], variables["f(int)::calls"]) == (10, 101)


def test_references_to_other_memory(engine: str) -> None:
    source = "struct point { int x, y; }; extern point outside; point &out = outside; int &x = outside.x;"
    memory = (ctypes.c_int * 2)(3, 4)
    module = armexec.load(
        compiled(source + "int sum() { return out.x + out.y; }", "-g", language="c++", opt="-O0"),
        engine=engine,
        imports={"outside": ctypes.addressof(memory)},
    )
    assert (module.globals["x"], repr(module.globals["out"])) == (3, "point(x=3, y=4)")
    module.globals["x"] = 10
    assert module.sum() == 14
    module.globals["out"] = (5, 6)
    assert memory[:] == [5, 6]
    assert module.globals.address("out") == ctypes.addressof(memory)
    # What Python's memory is used for isn't known: it is never a view.
    with pytest.raises(armexec.Error, match="read-only memory"):
        module.globals["out"].x = 2


@pytest.mark.parametrize("flags", [("-O0", "-gdwarf-4"), ("-O2",)])
def test_cplusplus_of_gcc(tmp_path: Path, flags: tuple[str, ...]) -> None:
    compiler = shutil.which("aarch64-linux-gnu-g++")
    if compiler is None:
        pytest.skip("aarch64-linux-gnu-g++ is not installed")
    (tmp_path / "a.cpp").write_text("""
struct S { static int count; static const int limit = 5; inline static int inlined = 6; int *p(); virtual int v(); };
int S::count = 4; const int S::limit; int *S::p() { return &count; } int S::v() { return 1; }
namespace n { struct T { static thread_local int own; }; thread_local int T::own = 3;
static thread_local volatile int hidden = 9; int f() { return T::own + hidden; } }
template <class T> struct box { static T value; }; template <class T> T box<T>::value = 7;
inline int counted() { static int times = 2; return times++; }
int use() { return box<int>::value + box<char>::value + counted() + S::inlined; }
""")
    subprocess.run([compiler, "-g", "-std=c++17", *flags, "-c", "a.cpp"], cwd=tmp_path, check=True)
    module = armexec.load(tmp_path / "a.o", engine="translated")
    assert module.use() == 22
    assert dict(module.globals) == {
        "S::count": 4,
        "S::limit": 5,
        "S::inlined": 6,
        "counted::times": 3,
        "box<int>::value": 7,
        "box<char>::value": 7,
        "n::T::own": 3,
        "n::hidden": 9,
    }


def test_what_has_no_memory(cpp: armexec.Module) -> None:
    assert "n::S::k has no memory: it is a constant, 9" in message(cpp, "n::S::k")
    assert "nothing that was loaded defines it" in message(cpp, "elsewhere")
    source = "static int left = 4; static struct { int a, b; } gone; int f(void) { return left + gone.a; }"
    made = armexec.load(compiled(source, "-g"))
    assert "left has no memory" in message(made, "left")
    assert "gone has no memory" in message(made, "gone")
    assert "left" not in list(made.globals)


@pytest.mark.parametrize("engine", [name for name in AVAILABLE if name != "native"])
def test_thread_local_variables_are_the_threads_own(engine: str) -> None:
    module = armexec.load(compiled(THREADS, "-g"), engine=engine)
    module.globals["per_thread"] = 20
    assert module.next() == 23
    assert module.globals["numbers"].tolist() == [1, 2]
    seen: list[object] = []

    def other() -> None:
        numbers = module.globals["numbers"]
        numbers[1] = 50
        seen.extend([module.globals["per_thread"], module.next(), numbers])

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    gc.collect()
    assert seen[:2] == [11, 62]
    assert seen[2].tolist() == [1, 50]  # type: ignore[attr-defined]
    assert (module.globals["per_thread"], module.globals["numbers"][1]) == (21, 2)


def test_variables_without_a_type(engine: str) -> None:
    source = ".data\n.balign 4\ncounter: .word 3\ntable: .word 1, 2, 3, 4\n.text\n.globl f\nf: ret\n"
    module = armexec.load(armexec.assemble(source).object(), engine=engine)
    variables = module.globals
    assert 'the type of counter isn\'t known: say what it is, as in mod.globals.declare("counter"' in message(
        module, "counter"
    )
    assert "counter" not in variables
    assert len(variables) == 0
    assert variables.address("table") == variables.address("counter") + 4
    variables.declare("counter", "int")
    variables.declare("table", "struct { short low, high; }[4]")
    variables["counter"] = 5
    assert (variables["counter"], variables["table"][2].low) == (5, 3)
    assert set(variables) == {"counter", "table"}
    variables.declare("table", "int[2][2]")
    assert variables["table"].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(armexec.LoadError, match="no variable 'tabel'"):
        variables.address("tabel")
    with pytest.raises(armexec.LoadError, match="it is a function"):
        variables.declare("f", "int")


def test_data_with_the_type_of_a_thread_local_variable() -> None:
    module = armexec.load(armexec.assemble(".data\n.type x, %tls_object\nx: .word 5\n.text\nf: ret\n").object())
    module.globals.declare("x", "int")
    assert module.globals["x"] == 5
    found = module.image.symbol_at(module.globals.address("x") - module.loaded.base)
    assert found is not None
    assert (found[0].name, found[1]) == ("x", 0)


def test_types_that_can_not_be_declared(module: armexec.Module) -> None:
    variables = module.globals
    for wrong, why in (
        ("int[", "can't read"),
        ("int) + (int", "can't read"),
        ("3", "isn't the name of one type"),
        ("void", "size isn't known"),
        ("int[]", "size isn't known"),
        ("struct unknown", "size isn't known"),
        ("int(int)", "size isn't known"),
        ("(" * 5000 + "int", "read|nested"),
        ("", "can't read"),
        (3, "not 3"),
    ):
        with pytest.raises(armexec.SignatureError, match=why):
            variables.declare("counter", wrong)
    with pytest.raises(armexec.LoadError, match="outside of the image's memory"):
        variables.declare("counter", "int[100000]")
    assert variables["counter"] == 3
    variables.declare("origin", "int[2]")
    assert variables["origin"].tolist() == [1, 2]
    variables.declare("table", module.types["point"])
    assert variables["table"].y == 2
    variables.declare("calls::times", "unsigned")
    assert variables["times"] == 10


def test_debug_information_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int counter = 3;")
    command = [ZIG, "cc", "-target", "aarch64-linux-musl", "-g", "-gsplit-dwarf", "-c", "a.c", "-o", "a.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    module = armexec.load(tmp_path / "a.o")
    assert "or compile what defines it without -gsplit-dwarf (" in message(module, "counter")
    module.globals.declare("counter", "int")
    assert dict(module.globals) == {"counter": 3}


def test_several_objects(tmp_path: Path, engine: str) -> None:
    sources = {
        "a.c": "extern int shared_one; extern int lengthless[]; static int own = 1;"
        "int a(void) { return shared_one + own++ + lengthless[1]; }",
        "b.c": "int shared_one = 5; int lengthless[3] = {1, 2, 3}; static int own = 2; int b(void) { return own++; }",
    }
    for name, text in sources.items():
        data = compiled(text, "-g", opt="-O0", filename=name)
        (tmp_path / name).with_suffix(".o").write_bytes(data)
    module = armexec.load([tmp_path / "a.o", tmp_path / "b.o"], engine=engine)
    variables = module.globals
    variables["shared_one"] = 10
    assert module.a() == 13
    assert "'own' may be any of: a.c::own, b.c::own" in message(module, "own")
    assert (variables["a.c::own"], variables["b.c::own"]) == (2, 2)
    assert module.b() == 2
    assert variables["b.c::own"] == 3
    assert variables["lengthless"].tolist() == [1, 2, 3]
    assert {"a.c::own", "b.c::own", "shared_one", "lengthless"} == set(variables)


def test_the_same_name_in_several_files_is_not_mixed_up(tmp_path: Path) -> None:
    sources = {
        "a": "extern int y; static _Thread_local volatile int t = 1; int a(void) { return y + t; }",
        "b": "static volatile int y = 3; static _Thread_local volatile int t = 2; int b(void) { return y + t; }",
    }
    for name, text in sources.items():
        (tmp_path / f"{name}.o").write_bytes(gcc_compiled(text, "-g", "-O1"))
    module = armexec.load([tmp_path / "a.o", tmp_path / "b.o"], engine="translated")
    # That y is b's own, and nothing says where each t is.
    assert (list(module.globals), module.globals["y"]) == (["y"], 3)
    assert "'t' may be any of 2 local symbols" in message(module, "t")


def test_types_of_declarations_hold_for_assembly(tmp_path: Path) -> None:
    source = "extern int words[]; extern struct s one; int f(void) { return words[1]; } int *g(void) { return &one; }"
    (tmp_path / "a.o").write_bytes(gcc_compiled(source, "-g", "-O1", "-w"))
    text = ".data\n.globl words, one\n.type words, %object\nwords: .word 1, 2, 3\n.size words, 12\none: .word 4\n"
    (tmp_path / "b.o").write_bytes(armexec.assemble(text).object())
    module = armexec.load([tmp_path / "a.o", tmp_path / "b.o"])
    assert module.globals["words"].tolist() == [1, 2, 3]
    assert "the size of one, whose type is `struct s`, isn't known" in message(module, "one")
    assert list(module.globals) == ["words"]


@pytest.mark.parametrize("flags", [("-fcommon",), ("-gdwarf-4",), ("-gdwarf-2", "-gstrict-dwarf"), ("-O0",)])
def test_gcc(flags: tuple[str, ...]) -> None:
    source = "int counter; static long hidden = 4; int f(void) { static int calls = 7; return calls++ + hidden++; }"
    module = armexec.load(gcc_compiled(source, "-g", "-O1", *flags))
    assert module.f() == 11
    assert (module.globals["counter"], module.globals["hidden"], module.globals["f::calls"]) == (0, 5, 8)


def test_fortran(tmp_path: Path) -> None:
    """Its arrays begin at 1, or where they say, and the first index varies fastest."""
    compiler = shutil.which("aarch64-linux-gnu-gfortran")
    if compiler is None:
        pytest.skip("aarch64-linux-gnu-gfortran is not installed")
    (tmp_path / "a.f90").write_text("""
module state
  integer :: counter = 3
  integer, dimension(2, 3) :: grid = reshape([1, 2, 3, 4, 5, 6], [2, 3])
  integer, dimension(-1:2) :: shifted = [1, 2, 3, 4]
  type point
    integer :: at(2), z
  end type
  type(point) :: origin = point([1, 2], 3)
  character(len=5) :: name = "hello"
end module
integer function f(n)
  use state
  integer, save :: calls = 2
  integer :: n
  calls = calls + n
  grid(2, 1) = 20
  f = calls + counter
end function
""")
    subprocess.run([compiler, "-g", "-O1", "-c", "a.f90"], cwd=tmp_path, check=True)
    module = armexec.load(tmp_path / "a.o")
    module.globals["counter"] = 10
    assert module.f_(1) == 13
    variables = module.globals
    assert variables["state::grid"].tolist() == [[1, 20], [3, 4], [5, 6]]
    assert variables["shifted"].tolist() == [1, 2, 3, 4]
    assert (variables["f::calls"], bytes(variables["name"])) == (3, b"hello")
    assert repr(variables["origin"]) == "point(at=[1, 2], z=3)"


def test_merged_variables_have_their_own_places() -> None:
    """Clang merges variables at -O3: their locations are the merged one's, and an offset."""
    source = "static int a = 1, b = 2; int f(int n) { a += n; b -= n; return a * b; } int *g(void) { return &b; }"
    module = armexec.load(compiled(source, "-g", opt="-O3"))
    module.f(5)
    assert (module.globals["a"], module.globals["b"]) == (6, -3)


@pytest.mark.parametrize("dwarf", ["-gdwarf-4", "-gdwarf-5"])
@pytest.mark.parametrize("target", ["linux", "apple", "bare"])
def test_targets(target: str, dwarf: str) -> None:
    source = 'char text[4] = "abc"; static int hidden = 4; const int limit = 7; int common; long double wide = 0.5L;'
    source += "int f(void) { static int calls; return ++calls + hidden++; } const int *g(void) { return &limit; }"
    module = armexec.load(compiled(source, "-g", dwarf, "-fcommon", opt="-O1", target=target))
    assert module.f() == 5
    variables = module.globals
    assert (variables["hidden"], variables["f::calls"], variables["limit"], variables["wide"]) == (5, 1, 7, 0.5)
    assert variables["text"].dtype == (np.int8 if target == "apple" else np.uint8)
    assert variables["common"] == 0
    variables["common"] = 3
    assert (variables["limit"], variables["hidden"], variables["common"]) == (7, 5, 3)
    with pytest.raises(armexec.Error, match="read-only"):
        variables["limit"] = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("libraries")
    second = "struct inner { int a; }; struct inner state = {6}; static int own = 2; int *own_of(void) { return &own; }"
    shared(made, "libsecond.so", second, "-g")
    first = """
        extern int *own_of(void);
        static int own = 1; int counter = 3; const int limit = 7; __thread int per_thread = 12;
        int *const fixed = &counter;
        int first(void) { return own++ + counter + per_thread++ + *own_of(); }
    """
    shared(made, "libfirst.so", first, "libsecond.so", "-g")
    return made


@pytest.mark.parametrize("engine", [name for name in AVAILABLE if name != "native"])
def test_shared_libraries(folder: Path, engine: str) -> None:
    module = armexec.load("libfirst.so", search=folder, engine=engine)
    variables = module.globals
    variables["counter"] = 10
    assert module.first() == 25
    assert (variables["counter"], variables["per_thread"], variables["state"].a) == (10, 13, 6)
    assert repr(module.types["inner"](3)) == "inner(a=3)"
    assert (variables["libfirst.so.c::own"], variables["libsecond.so.c::own"]) == (2, 2)
    assert variables["fixed"][0] == 10
    with pytest.raises(armexec.Error, match="read-only"):
        variables["limit"] = 2
    with pytest.raises(armexec.Error, match="read-only"):
        variables["fixed"] = None


@pytest.mark.parametrize("isolate", [None, "process"])
def test_variables_are_no_attributes(isolate: str | None) -> None:
    with armexec.compile("int n = 3; int address, _image;", "c", flags="-g", isolate=isolate) as module:
        for name in ("n", "address", "_held2", "unknown"):
            with pytest.raises(armexec.Error, match=rf"write mod\.globals\['{name}'\] = "):
                setattr(module.globals, name, 7)
        assert module.globals["n"] == 3
        module.globals["address"] = 5
        assert dict(module.globals) == {"n": 3, "address": 5, "_image": 0}


def test_stripped_libraries(tmp_path: Path) -> None:
    module = armexec.load(shared(tmp_path, "libs.so", "int state = 6; static int own;", "-g", "-s"))
    assert "the type of state isn't known" in message(module, "state")
    module.globals.declare("state", "int")
    assert module.globals["state"] == 6


def test_malformed_debug_information_is_an_error() -> None:
    data = compiled(C, "-g", opt="-O1")
    start = data.index(b"counter\0")
    refused = 0
    for step in range(0, 4000, 250):
        broken = bytearray(data)
        broken[start - 3000 + step : start - 2960 + step] = bytes(40)
        try:
            dict(armexec.load(bytes(broken)).globals)
        except armexec.Error:
            refused += 1
    assert refused
