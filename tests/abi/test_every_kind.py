"""Every kind of argument and of result, in both directions, through the public names.

In the spirit of libffi's "bhaible" tests: for each type functions that take it first, among others, behind full
registers and nine times, and give it back; called by Python, and Python's functions called by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import armexec
from samples import one_of


class Kind(NamedTuple):
    """A type of C++, its definition, and three of its values as Python gives them."""

    type: str
    values: tuple[Any, Any, Any]
    definition: str = ""


def integers(type: str, bits: int, *, signed: bool) -> Kind:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (1, (1 << bits) - 1)
    return Kind(type, (low, high, high // 3))


def vector(type: str, element: str, count: int) -> Kind:
    numbers = np.arange(count).astype(element)
    return Kind(type, (numbers, (numbers + 1) * 2, list(range(count))))


KINDS = {
    "bool": Kind("bool", (True, False, True)),
    "char": Kind("char", (1, 127, 65)),
    "schar": integers("signed char", 8, signed=True),
    "uchar": integers("unsigned char", 8, signed=False),
    "short": integers("short", 16, signed=True),
    "ushort": integers("unsigned short", 16, signed=False),
    "int": integers("int", 32, signed=True),
    "uint": integers("unsigned int", 32, signed=False),
    "long": integers("long", 64, signed=True),
    "ulong": integers("unsigned long", 64, signed=False),
    "longlong": integers("long long", 64, signed=True),
    "int128": integers("__int128", 128, signed=True),
    "uint128": integers("unsigned __int128", 128, signed=False),
    "char16": integers("char16_t", 16, signed=False),
    "char32": integers("char32_t", 32, signed=False),
    "wchar": Kind("wchar_t", (1, 65, 0x20AC)),
    "enum": Kind("Color", ("RED", "BLUE", 5), "enum Color { RED, GREEN = 5, BLUE };"),
    "level": Kind("Level", (-128, "high", 0), "enum class Level : signed char { low = -128, none = 0, high = 127 };"),
    "wide_enum": Kind("Wide", (1 << 63, 0, "most"), "enum class Wide : unsigned long { most = ~0ul };"),
    "float": Kind("float", (0.5, -1.25, float("inf"))),
    "double": Kind("double", (0.1, -1e300, 5e-324)),
    "half": Kind("_Float16", (0.5, -65504.0, 6e-8)),
    "bfloat": Kind("__bf16", (0.5, -3.0, 2.0**100)),
    "long_double": Kind("long double", (0.1, -1.5, 2.0**-1000)),
    "complex_float": Kind("float _Complex", (1 + 2j, -0.5j, 3)),
    "complex_double": Kind("double _Complex", (0.1 + 2j, -0.5j, 3)),
    "complex_long": Kind("long double _Complex", (0.1 + 2j, -0.5j, 3)),
    "complex_half": Kind("_Float16 _Complex", (0.5 + 2j, -0.5j, 3)),
    "pointer": Kind("int *", (0, 16, (1 << 48) - 8)),
    "void_pointer": Kind("const void *", (0, 16, (1 << 48) - 8)),
    "function": Kind("Function", (0, 16, (1 << 48) - 8), "typedef int (*Function)(int);"),
    "int_struct": Kind("One", ((-1,), (1,), (2,)), "struct One { int a; };"),
    "chars": Kind("Chars", (([1, 2, 3],), ([4, 5, 6],), ([7, 8, 9],)), "struct Chars { unsigned char c[3]; };"),
    "twelve": Kind("Twelve", ((1, 2, 3), (4, 5, 6), (7, 8, 9)), "struct Twelve { int a, b, c; };"),
    "sixteen": Kind("Sixteen", ((1, 0.5), (2, 1.5), (3, 2.5)), "struct Sixteen { long a; double b; };"),
    "seventeen": Kind(
        "Seventeen", (([1] * 17,), ([2] * 17,), (list(range(17)),)), "struct Seventeen { signed char c[17]; };"
    ),
    "large": Kind("Large", ((1, 0.5, 2), (3, 1.5, 4), (5, 2.5, 6)), "struct Large { long a; double b; int c; };"),
    "int128_struct": Kind("Big", ((1 << 100,), (-1,), (5,)), "struct Big { __int128 x; };"),
    "hfa1": Kind("Hfa1", ((0.5,), (1.5,), (2.5,)), "struct Hfa1 { float a; };"),
    "hfa3": Kind("Hfa3", ((1, 2, 3), (4, 5, 6), (7, 8, 9)), "struct Hfa3 { float a, b, c; };"),
    "hfa4": Kind("Hfa4", (([1, 2], 3, 4), ([5, 6], 7, 8), ([0, 0], 1, 2)), "struct Hfa4 { double a[2], b, c; };"),
    "hfa_half": Kind("HfaHalf", ((1, 2), (3, 4), (5, 6)), "struct HfaHalf { _Float16 a, b; };"),
    "hfa_long": Kind("HfaLong", ((0.1, 2), (3, 4), (5, 6)), "struct HfaLong { long double a, b; };"),
    "hfa_nested": Kind(
        "Outer",
        (((1,), (2, 3)), ((4,), (5, 6)), ((7,), (8, 9))),
        "struct In1 { float a; }; struct In2 { float a, b; }; struct Outer { In1 x; In2 y; };",
    ),
    "hfa_derived": Kind(
        "Derived",
        ((1, 2, 3), (4, 5, 6), (7, 8, 9)),
        "struct Base { double a; }; struct Derived : Base { double b, c; };",
    ),
    "no_hfa": Kind("Five", (([1] * 5,), ([2] * 5,), ([3, 4, 5, 6, 7],)), "struct Five { float a[5]; };"),
    "hva": Kind(
        "Hva", (([1] * 4, [2] * 4), ([3] * 4, [4] * 4), ([5] * 4, [6] * 4)), "struct Hva { float32x4_t a, b; };"
    ),
    "complex_struct": Kind("Holds", ((1j,), (2,), (3 + 4j,)), "struct Holds { double _Complex z; };"),
    "union": Kind("Number", ({"i": 5}, {"i": -1}, {"f": 0.5}), "union Number { int i; float f; };"),
    "float_union": Kind("Floats", ({"g": 2.5}, {"f": [1, 2]}, {"g": 0.5}), "union Floats { float f[2]; float g; };"),
    "bit_fields": Kind(
        "Bits", ((-4, 31, True, 1 << 39), (3, 0, False, 0), (0, 1, True, 5)),
        "struct Bits { int a : 3; unsigned b : 5; bool c : 1; unsigned long d : 40; };",
    ),
    "packed": Kind(
        "Packed", ((1, 0.5), (2, 1.5), (3, 2.5)), "struct __attribute__((packed)) Packed { char c; double d; };"
    ),
    "aligned16": Kind("Aligned16", ((1, 2), (3, 4), (5, 6)), "struct Aligned16 { alignas(16) long a; long b; };"),
    "aligned32": Kind("Aligned32", ((1,), (2,), (3,)), "struct alignas(32) Aligned32 { int a; };"),
    "empty": Kind("Empty", ((), (), ()), "struct Empty {};"),
    "holds_empty": Kind("Hollow", ((1,), (2,), (3,)), "struct Nothing {}; struct Hollow : Nothing { int x; };"),
    "copied": Kind(
        "Copied", ((1, 0.5), (2, 1.5), (3, 2.5)),
        "struct Copied { int a; double b; Copied(const Copied &o) : a(o.a), b(o.b) {} };",
    ),
    "destroyed": Kind(
        "Destroyed", ((1,), (2,), (3,)), "static int gone; struct Destroyed { long a; ~Destroyed() { gone++; } };"
    ),
    "pointers": Kind("Node", ((0, 8), (16, 24), (0, 0)), "struct Node { Node *next; int *data; };"),
    "int8x8": vector("int8x8_t", "i1", 8),
    "uint8x16": vector("uint8x16_t", "u1", 16),
    "int16x4": vector("int16x4_t", "i2", 4),
    "uint32x4": vector("uint32x4_t", "u4", 4),
    "int64x1": vector("int64x1_t", "i8", 1),
    "uint64x2": vector("uint64x2_t", "u8", 2),
    "float16x8": vector("float16x8_t", "f2", 8),
    "float32x2": vector("float32x2_t", "f4", 2),
    "float32x4": vector("float32x4_t", "f4", 4),
    "float64x2": vector("float64x2_t", "f8", 2),
    "poly8x16": vector("poly8x16_t", "u1", 16),
    "vectors": Kind(
        "float32x4x2_t",
        tuple((np.arange(n, n + 8, dtype="f4").reshape(2, 4),) for n in range(3)),  # type: ignore[arg-type]
    ),
}  # fmt: skip

FULL = "long, long, long, long, long, long, long, long, double, double, double, double, double, double, double, double"
FULL_VALUES = [*range(8), *(n / 2 for n in range(8))]


def functions(name: str, kind: Kind) -> str:
    t = kind.type
    nine = ", ".join(f"{t} a{n}" for n in range(9))
    given = ", ".join(f"a{n}" for n in range(9))
    full = ", ".join(f"{ctype} f{n}" for n, ctype in enumerate(FULL.split(", ")))
    full_given = ", ".join(f"f{n}" for n in range(16))
    return f"""
{kind.definition}
{t} first_{name}({t} a, int b) {{ return a; }}
{t} among_{name}(float x, {t} a, signed char y, {t} b, double z) {{ return x == 0.5f && y == -2 && z == 0.25 ? b : a; }}
{t} behind_{name}({full}, char c, {t} a, short d, {t} b) {{ return c == 3 && d == -4 ? b : a; }}
{t} ninth_{name}(int n, {nine}) {{ return n == 0 ? a0 : n == 7 ? a7 : a8; }}
int alike_{name}(const {t} &a, const {t} &b) {{ return __builtin_memcmp(&a, &b, sizeof a) == 0; }}
{t} call_{name}({t} (*f)({t}, int), {t} a) {{ return f(a, 7); }}
{t} call_among_{name}({t} (*f)(float, {t}, signed char, {t}, double), {t} a, {t} b) {{
    return f(0.5f, a, -2, b, 0.25);
}}
{t} call_behind_{name}({t} (*f)({FULL}, {t}), {full}, {t} a) {{ return f({full_given}, a); }}
{t} call_nine_{name}({t} (*f)({", ".join([t] * 9)}), {nine}) {{ return f({given}); }}
"""


SOURCE = '#include <arm_neon.h>\nextern "C" {\n' + "".join(functions(n, k) for n, k in KINDS.items()) + "}\n"
WHERE = ["linux translated:O0", "apple translated:O0"]
LATER = ["linux reference", "apple reference", "linux translated:O2"]


@pytest.fixture(
    scope="module", params=[*one_of(2, WHERE), *(pytest.param(where, marks=pytest.mark.long) for where in LATER)]
)
def module(request: pytest.FixtureRequest) -> Iterator[armexec.Module]:
    target, engine = request.param.split()
    with armexec.compile(SOURCE, opt="-O1", target=target, flags="-w", engine=engine) as made:
        yield made


def same(left: Any, right: Any) -> bool:
    """Whether a result is a value that was given; arrays and lists of the same numbers are."""
    if isinstance(left, np.ndarray):
        return bool(np.array_equal(left, np.asarray(right, left.dtype)))
    return bool(left == right) and type(left) is not type(None)


def expected(module: armexec.Module, kind: Kind, value: Any) -> Any:
    """The value as it comes back."""
    if kind.type in module.types and isinstance(value, tuple | dict):
        made = module.types[kind.type]
        return made(*value) if isinstance(value, tuple) else made(**value)
    if isinstance(value, str):
        return int(module.types[kind.type][value])
    if kind.type == "_Float16":
        return float(np.float16(value))
    return value


@pytest.mark.parametrize("name", KINDS)
def test_arguments_and_results(module: armexec.Module, name: str) -> None:
    kind = KINDS[name]
    a, b, c = kind.values
    wanted = [expected(module, kind, value) for value in kind.values]
    first, among, behind, ninth = (module[f"{place}_{name}"] for place in ("first", "among", "behind", "ninth"))
    for value, back in zip(kind.values, wanted, strict=True):
        assert same(first(value, 1), back)
    assert same(among(0.5, a, -2, b, 0.25), wanted[1])
    assert same(among(0.5, a, -1, b, 0.25), wanted[0])
    assert same(behind(*FULL_VALUES, 3, a, -4, c), wanted[2])
    assert same(behind(*FULL_VALUES, 3, a, -5, c), wanted[0])
    for n, back in ((0, wanted[0]), (7, wanted[1]), (8, wanted[2])):
        assert same(ninth(n, a, *[c] * 6, b, c), back)
    # A result is an argument again.
    assert same(first(first(b, 1), 2), wanted[1])


@pytest.mark.parametrize("name", one_of(3, KINDS))
def test_references(module: armexec.Module, name: str) -> None:
    kind = KINDS[name]
    a, b, c = (expected(module, kind, value) for value in kind.values)
    if name in ("pointer", "void_pointer", "function"):
        # An int would be the address of the pointer.
        a, b, c = [a], [b], [c]
    alike = module[f"alike_{name}"]
    assert alike(a, a) == 1
    assert alike(b, c) == (same(b, c) or kind.type == "Empty")


@pytest.mark.parametrize("name", KINDS)
def test_python_is_called(module: armexec.Module, name: str) -> None:
    kind = KINDS[name]
    a, b, c = kind.values
    wanted = [expected(module, kind, value) for value in kind.values]
    seen: list[Any] = []
    call, among, behind, nine = (module[f"call{place}_{name}"] for place in ("", "_among", "_behind", "_nine"))

    def with_number(x: Any, n: int) -> Any:
        seen.append((x, n))
        return b

    assert same(call(with_number, a), wanted[1])
    (x, n) = seen.pop()
    assert same(x, wanted[0])
    assert n == 7
    # What it was given is a result.
    assert same(call(lambda x, n: x, c), wanted[2])

    def among_others(u: float, x: Any, v: int, y: Any, w: float) -> Any:
        seen.append((u, x, v, y, w))
        return y

    assert same(among(among_others, a, b), wanted[1])
    u, x, v, y, w = seen.pop()
    assert (u, v, w) == (0.5, -2, 0.25)
    assert same(x, wanted[0])
    assert same(y, wanted[1])

    def behind_others(*given: Any) -> Any:
        seen.append(given)
        return given[-1]

    assert same(behind(behind_others, *FULL_VALUES, c), wanted[2])
    *others, x = seen.pop()
    assert others == FULL_VALUES
    assert same(x, wanted[2])

    def of_nine(*given: Any) -> Any:
        seen.append(given)
        return given[7]

    assert same(nine(of_nine, a, *[c] * 6, b, a), wanted[1])
    given = seen.pop()
    assert len(given) == 9
    assert all(map(same, given, [wanted[0], *[wanted[2]] * 6, wanted[1], wanted[0]]))
