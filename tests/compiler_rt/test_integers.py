"""128-bit integers and bit counts, against Python's ints."""

from __future__ import annotations

from ctypes import addressof, c_int, c_uint64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armexec.module import Module
from engines import AVAILABLE

from .helpers import TARGETS, module

M128 = (1 << 128) - 1
OPERATORS = """
typedef unsigned __int128 u;
typedef __int128 s;
void udiv(const long *a, const long *b, long *r) { *(u *)r = *(u *)a / *(u *)b; }
void umod(const long *a, const long *b, long *r) { *(u *)r = *(u *)a % *(u *)b; }
void sdiv(const long *a, const long *b, long *r) { *(s *)r = *(s *)a / *(s *)b; }
void smod(const long *a, const long *b, long *r) { *(s *)r = *(s *)a % *(s *)b; }
"""
# What clang does itself, but other compilers and options call functions for.
CALLS = """
typedef unsigned __int128 u;
typedef __int128 s;
u __udivmodti4(u, u, u *); s __divmodti4(s, s, s *); s __multi3(s, s);
u __ashlti3(u, int); u __lshrti3(u, int); s __ashrti3(s, int);
s __muloti4(s, s, int *); long __mulodi4(long, long, int *); int __mulosi4(int, int, int *);
int __cmpti2(s, s); int __ucmpti2(u, u);
int __popcountsi2(int); int __popcountdi2(long); int __popcountti2(s);
int __paritysi2(int); int __paritydi2(long); int __parityti2(s);
int __clzti2(s); int __ctzti2(s); int __ffssi2(int); int __ffsdi2(long); int __ffsti2(s);
#define B(name, T) void b##name(const long *a, const long *b, long *r) { *(T *)r = name(*(T *)a, *(T *)b); }
#define D(name, T) void b##name(const long *a, const long *b, long *r, long *m) \\
    { *(T *)r = name(*(T *)a, *(T *)b, (T *)m); }
#define O(name, T) int b##name(const long *a, const long *b, long *r) \\
    { int o; *(s *)r = name(*(T *)a, *(T *)b, &o); return o; }
#define S(name, T) void b##name(const long *a, int by, long *r) { *(T *)r = name(*(T *)a, by); }
#define C(name, T) int b##name(const long *a) { return name(*(T *)a); }
B(__multi3, s) D(__udivmodti4, u) D(__divmodti4, s)
O(__mulosi4, int) O(__mulodi4, long) O(__muloti4, s)
S(__ashlti3, u) S(__lshrti3, u) S(__ashrti3, s)
C(__popcountsi2, int) C(__popcountdi2, long) C(__popcountti2, s)
C(__paritysi2, int) C(__paritydi2, long) C(__parityti2, s) C(__clzti2, s) C(__ctzti2, s)
C(__ffssi2, int) C(__ffsdi2, long) C(__ffsti2, s)
int b__cmpti2(const long *a, const long *b) { return __cmpti2(*(s *)a, *(s *)b); }
int b__ucmpti2(const long *a, const long *b) { return __ucmpti2(*(u *)a, *(u *)b); }
"""
# Long and short ones, near powers of two, and halves that are all ones or zeros.
NUMBERS = st.one_of(
    st.integers(0, M128),
    st.integers(0, 127).flatmap(lambda n: st.integers(1 << n, (2 << n) - 1)),
    st.tuples(st.integers(0, 127), st.integers(-2, 2)).map(lambda t: ((1 << t[0]) + t[1]) & M128),
    st.tuples(*[st.sampled_from([0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF])] * 4).map(
        lambda t: t[0] | t[1] << 32 | t[2] << 64 | t[3] << 96
    ),
)


def signed(value: int, bits: int = 128) -> int:
    value &= (1 << bits) - 1
    return value - (value >> (bits - 1) << bits)


def truncated(a: int, b: int) -> tuple[int, int]:
    q = abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1)
    return q, a - q * b


def pair(value: int) -> object:
    return (c_uint64 * 2)(value & (1 << 64) - 1, value >> 64 & (1 << 64) - 1)


def of(m: Module, name: str, *arguments: object) -> int:
    result = (c_uint64 * 2)()
    m[name](*arguments, result)
    return result[0] | result[1] << 64


