"""Floating-point numbers in one register: arithmetic, rounding to integral numbers, comparison with zero.

"Advanced SIMD two-register miscellaneous" of the index and its FP16 class, and the scalar classes of these names.
"""

from __future__ import annotations

from ...description import instruction
from ...machine import Machine, Rounding
from ...operands.simd import S_Q
from ...values import Lanes, Vector
from .forms import two_register

# -- arithmetic ----------------------------------------------------------------------------------------------------


@two_register("FABS", 0, 1, "01111")
def FABS(m: Machine, a: Vector) -> Vector:
    """The absolute value: the sign bit cleared, of NaNs too."""
    return m.fp_absolute(a)


@two_register("FNEG", 1, 1, "01111")
def FNEG(m: Machine, a: Vector) -> Vector:
    """Negate: the sign bit flipped, of NaNs too."""
    return m.fp_negate(a)


@two_register("FSQRT", 1, 1, "11111")
def FSQRT(m: Machine, a: Vector) -> Vector:
    """The square root."""
    return m.fp_square_root(a)


@two_register("FRECPE", 0, 1, "11101", scalar=True)
def FRECPE(m: Machine, a: Lanes) -> Lanes:
    """An estimate of the reciprocal, of eight bits."""
    return m.fp_reciprocal_estimate(a)


@two_register("FRSQRTE", 1, 1, "11101", scalar=True)
def FRSQRTE(m: Machine, a: Lanes) -> Lanes:
    """An estimate of the reciprocal square root, of eight bits."""
    return m.fp_reciprocal_square_root_estimate(a)


@two_register("FRECPX", 0, 1, "11111", vector=False, scalar=True)
def FRECPX(m: Machine, a: Lanes) -> Lanes:
    """The number with the exponent inverted and no fraction: it scales the operand near to one."""
    return m.fp_reciprocal_exponent(a)


@instruction(
    "0 Q U 01110 1 sz=0 10000 opcode=11100 10 Rn:5 Rd:5",
    ("URECPE_asimdmisc_R", "U=0", "urecpe <Vd>.<T>, <Vn>.<T>"),
    ("URSQRTE_asimdmisc_R", "U=1", "ursqrte <Vd>.<T>, <Vn>.<T>"),
    operands={"T": S_Q},
)
def URECPE_asimdmisc(m: Machine, Q: int, U: int, Rn: int, Rd: int) -> None:
    """An estimate of the reciprocal (URECPE) or reciprocal square root (URSQRTE) of unsigned fixed-point numbers."""
    width = 64 << Q
    estimate = m.unsigned_reciprocal_square_root_estimate if U else m.unsigned_reciprocal_estimate
    m.Vec[width, 32, Rd] = estimate(m.Vec[width, 32, Rn])


# -- rounding to integral numbers --------------------------------------------------------------------------------------


@two_register("FRINTN", 0, 0, "11000")
def FRINTN(m: Machine, a: Vector) -> Vector:
    """Round to an integral number, ties to even."""
    return m.fp_round_integral(a, rounding=Rounding.TIEEVEN, exact=False)


@two_register("FRINTM", 0, 0, "11001")
def FRINTM(m: Machine, a: Vector) -> Vector:
    """Round to an integral number, down."""
    return m.fp_round_integral(a, rounding=Rounding.NEGINF, exact=False)


@two_register("FRINTP", 0, 1, "11000")
def FRINTP(m: Machine, a: Vector) -> Vector:
    """Round to an integral number, up."""
    return m.fp_round_integral(a, rounding=Rounding.POSINF, exact=False)


@two_register("FRINTZ", 0, 1, "11001")
def FRINTZ(m: Machine, a: Vector) -> Vector:
    """Round to an integral number, towards zero."""
    return m.fp_round_integral(a, rounding=Rounding.ZERO, exact=False)


@two_register("FRINTA", 1, 0, "11000")
def FRINTA(m: Machine, a: Vector) -> Vector:
    """Round to an integral number, ties away from zero."""
    return m.fp_round_integral(a, rounding=Rounding.TIEAWAY, exact=False)


@two_register("FRINTX", 1, 0, "11001")
def FRINTX(m: Machine, a: Vector) -> Vector:
    """Round to an integral number as FPCR says; Inexact if that isn't the operand."""
    return m.fp_round_integral(a, rounding=Rounding.CURRENT, exact=True)


@two_register("FRINTI", 1, 1, "11001")
def FRINTI(m: Machine, a: Vector) -> Vector:
    """Round to an integral number as FPCR says."""
    return m.fp_round_integral(a, rounding=Rounding.CURRENT, exact=False)


@two_register("FRINT32Z", 0, 0, "11110", half=False, feature="FEAT_FRINTTS")
def FRINT32Z(m: Machine, a: Vector) -> Vector:
    """Round to an integral number that fits in 32 bits, towards zero; -2**31 if none does."""
    return m.fp_round_integral_sized(a, size=32, rounding=Rounding.ZERO)


@two_register("FRINT32X", 1, 0, "11110", half=False, feature="FEAT_FRINTTS")
def FRINT32X(m: Machine, a: Vector) -> Vector:
    """Round to an integral number that fits in 32 bits, as FPCR says; -2**31 if none does."""
    return m.fp_round_integral_sized(a, size=32, rounding=Rounding.CURRENT)


@two_register("FRINT64Z", 0, 0, "11111", half=False, feature="FEAT_FRINTTS")
def FRINT64Z(m: Machine, a: Vector) -> Vector:
    """Round to an integral number that fits in 64 bits, towards zero; -2**63 if none does."""
    return m.fp_round_integral_sized(a, size=64, rounding=Rounding.ZERO)


@two_register("FRINT64X", 1, 0, "11111", half=False, feature="FEAT_FRINTTS")
def FRINT64X(m: Machine, a: Vector) -> Vector:
    """Round to an integral number that fits in 64 bits, as FPCR says; -2**63 if none does."""
    return m.fp_round_integral_sized(a, size=64, rounding=Rounding.CURRENT)


# -- comparison with zero ----------------------------------------------------------------------------------------------


@two_register("FCMEQ", 0, 1, "01101", scalar=True, zero=True)
def FCMEQ_zero(m: Machine, a: Lanes) -> Lanes:
    """All ones where it is zero, else zeros."""
    return m.fp_equal(a, a & 0)


@two_register("FCMGE", 1, 1, "01100", scalar=True, zero=True)
def FCMGE_zero(m: Machine, a: Lanes) -> Lanes:
    """All ones where it is zero or greater, else zeros; any NaN is invalid."""
    return m.fp_greater_equal(a, a & 0)


@two_register("FCMGT", 0, 1, "01100", scalar=True, zero=True)
def FCMGT_zero(m: Machine, a: Lanes) -> Lanes:
    """All ones where it is greater than zero, else zeros; any NaN is invalid."""
    return m.fp_greater(a, a & 0)


@two_register("FCMLE", 1, 1, "01101", scalar=True, zero=True)
def FCMLE_zero(m: Machine, a: Lanes) -> Lanes:
    """All ones where it is zero or less, else zeros; any NaN is invalid."""
    return m.fp_greater_equal(a & 0, a)


@two_register("FCMLT", 0, 1, "01110", scalar=True, zero=True)
def FCMLT_zero(m: Machine, a: Lanes) -> Lanes:
    """All ones where it is less than zero, else zeros; any NaN is invalid."""
    return m.fp_greater(a & 0, a)
