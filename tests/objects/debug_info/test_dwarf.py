"""Prototypes, types and source lines from DWARF."""

from __future__ import annotations

import pytest

from armexec.errors import LoadError
from armexec.objects import CType, Prototype, SourceLine, load_image

from ..helpers import compiled, gcc_compiled, image_of
from ..sources import CPLUSPLUS

VARIANTS = [
    ("linux", "-O0", ()),
    ("linux", "-O2", ("-gdwarf-5",)),
    ("linux", "-O1", ("-gdwarf-4",)),
    ("linux", "-O2", ("-gdwarf-5", "-gdwarf64", "-ffunction-sections")),
    ("linux", "-O0", ("-gdwarf-3", "-gz=zlib")),
    ("apple", "-O0", ()),
    ("apple", "-O2", ("-gdwarf-5",)),
    ("apple", "-O2", ("-gdwarf-4",)),
]

TYPES = r"""
#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>
struct point { float x, y; };
typedef struct { double m[4]; } matrix;
union number { long i; double d; };
enum color { RED, GREEN = 5 };
enum signed_color { DARK = -1, LIGHT };
struct node { struct node *next; struct point at; const struct node *const *others; };
struct __attribute__((packed)) tight { char c; int i; };
struct bits { unsigned a : 3; int b : 7; char c; unsigned long d : 40; };
struct hidden;
typedef int vector4 __attribute__((vector_size(16)));
typedef int (*callback)(const char *, void *);
bool f_bool(bool a) { return !a; }
char f_char(char a) { return a; }
signed char f_schar(signed char a) { return a; }
uint8_t f_u8(uint8_t a) { return a; }
short f_short(short a) { return a; }
unsigned long long f_ull(unsigned long long a) { return a; }
__int128 f_i128(__int128 a) { return a; }
float f_float(float a) { return a; }
_Float16 f_half(_Float16 a) { return a; }
double _Complex f_complex(double _Complex a) { return a; }
void f_void(void) {}
int f_variadic(const char *format, ...) { return *format; }
struct point f_struct(struct point p) { return p; }
matrix f_matrix(matrix m) { return m; }
union number f_union(union number n) { return n; }
enum color f_enum(enum color c, enum signed_color s) { return c; }
struct node *f_node(struct node *n, struct hidden *h) { return n; }
struct tight f_tight(struct tight t) { return t; }
struct bits f_bits(struct bits b) { return b; }
vector4 f_vector(vector4 v) { return v; }
int f_callback(callback c, int (*direct)(int, ...), int (**indirect)(void)) { return c("", 0); }
int f_arrays(int (*rows)[3][4], char **strings, int flat[7]) { return rows[0][0][0]; }
size_t f_size(const volatile int *restrict p, const void *q) { return (size_t)p; }
"""

SPELLED = {
    "f_bool": "_Bool f_bool(_Bool a)",
    "f_char": "char f_char(char a)",
    "f_schar": "signed char f_schar(signed char a)",
    "f_u8": "uint8_t f_u8(uint8_t a)",
    "f_short": "short f_short(short a)",
    "f_ull": "unsigned long long f_ull(unsigned long long a)",
    "f_i128": "__int128 f_i128(__int128 a)",
    "f_float": "float f_float(float a)",
    "f_half": "_Float16 f_half(_Float16 a)",
    "f_void": "void f_void(void)",
    "f_variadic": "int f_variadic(const char *format, ...)",
    "f_struct": "struct point f_struct(struct point p)",
    "f_matrix": "matrix f_matrix(matrix m)",
    "f_union": "union number f_union(union number n)",
    "f_enum": "enum color f_enum(enum color c, enum signed_color s)",
    "f_node": "struct node *f_node(struct node *n, struct hidden *h)",
    "f_vector": "vector4 f_vector(vector4 v)",
    "f_callback": "int f_callback(callback c, int (*direct)(int, ...), int (**indirect)(void))",
    "f_arrays": "int f_arrays(int (*rows)[3][4], char **strings, int *flat)",
}


def prototypes(data: bytes) -> dict[str, Prototype | None]:
    return {f.name: f.prototype for f in load_image(data, "types.o").functions}


