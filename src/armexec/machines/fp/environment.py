"""FPCR's modes and FPSR's flags as operations see them, and operands under these modes."""

from __future__ import annotations

from armexec.isa.machine import Rounding
from armexec.machines.fp.formats import (
    FINITE,
    HALF,
    ZERO,
    Format,
    Number,
    decode,
)
from armexec.machines.system import AHP, DN, FZ, FZ16, IDC, RMODE

__all__ = ["Environment", "unpack", "unpack_to_convert"]


class Environment:
    """The modes of an FPCR, and the cumulative `flags` (of FPSR) raised under them."""

    __slots__ = ("alternative_half", "default_nan", "flags", "flush", "flush_half", "rounding")

    def __init__(self, fpcr: int) -> None:
        self.rounding = Rounding(fpcr >> RMODE & 3)
        self.flush = bool(fpcr & FZ)
        self.flush_half = bool(fpcr & FZ16)
        self.default_nan = bool(fpcr & DN)
        self.alternative_half = bool(fpcr & AHP)
        self.flags = 0

    def resolve(self, rounding: Rounding) -> Rounding:
        """FPCR.RMode where `rounding` is CURRENT."""
        return self.rounding if rounding is Rounding.CURRENT else rounding


def unpack(env: Environment, fmt: Format, bits: int) -> Number:
    """FPUnpack: a denormal is zero where FPCR.FZ or FZ16 says so. FPCR.AHP has no part in it."""
    if (env.flush_half if fmt is HALF else env.flush) and fmt.is_denormal(bits):
        if fmt is not HALF:
            env.flags |= IDC
        return ZERO, bits >> (fmt.width - 1), 0, 0
    return decode(fmt, bits)


def unpack_to_convert(env: Environment, fmt: Format, bits: int) -> Number:
    """FPUnpackCV: the operand of a conversion between formats. It ignores FPCR.FZ16 and knows AHP."""
    if fmt is not HALF:
        return unpack(env, fmt, bits)
    if env.alternative_half and bits & fmt.infinity == fmt.infinity:
        mantissa = fmt.leading | bits & fmt.fraction_mask
        return FINITE, bits >> 15, mantissa, fmt.ulp_exponent + fmt.exponent_mask - 1
    return decode(fmt, bits)
