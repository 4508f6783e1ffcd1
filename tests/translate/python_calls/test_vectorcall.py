"""Calls from Python without ctypes: they do what the checking Python function does, to the bit and to the message."""

from __future__ import annotations

import array
import ctypes
import gc
import math
import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import armexec
from armexec.abi import make_call, parse_prototype
from armexec.engines.translated import settle
from armexec.errors import MemoryFault, SignatureError
from armexec.translate.python_calls import call_types as direct_types
from armexec.translate.python_calls import vectorcall as direct

pytestmark = pytest.mark.skipif(not direct.is_possible(), reason="needs CPython with a GIL")

INTEGERS = ("signed char", "unsigned char", "short", "unsigned short", "int", "unsigned", "long", "unsigned long")
BOUNDS = [sign << bits for bits in (7, 8, 15, 16, 31, 32, 63, 64) for sign in (1, -1)]
VALUES = st.one_of(
    st.integers(-(1 << 65), 1 << 65),
    st.sampled_from([bound + near for bound in BOUNDS for near in (-1, 0, 1)]),
    st.floats(),
    st.sampled_from([True, None, "text", 1.0, b"x"]),
)


def _both(signature: str, text: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A function by a direct call, and as Python checks and calls it."""
    function = armexec.function(text, signature, engine="translated")
    prototype = parse_prototype(signature)
    slow = make_call(prototype, function.module.loaded.bind(function.offset, prototype))
    for _ in range(2):  # what is called once is left as it is
        with pytest.raises(SignatureError):
            function(*[None] * 99)
    settle(10)
    assert isinstance(type(function).__call__, types.BuiltinFunctionType)
    return function, slow


def _outcome(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[str, str]:
    try:
        result = call(*arguments, **named)
    except SignatureError as error:
        return "error", str(error)
    return type(result).__name__, repr(result)


@pytest.mark.parametrize("kind", [*INTEGERS, "_Bool", "void *", "float", "double"])
def test_one_argument_of_each_type(kind: str) -> None:
    call, slow = _both(f"{kind}({kind})", "ret")

    @given(VALUES)
    def check(value: Any) -> None:
        assert _outcome(call, value) == _outcome(slow, value)

    check()


def test_many_arguments() -> None:
    text = """
        add x0, x0, x1
        sxtb x2, w2
        add x0, x0, x2
        fcvt d0, s0
        fadd d0, d0, d1
        fcvtzs x1, d0
        add x0, x0, x1
        ret
    """
    call, slow = _both("long(long, float, unsigned, double, signed char)", text)

    @given(VALUES, VALUES, VALUES)
    def check(a: Any, b: Any, c: Any) -> None:
        for arguments in ((a, 1.5, 3, 2.5, -4), (1, a, 2, b, 3), (4, 0.5, a, 7.25, c), (a, b, c), (a, b, c, 1, 2, 3)):
            assert _outcome(call, *arguments) == _outcome(slow, *arguments)

    check()


@pytest.mark.parametrize(
    ("arguments", "named"), [((), {}), ((1, 2), {}), ((), {"num": 3}), ((), {"mun": 3}), ((1,), {"num": 2})]
)
def test_wrong_numbers_and_names(arguments: tuple[int, ...], named: dict[str, int]) -> None:
    call, slow = _both("int fn(int num)", "ret")
    assert _outcome(call, *arguments, **named) == _outcome(slow, *arguments, **named)


def test_no_result_and_no_argument() -> None:
    call, _ = _both("void(void)", "ret")
    before = sys.getrefcount(None)
    for _ in range(1000):
        assert call() is None
    assert abs(sys.getrefcount(None) - before) < 500


def test_a_float_result_keeps_its_bits() -> None:
    call, slow = _both("float(float)", "fneg s0, s0\n ret")
    for value in (0.1, -0.0, math.inf, 1e300, 1e-45):
        assert repr(call(value)) == repr(slow(value))


POINTERS = (
    "void *",
    "const void *",
    "char *",
    "const char *",
    "int *",
    "const int *",
    "float *",
    "const double *",
    "_Float16 *",
    "unsigned long *",
    "const short *",
)


def _objects() -> list[Any]:
    """What a pointer may be given, or may not."""
    read_only = np.arange(6, dtype=np.int32)
    read_only.flags.writeable = False
    numbers = [np.zeros(4, kind) for kind in "bBhHiIlLqQefdg?FD"]
    odd = [np.zeros(4, ">f4"), np.zeros(4, "<i4"), np.zeros(4, "M8[s]"), np.zeros(4, "S3"), np.zeros(4, "i4,f4")]
    shapes = [
        np.zeros((3, 4), np.float32),
        np.zeros((3, 4), np.float32).T,
        np.zeros(9, np.int32)[::2],
        np.zeros(0, "i4"),
    ]
    simple = [ctypes.c_int(5), ctypes.c_double(1), ctypes.c_char(b"x"), ctypes.c_void_p(64), ctypes.c_char_p(b"y")]
    arrays = [(ctypes.c_int * 3)(), (ctypes.c_float * 3)(), ctypes.create_string_buffer(8)]
    pointers = [ctypes.pointer(simple[0]), ctypes.cast(64, ctypes.POINTER(ctypes.c_float))]
    buffers = [b"bytes", bytearray(8), memoryview(bytearray(8)), memoryview(bytearray(8))[::2], memoryview(b"r")]
    lists = [array.array(code, [0, 1, 2]) for code in "bBhHiIlLqQfd"]
    others = [
        None,
        0,
        64,
        -1,
        1 << 63,
        1 << 64,
        True,
        1.5,
        [1],
        (),
        object(),
        slice(1),
        {},
        np.int64(64),
        np.float32(1),
    ]
    return [read_only, *numbers, *odd, *shapes, *simple, *arrays, *pointers, *buffers, *lists, *others]


@pytest.mark.parametrize("kind", POINTERS)
def test_memory_is_passed_or_refused_as_by_python(kind: str) -> None:
    call, slow = _both(f"unsigned long({kind}, int)", "ret")
    for value in _objects():
        before = sys.getrefcount(value)
        assert _outcome(call, value, 1) == _outcome(slow, value, 1), repr(value)
        assert _outcome(call, value, "no int") == _outcome(slow, value, "no int"), repr(value)
        assert sys.getrefcount(value) == before or not isinstance(value, np.ndarray | bytearray | memoryview)


def test_text_goes_by_way_of_python() -> None:
    call, _ = _both("int(const char *)", "ldrb w0, [x0]\n ret")
    assert call("text") == ord("t")
    assert call(b"bytes") == ord("b")


def test_memory_is_held_on_to_while_the_guest_runs_and_no_longer() -> None:
    call, _ = _both("long(void *)", "ldr x0, [x0]\n ret")
    memory = bytearray((7).to_bytes(8, "little"))
    assert call(memory) == 7
    # Nothing exports it any more.
    memory.extend(bytes(1 << 16))
    with pytest.raises(MemoryFault):
        _both("long(void *)", "mov x0, #8\n ldr x0, [x0]\n ret")[0](memory)
    memory.extend(bytes(1 << 20))


def test_what_the_guest_does_wrong_is_raised() -> None:
    call, _ = _both("long(void *)", "ldr x0, [x0]\n ret")
    for _ in range(3):
        with pytest.raises(MemoryFault):
            call(8)


def test_a_closed_module_is_closed() -> None:
    call, _ = _both("int fn(int num)", "ret")
    assert call(3) == 3
    call.module.close()  # type: ignore[attr-defined]
    with pytest.raises(armexec.Error, match="closed"):
        call(3)


def test_the_function_alone_keeps_its_code() -> None:
    call, _ = _both("int fn(int num)", "add w0, w0, #1\n ret")
    builtin: Any = type(call).__call__
    image = weakref.ref(call.module.loaded)  # type: ignore[attr-defined]
    del call, _
    gc.collect()
    assert builtin(3) == 4
    del builtin
    gc.collect()
    assert image() is None


def test_nothing_is_made_for_what_is_gone() -> None:
    made = []
    function = armexec.function("ret", "long long(long long)", engine="translated")
    slow = make_call(parse_prototype("long long(long long)"), lambda value: value)
    types = direct_types.CallTypes((direct_types.Passed(64, 0, 5),), direct_types.Returned("signed", 64))
    job = direct._Making(types, direct.Callee(0), weakref.ref(slow), made.append)
    del slow
    gc.collect()
    job.run(lambda: False)
    assert not made
    assert function(3) == 3


def test_it_says_what_it_is() -> None:
    call, _ = _both("int fn(int num)", "ret")
    builtin: Any = type(call).__call__
    assert builtin.__name__ == "fn"
    assert builtin.__doc__ == "int fn(int num)"


def test_threads() -> None:
    call, _ = _both("long(long)", "add x0, x0, #1\n ret")
    wrong: list[int] = []

    def work(start: int) -> None:
        wrong.extend(value for value in range(start, start + 5000) if call(value) != value + 1)

    threads = [threading.Thread(target=work, args=(i * 10_000,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_calls_leak_nothing() -> None:
    call, _ = _both("double(double, long)", "scvtf d1, x0\n fadd d0, d0, d1\n ret")
    value, number = 1.25, 1 << 40
    before = sys.getrefcount(value), sys.getrefcount(number)
    for _ in range(1000):
        call(value, number)
    assert (sys.getrefcount(value), sys.getrefcount(number)) == before