def check_division(m: Module, a: int, b: int) -> None:
    x, y = pair(a), pair(b)
    assert of(m, "udiv", x, y) == a // b
    assert of(m, "umod", x, y) == a % b
    q, r = truncated(signed(a), signed(b))
    assert of(m, "sdiv", x, y) == q & M128
    assert of(m, "smod", x, y) == r & M128


@pytest.mark.parametrize("engine", AVAILABLE)
@settings(deadline=None, max_examples=150)
@given(a=NUMBERS, b=NUMBERS.filter(bool))
def test_division(engine: str, a: int, b: int) -> None:
    check_division(module(OPERATORS, engine), a, b)


@pytest.mark.parametrize("engine", AVAILABLE)
@settings(deadline=None, max_examples=100)
@given(b=NUMBERS.filter(bool), q=NUMBERS, below=st.booleans())
def test_division_near_multiples(engine: str, b: int, q: int, below: bool) -> None:
    """Where an estimate of the quotient is off by one."""
    check_division(module(OPERATORS, engine), ((q % (M128 // b + 1)) * b - below) & M128, b)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("opt", ["-O0", "-O2"])
def test_division_on_every_target(engine: str, target: str, opt: str) -> None:
    m = module(OPERATORS, engine, target, opt)
    for a, b in [(10**38, 10**19 + 7), (7, 10**30), (M128, 3), (1 << 127, M128), (10**25, 10**5), (M128, 1 << 64)]:
        check_division(m, a, b)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_division_by_zero(engine: str) -> None:
    """As the processor's own: nothing, and no fault."""
    m = module(OPERATORS, engine)
    for a in (0, 5, M128):
        assert of(m, "udiv", pair(a), pair(0)) == 0
        assert of(m, "umod", pair(a), pair(0)) == a


@pytest.mark.parametrize("engine", AVAILABLE)
@settings(deadline=None, max_examples=100)
@given(a=NUMBERS, b=NUMBERS, by=st.integers(0, 127))
def test_arithmetic(engine: str, a: int, b: int, by: int) -> None:
    m = module(CALLS, engine)
    x, y = pair(a), pair(b)
    assert of(m, "b__multi3", x, y) == a * b & M128
    assert of(m, "b__ashlti3", x, by) == a << by & M128
    assert of(m, "b__lshrti3", x, by) == a >> by
    assert of(m, "b__ashrti3", x, by) == signed(a) >> by & M128
    assert m.b__cmpti2(x, y) == 1 + (signed(a) > signed(b)) - (signed(a) < signed(b))
    assert m.b__ucmpti2(x, y) == 1 + (a > b) - (a < b)
    for name, bits in {"b__mulosi4": 32, "b__mulodi4": 64, "b__muloti4": 128}.items():
        exact = signed(a, bits) * signed(b, bits)
        result = (c_uint64 * 2)()
        assert m[name](x, y, result) == (exact != signed(exact, bits)), name
        assert (result[0] | result[1] << 64) == signed(exact, bits) & M128
    if b:
        rest = (c_uint64 * 2)()
        quotient = (c_uint64 * 2)()
        m.b__udivmodti4(x, y, quotient, rest)
        assert divmod(a, b) == (quotient[0] | quotient[1] << 64, rest[0] | rest[1] << 64)
        m.b__divmodti4(x, y, quotient, rest)
        q, r = truncated(signed(a), signed(b))
        assert (q & M128, r & M128) == (quotient[0] | quotient[1] << 64, rest[0] | rest[1] << 64)


@pytest.mark.parametrize("engine", AVAILABLE)
@settings(deadline=None, max_examples=150)
@given(a=NUMBERS)
def test_bits(engine: str, a: int) -> None:
    m = module(CALLS, engine)
    x = pair(a)
    for suffix, bits in {"si2": 32, "di2": 64, "ti2": 128}.items():
        value = a & (1 << bits) - 1
        lowest = (value & -value).bit_length()
        assert m[f"b__popcount{suffix}"](x) == value.bit_count()
        assert m[f"b__parity{suffix}"](x) == value.bit_count() % 2
        assert m[f"b__ffs{suffix}"](x) == lowest
    assert m.b__clzti2(x) == 128 - a.bit_length()
    assert m.b__ctzti2(x) == (lowest - 1 if a else 128)


OUTLINED = """
int add(int *at, int n) { return __atomic_fetch_add(at, n, __ATOMIC_SEQ_CST); }
int exchange(int *at, int n) { return __atomic_exchange_n(at, n, __ATOMIC_RELAXED); }
int replace(int *at, int *old, int n) { return __atomic_compare_exchange_n(at, old, n, 0, 5, 5); }
"""


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("target", ["linux", "bare"])
def test_outlined_atomics(engine: str, target: str) -> None:
    # Without an architecture that has the atomic instructions.
    m = module(OUTLINED, engine, target, flags=("-march=armv8-a", "-moutline-atomics", "-mgeneral-regs-only"))
    assert {s.name for s in m.image.symbols if s.name.startswith("__aarch64_")} == {
        "__aarch64_ldadd4_acq_rel",
        "__aarch64_swp4_relax",
        "__aarch64_cas4_acq_rel",
    }
    at, old = c_int(5), c_int(7)
    assert m.add(at, 37) == 5
    assert m.exchange(at, 6) == 42
    assert (m["replace"](at, old, 9), old.value, at.value) == (0, 6, 6)
    assert (m["replace"](at, old, 9), old.value, at.value) == (1, 6, 9)


ORDERS = ("relax", "acq", "rel", "acq_rel", "sync")
WIDTHS = {1: "char", 2: "short", 4: "int", 8: "long"}
EFFECTS = {
    "swp": lambda value, operand: operand,
    "ldadd": lambda value, operand: value + operand,
    "ldclr": lambda value, operand: value & ~operand,
    "ldeor": lambda value, operand: value ^ operand,
    "ldset": lambda value, operand: value | operand,
}


def _wrappers(order: str) -> str:
    lines = []
    for size, name in WIDTHS.items():
        t = f"unsigned {name}"
        for operation in EFFECTS:
            callee = f"__aarch64_{operation}{size}_{order}"
            lines.append(f"{t} {callee}({t}, {t} *);")
            lines.append(f"void {operation}{size}(long v, char *at, long *r) {{ *r = {callee}(({t})v, ({t} *)at); }}")
        callee = f"__aarch64_cas{size}_{order}"
        lines.append(f"{t} {callee}({t}, {t}, {t} *);")
        lines.append(
            f"void cas{size}(long e, long v, char *at, long *r) {{ *r = {callee}(({t})e, ({t})v, ({t} *)at); }}"
        )
    lines.append(f"typedef unsigned __int128 u; u __aarch64_cas16_{order}(u, u, u *);")
    call = f"__aarch64_cas16_{order}(*(u *)e, *(u *)v, (u *)at)"
    lines.append(f"void cas16(const long *e, const long *v, long *at, long *r) {{ *(u *)r = {call}; }}")
    return "\n".join(lines)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("engine", AVAILABLE)
def test_every_outlined_atomic(engine: str, order: str) -> None:
    m = module(_wrappers(order), engine)
    before, operand = 0xF1E2D3C4B5A69788, 0x7766554433221199
    for size in WIDTHS:
        mask = (1 << 8 * size) - 1
        for operation, effect in EFFECTS.items():
            memory, result = (c_uint64 * 2)(before, before), c_uint64()
            m[f"{operation}{size}"](signed(operand, 64), memory, result)
            assert result.value == before & mask
            assert memory[0] == (before & ~mask) | (effect(before, operand) & mask)
            assert memory[1] == before
        for expected in (before, before ^ 1):
            memory = (c_uint64 * 2)(before, before)
            m[f"cas{size}"](signed(expected, 64), signed(operand, 64), memory, result)
            assert result.value == before & mask
            assert memory[0] == ((before & ~mask) | (operand & mask) if expected == before else before)
    value = before << 64 | operand
    for expected in (value, value ^ 1, value ^ 1 << 64):
        pairs = (c_uint64 * 3)()
        # LDXP wants the alignment of the pair.
        memory = (c_uint64 * 2).from_buffer(pairs, -addressof(pairs) % 16)
        memory[:] = [operand, before]
        result16 = (c_uint64 * 2)()
        m.cas16(pair(expected), pair(123), memory, result16)
        assert list(result16) == [operand, before]
        assert list(memory) == ([123, 0] if expected == value else [operand, before])
