"""Functions in a worker process: the same values as in this process."""

from __future__ import annotations

import array
import ctypes
import io
from collections.abc import Iterator
from contextlib import redirect_stdout

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import armexec
from armexec.isolation.module import IsolatedModule
from engines import AVAILABLE, needs_processes

pytestmark = needs_processes

SOURCE = """
typedef struct { double x, y; } point;
typedef struct { int tag; const char *text; } labelled;
enum colour { RED, GREEN = 5 };
int add(int a, int b) { return a + b; }
unsigned char byte(unsigned char c) { return c + 1; }
float half(float x) { return x / 2; }
double third(double x) { return x / 3; }
__int128 wide(__int128 x) { return x * 3; }
_Bool not(_Bool x) { return !x; }
enum colour colour(enum colour c) { return c == RED ? GREEN : RED; }
_Complex double conjugate(_Complex double z) { return ~z; }
point middle(point a, point b) { return (point){(a.x + b.x) / 2, (a.y + b.y) / 2}; }
void mirror(point *p) { double x = p->x; p->x = p->y; p->y = x; }
int tagged(labelled l) { return l.tag; }
long sum(const long *a, int n) { long s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
void twice(long *a, int n) { for (int i = 0; i < n; i++) a[i] *= 2; }
void shift(long *to, const long *from, int n) { for (int i = 0; i < n; i++) to[i] = from[i] + 1; }
unsigned long place(const void *p) { return (unsigned long)p; }
int length(const char *s) { int n = 0; while (s[n]) n++; return n; }
const char *label(int which) { return which ? "caf\\xc3\\xa9" : 0; }
long total(int n, ...) {
    __builtin_va_list a; __builtin_va_start(a, n);
    long s = 0;
    for (int i = 0; i < n; i++) s += __builtin_va_arg(a, long);
    __builtin_va_end(a);
    return s;
}
long first(int n, ...) { __builtin_va_list a; __builtin_va_start(a, n); return *__builtin_va_arg(a, long *); }
int counter = 3;
int next(void) { return ++counter; }
long between(long (*f)(const long *), const long *a, int n) { long x = f(a); return x + sum(a, n); }
void write_and_fault(long *a) { a[0] = 5; *(volatile int *)8 = 1; }
int read_at(const int *p) { return *p; }
"""


@pytest.fixture(scope="module", params=AVAILABLE)
def both(request: pytest.FixtureRequest) -> Iterator[tuple[armexec.Module, armexec.Module]]:
    here = armexec.compile(SOURCE, "c", "-O1", engine=request.param)
    with armexec.compile(SOURCE, "c", "-O1", engine=request.param, isolate="process") as there:
        yield here, there


@pytest.fixture(scope="module")
def there() -> Iterator[armexec.Module]:
    with armexec.compile(SOURCE, "c", isolate="process") as made:
        yield made


def test_values(both: tuple[armexec.Module, armexec.Module]) -> None:
    here, there = both
    point = here.types["point"]
    for name, arguments in (
        ("add", (1 << 30, -5)),
        ("byte", (255,)),
        ("half", (0.1,)),
        ("half", (float("-inf"),)),
        ("third", (1,)),
        ("wide", (-(1 << 120),)),
        ("not", (True,)),
        ("colour", ("RED",)),
        ("conjugate", (1 + 2j,)),
        ("middle", (point(x=1, y=2), (3, 4))),
        ("length", ("four",)),
        ("length", (b"three\0more",)),
        ("sum", ([1, 2, 3], 3)),
        ("total", (3, 1, 2, 1 << 60)),
    ):
        expected, got = here[name](*arguments), there[name](*arguments)
        assert (type(got), repr(got)) == (type(expected), repr(expected))
    assert there.mirror.signature == here.mirror.signature
    assert there.engine == here.engine


@needs_processes
@given(a=st.integers(-(1 << 127), (1 << 127) - 1), x=st.floats(), z=st.complex_numbers(allow_nan=False))
@settings(max_examples=30)
def test_any_value(there: armexec.Module, a: int, x: float, z: complex) -> None:
    wide = (a * 3 + (1 << 127)) % (1 << 128) - (1 << 127)
    assert there.wide(a) == wide
    assert repr(there.third(x)) == repr(x / 3)
    assert repr(there.conjugate(z)) == repr(z.conjugate())