def parameter(found: dict[str, Prototype | None], name: str, index: int = 0) -> CType:
    prototype = found[name]
    assert prototype is not None
    return prototype.parameters[index].type


def check_types(found: dict[str, Prototype | None]) -> None:
    assert {name: str(found[name]) for name in SPELLED} == SPELLED
    first = {name: parameter(found, name) for name in found if name != "f_void"}
    shapes = {name: (t.kind, t.size, t.signed) for name, t in first.items()}
    assert shapes["f_bool"] == ("bool", 1, False)
    assert shapes["f_schar"] == ("int", 1, True)
    assert shapes["f_u8"] == ("int", 1, False)
    assert shapes["f_short"] == ("int", 2, True)
    assert shapes["f_ull"] == ("int", 8, False)
    assert shapes["f_i128"] == ("int", 16, True)
    assert shapes["f_float"][:2] == ("float", 4)
    assert shapes["f_half"][:2] == ("float", 2)
    assert shapes["f_complex"][:2] == ("complex", 16)
    assert shapes["f_variadic"][:2] == ("pointer", 8)
    assert shapes["f_enum"] == ("enum", 4, False)
    assert parameter(found, "f_enum", 1).signed
    assert shapes["f_vector"][:2] == ("vector", 16)
    assert parameter(found, "f_vector").count == 4

    point = parameter(found, "f_struct")
    assert (point.kind, point.size, point.align) == ("struct", 8, 4)
    assert [(f.name, f.offset, f.type.name) for f in point.fields or ()] == [
        ("x", 0, "float"),
        ("y", 4, "float"),
    ]
    matrix = parameter(found, "f_matrix")
    assert (matrix.size, matrix.align, len(matrix.fields or ())) == (32, 8, 1)
    assert str((matrix.fields or ())[0].type) == "double[4]"
    union = parameter(found, "f_union")
    assert [(f.name, f.offset) for f in union.fields or ()] == [("i", 0), ("d", 0)]

    node = parameter(found, "f_node").target
    assert node is not None
    fields = node.fields or ()
    assert [f.name for f in fields] == ["next", "at", "others"]
    assert fields[0].type.target == node
    assert (fields[0].type.target or node).fields == fields
    assert fields[2].type.declare("others") == "const struct node *const *others"
    hidden = parameter(found, "f_node", 1).target
    assert hidden is not None
    assert hidden.fields is None

    tight = parameter(found, "f_tight")
    assert (tight.size, tight.align, [f.offset for f in tight.fields or ()]) == (5, 1, [0, 1])
    bits = parameter(found, "f_bits")
    assert [(f.name, f.bit_offset, f.bit_size) for f in bits.fields or ()] == [
        ("a", 0, 3),
        ("b", 3, 7),
        ("c", None, None),
        ("d", 24, 40),
    ]


@pytest.mark.parametrize(("target", "opt", "flags"), VARIANTS)
def test_types_of_clang(target: str, opt: str, flags: tuple[str, ...]) -> None:
    found = prototypes(compiled(TYPES, *flags, opt=opt, target=target))
    assert parameter(found, "f_char").signed == (target == "apple")
    check_types(found)


@pytest.mark.parametrize("flags", [("-O0", "-g"), ("-O2", "-gdwarf-4"), ("-O2", "-g", "-gz")])
def test_types_of_gcc(flags: tuple[str, ...]) -> None:
    found = prototypes(gcc_compiled(TYPES, *flags))
    spelled = {k: str(v) for k, v in found.items()}
    assert spelled["f_short"] == "short int f_short(short int a)"  # GCC's own names of the basic types
    assert spelled["f_callback"] == SPELLED["f_callback"]
    assert spelled["f_node"] == SPELLED["f_node"]


