"""Calls by a frame without ctypes: they do what the checking Python function does, to the bit and to the message."""

from __future__ import annotations

import copy
import gc
import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import armexec
from armexec.abi import calling_convention, make_frame_call
from armexec.abi.values import StructValue
from armexec.engines.translated import settle
from armexec.translate.python_calls.vectorcall import is_possible

pytestmark = pytest.mark.skipif(not is_possible(), reason="needs CPython with a GIL")

TYPES = """
typedef struct { long a; double b; } pair;
typedef struct { float x, y, z; } vec;
typedef struct { char c[3]; } three;
typedef struct { long a[5]; } large;
typedef union { double d; long l; } number;
typedef struct { pair first; char last; } nested;
typedef struct { long (*call)(long); long x; } task;
typedef struct { unsigned a : 3; signed b : 7; } bits;
typedef struct { _Alignas(16) long a; } aligned;
enum color { RED = -1, BLUE = 5 };
"""
FUNCTIONS = """
pair of_pair(pair v) { v.a++; v.b *= 2; return v; }
vec of_vec(vec v, float by) { v.x *= by; v.y *= by; v.z *= by; return v; }
three of_three(three v) { v.c[0] ^= v.c[2]; return v; }
large of_large(large v, large w) { for (int i = 0; i < 5; i++) v.a[i] -= w.a[i]; return v; }
number of_number(number v) { v.l ^= 1; return v; }
nested of_nested(nested v) { v.first.a += v.last; return v; }
bits of_bits(bits v) { v.a++; v.b--; return v; }
aligned of_aligned(aligned v) { v.a++; return v; }
float dot(vec v, vec w) { return v.x * w.x + v.y * w.y + v.z * w.z; }
long run(task t) { return t.call(t.x); }
double many(double a, double b, double c, double d, double e, double f, double g, double h, double i, float j) {
    return i - j;
}
long mixed(signed char a, unsigned short b, int c, enum color d, _Bool e, long f, unsigned long g, pair h, short i,
           unsigned char j, pair k, int l) {
    return a + 3 * b + 5 * c + 7 * d + 11 * e + 13 * f + 17 * g + 19 * h.a + 23 * i + 29 * j + 31 * k.a + 37 * l;
}
_Bool truth(pair v) { return v.a != 0; }
signed char low(pair v) { return v.a; }
unsigned char high(pair v) { return v.a; }
float single(pair v) { return v.b; }
void put(pair v, double *to) { *to = v.b; }
long fault(pair v) { return *(long *)v.a; }
"""


@pytest.fixture(scope="module")
def module() -> armexec.Module:
    return armexec.compile(TYPES + FUNCTIONS, "c", "-O1", engine="translated")


def _slow(function: Any) -> Callable[..., Any]:
    loaded = function.module.loaded
    return make_frame_call(
        function.prototype, calling_convention(function.module.image), loaded.bind_frame(function.offset)
    )


def _fast(function: Any) -> Any:
    for _ in range(2):  # what is called once is left as it is
        with pytest.raises(armexec.SignatureError):
            function(*[None] * 99)
    settle(10)
    assert isinstance(type(function).__call__, types.BuiltinFunctionType)
    return function


