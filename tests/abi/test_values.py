"""Python values of C's types."""

from __future__ import annotations

import copy
import ctypes
import enum
import gc
import math
import pickle
import random
import struct
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armexec import SignatureError
from armexec.abi import parse_prototype, parse_types
from armexec.abi.pointers import pointer_argument
from armexec.abi.values import Codec, StructValue, codec, struct_class
from armexec.objects import CType

from .random_types import RandomTypes, bits_of

TEXT = """
enum color { RED, GREEN = 5, BLUE };
struct point { int x, y; };
struct vec2 { int x, y; };
struct line { struct point a, b; double w[3]; char name[8]; enum color c; };
union number { int i; float f; };
struct mixed { int k; union { int i; float f; struct { short lo, hi; }; }; };
struct bits { int a : 3; unsigned b : 5; _Bool c : 1; unsigned long d : 40; enum color e : 3; };
struct node { struct node *next; const char *text; int *data; };
struct wide { _Alignas(64) char c; int x; };
struct table { int n; struct point rows[2]; __int128 big[2]; };
struct flexible { int n; int rest[]; };
struct __attribute__((packed)) packed { char c; double d; };
struct own { int dtype; int from_bytes; int class; int self; };
"""
TYPES = parse_types(TEXT)


def made(name: str) -> type[StructValue]:
    return struct_class(TYPES[name])


def of(text: str) -> Codec:
    """The codec of a type."""
    ctype: CType = parse_prototype(f"{TEXT} void f({text})").parameters[0].type
    return codec(ctype)


def round_trip(text: str, value: Any) -> Any:
    kind = of(text)
    return kind.unpack(kind.pack(value, []))


# -- scalars ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ctype", "value", "data"),
    [
        ("short", -2, b"\xfe\xff"),
        ("_Bool", True, b"\1"),
        ("__int128", -1, b"\xff" * 16),
        ("unsigned __int128", 1 << 127, bytes(15) + b"\x80"),
        ("enum color", 6, b"\6\0\0\0"),
        ("float", 1.5, struct.pack("<f", 1.5)),
        ("_Float16", -2.0, struct.pack("<e", -2.0)),
        ("__bf16", 1.0, b"\x80\x3f"),
        ("double _Complex", 1 - 2j, struct.pack("<dd", 1, -2)),
        ("_Complex float", 0.5j, struct.pack("<ff", 0, 0.5)),
        ("long double", 1.0, bytes(14) + b"\xff\x3f"),
        ("long double", -math.inf, bytes(14) + b"\xff\xff"),
    ],
)
def test_scalars(ctype: str, value: Any, data: bytes) -> None:
    kind = of(ctype)
    assert kind.pack(value, []) == data
    found = kind.unpack(data)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("ctype", "value", "message"),
    [
        ("short", 40000, "40000 is out of range -32768..32767 for `short`"),
        ("short", 1.5, "1.5 is no integer, as `short` wants"),
        ("_Bool", 2, r"2 is out of range 0\.\.1"),
        ("__int128", 1 << 127, "out of range"),
        ("unsigned __int128", -1, "out of range"),
        ("enum color", "PINK", "'PINK' is no enumerator of `enum color`: its names are RED, GREEN, BLUE"),
        ("enum color", -1, "out of range"),
        ("float", "1", "'1' is no number, as `float` wants"),
        ("long double", "1", "'1' is no number, as `long double` wants"),
        ("_Complex double", "1", "'1' is no complex number"),
        ("int8x8_t", 3, "3 is no array of 8 values"),
        ("int8x8_t", [1] * 7, "7 values, where `int8x8_t` has 8"),
        ("int8x8_t", [0] * 7 + [200], "element 7: 200 is out of range"),
        ("int8x8_t", np.zeros(8, "u1"), "dtype uint8, not int8"),
        ("int8x8_t", np.zeros((2, 4), "i1"), r"shape \(2, 4\), not \(8,\)"),
    ],
)
def test_what_does_not_fit(ctype: str, value: Any, message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        of(ctype).pack(value, [])


def test_enums_take_names() -> None:
    Color = enum.IntEnum("Color", {"RED": 0, "BLUE": 6})
    assert [round_trip("enum color", value) for value in ("GREEN", 6, Color.BLUE, np.uint8(5))] == [5, 6, 6, 5]


THIRD = Fraction((1 << 114) // 3, 1 << 114)
"""1/3 as binary128 has it: 113 bits, rounded to nearest."""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, 0.1),
        (-0.0, -0.0),
        (5e-324, 5e-324),
        (1 << 70, float(1 << 70)),
        ((1 << 112) + 1, Fraction((1 << 112) + 1)),
        ((1 << 113) + 1, float(1 << 113)),  # a tie, to even
        ((1 << 113) + 3, Fraction((1 << 113) + 4)),
        (Fraction(1, 3), THIRD),
        (Decimal(1) / Decimal(4), 0.25),
        (Decimal("1e-4000"), None),
        (Decimal("1e30000"), math.inf),
        (Decimal("-1e-30000"), -0.0),
        (Decimal("-Infinity"), -math.inf),
        (Fraction(1, 1 << 16494), Fraction(1, 1 << 16494)),  # the least subnormal number
        (Fraction(1, 1 << 16495), 0.0),
        (1 << 16384, math.inf),
        (np.longdouble(1) / 4, 0.25),
        (np.float32(0.5), 0.5),
    ],
    ids=lambda _: "",
)
def test_long_doubles(value: Any, expected: Any) -> None:
    found = round_trip("long double", value)
    if expected is None:
        assert abs(Fraction(found) / Fraction(value) - 1) < Fraction(1, 1 << 112)
    else:
        assert (found, type(found)) == (expected, type(expected))
        assert isinstance(found, Fraction) or math.copysign(1, found) == math.copysign(1, expected)


