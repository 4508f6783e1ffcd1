"""What nothing defines is an error only when it is reached, which names it and who refers to it."""

from __future__ import annotations

from functools import cache

import pytest

import armexec
from armexec.objects import link, load_image
from engines import AVAILABLE

from .helpers import compiled, gcc_compiled

SOURCE = """
int ext(int); int other(void); extern int var[], far; extern int weak(int) __attribute__((weak));
int f(int x) { return x + 1; }
int call(int x) { return ext(x) + 1; }
int jump(int x) { return ext(x); }
int read(int i) { return var[i]; }
void write(int x) { far = x; }
int (*pointer)(int) = ext;
int through(int x) { return pointer(x); }
int *address(void) { return &far; }
int choose(int x) { return x ? ext(x) : 7; }
int nothing(int x) { return weak ? weak(x) : -x; }
"""
THREADS = """
_Thread_local int own = 3; extern _Thread_local int others; _Thread_local long zeros[9];
int f(int x) { return x + 1; }
int get(void) { return own; }
void set(int x) { others = x; }
long at(int i) { return zeros[i]; }
"""
INDIRECT = """
typedef double F(int, double);
static double seven(int x, double y) { return x * 7 + y; }
static double eight(int x, double y) { return x * 8 + y; }
static int which = 1;
static int asked;
static F *resolve(void) { asked++; return which ? seven : eight; }
int resolved(void) { return asked; }
F chosen __attribute__((ifunc("resolve")));
double call(int x) { return chosen(x, 0.5) + 1; }
F *pointer = chosen;
double through(int x) { return pointer(x, 0.25); }
"""
FORMS = [
    ("-O0", "linux", ()),
    ("-O2", "linux", ("-fPIC",)),
    ("-O1", "linux", ("-fno-pic", "-g0")),
    ("-O1", "linux", ("-fPIC", "-fno-plt")),
    ("-O2", "apple", ()),
]


@cache
def module(source: str, engine: str, opt: str, target: str, flags: tuple[str, ...]) -> armexec.Module:
    data = compiled(source, "-w", *flags, opt=opt, target=target, filename="t.c")
    return armexec.Module(load_image(data, "t.o"), engine)


def call(m: armexec.Module, name: str, *arguments: int) -> object:
    types = {"write": "void(int)", "set": "void(int)", "get": "int(void)", "address": "long(void)"}
    return m[name].with_signature(types.get(name, "int(int)"))(*arguments)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize(("opt", "target", "flags"), FORMS)
def test_undefined_symbols(opt: str, target: str, flags: tuple[str, ...], engine: str) -> None:
    m = module(SOURCE, engine, opt, target, flags)
    assert sorted(m.image.undefined()) == ["ext", "far", "var"]
    assert (call(m, "f", 1), call(m, "choose", 0), call(m, "nothing", 3)) == (2, 7, -3)
    assert call(m, "address") != 0
    expected = [
        ("call", "ext"),
        ("jump", "ext"),
        ("choose", "ext"),
        ("read", "var"),
        ("write", "far"),
        ("through", "ext"),
    ]
    if engine == "native":
        # What else there is ends the process, as every fault does there.
        expected = [] if "-fno-plt" in flags else expected[:3]
    for function, name in expected:
        with pytest.raises(armexec.UndefinedSymbol) as caught:
            call(m, function, 3000)
        assert caught.value.name == name
        verb = "used" if name != "ext" else "called"
        by = "" if function == "through" or ("-fno-plt" in flags and verb == "called") else f" by {function}"
        assert f"undefined symbol {name} is {verb}{by}: neither t.o nor" in str(caught.value)
        if by:
            assert caught.value.symbol.partition("+")[0] == function
            assert caught.value.source.startswith("t.c:") or "-g0" in flags


def test_the_call_is_shown_by_its_name() -> None:
    m = module(SOURCE, "reference", "-O0", "linux", ())
    assert "bl ext\n" in m.call.disassembly
    with pytest.raises(
        armexec.UndefinedSymbol, match=r"\(nor var, far\): imports=\{\.\.\.\} can give it, at .*, t.c:4, in `bl ext`"
    ) as caught:
        m.call(3)
    assert m.call.address < caught.value.pc < m.call.address + m.call.size


