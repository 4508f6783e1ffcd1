"""Calls by a frame: messages, further arguments of variadic functions, callbacks."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from armexec import SignatureError
from armexec.abi import parse_prototype
from armexec.abi.frames import ArgumentFrame, CalleePlan, CallerPlan, make_frame_call
from armexec.abi.frames.block import BLOCK_SIZE
from armexec.abi.placement import CallingConvention
from armexec.abi.values import struct_class
from armexec.cpu.call_frame import CallFrame
from armexec.objects import CType, load_image
from armexec.toolchain import compile_object

from .machine import enter, load

POINT = "struct point { int x, y; };"
BIG = "struct big { double d[5]; int n; };"
CONVENTIONS: tuple[CallingConvention, ...] = ("aapcs64", "apple")


def filled(text: str, convention: CallingConvention, *values: Any) -> ArgumentFrame:
    plan = CallerPlan(parse_prototype(text, apple=convention == "apple"), convention)
    frame = plan.take()
    plan.fill(frame, [], *values)
    return frame


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_where_arguments_are(convention: CallingConvention) -> None:
    text = (
        f"{POINT}{BIG} struct big f(int a, double b, struct point c, struct big d, __int128 e, float g, signed char h)"
    )
    frame = filled(text, convention, -1, 1.5, (2, 3), {"d": [1] * 5, "n": 7}, -2, 0.5, -3)
    block = frame.block
    high = (1 << 64) - 1
    # The AAPCS64 begins the __int128 at an even register.
    first = 3 if convention == "apple" else 4
    assert block.x[0] == high
    assert block.x[1] == 2 | 3 << 32
    assert ctypes.string_at(block.x[2], 44)[40:] == b"\7\0\0\0"
    assert (block.x[first], block.x[first + 1], block.x[first + 2]) == (high - 1, high, high - 2)
    assert block.x[8] % 8 == 0
    assert [int.from_bytes(bytes(block.v[at : at + 8]), "little") for at in (0, 16)] == [
        0x3FF8_0000_0000_0000,
        0x3F00_0000,
    ]
    assert frame.address % 16 == block.x[2] % 16 == 0


def test_stack_arguments_follow_the_block() -> None:
    text = f"void f({', '.join(['long'] * 8)}, short a, short b)"
    for convention, expected in (("aapcs64", b"\1\0\0\0\0\0\0\0\2\0"), ("apple", b"\1\0\2\0")):
        frame = filled(text, convention, *range(8), 1, 2)  # type: ignore[arg-type]
        assert frame.block.stack == frame.address + BLOCK_SIZE
        assert ctypes.string_at(frame.block.stack, len(expected)) == expected


def test_frames_are_used_again() -> None:
    plan = CallerPlan(parse_prototype("int f(int)"), "aapcs64")
    frame = plan.take()
    assert plan.take() is not frame
    plan.give(frame)
    assert plan.take() is frame


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("int f(struct point p)", (), r"takes 1 argument: argument 1 is missing"),
        ("int f(struct point p)", ((1,),), r"argument 1, `struct point p`: point: y must be given"),
        ("int f(struct point p)", ((1, 1 << 31),), r"argument 1, .*: member y: 2147483648 is out of range"),
        ("int f(struct point p)", (5,), r"argument 1, .*: 5 is no `struct point`"),
        ("int f(struct point p)", ((1, 2), 3), r"takes 1 argument, not 2"),
        ("int f(int a, __int128 b)", (1, 1 << 127), r"argument 2, `__int128 b`: .* is out of range"),
        ("int f(int a, ...)", (1, object()), r"argument 2: <object .*> can't be passed to `...`"),
        ("int f(int a, ...)", (1, 1 << 64), r"argument 2: 18446744073709551616 has more than 64 bits"),
        ("int f(int a, ...)", (), r"argument 1 is missing"),
        ("int f(int8x8_t a)", (np.zeros(8),), r"argument 1, `int8x8_t a`: the array has dtype float64, not int8"),
        ("int f(const struct point *p)", ([(1, 2), 3],), r"element 1: 3 is no `const struct point`"),
    ],
)
def test_what_does_not_fit(text: str, values: tuple[Any, ...], message: str) -> None:
    call = make_frame_call(parse_prototype(POINT + text), "aapcs64", lambda frame: None)
    with pytest.raises(SignatureError, match=message):
        call(*values)


def test_what_cannot_be_passed() -> None:
    with pytest.raises(SignatureError, match="parameter 1 has type struct s: its members aren't known"):
        make_frame_call(parse_prototype("int f(struct s)"), "aapcs64", lambda frame: None)
    with pytest.raises(SignatureError, match="isn't variadic"):
        CallerPlan(parse_prototype("int f(int)"), "aapcs64", [CType("int", 4, "int", True, align=4)])


SOURCE = """
#include <stdarg.h>
typedef __SIZE_TYPE__ size_t;
struct point { int x, y; };
double sum(const char *kinds, ...) {
    va_list list;
    va_start(list, kinds);
    double total = 0;
    for (; *kinds; kinds++) {
        if (*kinds == 'i') total += va_arg(list, int);
        if (*kinds == 'l') total += va_arg(list, long);
        if (*kinds == 'd') total += va_arg(list, double);
        if (*kinds == 's') total += *va_arg(list, const char *);
        if (*kinds == 'p') { struct point p = va_arg(list, struct point); total += p.x * p.y; }
        if (*kinds == 'a') total += va_arg(list, int *)[1];
        if (*kinds == 'z') total += __real__ va_arg(list, double _Complex);
        if (*kinds == 'n') total += va_arg(list, void *) == 0;
    }
    return total;
}
void swap(struct point *points, int n) {
    for (int i = 0; i < n; i++) { int x = points[i].x; points[i].x = points[i].y; points[i].y = x; }
}
"""


@pytest.mark.parametrize("target", ["linux", "apple"])
def test_further_arguments_from_their_values(target: str) -> None:
    loaded = load(load_image(compile_object(SOURCE, language="c", target=target, opt="-O1").data))
    convention: CallingConvention = "apple" if target == "apple" else "aapcs64"
    symbol = loaded.image.function("sum")
    prototype = symbol.prototype
    assert prototype is not None
    total = make_frame_call(prototype, convention, enter(loaded.base + symbol.offset))
    point = struct_class(loaded.image.type("point"))  # type: ignore[arg-type]
    values = [-3, 1 << 40, 0.5, "A", point(3, 4), np.array([1, 20], "i4"), 2 + 1j, None, np.float32(0.25), True]
    assert total("ildspaznd", *values) == -3 + (1 << 40) + 0.5 + 65 + 12 + 20 + 2 + 1 + 0.25
    assert total("dil", ctypes.c_float(0.5), ctypes.c_short(-2), ctypes.c_ulong(7)) == 5.5
    assert total("") == 0
    assert total(kinds="") == 0
    assert total("i" * 20, *range(20)) == 190
    swap = loaded.image.function("swap")
    assert swap.prototype is not None
    call = make_frame_call(swap.prototype, convention, enter(loaded.base + swap.offset))
    value, many = point(1, 2), [point(3, 4), (5, 6)]
    call(value, 1)
    call(many, 2)
    assert value == point(2, 1)
    assert many == [point(4, 3), point(6, 5)]
    loaded.close()


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_further_arguments_are_promoted(convention: CallingConvention) -> None:
    prototype = parse_prototype("void f(int, ...)")
    types = [parameter.type for parameter in parse_prototype("void f(char, _Bool, float, int)").parameters]
    plan = CallerPlan(prototype, convention, types)
    assert [str(parameter) for parameter in plan.prototype.parameters] == ["int", "int", "int", "double", "int"]
    frame = plan.take()
    plan.fill(frame, [], 1, 2, True, 0.5, -1)
    # The same block and stack as the callee has them.
    assert CalleePlan(prototype, convention, types).arguments(frame.data) == (1, 2, 1, 0.5, -1)


def test_results_of_callbacks_are_checked() -> None:
    block = memoryview(bytearray(BLOCK_SIZE))
    point = CalleePlan(parse_prototype(POINT + "struct point f(int)"), "aapcs64")
    with pytest.raises(SignatureError, match=r"the result, `struct point`: point: y must be given"):
        point.set_result(block, (1,), [])
    point.set_result(block, (1, -1), [])
    assert CallFrame.from_buffer(block).x[0] == 0xFFFF_FFFF_0000_0001
    nothing = CalleePlan(parse_prototype("void f(int)"), "aapcs64")
    nothing.set_result(block, None, [])
    with pytest.raises(SignatureError, match="has no result, and int 3 was given"):
        nothing.set_result(block, 3, [])
    small = CalleePlan(parse_prototype("signed char f(int)"), "apple")
    small.set_result(block, -2, [])
    assert CallFrame.from_buffer(block).x[0] == (1 << 64) - 2


def test_results_of_callbacks_that_are_integers() -> None:
    block = memoryview(bytearray(BLOCK_SIZE))
    x = CallFrame.from_buffer(block).x
    for text, value, expected in (
        ("short", -1, (1 << 64) - 1),
        ("unsigned long", (1 << 64) - 1, (1 << 64) - 1),
        ("enum e", -1, (1 << 64) - 1),
        ("enum e { A, B = 7 }; enum e", "B", 7),
        ("_Bool", True, 1),
        ("unsigned char", np.uint8(200), 200),
    ):
        CalleePlan(parse_prototype(f"{text} f(void)"), "apple").set_result(block, value, [])
        assert x[0] == expected
    with pytest.raises(SignatureError, match="the result, `short`: 40000 is out of range"):
        CalleePlan(parse_prototype("short f(void)"), "apple").set_result(block, 40000, [])


def test_callbacks_read_memory_safely() -> None:
    from armexec.memory import AccessError

    block = memoryview(bytearray(BLOCK_SIZE))
    plan = CalleePlan(parse_prototype(BIG + "void f(struct big)"), "aapcs64")
    with pytest.raises(AccessError):
        plan.arguments(block)
    stack = CalleePlan(parse_prototype(f"void f({', '.join(['int'] * 9)})"), "aapcs64")
    with pytest.raises(AccessError):
        stack.arguments(block)
