"""Executables without a C library: what is linked of libraries, and what a linker adds for start-up code."""

from __future__ import annotations

import random
import struct
import subprocess
from pathlib import Path

import pytest

from armexec import AddressSpace, Cpu
from armexec.errors import LoadError
from armexec.objects import Image, StaticLibrary, link, read_part
from armexec.objects.linking import Selection, select
from armexec.objects.linking.missing import missing_text
from mutations import mutated

from .helpers import ZIG, compiled

BASE, STACK, END = 0x4000_0000, 0x5000_0000, 0x1000


def selection(*sources: str, libraries: tuple[StaticLibrary, ...] = (), **options: str) -> Selection:
    parts = [
        read_part(compiled(source, **options), f"{name}.o") for name, source in zip("abcdef", sources, strict=False)
    ]
    return select(parts, libraries)


def executable(*sources: str, libraries: tuple[StaticLibrary, ...] = (), **options: str) -> Image:
    chosen = selection(*sources, libraries=libraries, **options)
    return Image("a", chosen.parts, chosen)


def call(image: Image, name: str, *arguments: int) -> int:
    """Call a function on the reference engine; TPIDR_EL0 leads to thread-local storage as a C library makes it."""
    space = AddressSpace("reference")
    contents = dict(image.place(BASE, lambda name: None))
    for segment in image.segments:
        protection = "rx" if segment.executable else "rw" if segment.writable else "r"
        space.map(BASE + segment.offset, segment.size, protection, data=contents[segment.offset])
    space.map(STACK - 0x10000, 0x10000, "rw")
    cpu = Cpu(space)
    block = image.thread_local
    if block is not None:
        cpu.tpidr_el0 = space.map(0x6000_0000, block.size, "rw")
        for template in block.templates:
            space.write(cpu.tpidr_el0 + template.place, space.read(BASE + template.offset, template.size))
    offset = image.find(name).offset
    assert offset is not None
    cpu.pc, cpu.sp, cpu.x[30] = BASE + offset, STACK, END
    for number, argument in enumerate(arguments):
        cpu.x[number] = argument
    assert cpu.run(until=END, instruction_limit=10_000).reason == "until"
    return cpu.x[0]


def library(folder: Path, **sources: str) -> StaticLibrary:
    for name, source in sources.items():
        (folder / f"{name}.o").write_bytes(compiled(source))
    names = [f"{name}.o" for name in sources]
    subprocess.run([ZIG, "ar", "rcs", "lib.a", *names], check=True, cwd=folder, timeout=60, capture_output=True)
    return StaticLibrary((folder / "lib.a").read_bytes(), "lib.a")


def test_members_are_linked_if_they_are_needed(tmp_path: Path) -> None:
    made = library(
        tmp_path,
        one="int two(void); int one(void) { return two() + 1; }",
        two="int optional(void) __attribute__((weak)); int two(void) { return optional ? optional() : 2; }",
        three="int optional(void) { return 50; }",
        four="int gone(void); int four(void) { return gone(); }",
    )
    chosen = selection("int one(void); int f(void) { return one(); }", libraries=(made,))
    assert [part.name for part in chosen.parts] == ["a.o", "lib.a(one.o)", "lib.a(two.o)"]
    assert call(Image("a", chosen.parts, chosen), "f") == 3
    both = "int one(void), optional(void); int f(void) { return one() + optional(); }"
    assert call(executable(both, libraries=(made,)), "f") == 101


def test_what_the_program_defines_itself_is_not_linked(tmp_path: Path) -> None:
    made = library(tmp_path, one="int helper(void) { return 1; } int one(void) { return helper(); }")
    source = "int one(void) { return 9; } int f(void) { return one(); }"
    assert len(selection(source, libraries=(made,)).parts) == 1
    with pytest.raises(LoadError, match=r"one is defined in both a\.o and lib\.a"):
        selection(source + "int helper(void); int g(void) { return helper(); }", libraries=(made,))


def test_unused_sections_of_members_are_left_out(tmp_path: Path) -> None:
    text = '.section .text.{0}, "ax"\n.globl {0}\n{0}: bl {1}\nret\n'
    data = compiled(text.format("used", "other") + text.format("unused", "gone"), language="assembler")
    (tmp_path / "m.o").write_bytes(data)
    subprocess.run([ZIG, "ar", "rcs", "lib.a", "m.o"], check=True, cwd=tmp_path, timeout=60, capture_output=True)
    made = StaticLibrary((tmp_path / "lib.a").read_bytes(), "lib.a")
    chosen = selection("void used(void); void other(void) {} void f(void) { used(); }", libraries=(made,))
    assert chosen.missing == {}
    image = Image("a", chosen.parts, chosen)
    assert image.undefined() == []
    sections = {section.name: section for section in image.sections}
    assert (sections[".text.unused"].dropped, sections[".text.used"].dropped) == (True, False)


def test_missing_symbols_with_those_who_want_them() -> None:
    chosen = selection(
        "int away(int); int f(void) { return away(1) + 1; } int g(void) { return away(2) + 1; }",
        "extern int v; int *p = &v;",
    )
    assert missing_text(chosen).splitlines() == ["  away, wanted by f (a.o), g (a.o)", "  v, wanted by p (b.o)"]