def test_what_another_object_defines_is_not_missing() -> None:
    both = link([(compiled(SOURCE), "a.o"), (compiled("int ext(int x) { return 2 * x; } int far;"), "b.o")])
    m = armexec.Module(both)
    assert m.through(5) == 10
    m["write"](3)
    with pytest.raises(armexec.UndefinedSymbol, match=r"neither a\.o, b\.o nor"):
        m["read"](0)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_conditional_branches_to_undefined_symbols(engine: str) -> None:
    text = "f: cbz x0, away\ntbz x1, #3, further\nmov x0, #9\nret\n"
    m = armexec.Module(load_image(compiled(text, language="assembler"), "t.o"), engine)
    f = m["f"].with_signature("long(long, long)")
    assert f(1, 8) == 9
    for arguments, name in [((0, 0), "away"), ((1, 0), "further")]:
        with pytest.raises(armexec.UndefinedSymbol, match=f"{name} is called by f"):
            f(*arguments)


@pytest.mark.parametrize("engine", [engine for engine in AVAILABLE if engine != "native"])
@pytest.mark.parametrize(("opt", "target", "flags"), FORMS)
def test_missing_thread_local_variables(opt: str, target: str, flags: tuple[str, ...], engine: str) -> None:
    m = module(THREADS, engine, opt, target, flags)
    assert call(m, "f", 1) == 2
    missing: list[tuple[str, str, tuple[int, ...]]] = [("set", "others", (3,))]
    if target == "apple":
        missing += [("get", "own", ()), ("at", "zeros", (3,))]
    else:
        assert (m["get"].with_signature("int()")(), m["at"].with_signature("long(int)")(3)) == (3, 0)
    for function, name, arguments in missing:
        with pytest.raises(armexec.ExecutionError, match=f"^{function} uses the thread-local variable {name}: "):
            call(m, function, *arguments)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("flags", [("-O0",), ("-O2", "-fPIC"), ("-O2", "-fno-pic")])
def test_indirect_functions_are_those_that_their_resolver_chooses(flags: tuple[str, ...], engine: str) -> None:
    m = armexec.load(gcc_compiled(INDIRECT, "-g", *flags), engine=engine)
    assert (m.call(3), m.through(3)) == (22.5, 21.25)
    assert m["chosen"].with_signature("double(int, double)")(2, 1.5) == 15.5
    assert m["resolved"].with_signature("int()")() == 1


def test_fields_that_have_no_room_for_an_address() -> None:
    text = "f: cbz x0, 1f\nldr x0, far\n1: ret\n.data\n.word far\n.hword far\n.space 1 << 21\n"
    f = armexec.load(compiled(text, language="assembler"))["f"].with_signature("long(long)")
    assert f(0) == 0
    with pytest.raises(armexec.UndefinedSymbol, match="far is used by f"):
        f(1)


def test_many_undefined_symbols() -> None:
    names = [f"missing{i}" for i in range(3000)]
    source = "".join(f"extern int {n};" for n in names) + "int *all[] = {" + ",".join(f"&{n}" for n in names) + "};"
    source += "int f(int i) { return *all[i]; }"
    m = armexec.compile(source, "c")
    with pytest.raises(armexec.UndefinedSymbol, match="missing2999 is used by f"):
        m.f(2999)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_what_was_called_before_goes_on_after(engine: str) -> None:
    source = """
        int ext(int);
        int deep(int n) { return n ? deep(n - 1) * 2 + n : ext(n); }
        double sum(int n) { double r = 0.5; for (int i = 0; i < n; i++) r += i * r; return r; }
        double both(int n) { double before = sum(n); return before + deep(n); }
    """
    module = armexec.compile(source, "c", "-O1", engine=engine)
    expected = module.sum(7)
    for _ in range(5):
        with pytest.raises(armexec.UndefinedSymbol, match="ext is called by deep"):
            module.both(7)
        assert module.sum(7) == expected