def test_a_long_double_of_numpy_is_exact() -> None:
    value = np.longdouble(1) / 3
    assert Fraction(*map(int, value.as_integer_ratio())) == Fraction(round_trip("long double", value))


def test_nans_stay_nans() -> None:
    for ctype in ("long double", "double", "float", "_Float16", "__bf16"):
        assert math.isnan(round_trip(ctype, math.nan))
    assert codec(TYPES["struct point"]).size == 8


@given(st.fractions())
def test_long_doubles_are_nearest(value: Fraction) -> None:
    found = Fraction(round_trip("long double", value))
    assert abs(found - value) * (1 << 113) <= abs(value)


@given(st.floats(allow_nan=False))
def test_every_float_is_a_long_double(value: float) -> None:
    assert repr(round_trip("long double", value)) == repr(value)


@given(st.floats(width=32, allow_nan=False))
def test_singles(value: float) -> None:
    assert of("float").pack(value, []) == struct.pack("<f", value)
    assert repr(round_trip("float", value)) == repr(value)


# -- structs ----------------------------------------------------------------------------------------------------------


def test_a_struct() -> None:
    point = made("struct point")
    value = point(x=1, y=-2)
    assert repr(value) == "point(x=1, y=-2)"
    assert value == point(1, -2) != point(1, 2)
    assert value != (1, -2)
    assert bytes(value) == struct.pack("<ii", 1, -2)
    assert point.from_bytes(bytes(value)) == value
    assert point() == point(0, 0)
    value.x += 10
    assert (value.x, value["x"]) == (11, 11)
    assert point.dtype == value.dtype == np.dtype([("x", "<i4"), ("y", "<i4")])
    assert copy.deepcopy(value) == value
    copied = copy.copy(value)
    copied.x = 0
    assert value.x == 11
    with pytest.raises(TypeError):
        hash(value)


def test_a_definition_has_one_class() -> None:
    again = parse_types(f"typedef int unrelated; {TEXT}")
    assert struct_class(again["struct point"]) is made("struct point")
    assert made("struct vec2") is not made("struct point")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python's classes have buffers from 3.12 on")
def test_buffers() -> None:
    value = made("struct point")(1, 2)
    memoryview(value)[0] = 7  # type: ignore[arg-type]
    assert value.x == 7


def test_values_are_pickled() -> None:
    node = made("struct node")(None, None, None)
    assert pickle.loads(pickle.dumps(node)) == node
    line = made("struct line")((1, 2), (3, 4), [1, 2, 3.5], "hey", "BLUE")
    assert pickle.loads(pickle.dumps([line])) == [line]


def members_of(value: StructValue) -> dict[str, Any]:
    return {name: given_again(value[name]) for name in type(value)._members}


def given_again(value: Any) -> Any:
    """The value as dicts, lists and numbers, where no union is among them."""
    if isinstance(value, StructValue):
        return members_of(value) if type(value)._all is not None else value
    if isinstance(value, np.ndarray):
        return value if value.dtype == "uint16" else value.tolist()
    return [given_again(element) for element in value] if isinstance(value, tuple) else value


def test_random_structs_are_made_of_their_members() -> None:
    rng = random.Random(5)
    types = RandomTypes(rng, "r")
    while len(types.tags) < 150:
        types.aggregate()
    checked = 0
    for tag, ctype in parse_types(types.text).items():
        if not tag.startswith("struct r"):
            continue
        kind = codec(ctype)
        cls = struct_class(ctype)
        assert cls.dtype.itemsize == ctype.size
        # Bits of `_Bool` are 0 or 1, and NaNs have no payload.
        value = cls.from_bytes(rng.randbytes(ctype.size))
        if cls._all is None or not cls._members:
            continue
        once = kind.pack(members_of(value), [])
        again = members_of(cls.from_bytes(once))
        difference = int.from_bytes(once, "little") ^ int.from_bytes(kind.pack(again, []), "little")
        assert difference & bits_of(ctype) == 0, tag
        checked += 1
    assert checked > 40