@pytest.mark.parametrize("flags", [(), ("-fPIC",), ("-fPIC", "-ftls-model=initial-exec"), ("-mtls-size=12",)])
@pytest.mark.parametrize("opt", ["-O0", "-O2"])
def test_thread_local_storage(flags: tuple[str, ...], opt: str) -> None:
    main = """
    extern _Thread_local int other; _Thread_local long first[3] = {1, 2, 3}; _Thread_local char zero;
    _Thread_local int aligned __attribute__((aligned(64))) = 7; extern _Thread_local int none __attribute__((weak));
    long f(int i) { other += i; zero++; return other * 1000 + first[1] * 100 + zero * 10 + aligned; }
    long g(void) { return (long)&aligned & 63; }
    """
    parts = [
        read_part(compiled(source, *flags, opt=opt), name)
        for source, name in ((main, "a.o"), ("_Thread_local int other = 40;", "b.o"))
    ]
    chosen = select(parts, [])
    image = Image("a", chosen.parts, chosen)
    assert call(image, "f", 2) == 42217
    assert call(image, "g") == 0
    assert image.thread_local is not None
    assert (image.thread_local.align, image.thread_local.templates[0].place) == (64, 64)


def test_arrays_of_initializers() -> None:
    source = """
    typedef void (*function)(void);
    extern function __init_array_start[], __init_array_end[], __fini_array_start[], __fini_array_end[];
    static long order;
    __attribute__((constructor(200))) static void b(void) { order = order * 10 + 2; }
    __attribute__((constructor(101))) static void a(void) { order = order * 10 + 1; }
    __attribute__((destructor)) static void z(void) { order = order * 10 + 9; }
    long f(void) {
        for (function *f = __init_array_start; f != __init_array_end; f++) (*f)();
        for (function *f = __fini_array_end; f != __fini_array_start; ) (*--f)();
        return order;
    }
    """
    other = "extern long order2; __attribute__((constructor)) static void c(void) { order2 += 3; } long order2;"
    image = executable(source, other)
    assert call(image, "f") == 129
    assert image.initializers == []


@pytest.mark.parametrize("linked", ["executable", "image"])
def test_sections_named_by_identifiers(linked: str) -> None:
    source = """
    __attribute__((section("table"), used)) static int a%d[] = {%s};
    extern int __start_table[], __stop_table[];
    __attribute__((weak)) long f(void) {
        long s = 0;
        for (int *p = __start_table; p != __stop_table; p++) s = s * 10 + *p;
        return s;
    }
    """
    sources = [source % (1, "1, 2"), "int between[5] = {9};", source % (2, "3")]
    if linked == "executable":
        image = executable(*sources)
    else:
        image = link((compiled(text), f"{i}.o") for i, text in enumerate(sources))
    assert call(image, "f") == 123


def test_one_of_each_comdat_group() -> None:
    source = """
    template <class T> struct Counter { static T count; T next() { static T calls = 10; return ++calls; } };
    template <class T> T Counter<T>::count = T(5);
    extern "C" int %s() { Counter<int> c; return c.next() * 100 + ++Counter<int>::count; }
    """
    image = executable(source % "f", source % "g", language="c++")
    functions = [f.name for f in image.functions]
    assert functions.count("_ZN7CounterIiE4nextEv") <= 1
    assert sum(section.dropped for section in image.sections) > 0
    assert call(image, "f") == call(image, "g") == 1106


def test_unwind_tables_have_what_is_linked() -> None:
    """They come with the unwinder, here a function of its name; each function is found in the search table."""
    source = """
    struct S { ~S(); }; void h();
    inline int shared(int n) { S s; h(); return n; }
    extern "C" int %s(int n) { return shared(n); }
    """
    support = """
    extern "C" void _Unwind_RaiseException() {} void h() { _Unwind_RaiseException(); } struct S { ~S(); }; S::~S() {}
    extern "C" void _Unwind_Resume() {} extern "C" void __gxx_personality_v0() {}
    """
    chosen = selection(source % "f", source % "g", support, language="c++", opt="-O0")
    assert chosen.unwind
    image = Image("a", chosen.parts, chosen)
    table = next(s for s in image.sections if s.name == ".eh_frame_hdr")
    content = {
        s.offset: data for s, (_, data) in zip(image.segments, image.place(BASE, lambda name: None), strict=True)
    }
    segment = next(s for s in image.segments if s.offset <= table.offset < s.offset + s.size)
    memory = content[segment.offset]

    def at(offset: int, format: str) -> tuple[int, ...]:
        return struct.unpack_from(format, memory, offset - segment.offset)

    encodings, (frames, count) = at(table.offset, "<4B"), at(table.offset + 4, "<iI")
    assert encodings == (1, 0x1B, 3, 0x3B)
    assert next(s.offset for s in image.sections if s.name == ".eh_frame") == table.offset + 4 + frames
    found = []
    for number in range(count):
        function, fde = (table.offset + value for value in at(table.offset + 12 + 8 * number, "<ii"))
        length, cie, begin, size = at(fde, "<IIiI")
        assert fde + 8 + begin == function
        assert at(fde + 4 - cie + 4, "<I") == (0,)
        found.append(function)
        assert size == image.function(image.symbol_at(function)[0].name).size  # type: ignore[index]
        assert length % 4 == 0
    assert found == sorted({f.offset for f in image.functions})


def test_mutations() -> None:
    """Damaged objects are refused when they are linked, or linked: nothing else is raised."""
    source = """
    struct S { ~S(); }; S::~S() {} void h(int n) { if (n) _Unwind_RaiseException(); }
    inline int one(int n) { S s; h(n); return n; }
    thread_local int own = 5; extern "C" int f(int n) { return one(n) + own++; }
    """
    unwinder = 'extern "C" void _Unwind_RaiseException() {} extern "C" void _Unwind_Resume() {}'
    unwinder += 'extern "C" void __gxx_personality_v0() {} '
    data = compiled(unwinder + source, language="c++", opt="-O0")
    generator = random.Random(2)
    linked = 0
    for _ in range(400):
        try:
            chosen = select([read_part(mutated(data, generator), "a.o")], [])
            Image("a", chosen.parts, chosen).place(BASE, lambda name: None)
            linked += 1
        except LoadError:
            pass
    assert linked > 50
