"""C++ classes as arguments and results, by their debug information, against the compiler's code."""

from __future__ import annotations

from typing import Any

import pytest

from armexec import SignatureError
from armexec.abi.frames import make_frame_call
from armexec.abi.placement import CallingConvention, Placement
from armexec.abi.values import struct_class
from armexec.objects import load_image
from armexec.toolchain import compile_object

from .machine import enter, load

SOURCE = """
struct Empty {};
struct Point { int x, y; int sum() const; };
int Point::sum() const { return x + y; }
struct Base { float a; };
struct Derived : Base { float b, c; };
struct Hollow : Empty { double d; };
struct Tracked { int n; Tracked(int n) : n(n) {} Tracked(const Tracked &o) : n(o.n) {} };
struct Virtual { virtual int get() { return n; } int n; };
enum class Level : signed char { low = -1, high = 1 };
namespace geo { struct Pair { long first, second; }; typedef Pair Two; }

int empty(Empty, int x) { return x; }
int empty_on_stack(int, int, int, int, int, int, int, int, Empty, int x) { return x; }
Empty gives_empty(int) { return {}; }
float derived(Derived d) { return d.a + 10 * d.b + 100 * d.c; }
double hollow(int, Hollow h) { return h.d; }
int tracked(Tracked t, int k) { return t.n * k; }
Tracked gives_tracked(int n) { return Tracked(n + 1); }
int sum_of(const Point &p) { return p.x + p.y; }
void move(Point &p, int by) { p.x += by; }
int of_base(Base *b) { return b->a; }
Level level(Level l) { return l == Level::low ? Level::high : Level::low; }
geo::Two swap(geo::Pair p) { return {p.second, p.first}; }
int number(const int &n) { return n + 1; }
int get(Virtual *v) { return v->n; }
"""


class Caller:
    """The functions of the source, called by frames."""

    def __init__(self, target: str, opt: str) -> None:
        self.loaded = load(load_image(compile_object(SOURCE, language="c++", target=target, opt=opt).data))
        self.convention: CallingConvention = "apple" if target == "apple" else "aapcs64"

    def __getattr__(self, name: str) -> Any:
        symbol = self.loaded.image.function(name)
        assert symbol.prototype is not None
        return make_frame_call(symbol.prototype, self.convention, enter(self.loaded.base + symbol.offset))

    def type(self, name: str) -> Any:
        ctype = self.loaded.image.type(name)
        assert ctype is not None
        return struct_class(ctype)

    def placement(self, name: str) -> Placement:
        prototype = self.loaded.image.function(name).prototype
        assert prototype is not None
        return Placement.of(prototype, self.convention)


@pytest.fixture(scope="module", params=["linux -O0", "linux -O2", "apple -O0", "apple -O2"])
def code(request: pytest.FixtureRequest) -> Caller:
    target, opt = request.param.split()
    return Caller(target, opt)


def test_empty_classes(code: Caller) -> None:
    assert code.empty((), 7) == code.empty(code.type("Empty")(), 7) == 7
    assert code.empty_on_stack(*range(8), (), 9) == 9
    assert code.gives_empty(1) == code.type("Empty")()
    # clang passes them on Linux only.
    assert len(code.placement("empty").arguments[0]) == (0 if code.convention == "apple" else 1)


def test_base_classes(code: Caller) -> None:
    derived = code.type("Derived")
    assert code.derived(derived(a=1, b=2, c=3)) == code.derived((1, 2, 3)) == 321
    assert repr(derived(1, 2, 3)) == "Derived(a=1.0, b=2.0, c=3.0)"
    assert [part.format for part in code.placement("derived").arguments[0]] == ["binary32"] * 3
    assert code.hollow(1, (2.5,)) == 2.5
    assert code.of_base(derived(4, 5, 6)) == 4


def test_classes_that_are_passed_by_reference(code: Caller) -> None:
    assert code.tracked((6,), 7) == 42
    assert code.gives_tracked(4) == code.type("Tracked")(5)
    for name in ("tracked", "gives_tracked"):
        found = code.placement(name)
        (part,) = found.arguments[0] if name == "tracked" else found.result
        assert (part.format, part.size) == ("address", 4)


def test_references_and_this(code: Caller) -> None:
    point = code.type("Point")(3, 4)
    assert code.sum_of(point) == code.sum(point) == 7
    assert code.sum_of((3, 4)) == code.sum_of({"x": 3, "y": 4}) == 7
    with pytest.raises(SignatureError, match=r"argument 1, .*: what it points to isn't const: give a Point"):
        code.move((3, 4), 10)
    with pytest.raises(SignatureError, match=r"argument 1, .*: Point: y must be given"):
        code.sum_of((3,))
    code.move(point, 10)
    assert point.x == 13
    assert code.number(41) == 42


def test_enums_and_namespaces(code: Caller) -> None:
    assert (code.level(-1), code.level("high")) == (1, -1)
    assert code.swap((1, 2)) == code.type("geo::Pair")(2, 1) == code.type("geo::Two")(2, 1)


def test_tables_of_virtual_functions_are_left_alone(code: Caller) -> None:
    value = code.type("Virtual")(n=3)
    assert repr(value) == "Virtual(n=3)"
    assert code.get(value) == 3
