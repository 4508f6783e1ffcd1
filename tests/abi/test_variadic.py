"""The types of variadic functions' further arguments: those of the values, and those that are given."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import armexec
from engines import AVAILABLE

SOURCE = r"""
#include <stdarg.h>
typedef struct { int x, y; } point;
typedef struct { double v[3]; } vector;
typedef struct { long v[3]; } large;
typedef unsigned short small;
enum color { RED, GREEN = 5 };
small used;
static char out[4096];
static void put(const void *data, unsigned size) {
    static unsigned at;
    if (!data) { at = 0; return; }
    for (unsigned i = 0; i < size; i++) out[at++] = ((const char *)data)[i];
}
#define TAKE(code, type) case code: { type value = va_arg(list, type); put(&value, sizeof value); break; }
/* The bytes of the arguments, of the types that the letters say. */
char *bytes(const char *kinds, ...) {
    va_list list;
    va_start(list, kinds);
    for (put(0, 0); *kinds; kinds++) switch (*kinds) {
        TAKE('i', int)
        TAKE('I', unsigned)
        TAKE('l', long)
        TAKE('L', unsigned long)
        TAKE('d', double)
        TAKE('g', long double)
        TAKE('F', float _Complex)
        TAKE('D', double _Complex)
        TAKE('G', long double _Complex)
        TAKE('w', __int128)
        TAKE('p', point)
        TAKE('v', vector)
        TAKE('s', large)
        TAKE('c', enum color)
        case 't': { const char *text = va_arg(list, const char *); while (*text) put(text++, 1); break; }
        case 'f': { int value = va_arg(list, int (*)(int))(20); put(&value, 4); break; }
    }
    va_end(list);
    return out;
}
"""


@pytest.fixture(scope="module", params=["linux", "apple"])
def module(request: pytest.FixtureRequest) -> Iterator[armexec.Module]:
    with armexec.compile(SOURCE, "c", "-O1", target=request.param, engine="translated:O0") as made:
        yield made


def passed(module: armexec.Module, size: int, function: armexec.Function, *arguments: Any) -> bytes:
    return bytes((ctypes.c_char * size).from_address(function(*arguments)))


def is_apple(module: armexec.Module) -> bool:
    return module.image.format == "macho"


def long_double(module: armexec.Module, number: int | float) -> bytes:
    """A small number in the guest's format, by integers."""
    if is_apple(module):
        return struct.pack("<d", number)
    fraction = Fraction(number)
    exponent = 0
    while abs(fraction) >= 2:
        fraction, exponent = fraction / 2, exponent + 1
    bits = (int((abs(fraction) - 1) * 2**112)) | (16383 + exponent) << 112 | (number < 0) << 127
    return bits.to_bytes(16, "little")


@pytest.mark.parametrize(
    ("kinds", "values", "data"),
    [
        ("ii", (np.int8(-1), np.uint16(65535)), struct.pack("<ii", -1, 65535)),
        ("iIi", (np.int32(-2), np.uint32(2**32 - 1), np.bool_(True)), struct.pack("<iIi", -2, 2**32 - 1, 1)),
        ("lL", (np.int64(-(2**63)), np.uint64(2**64 - 1)), struct.pack("<qQ", -(2**63), 2**64 - 1)),
        ("ddd", (np.float16(0.5), np.float32(0.1), np.float64(0.1)), struct.pack("<ddd", 0.5, np.float32(0.1), 0.1)),
        ("FD", (np.complex64(1 + 2j), np.complex128(3 + 4j)), struct.pack("<ffdd", 1, 2, 3, 4)),
        ("id", (np.array(7), np.array(0.5)), struct.pack("<id", 7, 0.5)),
        ("iii", (ctypes.c_bool(True), ctypes.c_byte(-1), ctypes.c_short(-2)), struct.pack("<iii", 1, -1, -2)),
        ("iI", (ctypes.c_char(b"a"), ctypes.c_wchar("\u20ac")), struct.pack("<iI", 97, 0x20AC)),
        ("iI", (ctypes.c_int(-1), ctypes.c_uint(1)), struct.pack("<iI", -1, 1)),
        ("lL", (ctypes.c_long(-1), ctypes.c_ulong(1)), struct.pack("<qQ", -1, 1)),
        ("lL", (ctypes.c_longlong(-5), ctypes.c_uint64(2**64 - 1)), struct.pack("<qQ", -5, 2**64 - 1)),
        ("dd", (ctypes.c_float(0.1), ctypes.c_double(0.1)), struct.pack("<dd", np.float32(0.1), 0.1)),
        ("tit", (ctypes.c_char_p(b"ab"), 1, np.str_("c")), b"ab\1\0\0\0c"),
    ],
)  # fmt: skip
def test_values_have_their_types(module: armexec.Module, kinds: str, values: tuple[Any, ...], data: bytes) -> None:
    assert passed(module, len(data), module.bytes, kinds, *values) == data
    # Behind as many numbers as fill the registers.
    numbers = [*range(9), *(n / 2 for n in range(9))]
    before = struct.pack("<9q9d", *numbers)
    found = passed(module, len(before + data), module.bytes, "l" * 9 + "d" * 9 + kinds, *numbers, *values)
    assert found == before + data


