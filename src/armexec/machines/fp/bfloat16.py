"""The dot product of bfloat16 numbers, which has arithmetic of its own."""

from __future__ import annotations

from collections.abc import Callable

from armexec.isa.machine import Rounding
from armexec.machines.fp.arithmetic import add, multiply
from armexec.machines.fp.environment import Environment
from armexec.machines.fp.formats import SINGLE, Format
from armexec.machines.system import DN, FZ, OFC

__all__ = ["dot"]


def dot(addend: int, a0: int, a1: int, b0: int, b1: int) -> int:
    """BFDotAdd without FEAT_EBF16: addend + (a0 * b0 + a1 * b1) in single precision, of bfloat16 factors.

    FPCR has no part in it, and it raises no flags.
    """
    products = _apply(add, _apply(multiply, a0 << 16, b0 << 16), _apply(multiply, a1 << 16, b1 << 16))
    return _apply(add, addend, products)


def _apply(operation: Callable[[Environment, Format, int, int], int], a: int, b: int) -> int:
    """BFAdd or BFMulH: rounded to odd, where overflow gives infinity; denormals are zero, and NaNs the default one."""
    env = Environment(FZ | DN)
    env.rounding = Rounding.ODD
    result = operation(env, SINGLE, a, b)
    # Rounding to odd stops at the largest number, one below infinity.
    return result + 1 if env.flags & OFC else result
