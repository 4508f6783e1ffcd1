"""Whatever is given to a call or a member, the answer is a value or an armexec.Error."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

from armexec import Error
from armexec.abi import parse_prototype, parse_types
from armexec.abi.frames import CalleePlan, make_frame_call
from armexec.abi.frames.block import BLOCK_SIZE
from armexec.abi.values import struct_class

TEXT = """
struct point { int x, y; };
union u { int i; float f; };
enum color { RED };
struct bits { int a : 3; int b : 9; };
struct n {
    struct n *p; const char *t; struct point q[2]; int8x8_t v; long double l; _Complex float z; _Bool o; __int128 w;
    union u u; enum color c;
};
"""
POINT, NODE = (struct_class(parse_types(TEXT)[name]) for name in ("struct point", "struct n"))
TYPES = (
    *("int", "_Bool", "__int128", "float", "long double", "_Complex float", "int8x8_t", "float32x4x2_t", "__bf16"),
    *("struct point", "union u", "struct bits", "struct n", "enum color", "struct point *", "const char *", "_Float16"),
    *("const struct point *", "int *", "double _Complex"),
)


class Untrue:
    """It says that it is a number, and an array without dimensions."""

    dtype = 3
    shape = ()

    def tobytes(self) -> bytes:
        return b""

    def __float__(self) -> Any:
        return "s"


VALUES: list[Any] = [
    *(None, 1, -1, 1 << 200, True, 1.5, float("nan"), float("inf"), 1j, (1j, 2), "a", "a\0", "\ud800", b"x", range(3)),
    *(bytearray(b"y"), [], (), {}, {"x": 1}, {1: 2}, {"i": 1}, {"a": 9, "b": 1}, (1, 2), [1, 2], POINT(1, 2), NODE()),
    *(
        np.zeros(3),
        np.zeros(8, "i1"),
        (np.zeros((2, 4), "f4"),),
        np.float32(1),
        np.int8(3),
        np.zeros(()),
        np.zeros((), POINT.dtype)[()],
    ),
    *(np.array("s"), np.datetime64("2020"), np.longdouble(1), np.ma.array([1, 2]), object(), Untrue(), type, print),
    *(ctypes.c_int(3), ctypes.c_void_p(), memoryview(b"abc")[::2], POINT, vars(NODE), Fraction(1, 3)),
    *(Decimal("nan"), Decimal("snan"), Decimal(1)),
]


def mistake(attempt: Callable[[Any], Any], value: Any) -> str:
    """The message of the Error that an attempt with a value raises, or nothing."""
    try:
        repr(attempt(value))
    except Error as error:
        return str(error)
    return ""


@pytest.mark.parametrize("ctype", TYPES)
def test_arguments_and_results(ctype: str) -> None:
    prototype = parse_prototype(f"{TEXT} {ctype} f({ctype} a, ...)")
    call = make_frame_call(prototype, "aapcs64", lambda frame: None)
    callee = CalleePlan(prototype, "apple", write=lambda address, data: None)
    attempts: tuple[Callable[[Any], Any], ...] = (
        call,
        lambda v: call(v, v),
        lambda v: call(a=v),
        lambda v: callee.set_result(memoryview(bytearray(BLOCK_SIZE)), v, []),
    )
    messages = [mistake(attempt, value) for value in VALUES for attempt in attempts]
    assert "" in messages
    assert any(messages)
    assert all(message.startswith("`") for message in messages if message)


@pytest.mark.parametrize("made", [POINT, NODE])
def test_members(made: Any) -> None:
    for value in VALUES:
        for member in made._members:
            struct = made()
            message = mistake(partial(struct.__setitem__, member), value)
            assert not message or message.startswith(f"{made.__name__}.{member}: ")
            assert len(bytes(struct)) == made.ctype.size
            assert repr(struct).startswith(made.__name__)
            assert np.asarray(struct).dtype == made.dtype