def test_named_arguments_and_wrong_ones(there: armexec.Module) -> None:
    assert there.add(b=1, a=2) == 3
    with pytest.raises(armexec.SignatureError, match=r"argument 2 must be an int for `int b`, not str 'x'"):
        there.add(1, "x")
    with pytest.raises(armexec.SignatureError, match="takes 2 arguments: argument 2 is missing"):
        there.add(1)
    with pytest.raises(armexec.SignatureError, match="out of range"):
        there.byte(256)
    with pytest.raises(armexec.SignatureError, match="takes 2 arguments, not 3"):
        there.add(1, 2, 3)


def test_arrays_are_copied_there_and_back(there: armexec.Module) -> None:
    numbers = np.arange(100_000)
    assert there.sum(numbers, len(numbers)) == numbers.sum()
    there.twice(numbers, len(numbers))
    assert (numbers == np.arange(100_000) * 2).all()
    for made in ([1, 2], array.array("l", [1, 2]), (ctypes.c_long * 2)(1, 2)):
        there.twice(made, 2)
        assert list(made) == [2, 4]
    data = bytearray(16)
    data[0] = 1
    there.with_bytes = there["twice"].with_signature("void(void *, int)")
    there.with_bytes(data, 2)
    assert data[0] == 2
    one = ctypes.c_long(21)
    there.twice(one, 1)
    assert one.value == 42
    frozen = np.arange(3)
    frozen.flags.writeable = False
    assert there.sum(frozen, 3) == 3
    with pytest.raises(armexec.SignatureError, match="read-only"):
        there.twice(frozen, 3)


def test_overlapping_arrays_overlap_there_too(there: armexec.Module) -> None:
    numbers = np.zeros(5, dtype=np.int64)
    there.shift(numbers[1:], numbers[:4], 4)
    assert numbers.tolist() == [0, 1, 2, 3, 4]


def test_large_arrays(there: armexec.Module) -> None:
    for size in (1 << 12, 1 << 13, 300_000, 3_000_000, 1 << 13):
        numbers = np.arange(size)
        assert there.sum(numbers, size) == numbers.sum()
        there.twice(numbers, size)
        assert (numbers == np.arange(size) * 2).all()
        there.shift(numbers[1:], numbers[:-1], size - 1)
        assert (numbers == np.arange(size)).all()
        for start in range(8):
            view = numbers.view(np.uint8)[start:]
            assert there.place(view) % 64 == view.__array_interface__["data"][0] % 64
    frozen = np.ones(1 << 16, dtype=np.int64)
    frozen.flags.writeable = False
    assert there.sum(frozen, 1 << 16) == 1 << 16


def test_large_arrays_of_calls_within_calls(there: armexec.Module) -> None:
    outer, inner = np.arange(100_000), np.arange(2_000_000)
    middle = np.zeros(1, dtype=np.int64)

    def sum_inner(p) -> int:  # type: ignore[no-untyped-def]
        middle[0] = there.sum(inner, len(inner))
        there.twice(inner, len(inner))
        return int(p[3])

    assert there.between(sum_inner, outer, len(outer)) == 3 + outer[:100_000].sum()
    assert middle[0] == np.arange(2_000_000).sum()
    assert inner[-1] == 2 * 1_999_999


def test_what_was_written_before_a_fault_is_there(both: tuple[armexec.Module, armexec.Module]) -> None:
    for size in (8, 100_000):
        for module in both:
            numbers = np.zeros(size, dtype=np.int64)
            with pytest.raises(armexec.MemoryFault):
                module.write_and_fault(numbers)
            assert numbers[0] == 5


def test_empty_and_aligned_memory(there: armexec.Module) -> None:
    assert there.sum(np.zeros(0, dtype=np.int64), 0) == 0
    numbers = np.zeros(100, dtype=np.uint8)
    for start in range(8):
        view = numbers[start:]
        address = view.__array_interface__["data"][0]
        assert there.place(view) % 64 == address % 64
    assert there.place(None) == 0
    assert there.place(4096) == 4096


