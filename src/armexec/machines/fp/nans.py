"""Which NaN results, of an operation that has no other result."""

from __future__ import annotations

from armexec.machines.fp.environment import Environment
from armexec.machines.fp.formats import QUIET_NAN, SIGNALLING_NAN, Format
from armexec.machines.system import IOC

__all__ = ["convert_nan", "invalid", "process_nan", "process_nans"]


def invalid(env: Environment, fmt: Format) -> int:
    """The result of an invalid operation on operands that aren't signalling NaNs: the default NaN."""
    env.flags |= IOC
    return fmt.default_nan


def process_nan(env: Environment, fmt: Format, kind: int, bits: int) -> int:
    """FPProcessNaN: what comes of an operand that is a NaN of this kind."""
    if kind == SIGNALLING_NAN:
        env.flags |= IOC
    return fmt.default_nan if env.default_nan else bits | fmt.quiet


def process_nans(env: Environment, fmt: Format, *operands: tuple[int, int]) -> int:
    """FPProcessNaNs and FPProcessNaNs3: of the first signalling NaN, or else of the first quiet one.

    Operands are kinds and bits; at least one is a NaN.
    """
    kinds = [kind for kind, _ in operands]
    first = kinds.index(SIGNALLING_NAN if SIGNALLING_NAN in kinds else QUIET_NAN)
    return process_nan(env, fmt, *operands[first])


def convert_nan(source: Format, bits: int, target: Format) -> int:
    """FPConvertNaN: a quiet NaN with the sign of this NaN, and with its payload from the highest bit down."""
    sign = bits >> (source.width - 1)
    shift = target.fraction_bits - source.fraction_bits
    fraction = bits & source.fraction_mask
    fraction = fraction << shift if shift >= 0 else fraction >> -shift
    return sign << target.width - 1 | target.default_nan | fraction
