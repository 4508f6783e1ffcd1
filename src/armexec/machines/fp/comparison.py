"""Order: comparisons, maximum and minimum."""

from __future__ import annotations

from armexec.machines.fp.environment import Environment, unpack
from armexec.machines.fp.formats import QUIET_NAN, SIGNALLING_NAN, ZERO, Format
from armexec.machines.fp.nans import process_nans
from armexec.machines.system import IOC

__all__ = [
    "compare",
    "equal",
    "greater",
    "greater_equal",
    "maximum",
    "maximum_number",
    "minimum",
    "minimum_number",
]


def _order(fmt: Format, kind: int, bits: int) -> int:
    """An integer that is ordered as the number is. Both zeros, and what counts as zero, are 0."""
    if kind == ZERO:
        return 0
    return -(bits ^ fmt.sign) if bits & fmt.sign else bits


def _difference(env: Environment, fmt: Format, a: int, b: int, *, signal: bool) -> int | None:
    """Negative, zero or positive as a is less than, equal to or greater than b; None if one is a NaN.

    A signalling NaN is an invalid operation, and any NaN if `signal`.
    """
    kind_a, kind_b = unpack(env, fmt, a)[0], unpack(env, fmt, b)[0]
    if kind_a >= QUIET_NAN or kind_b >= QUIET_NAN:
        if signal or SIGNALLING_NAN in (kind_a, kind_b):
            env.flags |= IOC
        return None
    return _order(fmt, kind_a, a) - _order(fmt, kind_b, b)


def compare(env: Environment, fmt: Format, a: int, b: int, *, signal: bool) -> int:
    """FPCompare: N, Z, C and V as four bits, N highest."""
    difference = _difference(env, fmt, a, b, signal=signal)
    if difference is None:
        return 0b0011
    if difference == 0:
        return 0b0110
    return 0b1000 if difference < 0 else 0b0010


def equal(env: Environment, fmt: Format, a: int, b: int) -> bool:
    """FPCompareEQ."""
    return _difference(env, fmt, a, b, signal=False) == 0


def greater_equal(env: Environment, fmt: Format, a: int, b: int) -> bool:
    """FPCompareGE."""
    difference = _difference(env, fmt, a, b, signal=True)
    return difference is not None and difference >= 0


def greater(env: Environment, fmt: Format, a: int, b: int) -> bool:
    """FPCompareGT."""
    difference = _difference(env, fmt, a, b, signal=True)
    return difference is not None and difference > 0


def maximum(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPMax: a NaN wins; +0 is more than -0."""
    return _extreme(env, fmt, a, b, sign=0)


def minimum(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPMin: a NaN wins; -0 is less than +0."""
    return _extreme(env, fmt, a, b, sign=1)


def _extreme(env: Environment, fmt: Format, a: int, b: int, *, sign: int) -> int:
    kind_a, sign_a = unpack(env, fmt, a)[:2]
    kind_b, sign_b = unpack(env, fmt, b)[:2]
    if kind_a >= QUIET_NAN or kind_b >= QUIET_NAN:
        return process_nans(env, fmt, (kind_a, a), (kind_b, b))
    order_a, order_b = _order(fmt, kind_a, a), _order(fmt, kind_b, b)
    best = min(order_a, order_b) if sign else max(order_a, order_b)
    if best == 0:
        # Of one sign only if both operands have it. An operand that isn't zero can't change that: it is of the other.
        return (sign_a | sign_b if sign else sign_a & sign_b) << fmt.width - 1
    return a if best == order_a else b


def maximum_number(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPMaxNum: where one operand alone is a quiet NaN, the other one."""
    return maximum(env, fmt, *_numbers(fmt, a, b, fmt.sign | fmt.infinity))


def minimum_number(env: Environment, fmt: Format, a: int, b: int) -> int:
    """FPMinNum: where one operand alone is a quiet NaN, the other one."""
    return minimum(env, fmt, *_numbers(fmt, a, b, fmt.infinity))


def _numbers(fmt: Format, a: int, b: int, instead: int) -> tuple[int, int]:
    """The operands, with `instead` in place of the only quiet NaN."""
    quiet_a, quiet_b = fmt.is_quiet_nan(a), fmt.is_quiet_nan(b)
    if quiet_a and not quiet_b:
        return instead, b
    if quiet_b and not quiet_a:
        return a, instead
    return a, b
