"""Comparisons, maxima and minima by integers. The operations are those of `fp.comparison`."""

from __future__ import annotations

from armexec.machines.fp.formats import Format
from armexec.machines.llvm.soft_float.function import Number, SoftFunction
from armexec.machines.llvm.values import Value, const
from armexec.machines.system import IOC

__all__ = ["compare", "extreme"]


def _order(s: SoftFunction, n: Number) -> Value:
    """An integer ordered as the number is."""
    magnitude = n.bits.zero_extend(64) & n.format.sign - 1
    return s.choose(n.zero, s.word(0), s.choose(n.sign, -magnitude, magnitude))


def compare(s: SoftFunction, fmt: Format, what: str) -> Value:
    """Masks of 64 bits for "eq", "ge" and "gt"; NZCV for "cmp", and for "cmpe", to which quiet NaNs are invalid."""
    a, b = (s.unpack(fmt, v) for v in s.operands)
    nan = s.any_nan(a, b)
    s.signal(IOC, a.signalling | b.signalling if what in ("eq", "cmp") else nan)
    x, y = _order(s, a), _order(s, b)
    if what == "eq":
        return ((x == y) & ~nan).sign_extend(64)
    if what == "ge":
        return (y.sle(x) & ~nan).sign_extend(64)
    if what == "gt":
        return (y.slt(x) & ~nan).sign_extend(64)
    result = s.choose(x == y, s.word(0b0110), s.choose(x.slt(y), s.word(0b1000), s.word(0b0010)))
    return s.choose(nan, s.word(0b0011), result)


def extreme(s: SoftFunction, fmt: Format, *, least: bool, number: bool) -> Value:
    """FPMin and FPMax; `number`: FPMinNum and FPMaxNum."""
    operands = s.operands
    if number:
        first, second = operands
        instead = const(s.builder, fmt.width, fmt.infinity | (0 if least else fmt.sign))
        quiet_a, quiet_b = ((v & fmt.default_nan) == fmt.default_nan for v in operands)
        operands = [
            s.choose(quiet_a & ~quiet_b, instead, first),
            s.choose(quiet_b & ~quiet_a, instead, second),
        ]
    a, b = (s.unpack(fmt, v) for v in operands)
    x, y = _order(s, a), _order(s, b)
    first_wins = x.sle(y) if least else y.sle(x)
    best = s.choose(first_wins, x, y)
    result = s.choose(first_wins, a.bits, b.bits).zero_extend(64)
    sign = a.sign | b.sign if least else a.sign & b.sign
    result = s.choose(best == 0, s.signed(sign, 0, fmt), result)
    return s.process_nans(fmt, [a, b], result)