def test_threads_have_the_same_class() -> None:
    for round in range(30):
        text = f"struct shared{round} {{ int x; }};"
        ready = threading.Barrier(4)

        def make(text: str = text, ready: threading.Barrier = ready) -> type[StructValue]:
            ready.wait()
            (ctype,) = parse_types.__wrapped__(text).values()
            return struct_class(ctype)

        with ThreadPoolExecutor(4) as pool:
            classes = [future.result() for future in [pool.submit(make) for _ in range(4)]]
        assert len(set(classes)) == 1


def test_nested_members_are_parts() -> None:
    value = made("struct line")((1, 2), {"x": 3, "y": 4}, [1, 2, 3.5], "hey", "BLUE")
    assert (
        repr(value) == "line(a=point(x=1, y=2), b=point(x=3, y=4), w=[1.0, 2.0, 3.5], "
        "name=[104, 101, 121, 0, 0, 0, 0, 0], c=6)"
    )
    value.a.x = 77
    value.w[1] = 9
    value.b = made("struct point")(5, 6)
    assert (value.a.x, list(value.w), value.b.y) == (77, [1, 9, 3.5], 6)
    inner = value.a
    del value
    assert inner.x == 77
    table = made("struct table")(1, [(1, 2), (3, 4)], [1 << 100, -1])
    assert [row.y for row in table.rows] == [2, 4]
    table.rows[1].y = 5
    assert (table.rows[1], table.big) == (made("struct point")(3, 5), (1 << 100, -1))


def test_arrays_of_numpy() -> None:
    line = made("struct line")
    array = np.zeros((), line.dtype)
    array["a"]["x"], array["w"] = 3, [1, 2, 3]
    assert array.nbytes == 56
    value = line.from_bytes(array.tobytes())
    assert (value.a.x, list(value.w)) == (3, [1, 2, 3])
    shared = np.asarray(value)
    shared["b"]["y"] = 8
    assert value.b.y == 8
    # Where a line is wanted.
    assert codec(TYPES["struct line"]).pack(shared[()], []) == bytes(value)
    assert made("struct packed").dtype.itemsize == 9
    assert made("struct wide").dtype.fields["x"][1] == 4
    assert made("struct table").dtype.fields["big"][0] == np.dtype(("V16", (2,)))


def test_unions() -> None:
    number = made("union number")
    assert repr(number(f=1.0)) == "number(i=1065353216, f=1.0)"
    assert number(3).i == number(i=3).i == 3
    assert number(i=1065353216) == number(f=1.0)
    mixed = made("struct mixed")
    assert mixed(1, 2).i == mixed(k=1, i=2).lo == 2
    assert mixed(k=1, lo=3, hi=4).i == 4 << 16 | 3
    for given_, message in (
        ({"k": 1}, "mixed: one of i, f, lo, hi must be given"),
        ({"k": 1, "lo": 2}, "mixed: hi must be given"),
        ({"k": 1, "i": 2, "f": 3.0}, "mixed: one of i, f, lo, hi must be given"),
    ):
        with pytest.raises(SignatureError, match=message):
            mixed(**given_)


def test_bit_fields() -> None:
    value = made("struct bits")(-1, 31, True, (1 << 40) - 1, "BLUE")
    assert repr(value) == "bits(a=-1, b=31, c=True, d=1099511627775, e=6)"
    assert int.from_bytes(bytes(value), "little") == 7 | 31 << 3 | 1 << 8 | ((1 << 40) - 1) << 9 | 6 << 49
    value.b = 0
    assert repr(value) == "bits(a=-1, b=0, c=True, d=1099511627775, e=6)"
    with pytest.raises(SignatureError, match=r"bits\.a: 4 is out of range -4\.\.3 for `int` : 3"):
        value.a = 4
    with pytest.raises(SignatureError, match="out of range"):
        value.e = 8


def test_pointers_keep_what_they_point_to() -> None:
    node = made("struct node")
    first = node(None, "one", [1, 2])
    second = node(next=first, text=None, data=None)
    address = second.next
    del first
    found = ctypes.string_at(address, 24)
    (text,) = struct.unpack_from("<Q", found, 8)
    assert ctypes.string_at(text) == b"one"
    assert pointer_argument(TYPES["struct node"].fields[0].type, second, []) != 0  # type: ignore[index]
    with pytest.raises(SignatureError, match=r"node.next: a value of `struct point` isn't what a pointer to"):
        second.next = made("struct point")(1, 2)


