"""What a pointer parameter takes, and what it refuses."""

from __future__ import annotations

import array
import ctypes
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import armexec
from armexec import Module, SignatureError
from armexec.abi.pointers import pointer_argument
from armexec.objects import CType
from engines import AVAILABLE

SOURCE = """
#include <stdbool.h>
#include <stdint.h>
struct point { int x, y; };
enum color { RED, GREEN };
double total(const double *values, long count)
    { double s = 0; for (long i = 0; i < count; i++) s += values[i]; return s; }
long sum(const int *values, long count) { long s = 0; for (long i = 0; i < count; i++) s += values[i]; return s; }
long longs(const long *values) { return values[0]; }
long halves(const _Float16 *values) { return values[0] * 4; }
void sort(int *v, int n)
    { for (int i = 0; i < n; i++) for (int j = i + 1; j < n; j++)
          if (v[j] < v[i]) { int t = v[i]; v[i] = v[j]; v[j] = t; } }
void halve(double *values, int n) { for (int i = 0; i < n; i++) values[i] /= 2; }
void invert(bool *values, int n) { for (int i = 0; i < n; i++) values[i] = !values[i]; }
void clear(unsigned char *bytes, int n) { for (int i = 0; i < n; i++) bytes[i] = 0; }
int first(const void *bytes) { return *(const unsigned char *)bytes; }
int colors(const enum color *colors) { return colors[1]; }
unsigned length(const char *text) { unsigned n = 0; while (text[n]) n++; return n; }
unsigned letters(const char *const *texts, int n)
    { unsigned s = 0; for (int i = 0; i < n; i++) s += length(texts[i]); return s; }
int diagonal(const int (*rows)[2]) { return rows[0][0] + rows[1][1]; }
int across(const struct point *point) { return point->x; }
int through(int **pointer) { return **pointer; }
unsigned wide(const uint32_t *code) { return code[0]; }
"""


@pytest.fixture(scope="module", params=AVAILABLE)
def module(request: pytest.FixtureRequest) -> Iterator[Module]:
    with armexec.compile(SOURCE, "c", engine=request.param) as made:
        yield made


class Point(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("total", numpy.array([3.0], ">f8"), r"of >f8, in the other byte order"),
        ("total", numpy.array([3], "i8"), "of int64, not const double"),
        ("total", numpy.array([3.0], "f4"), "of float32, not const double"),
        ("total", numpy.array([3.0], "c8"), "of complex64, not const double"),
        ("total", numpy.array([3.0], object), "are Python objects"),
        ("total", numpy.array([True]), "of bool, not const double"),
        ("total", memoryview(numpy.array([3.0], ">f8")), "other byte order"),
        ("total", (ctypes.c_double.__ctype_be__ * 1)(3.0), "other byte order"),
        ("total", (ctypes.c_float * 1)(3.0), "of c_float, not const double"),
        ("total", ctypes.c_int(3), "of c_int, not const double"),
        ("total", ctypes.pointer(ctypes.c_int(3)), "of c_int, not const double"),
        ("total", Point(1, 2), "of Point, not const double"),
        ("total", ctypes.CFUNCTYPE(None)(lambda: None), "doesn't point to const double"),
        ("total", numpy.True_, r"not bool \("),
        ("total", True, "not bool"),
        ("total", numpy.float64(3.0), "not float64"),
        ("total", numpy.datetime64("2020-01-01"), "not datetime64"),
        ("total", 3 + 4j, "not complex"),
        ("total", [1.0, "2"], "element 1: '2' is no number"),
        ("total", [None], "element 0: None is no number"),
        ("total", [[1.0]], "element 0"),
        ("sum", numpy.array(["a"]), "of <U1, not const int"),
        ("sum", numpy.array([1], ">i4"), "other byte order"),
        ("sum", [1, 2**31], "element 1: 2147483648 is out of range"),
        ("sum", [1.5], "element 0: 1.5 is no integer"),
        ("longs", numpy.array(["2020-01-01"], "M8[s]"), r"of datetime64\[s\], not const long"),
        ("longs", numpy.zeros(1, "c8"), "of complex64"),
        ("longs", numpy.zeros(1, "V8"), r"not const long"),
        ("sort", (3, 1, 2), "a tuple can't change"),
        ("invert", numpy.zeros(1, "i4"), "not bool|not _Bool"),
        ("length", "a\0b", "null character at 1"),
        ("length", "\ud800", "can't be UTF-8 at 0"),
        ("length", numpy.array(["a"]), "of <U1, not const char"),
        ("length", ctypes.c_int(3), "of c_int, not const char"),
        ("across", ctypes.c_int(3), "of c_int, not const struct point"),
        ("across", numpy.zeros(2, "i4,i4,i4"), "12 bytes, not const struct point"),
        ("across", {"x": 1}, "point: y must be given"),
        ("across", [1, 2], "element 0: 1 is no `const struct point`"),
        ("through", numpy.zeros(2, "f8"), r"of float64, not int \*"),
        ("through", numpy.zeros(2, "i4"), r"of int32, not int \*"),
        ("first", numpy.zeros(2, object), "Python objects"),
        ("first", [256], "out of range 0..255"),
        ("first", {}, "not dict"),
    ],
)
def test_what_is_something_else_is_refused(module: Module, name: str, value: object, message: str) -> None:
    function = module[name]
    # At first, and again when the function has been called: other code may look at the arguments then.
    for _ in range(3):
        with pytest.raises(SignatureError, match=message):
            function(*(value, 1)[: len(function.prototype.parameters)])  # type: ignore[union-attr]


