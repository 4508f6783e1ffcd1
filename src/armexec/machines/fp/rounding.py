"""From an exact number to the nearest that fits: a floating-point number or an integer."""

from __future__ import annotations

from armexec.isa.machine import Rounding
from armexec.machines.fp.environment import Environment
from armexec.machines.fp.formats import HALF, Format
from armexec.machines.system import IOC, IXC, OFC, UFC

__all__ = ["encode", "encode_sum", "overflow", "to_integer"]


def _shift(mantissa: int, shift: int, sign: int, rounding: Rounding) -> tuple[int, bool]:
    """mantissa * 2**-shift as an integer, the magnitude of a number with this sign, and whether that rounded it."""
    if shift <= 0:
        return mantissa << -shift, False
    integer = mantissa >> shift
    rest = mantissa - (integer << shift)
    if rest == 0:
        return integer, False
    half = 1 << (shift - 1)
    if rounding is Rounding.TIEEVEN:
        up = rest > half or (rest == half and integer & 1 == 1)
    elif rounding is Rounding.TIEAWAY:
        up = rest >= half
    elif rounding is Rounding.POSINF:
        up = sign == 0
    elif rounding is Rounding.NEGINF:
        up = sign == 1
    elif rounding is Rounding.ODD:
        up = integer & 1 == 0
    else:
        up = False
    return integer + up, True


def to_integer(sign: int, mantissa: int, exponent: int, rounding: Rounding) -> tuple[int, bool]:
    """The integer next to the number by `rounding`, with its sign, and whether it differs from the number."""
    magnitude, inexact = _shift(mantissa, -exponent, sign, rounding)
    return -magnitude if sign else magnitude, inexact


def overflow(env: Environment, fmt: Format, sign: int, rounding: Rounding) -> int:
    """What a number too large becomes: infinity, or the largest number if `rounding` doesn't go that way."""
    env.flags |= OFC | IXC
    to_infinity = rounding is Rounding.TIEEVEN or rounding is (Rounding.NEGINF if sign else Rounding.POSINF)
    return (sign << fmt.width - 1) | (fmt.infinity if to_infinity else fmt.max_normal)


def encode(
    env: Environment,
    fmt: Format,
    sign: int,
    mantissa: int,
    exponent: int,
    rounding: Rounding = Rounding.CURRENT,
    *,
    converting: bool = False,
) -> int:
    """FPRound: the bits of (-1)**sign * mantissa * 2**exponent, where mantissa > 0. Not TIEAWAY.

    The mantissa's last bit may stand for anything nonzero from there down, if at least two bits lie between it and the
    last one kept. `converting` is FPRoundCV, for a conversion between formats: it ignores FPCR.FZ16 and knows AHP.
    """
    rounding = env.resolve(rounding)
    sign_bit = sign << (fmt.width - 1)
    fraction_bits = fmt.fraction_bits
    leading_exponent = exponent + mantissa.bit_length() - 1
    binade = leading_exponent - fmt.min_exponent
    if binade < 0:
        # Tiny: it stays at the exponent of denormals. This is decided before rounding.
        if (env.flush_half and not converting) if fmt is HALF else env.flush:
            env.flags |= UFC
            return sign_bit
        integer, inexact = _shift(mantissa, fmt.ulp_exponent - exponent, sign, rounding)
        if inexact:
            env.flags |= UFC | IXC
        # If it has become the least normal number, its leading bit is just the exponent 1.
        return sign_bit | integer
    integer, inexact = _shift(mantissa, leading_exponent - fraction_bits - exponent, sign, rounding)
    # The leading bit adds one to the exponent, and so does a carry out of the mantissa.
    magnitude = (binade << fraction_bits) + integer
    if converting and fmt is HALF and env.alternative_half:
        if magnitude >= fmt.sign:
            env.flags |= IOC
            return sign_bit | fmt.sign - 1
    elif magnitude >= fmt.infinity:
        return overflow(env, fmt, sign, rounding)
    if inexact:
        env.flags |= IXC
    return sign_bit | magnitude


def encode_sum(env: Environment, fmt: Format, integer: int, exponent: int) -> int:
    """The bits of integer * 2**exponent, where a zero is one that numbers of both signs cancelled to."""
    if integer == 0:
        return fmt.sign if env.rounding is Rounding.NEGINF else 0
    return encode(env, fmt, int(integer < 0), abs(integer), exponent)
