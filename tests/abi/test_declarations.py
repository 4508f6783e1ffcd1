"""C text as prototypes and types."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armexec import SignatureError
from armexec.abi import parse_prototype, parse_types
from armexec.objects import CType


def first(text: str, *, apple: bool = False) -> CType:
    """The type of the first parameter."""
    return parse_prototype(text, apple=apple).parameters[0].type


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("struct p { int x, y; }; int f(struct p p)", "int f(struct p p)"),
        ("typedef struct { double d[2]; } pair; pair f(pair *, const pair *)", "pair f(pair *, const pair *)"),
        ("enum e { A, B }; enum e f(enum e e);", "enum e f(enum e e)"),
        ("int f(_Complex float, float _Complex, _Complex)", "int f(_Complex float, _Complex float, _Complex double)"),
        ("long double f(int8x16_t v, float32x4x2_t w)", "long double f(int8x16_t v, float32x4x2_t w)"),
        ("/* a */ int f(int a[3], // b\n int b[n])", "int f(int *a, int *b)"),
        ("typedef int size_t; size_t f(size_t n)", "size_t f(size_t n)"),
        ("typedef int (*compare)(const void *, const void *); void f(compare c)", "void f(compare c)"),
        ("void f(int (*call)(struct p *), ...)", "void f(int (*call)(struct p *), ...)"),
    ],
)
def test_texts(text: str, shown: str) -> None:
    assert str(parse_prototype(text)) == shown


def test_what_definitions_say() -> None:
    types = parse_types(
        """
        enum e { A, B = A + 4, C, D = 1 << 3 | 1, E = sizeof(int), F = 'a', G = -7 / 2, H = 010 };
        enum negative { MINUS = -1 };
        enum large { LARGE = 0x100000000 };
        struct list { struct list *next; const struct list *last; char text[B]; };
        typedef struct list list_t;
        """
    )
    assert dict(types["enum e"].enumerators) == {"A": 0, "B": 4, "C": 5, "D": 9, "E": 4, "F": 97, "G": -3, "H": 8}
    assert (types["enum negative"].signed, types["enum e"].signed) == (True, True)
    assert (types["enum large"].size, types["enum large"].signed) == (8, False)
    made = types["struct list"]
    assert (made.size, made.tag, types["list_t"].tag, types["list_t"].name) == (
        24,
        "struct list",
        "struct list",
        "list_t",
    )
    assert made.fields is not None
    for field in made.fields[:2]:
        assert field.type.target is not None
        assert field.type.target.fields == made.fields


def test_systems_differ() -> None:
    text = "struct s { char c; long : 3; long double d; }; void f(struct s s)"
    assert [first(text, apple=apple).size for apple in (False, True)] == [32, 16]
    unnamed = "struct s { char c; long : 3; }; void f(struct s s)"
    assert [first(unnamed, apple=apple).align for apple in (False, True)] == [8, 1]


@pytest.mark.parametrize(
    ("attributes", "size", "align"),
    [
        ("struct s { char c; int x; } __attribute__((packed))", 5, 1),
        ("struct __attribute__((packed)) s { char c; int x; }", 5, 1),
        ("struct __attribute__((packed, aligned(4))) s { char c; int x; }", 8, 4),
        ("struct s { char c; int x; } __attribute__((packed)) __attribute__((__aligned__(2)))", 6, 2),
        ("struct s { char c; int x __attribute__((packed)); char d; }", 6, 1),
        ("struct s { char c; int x __attribute__((aligned(16))); }", 32, 16),
        ("struct s { _Alignas(8) char c; struct { int a; } __attribute__((aligned(32))); }", 64, 32),
        ("struct s { char c; } __attribute__((aligned))", 16, 16),
    ],
)
def test_attributes(attributes: str, size: int, align: int) -> None:
    found = parse_types(f"{attributes};")["struct s"]
    assert (found.size, found.align) == (size, align)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("struct s { int x; }; struct s { int y; }; void f(struct s)", "struct s is defined twice"),
        ("struct s { int x; int x; }; void f(struct s)", "two members 'x'"),
        ("struct s { struct t t; }; void f(struct s)", "the member t has type struct t, whose size isn't known"),
        ("struct s { struct s s; }; void f(struct s)", "the member s has type struct s, whose size isn't known"),
        ("struct s { int x : 33; }; void f(struct s)", "the bit-field x of int has 33 bits"),
        ("struct s { float x : 3; }; void f(struct s)", "the bit-field x of float has 3 bits"),
        ("struct s { int x : 0; }; void f(struct s)", "the bit-field x of int has 0 bits"),
        ("struct s { int x[n]; }; void f(struct s)", "the array x has a number of elements that can't be read"),
        ("struct s { int x[-1]; }; void f(struct s)", "an array of -1 elements"),
        ("enum e { A = n }; void f(enum e)", "a constant that can't be read"),
        ("enum e { A = 1 / 0 }; void f(enum e)", "a constant that can't be read"),
        ("enum e { A = 1 << 70 }; void f(enum e)", "don't fit into 64 bits"),
        ("struct s { int x; } __attribute__((vector_size(8))); void f(struct s)", "'vector_size.*' isn't read"),
        ("struct s { int x; } __attribute__((aligned(3))); void f(struct s)", "3 bytes is no power of two"),
        ("void f(int x __attribute__((unused)))", "'unused' isn't read"),
        ("void f(int x) __attribute__((packed))", "__attribute__ is read of a struct"),
        ("struct s { __attribute__((packed)); int x; }; void f(struct s)", "before the first member"),
        ('struct s { _Static_assert(1, ""); int x; }; void f(struct s)', "other than members"),
        ("int x; void f(int)", "something other than types"),
        ("void f(int) { }", "can't read the signature"),
        ("void f(__armexec_name x)", "kept for armexec itself"),
        ("unsigned float f(int)", "unknown type"),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        parse_prototype(text)


WORDS = (
    *("struct", "union", "enum", "typedef", "int", "char", "long", "unsigned", "double", "_Complex", "_Bool", "void"),
    *("s", "t", "f", "x", "int8x16_t", "size_t", "__int128", "const", "sizeof", "...", "3", "1", "'", '"', "<<", "/"),
    *("{", "}", "(", ")", "[", "]", ";", ";", ",", "*", ":", "=", "-", "#pragma pack(1)\n", "_Alignas(16)"),
    *("__attribute__((packed))", "__attribute__((aligned(8)))", "struct s { int x; };", "struct { int y : 3; } t;"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=24))
def test_no_text_does_anything_else(words: list[str]) -> None:
    text = " ".join(words)
    for parse in (parse_prototype, parse_types):
        with contextlib.suppress(SignatureError):
            parse(text)
