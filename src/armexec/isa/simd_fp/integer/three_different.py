"""Integers in three registers whose elements differ in width.

"Advanced SIMD three different" and "scalar three different" of the index. Long instructions take halves of registers
and make elements twice as wide; wide ones do so with the second source; narrow ones keep the high halves.
"""

from __future__ import annotations

from ...description import instruction
from ...machine import Machine
from ...operands.simd import SIZE_WIDE, Arrangement, reserved
from ..lanes import (
    absolute_difference,
    doubling_multiply_long,
    extend,
    half,
    high_half,
    multiply_long,
    scalar,
    set_half,
    set_scalar,
)
from .forms import ONLY_16_AND_32, SCALAR_16_AND_32, TO_32, Decorator, forms_by_u, halves_by_u

_LONG = "<Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Tb>"
_WIDE_FROM_16_AND_32 = Arrangement("size", {"01": "4s", "10": "2d"})
_SCALAR_WIDE_FROM_16_AND_32 = Arrangement("size", {"01": "s", "10": "d"})
_POLYNOMIALS = Arrangement("size:Q", {"00:0": "8b", "00:1": "16b", "11:0": "1d", "11:1": "2d"})
_POLYNOMIALS_WIDE = Arrangement("size", {"00": "8h", "11": "1q"})


def _different(
    u: str,
    opcode: str,
    *names: str,
    suffix: str = "L",
    syntax: str = _LONG,
    Ta: Arrangement = SIZE_WIDE,
    Tb: Arrangement = TO_32,
) -> Decorator:
    """A vector instruction; two names where `u` is free. Each has a form for both halves."""
    return instruction(
        f"0 Q {u} 01110 size:2 1 Rm:5 opcode={opcode} 00 Rn:5 Rd:5",
        *halves_by_u(names, f"asimddiff_{suffix}", syntax),
        operands={"Ta": Ta, "Tb": Tb},
        undefined=reserved(Ta, Tb),
    )


def _different_scalar(opcode: str, name: str) -> Decorator:
    Va, Vb = _SCALAR_WIDE_FROM_16_AND_32, SCALAR_16_AND_32
    return instruction(
        f"01 U=0 11110 size:2 1 Rm:5 opcode={opcode} 00 Rn:5 Rd:5",
        *forms_by_u((name,), "asisddiff_only", "<Va><d>, <Vb><n>, <Vb><m>"),
        operands={"Va": Va, "Vb": Vb},
        undefined=Vb.reserved,
    )


# -- addition and subtraction ----------------------------------------------------------------------------------------


@_different("U", "0000", "SADDL", "UADDL")
def ADDL_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add, twice as wide: SADDL signed, UADDL unsigned numbers. The second form takes the upper halves."""
    a, b = half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm)
    m.Vec[128, 16 << size, Rd] = extend(a, signed=U == 0) + extend(b, signed=U == 0)


@_different("U", "0001", "SADDW", "UADDW", suffix="W", syntax="<Vd>.<Ta>, <Vn>.<Ta>, <Vm>.<Tb>")
def ADDW_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add elements half as wide: SADDW signed, UADDW unsigned. The second form takes them from the upper half."""
    b = extend(half(m, Q, 8 << size, Rm), signed=U == 0)
    m.Vec[128, 16 << size, Rd] = m.Vec[128, 16 << size, Rn] + b


@_different("U", "0010", "SSUBL", "USUBL")
def SUBL_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract, twice as wide: SSUBL signed, USUBL unsigned numbers. The second form takes the upper halves."""
    a, b = half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm)
    m.Vec[128, 16 << size, Rd] = extend(a, signed=U == 0) - extend(b, signed=U == 0)


@_different("U", "0011", "SSUBW", "USUBW", suffix="W", syntax="<Vd>.<Ta>, <Vn>.<Ta>, <Vm>.<Tb>")
def SUBW_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract elements half as wide: SSUBW signed, USUBW unsigned. The second form takes them from the upper half."""
    b = extend(half(m, Q, 8 << size, Rm), signed=U == 0)
    m.Vec[128, 16 << size, Rd] = m.Vec[128, 16 << size, Rn] - b


@_different("U", "0100", "ADDHN", "RADDHN", suffix="N", syntax="<Vd>.<Tb>, <Vn>.<Ta>, <Vm>.<Ta>")
def ADDHN_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add and keep the high halves; RADDHN rounds. The second form writes the upper half of Rd and keeps the lower."""
    result = m.Vec[128, 16 << size, Rn] + m.Vec[128, 16 << size, Rm]
    set_half(m, Q, 8 << size, Rd, high_half(result, rounding=U == 1))


@_different("U", "0110", "SUBHN", "RSUBHN", suffix="N", syntax="<Vd>.<Tb>, <Vn>.<Ta>, <Vm>.<Ta>")
def SUBHN_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract and keep the high halves; RSUBHN rounds. The second form writes the upper half, keeping the lower."""
    result = m.Vec[128, 16 << size, Rn] - m.Vec[128, 16 << size, Rm]
    set_half(m, Q, 8 << size, Rd, high_half(result, rounding=U == 1))