@pytest.mark.parametrize(("target", "opt", "flags"), VARIANTS)
def test_cplusplus(target: str, opt: str, flags: tuple[str, ...]) -> None:
    image = image_of(CPLUSPLUS, *flags, language="c++", opt=opt, target=target)
    by_name = {f.name: str(f.prototype) for f in image.functions}
    assert by_name["_Z2fni"] == "int fn(int num)"
    assert by_name["_Z2fnd"] == "int fn(double num)"
    assert by_name["_ZN7CounterC1Ei"].endswith("Counter(Counter *this, int start)")
    assert by_name["_ZNK7Counter4nextEi"] == "int next(const Counter *this, int step)"
    [area] = [f for f in image.functions if "area" in f.name]
    assert area.prototype is not None
    assert str(area.prototype.parameters[0].type) == "geometry::Point"
    assert str(area.prototype.parameters[1]) == "const geometry::Point &q"
    assert area.prototype.parameters[0].type.size == 24


def test_classes_not_trivial_for_calls_go_by_reference() -> None:
    source = "struct S { int v; S(const S &); ~S() {} }; struct T { int v; }; int f(S s, T t) { return s.v + t.v; }"
    [prototype] = [f.prototype for f in image_of(source, language="c++").functions if "f" in f.source_name[:2]]
    assert prototype is not None
    assert [p.type.by_reference for p in prototype.parameters] == [True, False]


def test_declared_functions_have_prototypes_too() -> None:
    image = image_of('int puts(const char *); int f(void) { return puts(""); }', "-fno-builtin")
    assert str(image.prototype("f")) == "int f(void)"
    assert str(image.prototype("puts")) == "int puts(const char *)"
    assert image.prototype("nothing") is None


def test_functions_without_a_prototype_are_not_variadic() -> None:
    source = "int old(a) int a; { return a; } int unsaid() { return 1; } int some(const char *f, ...) { return *f; }"
    found = prototypes(compiled(source, "-std=gnu11", "-Wno-deprecated-non-prototype"))
    assert [str(found[name]) for name in ("old", "unsaid")] == ["int old(int a)", "int unsaid(void)"]
    assert str(found["some"]) == "int some(const char *f, ...)"


def test_malformed_information_is_an_error_every_time() -> None:
    data = compiled("int fn(int num) { return num; }", opt="-O0")
    image = load_image(data)
    at = data.index(b"\x05\0\1\x08\0\0\0\0")  # version 5, compile unit, 8-byte addresses
    image = load_image(data[:at] + b"\x63" + data[at + 1 :])
    for _ in range(2):
        with pytest.raises(LoadError, match="malformed debug information"):
            _ = image.functions[0].prototype


def test_without_debug_information() -> None:
    image = image_of("int fn(int num) { return num; }", "-g0")
    assert image.functions[0].prototype is None
    assert image.line_of(0) is None


@pytest.mark.parametrize(("target", "opt", "flags"), VARIANTS)
def test_lines(target: str, opt: str, flags: tuple[str, ...]) -> None:
    source = "extern int other(int);\nint a(int x) {\n    x = other(x);\n    return other(x + 1);\n}\n\nint b(int x)\n"
    source += "{\n    return other(x) * 2;\n}\n"
    image = image_of(source, *flags, opt=opt, target=target, filename="/src/lines.c")
    for name, lines in [("a", {2, 3, 4}), ("b", {8, 9})]:
        [f] = [f for f in image.functions if f.name == name]
        found = [image.line_of(at) for at in range(f.offset, f.offset + f.size, 4)]
        assert {line.line for line in found if line} >= lines
        assert {line.line for line in found if line} <= lines | {5, 10, 7}
        assert {line.file for line in found if line} == {"/src/lines.c"}
    assert image.line_of(image.size) is None
    assert isinstance(image.line_of(0), SourceLine)


def test_lines_of_gcc_and_of_assembly() -> None:
    image = load_image(gcc_compiled("int a(int x) {\n  return x * 3;\n}\n", "-O0", "-g"))
    assert [image.line_of(o).line for o in (0, 8)] == [1, 2]  # type: ignore[union-attr]
    text = ".globl f\n.type f, %function\nf:\n  nop\n  ret\n"
    image = image_of(text, "-g", language="assembler", filename="f.s")
    assert [str(image.line_of(o)) for o in (0, 4)] == ["f.s:4", "f.s:5"]