def test_the_fast_way_in_refuses_the_same() -> None:
    with armexec.compile(SOURCE, "c", engine=AVAILABLE[0]) as module:
        for _ in range(50):
            assert module.total(numpy.array([3.0]), 1) == 3.0
            with pytest.raises(SignatureError, match="other byte order"):
                module.total(numpy.array([3.0], ">f8"), 1)
            with pytest.raises(SignatureError, match="c_int"):
                module.total(ctypes.c_int(3), 1)
            with pytest.raises(SignatureError, match="bool"):
                module.total(numpy.zeros(3, bool), 1)


def test_what_has_the_right_elements_is_taken(module: Module) -> None:
    assert module.total(numpy.array([3.0, 4.0]), 2) == 7.0
    assert module.total((ctypes.c_double * 2)(3.0, 4.0), 2) == 7.0
    assert module.total(ctypes.c_double(3.0), 1) == 3.0
    assert module.total(ctypes.pointer(ctypes.c_double(3.0)), 1) == 3.0
    assert module.total(numpy.array([3.0]).tobytes(), 1) == 3.0  # bytes can be the bytes of anything
    assert module.total(numpy.array([3.0]).view("u1"), 1) == 3.0
    assert module.sum(numpy.array([1, 2], "u4"), 2) == 3
    assert module.halves(numpy.array([1.5], "f2")) == 6
    assert module.colors(numpy.array([0, 1], "i4")) == 1
    assert module.across(Point(5, 6)) == module.across(numpy.array([5, 6], "i4")) == 5
    assert module.diagonal(numpy.array([[1, 2], [3, 4]], "i4")) == 5
    assert module.first(ctypes.c_int(7)) == 7
    assert module.length(ctypes.c_char_p(b"abc")) == 3
    number = ctypes.c_int(9)
    assert module.through(numpy.array([ctypes.addressof(number)], "u8")) == 9
    assert module.through((ctypes.c_void_p * 1)(ctypes.addressof(number))) == 9


def test_parameters_may_have_the_names_of_what_passes_them(module: Module) -> None:
    for name in ("pointer", "bound", "alive", "prototype", "missing", "extra", "named", "write_back", "float_"):
        with armexec.compile(f"int f(int *{name}) {{ return *{name}; }}", "c", engine=module.engine) as other:
            assert other.f(array.array("i", [3])) == other.f(**{name: [3]}) == 3


def test_lists_are_arrays_for_the_time_of_a_call(module: Module) -> None:
    numbers = [3, 1, 2]
    module.sort(numbers, 3)
    assert numbers == [1, 2, 3]
    assert module.sum(numbers, 3) == module.sum((1, 2, 3), 3) == 6
    assert module.total([1, 2.5], 2) == 3.5
    assert module.halves([1.5]) == 6
    assert module.first([7, 255]) == 7
    assert module.letters(["ab", b"cde\0", "ü"], 3) == 7
    assert module.through([ctypes.addressof(ctypes.c_int(0)) and [8]]) == 8
    assert module.sum([], 0) == 0
    flags = [True, False]
    module.invert(flags, 2)
    assert flags == [False, True]
    assert flags[0] is False


def test_what_a_list_lost_to_a_fault_is_in_it() -> None:
    with armexec.compile("int f(int *p, int *q) { p[0] = 5; return *q; }", "c", engine="reference") as module:
        numbers = [1]
        with pytest.raises(armexec.MemoryFault):
            module.f(numbers, 8)
        assert numbers == [5]


@settings(deadline=None)  # the machine may be busy
@given(numbers=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20))
def test_a_list_comes_back_as_an_array_does(numbers: list[int]) -> None:
    same = array.array("i", numbers)
    _SORTED.sort(numbers, len(numbers))
    _SORTED.sort(same, len(same))
    assert numbers == same.tolist() == sorted(numbers)


_SORTED = armexec.compile(SOURCE, "c", engine="reference")


def test_wide_text_goes_to_wide_characters() -> None:
    with armexec.compile("int f(const __WCHAR_TYPE__ *t) { return t[1]; }", "c", engine="reference") as module:
        wide = module.f.with_signature("int(const wchar_t *)")
        assert wide(numpy.array(["ab"])) == ord("b")


def test_another_thread_may_be_importing_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", ModuleType("numpy"))
    data = bytearray(8)
    assert pointer_argument(CType("pointer", 8, target=CType("void")), data, []) != 0