@_different("U", "0111", "SABDL", "UABDL")
def ABDL_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """The absolute difference, twice as wide: SABDL of signed, UABDL of unsigned numbers."""
    a, b = half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm)
    m.Vec[128, 16 << size, Rd] = absolute_difference(a, b, signed=U == 0).zero_extend(16 << size)


@_different("U", "0101", "SABAL", "UABAL")
def ABAL_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add the absolute difference to Rd, twice as wide: SABAL of signed, UABAL of unsigned numbers."""
    a, b = half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm)
    difference = absolute_difference(a, b, signed=U == 0).zero_extend(16 << size)
    m.Vec[128, 16 << size, Rd] = m.Vec[128, 16 << size, Rd] + difference


# -- multiplication --------------------------------------------------------------------------------------------------


@_different("U", "1100", "SMULL", "UMULL")
def MULL_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply, twice as wide: SMULL signed, UMULL unsigned numbers. The second form takes the upper halves."""
    a, b = half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm)
    m.Vec[128, 16 << size, Rd] = multiply_long(a, b, signed=U == 0)


@_different("U", "1000", "SMLAL", "UMLAL")
def MLAL_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply and add to Rd, twice as wide: SMLAL signed, UMLAL unsigned numbers."""
    a, b = half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm)
    m.Vec[128, 16 << size, Rd] = m.Vec[128, 16 << size, Rd] + multiply_long(a, b, signed=U == 0)


@_different("U", "1010", "SMLSL", "UMLSL")
def MLSL_asimddiff(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply and subtract from Rd, twice as wide: SMLSL signed, UMLSL unsigned numbers."""
    a, b = half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm)
    m.Vec[128, 16 << size, Rd] = m.Vec[128, 16 << size, Rd] - multiply_long(a, b, signed=U == 0)


@_different("U=0", "1101", "SQDMULL", Ta=_WIDE_FROM_16_AND_32, Tb=ONLY_16_AND_32)
def SQDMULL_asimddiff(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply and double, twice as wide, saturated. The second form takes the upper halves."""
    a, b = half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm)
    m.Vec[128, 16 << size, Rd] = doubling_multiply_long(m, a, b)


@_different_scalar("1101", "SQDMULL")
def SQDMULL_asisddiff(m: Machine, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply two scalars and double, twice as wide, saturated."""
    a, b = scalar(m, 8 << size, Rn), scalar(m, 8 << size, Rm)
    set_scalar(m, 16 << size, Rd, doubling_multiply_long(m, a, b))


@_different("U=0", "1001", "SQDMLAL", Ta=_WIDE_FROM_16_AND_32, Tb=ONLY_16_AND_32)
def SQDMLAL_asimddiff(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply, double, saturate, add to Rd, twice as wide, and saturate."""
    product = doubling_multiply_long(m, half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm))
    m.Vec[128, 16 << size, Rd] = m.saturating_add(m.Vec[128, 16 << size, Rd], product, signed=True)


@_different_scalar("1001", "SQDMLAL")
def SQDMLAL_asisddiff(m: Machine, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply two scalars, double, saturate, add to Rd, twice as wide, and saturate."""
    product = doubling_multiply_long(m, scalar(m, 8 << size, Rn), scalar(m, 8 << size, Rm))
    set_scalar(m, 16 << size, Rd, m.saturating_add(scalar(m, 16 << size, Rd), product, signed=True))


@_different("U=0", "1011", "SQDMLSL", Ta=_WIDE_FROM_16_AND_32, Tb=ONLY_16_AND_32)
def SQDMLSL_asimddiff(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply, double, saturate, subtract from Rd, twice as wide, and saturate."""
    product = doubling_multiply_long(m, half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm))
    m.Vec[128, 16 << size, Rd] = m.saturating_subtract(m.Vec[128, 16 << size, Rd], product, signed=True)


@_different_scalar("1011", "SQDMLSL")
def SQDMLSL_asisddiff(m: Machine, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply two scalars, double, saturate, subtract from Rd, twice as wide, and saturate."""
    product = doubling_multiply_long(m, scalar(m, 8 << size, Rn), scalar(m, 8 << size, Rm))
    set_scalar(m, 16 << size, Rd, m.saturating_subtract(scalar(m, 16 << size, Rd), product, signed=True))


@_different("U=0", "1110", "PMULL", Ta=_POLYNOMIALS_WIDE, Tb=_POLYNOMIALS)
def PMULL_asimddiff(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply as polynomials over {0, 1}, twice as wide. The second form takes the upper halves."""
    a, b = half(m, Q, 8 << size, Rn), half(m, Q, 8 << size, Rm)
    m.Vec[128, 16 << size, Rd] = a.polynomial_multiply(b)