def test_long_doubles_have_their_type(module: armexec.Module) -> None:
    for value in (np.longdouble(1.5), ctypes.c_longdouble(1.5)):
        data = long_double(module, 1.5) + struct.pack("<i", 3)
        assert passed(module, len(data), module.bytes, "gi", value, 3) == data
    data = long_double(module, 1.5) + long_double(module, -2.5)
    value = np.clongdouble(1.5 - 2.5j)
    assert passed(module, len(data), module.bytes, "G", value) == data


@pytest.mark.parametrize(
    ("kinds", "types", "values", "data"),
    [
        ("di", ("double", "int"), (1, True), struct.pack("<di", 1, 1)),
        ("ii", ("char", "signed char"), (200, -100), struct.pack("<ii", 200, -100)),
        ("d", ("float",), (0.1,), struct.pack("<d", np.float32(0.1))),
        ("w", ("__int128",), (-(1 << 100),), (-(1 << 100)).to_bytes(16, "little", signed=True)),
        ("iw", (int, "unsigned __int128"), (1, 1 << 127), struct.pack("<i", 1) + (1 << 127).to_bytes(16, "little")),
        ("ldDt", (int, float, complex, str), (1, 2, 3, "x"), struct.pack("<qddd", 1, 2, 3, 0) + b"x"),
        ("lid", (ctypes.c_long, np.int16, np.float32), (1, -2, 0.1), struct.pack("<qid", 1, -2, np.float32(0.1))),
        ("FD", ("float _Complex", np.complex128), (1j, 2), struct.pack("<ffdd", 0, 1, 2, 0)),
        ("p", ("point",), ((3, 4),), struct.pack("<ii", 3, 4)),
        ("vs", ("vector", "large"), ({"v": [1, 2, 3]}, ([4, 5, 6],)), struct.pack("<dddqqq", *range(1, 7))),
        ("i", ("small",), (65535,), struct.pack("<i", 65535)),
        ("c", ("enum color",), ("GREEN",), struct.pack("<i", 5)),
        ("p", ("struct q { int a, b; }; struct q",), ({"a": 1, "b": 2},), struct.pack("<ii", 1, 2)),
        ("f", ("int (*)(int)",), (lambda x: 2 * x,), struct.pack("<i", 40)),
        ("", (), (), b""),
    ],
)
def test_types_can_be_given(
    module: armexec.Module, kinds: str, types: tuple[Any, ...], values: tuple[Any, ...], data: bytes
) -> None:
    if "char" in types and is_apple(module):
        types = ("unsigned char", *types[1:])
    function = module.bytes.variadic(*types)
    assert passed(module, len(data), function, kinds, *values) == data
    numbers, letters = [*range(9), *(n / 2 for n in range(9))], "l" * 9 + "d" * 9
    function = module.bytes.variadic(*["long"] * 9, *["double"] * 9, *types)
    before = struct.pack("<9q9d", *numbers)
    assert passed(module, len(before + data), function, letters + kinds, *numbers, *values) == before + data


