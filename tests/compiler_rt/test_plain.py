"""Operations that processors have instructions for, but some front ends call: by Python's own arithmetic."""

from __future__ import annotations

import math
import random
from array import array
from ctypes import c_double, c_float
from functools import lru_cache

import pytest

from armexec.module import Module
from engines import AVAILABLE

from .helpers import module

# Name, result, parameters. The wrappers have `y` before the names, so that clang has no ideas of its own about them.
FLOATS = {"s": "float", "d": "double"}
INTEGERS = {"si": ("int", "unsigned", 32), "di": ("long", "unsigned long", 64)}


@lru_cache
def _names() -> list[tuple[str, str, tuple[str, ...]]]:
    names: list[tuple[str, str, tuple[str, ...]]] = []
    for f, t in FLOATS.items():
        names += [(f"__{o}{f}f3", t, (t, t)) for o in ("add", "sub", "mul", "div")]
        names += [(f"__{o}{f}f2", "int", (t, t)) for o in ("eq", "ne", "lt", "le", "gt", "ge", "cmp", "unord")]
        names.append((f"__neg{f}f2", t, (t,)))
        for i, (s, u, _) in INTEGERS.items():
            names += [(f"__fix{f}f{i}", s, (t,)), (f"__fixuns{f}f{i}", u, (t,))]
            names += [(f"__float{i}{f}f", t, (s,)), (f"__floatun{i}{f}f", t, (u,))]
    for i, (s, u, _) in INTEGERS.items():
        names += [(f"__{o}{i}3", s, (s, s)) for o in ("mul", "div", "mod")]
        names += [(f"__{o}{i}3", u, (u, u)) for o in ("udiv", "umod")]
        names += [(f"__{o}{i}3", s, (s, "int")) for o in ("ashl", "ashr", "lshr")]
        names += [(f"__divmod{i}4", s, (s, s, f"{s} *")), (f"__udivmod{i}4", u, (u, u, f"{u} *"))]
        names += [(f"__cmp{i}2", "int", (s, s)), (f"__ucmp{i}2", "int", (u, u)), (f"__neg{i}2", s, (s,))]
        names += [(f"__{o}{i}2", "int", (u,)) for o in ("clz", "ctz")]
        names += [(f"__clrsb{i}2", "int", (s,)), (f"__bswap{i}2", u, (u,)), (f"__bitreverse{i}2", u, (u,))]
    return names


def plain(engine: str) -> Module:
    lines = []
    for name, result, parameters in _names():
        given = ", ".join(f"{p} a{i}" for i, p in enumerate(parameters))
        lines.append(f"{result} {name}({given});")
        lines.append(
            f"{result} y{name}({given}) {{ return {name}({', '.join(f'a{i}' for i in range(len(parameters)))}); }}"
        )
    return module("\n".join(lines), engine, "bare", "-O1", ("-fno-builtin",))


def wrapped(value: int, bits: int, signed: bool) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def quotient(a: int, b: int) -> int:
    return 0 if not b else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("i", INTEGERS)
def test_integers(engine: str, i: str) -> None:
    m, bits, r = plain(engine), INTEGERS[i][2], random.Random(1)
    least, most = -1 << bits - 1, (1 << bits - 1) - 1
    pairs = [(5, 3), (-7, 2), (7, -2), (0, 1), (9, 0), (least, -1), (most, most), (least, most)]
    pairs += [(r.randint(least, most), r.randint(least, most) >> r.randrange(bits)) for _ in range(8)]
    rest = array("l" if bits == 64 else "i", [0])
    unsigned_rest = array("L" if bits == 64 else "I", [0])
    for a, b in pairs:
        s = lambda v: wrapped(v, bits, True)  # noqa: E731
        u = lambda v: wrapped(v, bits, False)  # noqa: E731
        ua, ub, by = u(a), u(b), b % bits
        wanted = {
            ("mul", "3"): (s(a * b), (a, b)),
            ("div", "3"): (s(quotient(a, b)), (a, b)),
            ("mod", "3"): (s(a - quotient(a, b) * b), (a, b)),
            ("udiv", "3"): (quotient(ua, ub), (ua, ub)),
            ("umod", "3"): (ua - quotient(ua, ub) * ub, (ua, ub)),
            ("ashl", "3"): (s(a << by), (a, by)),
            ("ashr", "3"): (a >> by, (a, by)),
            ("lshr", "3"): (s(ua >> by), (a, by)),
            ("cmp", "2"): ((a > b) - (a < b) + 1, (a, b)),
            ("ucmp", "2"): ((ua > ub) - (ua < ub) + 1, (ua, ub)),
            ("neg", "2"): (s(-a), (a,)),
            ("clz", "2"): (bits - ua.bit_length(), (ua,)),
            ("ctz", "2"): ((ua & -ua).bit_length() - 1 if ua else bits, (ua,)),
            ("clrsb", "2"): (bits - 1 - (a if a >= 0 else ~a).bit_length(), (a,)),
            ("bswap", "2"): (int.from_bytes(ua.to_bytes(bits // 8, "little"), "big"), (ua,)),
            ("bitreverse", "2"): (int(f"{ua:0{bits}b}"[::-1], 2), (ua,)),
            ("divmod", "4"): (s(quotient(a, b)), (a, b, rest)),
            ("udivmod", "4"): (quotient(ua, ub), (ua, ub, unsigned_rest)),
        }
        for (name, tail), (result, arguments) in wanted.items():
            assert m[f"y__{name}{i}{tail}"](*arguments) == result, (name, arguments)
        assert (rest[0], unsigned_rest[0]) == (s(a - quotient(a, b) * b), ua - quotient(ua, ub) * ub)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("f", FLOATS)
def test_floating_point(engine: str, f: str) -> None:
    m = plain(engine)
    kept = (lambda v: c_float(v).value) if f == "s" else lambda v: c_double(v).value
    values = [0.0, 1.5, -2.25, 1e10, -1e30, math.inf, math.nan]
    for a in values:
        for b in values:
            if not (math.isnan(a) or math.isnan(b) or math.isinf(a) or math.isinf(b)):
                assert m[f"y__add{f}f3"](a, b) == kept(kept(a) + kept(b))
                assert m[f"y__sub{f}f3"](a, b) == kept(kept(a) - kept(b))
                assert m[f"y__mul{f}f3"](a, b) == kept(kept(a) * kept(b))
                assert not b or m[f"y__div{f}f3"](a, b) == kept(kept(a) / kept(b))
            for name, holds in (("eq", a == b), ("ne", a != b), ("lt", a < b), ("le", a <= b)):
                given = m[f"y__{name}{f}f2"](a, b)
                assert {"eq": given == 0, "ne": given != 0, "lt": given < 0, "le": given <= 0}[name] is holds
            for name, holds in (("gt", a > b), ("ge", a >= b)):
                given = m[f"y__{name}{f}f2"](a, b)
                assert (given > 0 if name == "gt" else given >= 0) is holds
            assert bool(m[f"y__unord{f}f2"](a, b)) is (math.isnan(a) or math.isnan(b))
    for i, (_, _, bits) in INTEGERS.items():
        assert m[f"y__fix{f}f{i}"](-7.9) == -7
        assert m[f"y__fixuns{f}f{i}"](1e30) == (1 << bits) - 1
        assert m[f"y__float{i}{f}f"](-(1 << 20) - 1) == -(1 << 20) - 1
        assert m[f"y__floatun{i}{f}f"]((1 << bits) - 1) == 2.0**bits or (f, i) == ("d", "si")
    assert m[f"y__neg{f}f2"](3.0) == -3.0