def _outcome(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[str, Any]:
    try:
        result = call(*arguments, **named)
    except armexec.SignatureError as error:
        return "error", str(error)
    return type(result).__name__, bytes(result) if isinstance(result, StructValue) else repr(result)


@pytest.mark.parametrize("name", ["pair", "vec", "three", "large", "number", "nested", "bits"])
def test_any_bytes_of_a_struct(module: armexec.Module, name: str) -> None:
    made: Any = module.types[name]
    function = _fast(module[f"of_{name}"])
    slow = _slow(function)
    size = made.ctype.size
    others = {"vec": (1.5,), "large": (made.from_bytes(bytes(range(size))),)}.get(name, ())

    @given(st.binary(min_size=size, max_size=size))
    def check(data: bytes) -> None:
        value = made.from_bytes(data)
        before = bytes(value)
        result = function(value, *others)
        assert type(result) is made
        assert bytes(result) == bytes(slow(value, *others))
        assert bytes(value) == before

    check()


VALUES = st.one_of(
    st.integers(-(1 << 65), 1 << 65),
    st.sampled_from([sign << n for n in (7, 8, 15, 16, 31, 32, 63, 64) for sign in (1, -1)]),
    st.integers(-200, 200),
    st.floats(),
    st.sampled_from([True, None, "RED", "text", 1.0, b"x", {}, (1, 2.0), {"a": 1, "b": 2.0}]),
)


@pytest.fixture(scope="module")
def apple() -> armexec.Module:
    """By a convention that packs arguments on the stack."""
    return armexec.compile(TYPES + FUNCTIONS, "c", "-O1", "apple", engine="translated")


@pytest.mark.parametrize("target", ["linux", "apple"])
@given(position=st.integers(0, 11), value=VALUES, as_struct=st.booleans())
def test_arguments_in_registers_and_on_the_stack(
    target: str, module: armexec.Module, apple: armexec.Module, position: int, value: Any, as_struct: bool
) -> None:
    module = apple if target == "apple" else module
    function = module.mixed
    if not isinstance(type(function).__call__, types.BuiltinFunctionType):
        _fast(function)
    pair: Any = module.types["pair"]
    arguments: list[Any] = [-1, 2, -3, 5, 1, -6, 7, pair(a=8, b=0), -9, 10, pair(a=-11, b=0), -12]
    slow = _slow(function)
    assert function(*arguments) == slow(*arguments)
    arguments[position] = module.types["vec"](x=1, y=2, z=3) if as_struct else value
    assert _outcome(function, *arguments) == _outcome(slow, *arguments)


@given(st.floats() | st.floats(width=32), st.floats(width=32))
def test_single_precision_is_exact(module: armexec.Module, a: float, b: float) -> None:
    function = module.many
    vec, pair = module.types["vec"], module.types["pair"]
    for each in (function, module.dot, module.single):
        if not isinstance(type(each).__call__, types.BuiltinFunctionType):
            _fast(each)
    assert _outcome(function, *range(8), b, a) == _outcome(_slow(function), *range(8), b, a)
    assert _outcome(function, *[1.0] * 8, b, a) == _outcome(_slow(function), *[1.0] * 8, b, a)
    values = vec(x=b, y=1, z=0), vec(x=1, y=0, z=b)
    assert _outcome(module.dot, *values) == _outcome(_slow(module.dot), *values)
    assert _outcome(module.single, pair(1, a)) == _outcome(_slow(module.single), pair(1, a))


def test_subnormal_numbers(module: armexec.Module) -> None:
    pair = module.types["pair"]
    single = _fast(module.single)
    for value in (2.0**-149, -(2.0**-130), 2.0**-126, -0.0, 0.0, 1e-50, 1e300):
        assert repr(single(pair(0, value))) == repr(_slow(single)(pair(0, value)))


def test_results_of_each_kind(module: armexec.Module) -> None:
    pair = module.types["pair"]
    for name in ("truth", "low", "high"):
        function = _fast(module[name])
        for number in (0, 1, 127, 128, 255, 256, -1):
            assert _outcome(function, pair(number, 0)) == _outcome(_slow(function), pair(number, 0))


def test_pointers_beside_structs(module: armexec.Module) -> None:
    import numpy as np

    put = _fast(module.put)
    to = np.zeros(1)
    before = sys.getrefcount(to)
    for _ in range(100):
        assert put(module.types["pair"](1, 2.5), to) is None
    assert to[0] == 2.5
    assert sys.getrefcount(to) == before
    numbers = [0.0]
    put((1, 3.5), numbers)
    assert numbers == [3.5]
    with pytest.raises(armexec.SignatureError, match="argument 2"):
        put((1, 3.5), np.zeros(1, np.float32))


def test_values_that_are_no_memory_of_their_own(module: armexec.Module) -> None:
    function, of_nested = _fast(module.of_pair), _fast(module.of_nested)
    nested = module.types["nested"]((1, 2.0), 3)
    assert function(nested.first) == module.types["pair"](2, 4.0)
    result = of_nested(nested)
    result.first.a = 100
    assert result.first.a == 100
    assert copy.copy(result) == result
    assert function(result.first).a == 101


def test_functions_of_python_in_a_struct(module: armexec.Module) -> None:
    run = _fast(module.run)
    task = module.types["task"](armexec.callback(lambda x: 2 * x, "long(long)", engine="translated"), 21)
    for _ in range(3):
        assert run(task) == 42
    assert run((lambda x: x + 1, 5)) == 6
    with pytest.raises(KeyError):
        run(({}.__getitem__, 5))


def test_a_call_inside_the_same_call(module: armexec.Module) -> None:
    run, task = _fast(module.run), module.types["task"]

    def down(x: int) -> int:
        return run(task(callback, x - 1)) + x if x else 0

    callback = armexec.callback(down, "long(long)", engine="translated")
    settle(10)
    assert run(task(callback, 50)) == 50 * 51 // 2


def test_faults(module: armexec.Module) -> None:
    fault, of_pair, pair = _fast(module.fault), _fast(module.of_pair), module.types["pair"]
    for _ in range(100):
        with pytest.raises(armexec.MemoryFault, match="fault"):
            fault(pair(8, 0.0))
        assert of_pair(pair(8, 1.0)) == pair(9, 2.0)


def test_an_object_without_its_memory(module: armexec.Module) -> None:
    of_pair, pair = _fast(module.of_pair), module.types["pair"]
    with pytest.raises(AttributeError):
        of_pair(pair.__new__(pair))
    released = pair(1, 2.0)
    released._data.release()
    with pytest.raises(ValueError, match="released"):
        of_pair(released)
    assert of_pair(pair(1, 2.0)).a == 2


def test_structs_with_an_alignment_of_their_own(module: armexec.Module) -> None:
    of_aligned, aligned = module.of_aligned, module.types["aligned"]
    for number in range(4):
        result = of_aligned(aligned(number))
        assert result.a == number + 1
        settle(10)


def test_threads(module: armexec.Module) -> None:
    of_large, large = _fast(module.of_large), module.types["large"]
    wrong: list[Any] = []

    def work(start: int) -> None:
        one = large(list(range(5)))
        for number in range(start, start + 2000):
            result = of_large(large([number] * 5), one)
            if list(result.a) != [number - i for i in range(5)]:
                wrong.append(result)

    threads = [threading.Thread(target=work, args=(i * 10_000,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_calls_leak_nothing(module: armexec.Module) -> None:
    of_pair = _fast(module.of_pair)
    pair = module.types["pair"]
    value = pair(1, 2.0)
    counts = []
    for _ in range(2):
        for _ in range(5000):
            of_pair(value)
            of_pair((1, 2.0))
        gc.collect()
        counts.append((sys.getrefcount(value), sys.getrefcount(value._data), sys.getrefcount(pair)))
    # Values of the class elsewhere come and go.
    assert counts[0][:2] == counts[1][:2]
    assert abs(counts[0][2] - counts[1][2]) < 1000
    made = [weakref.ref(of_pair(value)) for _ in range(100)]
    gc.collect()
    assert not any(reference() for reference in made)
