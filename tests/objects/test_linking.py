"""Several objects linked into one image: which definition a name means, and what is kept of each."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import armexec
from armexec.errors import LoadError
from armexec.module import Module
from armexec.objects import Image, Section, SectionSymbol, link, load_image
from mutations import mutated

from . import helpers
from .sources import CPLUSPLUS

TARGETS = ["linux", "apple", "bare"]
FLAGS = ("-mgeneral-regs-only",)


def linked(*sources: str, target: str = "linux", flags: tuple[str, ...] = (), **options: str) -> Image:
    flags = FLAGS + flags
    return link(
        (helpers.compiled(source, *flags, target=target, filename=f"{name}.c", **options), f"{name}.o")
        for name, source in zip("abcdef", sources, strict=False)
    )


def module(*sources: str, flags: tuple[str, ...] = (), **options: str) -> Module:
    return Module(linked(*sources, flags=flags, **options), "translated")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("opt", ["-O0", "-O2"])
@pytest.mark.parametrize("engine", ["reference", "translated"])
def test_functions_and_data_of_each_other(engine: str, target: str, opt: str) -> None:
    a = """
    extern int total, *where; int add(int x); static int step(void) { return 1; }
    int (*pointer)(int) = add;
    int twice(int x) { add(x); return pointer(x) + step(); }
    """
    b = """
    int total = 100; int *where = &total; extern int twice(int); static int step(void) { return 1000; }
    int add(int x) { total += x; return *where; }
    int thrice(int x) { return twice(x) + add(x) + step(); }
    """
    m = Module(linked(a, b, target=target, opt=opt), engine)
    assert m.image.undefined() == []
    assert m.twice(5) == 111
    assert m.thrice(10) == 131 + 140 + 1000
    signatures = [f.signature for f in m if f.linkage_name != "step"]  # there at -O0, once for each object
    assert signatures == ["int twice(int x)", "int add(int x)", "int thrice(int x)"]
    assert m.name == "a.o, b.o"


@pytest.mark.parametrize("target", TARGETS)
def test_debug_information_of_each(target: str) -> None:
    image = linked("\n\nint f(short x)\n{ return x; }", "long g(char c)\n{ return c; }", target=target)
    f, g = image.functions
    assert (str(f.prototype), str(g.prototype)) == ("int f(short x)", "long g(char c)")
    lines = [image.line_of(f.offset), image.line_of(g.offset)]
    assert [(Path(line.file).name, line.line) for line in lines if line] == [("a.c", 4), ("b.c", 2)]
    assert str(image.prototype("g")) == "long g(char c)"
    assert image.prototype("h") is None


@pytest.mark.parametrize("target", TARGETS)
def test_a_strong_definition_before_a_weak_one(target: str) -> None:
    weak = "__attribute__((weak)) int f(void) { return 1; } int g(void) { return f(); }"
    strong = "int f(void) { return 2; }"
    for sources in ((weak, strong), (strong, weak)):
        m = module(*sources, target=target)
        assert m.g() == m.f() == 2
        assert sorted(f.name for f in m) == ["f", "g"]


@pytest.mark.parametrize("target", TARGETS)
def test_the_first_of_several_weak_definitions(target: str) -> None:
    one, two = (f"__attribute__((weak)) int f(void) {{ return {n}; }} int g{n}(void) {{ return f(); }}" for n in (1, 2))
    m = module(one, two, target=target)
    assert (m.g1(), m.g2()) == (1, 1)


@pytest.mark.parametrize("target", TARGETS)
def test_weak_references(target: str) -> None:
    source = "__attribute__((weak, weak_import)) int f(void); int g(void) { return f ? f() : -1; }"
    assert module(source, "int h;", target=target).g() == -1
    assert module(source, "int f(void) { return 5; }", target=target).g() == 5
    # Whoever needs it decides.
    assert linked(source, "int f(void); int h(void) { return f(); }", target=target).undefined() == ["f"]


@pytest.mark.parametrize("target", TARGETS)
def test_two_definitions(target: str) -> None:
    with pytest.raises(LoadError, match=r"^f is defined in both a\.o and c\.o: keep one of them$"):
        linked("int f(void) { return 1; }", "int g;", "int f(void) { return 2; }", target=target)
    with pytest.raises(LoadError, match=r"^f\(int\) is defined in both a\.o and b\.o"):
        linked("int f(int) { return 1; }", "int f(int) { return 1; }", target=target, language="c++")


@pytest.mark.parametrize("target", TARGETS)
def test_common_symbols_are_one(target: str) -> None:
    small = "char shared[4]; int first(void) { return shared[0]; }"
    large = (
        "char shared[4000]; int far(void) { return shared[3999]; } void set(int x) { shared[0] = shared[3999] = x; }"
    )
    for sources in ((small, large), (large, small)):
        m = module(*sources, target=target, flags=("-fcommon",))
        m.set(7)
        assert (m.first(), m.far()) == (7, 7)
    defined = "char shared[4] = {9};"
    assert module(small, defined, target=target, flags=("-fcommon",)).first() == 9


@pytest.mark.parametrize("target", TARGETS)
def test_inline_functions_and_initializers_of_cplusplus(target: str) -> None:
    header = """
    inline int counter() { static int n = 0; return ++n; }
    struct Log { int order; Log() : order(counter()) {} };
    """
    m = module(
        header + "Log a; int first() { return a.order; }",
        header + "Log b; int second() { return b.order; } int next() { return counter(); }",
        target=target,
        language="c++",
        opt="-O0",
        flags=("-fno-exceptions", "-fno-threadsafe-statics"),
    )
    assert (m.first(), m.second(), m.next()) == (1, 2, 3)
    assert [f.name for f in m].count("counter()") == 1


@pytest.mark.parametrize("target", ["linux", "bare"])  # Mach-O has priorities within an object only
def test_priorities_hold_across_objects(target: str) -> None:
    a = "int seen; __attribute__((constructor(300))) static void f(void) { seen = seen * 10 + 2; }"
    b = "extern int seen; __attribute__((constructor(200))) static void f(void) { seen = seen * 10 + 1; }"
    c = "extern int seen; __attribute__((constructor)) static void f(void) { seen = seen * 10 + 3; }"
    get = "extern int seen; int get(void) { return seen; }"
    # At -O2 clang calls them while it compiles.
    assert module(a, b, c, get, target=target, opt="-O0").get() == 123


def test_one_object_is_as_if_loaded() -> None:
    data = helpers.compiled("int x; int f(void) { return x; }")
    one, other = link([(data, "a.o")]), load_image(data, "a.o")
    assert one.name == other.name
    assert one.symbols == other.symbols
    assert one.place(0x10000, {}.get) == other.place(0x10000, {}.get)


def test_formats_do_not_mix() -> None:
    elf, macho = (helpers.compiled("int f(void) { return 1; }", target=t) for t in ("linux", "apple"))
    with pytest.raises(LoadError, match=r"^b\.o is a Mach-O object, and a\.o an ELF object: they can't be linked"):
        link([(elf, "a.o"), (macho, "b.o")])


def test_nothing_to_link() -> None:
    with pytest.raises(LoadError, match="no object to link"):
        link([])


def test_what_stays_undefined_is_named_once() -> None:
    source = "int missing(void); int {}(void) {{ return missing(); }}"
    image = linked(source.format("f"), source.format("g"))
    assert image.undefined() == ["missing"]
    placed = image.place(0x100000, {"missing": 0x9000_0000_0000}.get)
    # Out of a branch's reach: both go through the one veneer.
    assert placed[0][1].count((0x9000_0000_0000).to_bytes(8, "little")) == 1


def test_code_of_our_own_is_linked_as_well() -> None:
    call = Image.from_code("call", [Section(".text", b"\0\0\0\x94")], [SectionSymbol("f", 0, 0, 4, "function")])
    target = Image.from_code("target", [Section(".text", bytes(8))], [SectionSymbol("g", 0, 4, 4, "function")])
    image = Image("both", [*call.parts, *target.parts])
    assert [(f.name, f.offset) for f in image.functions] == [("f", 0), ("g", 8)]


@pytest.mark.parametrize("target", TARGETS)
def test_load_takes_a_list_of_paths(target: str, tmp_path: Path) -> None:
    for name, source in {
        "a": "int g(int); int f(int x) { return g(x) + 1; }",
        "b": "int g(int x) { return 2 * x; }",
    }.items():
        (tmp_path / f"{name}.o").write_bytes(helpers.compiled(source, target=target))
    with armexec.load([tmp_path / "a.o", str(tmp_path / "b.o")]) as m:
        assert m.f(5) == 11
    with armexec.load([tmp_path / "a.o"]) as m, pytest.raises(armexec.UndefinedSymbol, match="symbol g is called by f"):
        m.f(5)
    with pytest.raises(LoadError, match=r"nowhere\.o: No such file"):
        armexec.load([tmp_path / "a.o", tmp_path / "nowhere.o"])
    with pytest.raises(LoadError, match="not from list"):
        armexec.load([b"\x7fELF"])  # type: ignore[list-item]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["linux", "apple"])
def test_a_corrupted_object_beside_a_sound_one(target: str) -> None:
    """An image or a LoadError, never anything else."""
    rng = random.Random(3)
    data = helpers.compiled(CPLUSPLUS, language="c++", opt="-O0", target=target)
    sound = helpers.compiled("int g(int x) { return 2 * x; }", target=target)
    outcomes = set()
    for i in range(200):
        pair = [(mutated(data, rng), "fuzzed.o"), (sound, "sound.o")]
        try:
            image = link(pair if i % 2 else pair[::-1])
            image.place(0x4000_0000 & -image.align, lambda name: 0x4010_0000)
            for function in image.functions[:20]:
                image.line_of(function.offset)
                str(function.prototype)
            outcomes.add("linked")
        except LoadError:
            outcomes.add("refused")
    assert outcomes == {"linked", "refused"}