def test_parts_keep_what_they_were_stored_with() -> None:
    types = parse_types("struct two { int *a, *b; }; struct outer { struct two in; int n; };")
    outer: Any = struct_class(types["struct outer"])
    arrays = [np.zeros(1, np.int32) for _ in range(3)]
    alive = [weakref.ref(array) for array in arrays]
    value = outer({"a": arrays[0], "b": arrays[1]}, 1)
    value["in"].a = arrays[2]
    del arrays
    gc.collect()
    # The second was stored together with the first, which was replaced.
    assert [reference() is not None for reference in alive[1:]] == [True, True]
    value["in"] = {"a": None, "b": None}
    value["in"].a = None
    gc.collect()
    assert [reference() is not None for reference in alive] == [False] * 3


def test_alignment() -> None:
    alive: list[Any] = []
    value = made("struct wide")(1, 3)
    pointer = parse_prototype(f"{TEXT} void f(struct wide *)").parameters[0].type
    assert pointer_argument(pointer, value, alive) % 64 == 0
    assert alive == [value]


def test_names_that_python_has_another_use_for() -> None:
    value = made("struct own")(1, 2, **{"class": 3, "self": 4})
    assert (value["dtype"], value["from_bytes"], value["class"], value.self) == (1, 2, 3, 4)
    value["dtype"] = 7
    assert value["dtype"] == 7
    assert value.dtype.names == ("dtype", "from_bytes", "class", "self")
    with pytest.raises(SignatureError, match="own has no member 'q'"):
        value["q"]


def test_flexible_arrays_have_no_bytes() -> None:
    assert repr(made("struct flexible")(3)) == "flexible(n=3)"


@pytest.mark.parametrize(
    ("name", "values", "named", "message"),
    [
        ("struct point", (1,), {}, "point: y must be given"),
        ("struct point", (1, 2, 3), {}, "point has 2 members, not 3: x, y"),
        ("struct point", (1,), {"x": 2}, "point: x is given twice"),
        ("struct point", (), {"x": 1, "z": 2}, "point has no member 'z'; its members are: x, y"),
        ("struct point", (1 << 40, 0), {}, "member x: 1099511627776 is out of range"),
        ("struct line", ((1, "q"), (1, 2), [1, 2, 3], "", 0), {}, "member a: member y: 'q' is no integer"),
        ("struct line", ((), (1, 2), [1, 2, 3], "", 0), {}, "member a: point: x, y must be given"),
        ("struct line", ((1, 2), 3, [1, 2, 3], "", 0), {}, "member b: 3 is no `struct point`: give a point"),
        ("struct line", ((1, 2), (1, 2), [1, 2], "", 0), {}, "member w: 2 values, where `double\\[3\\]` has 3"),
        ("struct line", ((1, 2), (1, 2), np.zeros(3, "f4"), "", 0), {}, "dtype float32, not float64"),
        ("struct line", ((1, 2), (1, 2), [1, 2, 3], "too long a name", 0), {}, "15 bytes don't fit into"),
        ("union number", (1, 2), {}, "number has 1 members, not 2"),
    ],
)
def test_bad_members(name: str, values: tuple[Any, ...], named: dict[str, Any], message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        made(name)(*values, **named)


def test_the_wrong_struct() -> None:
    kind = codec(TYPES["struct point"])
    with pytest.raises(SignatureError, match=r"<class struct vec2> is no `struct point`: give a point"):
        kind.pack(made("struct vec2")(1, 2), [])
    with pytest.raises(SignatureError, match="dtype"):
        kind.pack(np.zeros((), "f8")[()], [])
    with pytest.raises(SignatureError, match="point has 8 bytes, not 3"):
        made("struct point").from_bytes(b"abc")
    with pytest.raises(SignatureError, match="its members aren't known"):
        struct_class(CType("struct", name="struct unknown"))
    with pytest.raises(AttributeError):
        made("struct point")(1, 2).z = 3  # type: ignore[attr-defined]


def test_vectors() -> None:
    found = round_trip("float32x4_t", [1, 2, 3, 4.5])
    assert (found.dtype, found.shape, list(found)) == (np.dtype("f4"), (4,), [1, 2, 3, 4.5])
    array = np.arange(16, dtype="i1")
    assert (round_trip("int8x16_t", array) == array).all()
    value = round_trip("float32x4x2_t", (np.ones((2, 4), "f4"),))
    assert value.val.shape == (2, 4)
    assert list(round_trip("bfloat16x4_t", [1.0, 2, 0, 0])) == [0x3F80, 0x4000, 0, 0]
