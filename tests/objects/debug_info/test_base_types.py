"""Base types: each is passed as what it is, or refused by its name."""

from __future__ import annotations

import math
import random
import struct

import pytest

import armexec
from armexec.errors import SignatureError
from engines import AVAILABLE

from ..helpers import compiled, gcc_compiled

BRAIN = """
typedef __bf16 brain;
__bf16 narrow(float x) { return (__bf16)x; }
float widen(brain x) { return (float)x; }
brain same(const brain x) { return x; }
float total(const __bf16 *p, int n) { float t = 0; for (int i = 0; i < n; i++) t += (float)p[i]; return t; }
void put(__bf16 *p, float x) { *p = (__bf16)x; }
_Float16 half(__fp16 x) { return x; }
"""


@pytest.fixture(scope="module", params=AVAILABLE)
def brain(request: pytest.FixtureRequest) -> armexec.Module:
    return armexec.compile(BRAIN, "c", "-O1", flags="-march=armv8.6-a", engine=request.param)


def test_bfloat16_is_no_half(brain: armexec.Module) -> None:
    assert brain.narrow.signature == "__bf16 narrow(float x)"
    assert (brain.narrow(1.5), brain.widen(1.5), brain.same(-3.0), brain.half(1.5)) == (1.5, 1.5, -3.0, 1.5)
    assert brain.narrow(1e30) == pytest.approx(1e30, rel=0.01)


def test_bfloat16_is_rounded_as_the_instruction_rounds(brain: armexec.Module) -> None:
    rng = random.Random(4)
    values = [0.0, -0.0, math.inf, -math.inf, 3.4e38, 1e-40, -9.2e-41, 1.00390625, 1.01171875]
    values += [struct.unpack("<f", rng.randbytes(4))[0] for _ in range(60)]
    for value in values:
        expected = brain.narrow(value)
        assert repr(brain.same(value)) == repr(expected)
        assert repr(brain.widen(value)) == repr(expected)


def test_bfloat16_is_rounded_once(brain: armexec.Module) -> None:
    # To a single first, these would become ties, and go to the even number.
    assert brain.same(1 + 2**-8 + 2**-40) == 1 + 2**-7
    assert brain.same(1 + 3 * 2**-8 - 2**-40) == 1 + 2**-7
    assert brain.same(-(1 + 2**-8 + 2**-40)) == -(1 + 2**-7)


def test_bfloat16_in_lists_and_declarations(brain: armexec.Module) -> None:
    assert brain.total([1.5, 2.25], 2) == 3.75
    numbers = [0.0]
    brain.put(numbers, 1.00390625)
    assert numbers == [1.0]
    assert brain.widen.with_signature("float(__bf16)")(2.5) == 2.5
    assert brain.narrow.with_signature("bfloat16_t(float)")(2.5) == 2.5
    assert brain.total.with_signature("float(const bfloat16_t *, int)")([4.0], 1) == 4.0


@pytest.mark.parametrize(
    "type",
    [
        "unsigned _BitInt(17)",
        "_BitInt(63)",
        "_Complex int",
    ],
)
def test_what_cannot_be_passed_is_refused_by_its_name(type: str) -> None:
    source = f"typedef {type} T; T f(T x) {{ return x; }} int g(T x) {{ return 3; }}"
    module = armexec.compile(source, "c")
    for function in (module.f, module.g):
        with pytest.raises(SignatureError, match="has type T"):
            function(1)


def test_types_of_gcc() -> None:
    source = "__bf16 *a(__bf16 *x) { return x; } _Float32 b(_Float32x x) { return x; }"
    source += (
        "_Float128 c(_Float64x x) { return x; } _Complex int d(void) { return 1; } float e(_Float64 x) { return x; }"
    )
    module = armexec.load(gcc_compiled(source, "-g", "-O1"))
    assert (module.b(1.5), module.e(2.5)) == (1.5, 2.5)
    assert module.c(1.5) == 1.5
    with pytest.raises(SignatureError, match="has type complex int"):
        module.d()
    pointed = module.a.prototype.result.target if module.a.prototype else None
    assert pointed is not None
    assert (pointed.format, pointed.size) == ("bfloat16", 2)


def test_integers_that_fill_their_bits_are_passed() -> None:
    assert armexec.compile("_BitInt(32) f(_BitInt(32) x) { return x - 1; }", "c").f(-5) == -6
    module = armexec.compile("char32_t g(char8_t a, char16_t b, bool c) { return a + b + c; }", flags="-std=c++20")
    assert module.g(200, 60000, True) == 60201


def base_type(name: str, encoding: int, size: int) -> bytes:
    """An object whose function f takes and returns a type that no compiler here makes."""
    abbreviations = (
        "1,17,1, 17,1, 0,0, 2,46,1, 3,8, 73,19, 17,1, 0,0, 3,36,0, 3,8, 62,11, 11,11, 0,0, 4,5,0, 73,19, 0,0, 0"
    )
    text = f"""
        .globl f
        .type f, %function
    f:  ret
        .section .debug_abbrev,"",%progbits
        .byte {abbreviations}
        .section .debug_info,"",%progbits
    .Lstart:
        .word .Lend - .Lbegin
    .Lbegin:
        .hword 4
        .word .debug_abbrev
        .byte 8
        .byte 1
        .xword f
        .byte 2
        .asciz "f"
        .word .Ltype - .Lstart
        .xword f
        .byte 4
        .word .Ltype - .Lstart
        .byte 0
    .Ltype:
        .byte 3
        .asciz "{name}"
        .byte {encoding}, {size}
        .byte 0
    .Lend:
    """
    return compiled(text, language="assembler")


@pytest.mark.parametrize(
    ("name", "encoding", "size"),
    [
        ("minifloat", 4, 2),
        ("u17", 7, 4),
        ("i7", 5, 1),
        ("_Decimal64", 15, 8),
        ("idouble", 9, 8),
    ],
)
def test_types_of_other_languages_are_refused_by_their_name(name: str, encoding: int, size: int) -> None:
    function = armexec.load(base_type(name, encoding, size))["f"]
    assert function.signature == f"{name} f({name})"
    with pytest.raises(SignatureError, match=f"has type {name}"):
        function(1)


@pytest.mark.parametrize(
    ("name", "encoding", "size", "value"),
    [
        ("f16", 4, 2, 1.5),
        ("u64", 7, 8, 2**64 - 1),
        ("i8", 5, 1, -128),
        ("char", 16, 4, 0x1F600),
        ("isize", 5, 8, -1),
        ("u128", 7, 16, 2**128 - 1),
    ],
)
def test_types_of_other_languages(name: str, encoding: int, size: int, value: float) -> None:
    assert armexec.load(base_type(name, encoding, size))["f"](value) == value