def test_types_of_the_module(module: armexec.Module) -> None:
    function = module.bytes.variadic(module.types["point"], module.types["color"], module.types["small"])
    data = struct.pack("<iiii", 1, 2, 5, 7)
    assert passed(module, 16, function, "pci", (1, 2), 5, 7) == data
    assert passed(module, 16, function, "pci", module.types["point"](1, 2), module.types["color"].GREEN, 7) == data
    data = long_double(module, 3)
    for kind in ("long double", np.longdouble, ctypes.c_longdouble):
        assert passed(module, len(data), module.bytes.variadic(kind), "g", 3) == data


def test_with_another_signature_and_a_text_as_result(module: armexec.Module) -> None:
    function = module.bytes.with_signature("char *bytes(const char *, ...)").variadic("const char *", "char")
    assert function.returning(str)("t", "abc", 1).startswith("abc")
    assert module.bytes.returning(bytes).variadic(str)("t", "abc").startswith(b"abc")


@pytest.mark.parametrize(
    ("types", "values", "message"),
    [
        (("int",), (), "takes 2 arguments: argument 2 is missing"),
        (("int",), (1, 2), "takes 2 arguments, not 3"),
        (("int",), (1.5,), "argument 2 must be an int for `int`, not float 1.5"),
        (("int",), (1 << 31,), "argument 2 is 2147483648, out of range"),
        (("short",), (1 << 15,), r"argument 2, `int`: 32768 is out of range -32768\.\.32767 for `short`"),
        (("double",), ("x",), "argument 2 must be a number for `double`"),
        (("point",), ((1,),), "argument 2, `point`: point"),
        (("point",), ({"x": 1, "z": 2},), "argument 2, `point`: point"),
    ],
)
def test_values_that_do_not_fit(
    module: armexec.Module, types: tuple[Any, ...], values: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(armexec.SignatureError, match=message):
        module.bytes.variadic(*types)("", *values)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nothing", "'nothing' is no type of C"),
        ("int, int", "'int, int' isn't one type of C"),
        ("", "'' isn't one type of C"),
        ("...", "'...' is no type of C|'...' isn't one type of C"),
        ("void", "'void' isn't one type of C"),
        ("struct unknown", "no argument can have the type `struct unknown`"),
        (3, "not int 3"),
        (list, "the type of an argument is C text"),
        (np.generic, "the type of an argument is C text"),
        (np.datetime64, "the type of an argument is C text"),
    ],
)
def test_what_is_no_type(module: armexec.Module, given: Any, message: str) -> None:
    with pytest.raises(armexec.SignatureError, match=message):
        module.bytes.variadic(given)


def test_only_variadic_functions_have_such_types(module: armexec.Module) -> None:
    with pytest.raises(armexec.SignatureError, match="isn't variadic"):
        module.bytes.with_signature("char *(const char *)").variadic("int")
    with pytest.raises(armexec.SignatureError, match="its signature isn't known"):
        armexec.load(armexec.assemble(".globl f\n.type f, %function\nf: ret").object()).f.variadic("int")


# -- functions of Python ----------------------------------------------------------------------------------------------
CALLS = r"""
typedef struct { int x, y; } point;
typedef struct { long v[3]; } large;
int take(const char *, ...);
point give(int, ...);
int f(void) {
    return take("idsplgciF", -5, 0.25, "text", (point){1, 2}, (large){{3, 4, 5}}, 1.5L, (char)65, (short)-3, 2.0f);
}
int many(void) { return take("iiiiiiiiiiddddddddddid", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11, 12.); }
int through(int (*p)(const char *, ...)) { return p("id", 7, 0.5); }
point named(void) { return give(1, 2, 3); }
int narrow(int (*p)(int, int, int, int, int, int, int, int, char, short, char, ...)) {
    return p(1, 2, 3, 4, 5, 6, 7, 8, 9, -10, 11, 12, 13.0);
}
"""
LETTERS = {
    "i": "int", "d": "double", "F": "double", "s": "const char *", "p": "struct { int x, y; }",
    "l": "struct { long v[3]; }", "g": "long double", "c": "int",
}  # fmt: skip


