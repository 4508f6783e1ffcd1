"""The types of a module."""

from __future__ import annotations

import enum

import pytest

import armexec
from armexec import LoadError
from armexec.objects import CType

SOURCE = """
typedef struct point { int x, y; } point_t;
union number { int i; float f; };
enum color { RED, GREEN = 5, BLUE };
typedef struct { double d; } anonymous;
typedef unsigned long word;
int sum(point_t *p, union number n, anonymous *a, enum color c, word w) { return p->x + p->y + n.i + c + w; }
"""


@pytest.fixture(scope="module")
def module() -> armexec.Module:
    return armexec.compile(SOURCE, "c", "-O1")


def test_structs_and_unions(module: armexec.Module) -> None:
    point = module.types["point"]
    assert module.types["struct point"] is module.types["point_t"] is point
    assert repr(point(1, y=2)) == "point(x=1, y=2)"
    assert repr(module.types["anonymous"](2)) == "anonymous(d=2.0)"
    assert module.types["union number"](f=1.0).i == 0x3F800000


def test_a_pointer_takes_a_value(module: armexec.Module) -> None:
    total = armexec.compile("struct point { int x, y; }; int f(struct point *p) { return p->x++ + p->y; }", "c").f
    value = module.types["point"](3, 4)
    assert total(value) == 7
    assert value.x == 4
    with pytest.raises(armexec.SignatureError, match="`union number` isn't what a pointer to `struct point` points to"):
        total(module.types["number"](1))


def test_enums_and_other_typedefs(module: armexec.Module) -> None:
    color = module.types["color"]
    assert issubclass(color, enum.IntEnum)
    assert (color.BLUE, color["GREEN"]) == (6, 5)
    word = module.types["word"]
    assert isinstance(word, CType)
    assert (word.size, word.signed) == (8, False)


def test_enumerators_are_arguments() -> None:
    function = armexec.compile("enum color { RED, GREEN = 5 }; int f(enum color c) { return c; }", "c").f
    for _ in range(3):
        assert (function("GREEN"), function(5), function(function.module.types["color"].GREEN)) == (5, 5, 5)
        with pytest.raises(armexec.SignatureError, match="not str 'PINK'; the names of its type are RED, GREEN"):
            function("PINK")


def test_members_that_share_their_bytes() -> None:
    source = "struct empty {}; struct s { [[no_unique_address]] empty e; int x; }; int get(s p) { return p.x; }"
    made = armexec.compile(source, flags=["-std=c++20"])
    s = made.types["s"]
    assert (made.get(s({}, 7)), made.get(({}, 8)), made.get({"x": 9, "e": {}})) == (7, 8, 9)
    value = s(x=0x1234, e={})
    value.e = {}
    assert value.x == 0x1234


def test_it_is_a_mapping(module: armexec.Module) -> None:
    assert {"point", "struct point", "point_t", "word"} <= set(module.types)
    assert len(module.types) == len(list(module.types))
    assert "point" in module.types
    assert "nothing" not in module.types
    assert 3 not in module.types
    assert module.types.get("nothing", 4) == 4
    assert repr(module.types).startswith("<types of ")


def test_unknown_names(module: armexec.Module) -> None:
    with pytest.raises(LoadError, match="no type 'piont'; did you mean point"):
        module.types["piont"]
    with pytest.raises(LookupError, match="no type 'zzzz'; its types are"):
        module.types["zzzz"]
    with pytest.raises(LoadError, match="no type 3"):
        module.types[3]  # type: ignore[index]
    words = armexec.function("0xD65F03C0", "void()").module
    with pytest.raises(LoadError, match="no debug information"):
        words.types["point"]