def test_structs_by_address(there: armexec.Module) -> None:
    point = there.types["point"](x=1, y=2)
    there.mirror(point)
    assert (point.x, point.y) == (2, 1)


def test_pointers_inside_are_refused(there: armexec.Module) -> None:
    with pytest.raises(armexec.SignatureError, match="pointers to memory of this process"):
        there.tagged((1, b"text"))
    assert there.tagged((1, None)) == 1
    with pytest.raises(armexec.SignatureError, match="points to memory of this process"):
        there.length(ctypes.c_char_p(b"text"))


def test_text_as_a_result(there: armexec.Module) -> None:
    assert there.label.returning(str)(1) == "café"
    assert there.label.returning(bytes)(1) == b"caf\xc3\xa9"
    assert there.label.returning(str)(0) is None
    assert there.length(there.label(1)) == 5


def test_variadic(there: armexec.Module) -> None:
    assert there.first(1, np.array([7])) == 7
    with pytest.raises(armexec.SignatureError, match="argument 2"):
        there.total(1, object())


def test_variables_stay_from_call_to_call_and_are_seen_as_globals(there: armexec.Module) -> None:
    first = there.next()
    assert there.next() == first + 1
    assert there.globals["counter"] == first + 1
    there.globals["counter"] = 100
    assert there.next() == 101
    with pytest.raises(armexec.SignatureError, match="the variable counter"):
        there.globals["counter"] = "x"


def test_faults_tell_the_place(both: tuple[armexec.Module, armexec.Module]) -> None:
    errors = []
    for module in both:
        with pytest.raises(armexec.MemoryFault) as caught:
            module.read_at(8)
        errors.append(caught.value)
    here, there = errors
    assert (there.address, there.access, there.message) == (here.address, here.access, here.message)
    assert (there.symbol, there.source, there.instruction) == (here.symbol, here.source, here.instruction)
    assert there.source
    assert there.source in str(there)
    assert str(there).replace(hex(there.pc), "") == str(here).replace(hex(here.pc), "")


def test_a_function_of_words_and_its_text() -> None:
    here = armexec.function("add x0, x0, x1; ret", "long(long, long)")
    there = armexec.function("add x0, x0, x1; ret", "long(long, long)", isolate="process")
    assert there(1, 2) == 3
    assert there.words == here.words
    assert there.assembly == here.assembly
    assert there.disassembly.splitlines()[0].split()[1:] == here.disassembly.splitlines()[0].split()[1:]
    assert isinstance(there.module, IsolatedModule)
    with pytest.raises(armexec.LoadError, match="undefined symbol nowhere"):
        armexec.function("b nowhere", "void()", isolate="process")


def test_an_object_is_loaded(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "add.o"
    file.write_bytes(armexec.assemble(".global f\nf: add w0, w0, #1\nret").object())
    with armexec.load(file, isolate="process") as module:
        assert module.f.with_signature("int(int)")(1) == 2
        assert module.at(0, "int(int)")(1) == 2
        assert module.read(0, 4) == module.image.segments[0].data[:4]
    with armexec.load([file], isolate="process") as module:
        assert module.f.with_signature("int(int)")(1) == 2
    with pytest.raises(armexec.SignatureError, match="isolate is \"process\" or None, not 'vm'"):
        armexec.load(file, isolate="vm")


def test_output_is_this_process_s() -> None:
    source = '#include <stdio.h>\nint hello(const char *s) { return printf("%s, %d\\n", s, 3); }'
    with armexec.compile(source, "c", isolate="process") as module:
        output = io.StringIO()
        with redirect_stdout(output):
            assert module.hello("you") == 7
        assert output.getvalue() == "you, 3\n"


@pytest.mark.slow
def test_cplusplus() -> None:
    source = """
    #include <string>
    #include <stdexcept>
    static std::string kept = "a";
    int grow(int n) { for (int i = 0; i < n; i++) kept += "b"; return (int)kept.size(); }
    int caught() { try { throw std::runtime_error("x"); } catch (const std::exception &e) { return e.what()[0]; } }
    """
    with armexec.compile(source, isolate="process") as module:
        assert module.grow(100_000) == 100_001
        assert module.caught() == ord("x")