def taken(kinds: str, rest: armexec.VariableArguments, seen: list[Any]) -> int:
    for kind in kinds:
        value = rest.next(LETTERS[kind])
        seen.append(ctypes.string_at(value).decode() if kind == "s" else (value.x, value.y) if kind == "p" else value)
    return len(kinds)


@pytest.mark.parametrize("target", ["linux", "apple"])
@pytest.mark.parametrize("engine", AVAILABLE)
def test_python_functions_take_variable_arguments(target: str, engine: str) -> None:
    seen: list[Any] = []

    def take(kinds: int, rest: armexec.VariableArguments) -> int:
        return taken(ctypes.string_at(int(kinds)).decode(), rest, seen)

    def give(x: int, rest: armexec.VariableArguments) -> tuple[int, int]:
        return x + rest.next(int), rest.next(ctypes.c_int)

    m = armexec.compile(CALLS, "c", "-O1", target=target, engine=engine, imports={"take": take, "give": give})
    assert m.f() == 9
    *first, values, wide, char, short, single = seen
    assert first == [-5, 0.25, "text", (1, 2)]
    assert list(values.v) == [3, 4, 5]
    assert (wide, char, short, single) == (1.5, 65, -3, 2.0)
    seen.clear()
    assert m.many() == 22
    assert seen == [*range(1, 11), *map(float, range(1, 11)), 11, 12.0]
    seen.clear()
    assert m.through(take) == m.through(armexec.callback(take, "int(const char *, ...)", engine=engine)) == 2
    assert seen == [7, 0.5] * 2
    assert m.named() == m.types["point"](3, 3)


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_callbacks_follow_the_convention_of_the_code_that_calls_them(target: str) -> None:
    seen: list[Any] = []

    def narrow(*given: Any) -> int:
        *named, rest = given
        seen.append((*named, rest.next("int"), rest.next("double")))
        return 1

    made = armexec.callback(narrow, "int(int, int, int, int, int, int, int, int, char, short, char, ...)")
    m = armexec.compile(CALLS, "c", "-O1", target=target, imports={"take": made, "give": made})
    assert m.narrow(made) == 1
    # Its address is for the target that it says.
    address = armexec.callback(narrow, made.signature, target=target)
    assert m.narrow(int(address)) == 1
    assert seen == [(1, 2, 3, 4, 5, 6, 7, 8, 9, -10, 11, 12, 13.0)] * 2
    with pytest.raises(armexec.SignatureError, match="there is no target 'mars'"):
        armexec.callback(narrow, made.signature, target="mars")


def test_what_variable_arguments_refuse() -> None:
    kept: list[armexec.VariableArguments] = []

    def take(kinds: int, rest: armexec.VariableArguments) -> int:
        kept.append(rest)
        for wrong in ("nothing", 3, "void"):
            with pytest.raises(armexec.SignatureError, match=r"`int \w*\(const char \*, \.\.\.\)`: "):
                rest.next(wrong)
        assert repr(rest).endswith("0 taken>")
        assert rest.next("int") == 7
        # Nobody knows how many there are: what is read further on is whatever is there.
        return int(rest.next("double") * 2)

    m = armexec.compile(CALLS, "c", "-O1", target="linux", imports={"take": take, "give": lambda n, rest: (n, n)})
    assert m.through(take) == 1
    with pytest.raises(armexec.SignatureError, match="are gone"):
        kept[0].next("int")
    with pytest.raises(armexec.SignatureError, match="calls its function with 2 arguments"):
        m.through(lambda text: 1)
    with pytest.raises(KeyError):
        m.through(lambda text, rest: {}[text])
