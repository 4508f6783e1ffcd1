"""Floating-point numbers in three registers of one shape.

"Advanced SIMD three same", "three same (FP16)" and "three same extra" of the index, and the scalar classes of these
names.
"""

from __future__ import annotations

from ...description import instruction
from ...machine import Machine
from ...operands import Immediate, Operand
from ...operands.simd import S_Q, SIZE_Q, Arrangement
from ...values import Lanes, Vector
from ..lanes import pairwise
from .forms import three_same

# -- arithmetic ----------------------------------------------------------------------------------------------------


@three_same("FADD", 0, 0, "11010")
def FADD(m: Machine, a: Vector, b: Vector) -> Vector:
    """Add."""
    return m.fp_add(a, b)


@three_same("FSUB", 0, 1, "11010")
def FSUB(m: Machine, a: Vector, b: Vector) -> Vector:
    """Subtract."""
    return m.fp_subtract(a, b)


@three_same("FABD", 1, 1, "11010", scalar=True)
def FABD(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """The absolute value of the difference."""
    return m.fp_absolute(m.fp_subtract(a, b))


@three_same("FMUL", 1, 0, "11011")
def FMUL(m: Machine, a: Vector, b: Vector) -> Vector:
    """Multiply."""
    return m.fp_multiply(a, b)


@three_same("FMULX", 0, 0, "11011", scalar=True)
def FMULX(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """Multiply, where zero times infinity is two."""
    return m.fp_multiply_extended(a, b)


@three_same("FDIV", 1, 0, "11111")
def FDIV(m: Machine, a: Vector, b: Vector) -> Vector:
    """Divide."""
    return m.fp_divide(a, b)


@three_same("FMLA", 0, 0, "11001", accumulating=True)
def FMLA(m: Machine, addend: Vector, a: Vector, b: Vector) -> Vector:
    """Multiply and add to Rd, rounded once."""
    return m.fp_multiply_add(addend, a, b)


@three_same("FMLS", 0, 1, "11001", accumulating=True)
def FMLS(m: Machine, addend: Vector, a: Vector, b: Vector) -> Vector:
    """Multiply and subtract from Rd, rounded once."""
    return m.fp_multiply_add(addend, m.fp_negate(a), b)


@three_same("FRECPS", 0, 0, "11111", scalar=True)
def FRECPS(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """The step of Newton's method for a reciprocal: 2 - a * b, rounded once."""
    return m.fp_reciprocal_step(a, b)


@three_same("FRSQRTS", 0, 1, "11111", scalar=True)
def FRSQRTS(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """The step of Newton's method for a reciprocal square root: (3 - a * b) / 2, rounded once."""
    return m.fp_reciprocal_square_root_step(a, b)


# -- maximum and minimum ---------------------------------------------------------------------------------------------


@three_same("FMAX", 0, 0, "11110")
def FMAX(m: Machine, a: Vector, b: Vector) -> Vector:
    """The greater; a NaN if there is one."""
    return m.fp_maximum(a, b)


@three_same("FMIN", 0, 1, "11110")
def FMIN(m: Machine, a: Vector, b: Vector) -> Vector:
    """The smaller; a NaN if there is one."""
    return m.fp_minimum(a, b)


@three_same("FMAXNM", 0, 0, "11000")
def FMAXNM(m: Machine, a: Vector, b: Vector) -> Vector:
    """The greater; of a number and a quiet NaN, the number."""
    return m.fp_maximum_number(a, b)


@three_same("FMINNM", 0, 1, "11000")
def FMINNM(m: Machine, a: Vector, b: Vector) -> Vector:
    """The smaller; of a number and a quiet NaN, the number."""
    return m.fp_minimum_number(a, b)


# -- pairwise --------------------------------------------------------------------------------------------------------


@three_same("FADDP", 1, 0, "11010")
def FADDP(m: Machine, a: Vector, b: Vector) -> Vector:
    """Add neighbours: first those of Rn, then those of Rm."""
    return pairwise(a, b, m.fp_add)


@three_same("FMAXP", 1, 0, "11110")
def FMAXP(m: Machine, a: Vector, b: Vector) -> Vector:
    """The greater of neighbours, first of Rn's, then of Rm's; a NaN if there is one."""
    return pairwise(a, b, m.fp_maximum)


@three_same("FMINP", 1, 1, "11110")
def FMINP(m: Machine, a: Vector, b: Vector) -> Vector:
    """The smaller of neighbours, first of Rn's, then of Rm's; a NaN if there is one."""
    return pairwise(a, b, m.fp_minimum)


@three_same("FMAXNMP", 1, 0, "11000")
def FMAXNMP(m: Machine, a: Vector, b: Vector) -> Vector:
    """The greater of neighbours, first of Rn's, then of Rm's; of a number and a quiet NaN, the number."""
    return pairwise(a, b, m.fp_maximum_number)


@three_same("FMINNMP", 1, 1, "11000")
def FMINNMP(m: Machine, a: Vector, b: Vector) -> Vector:
    """The smaller of neighbours, first of Rn's, then of Rm's; of a number and a quiet NaN, the number."""
    return pairwise(a, b, m.fp_minimum_number)


# -- comparison ----------------------------------------------------------------------------------------------------


@three_same("FCMEQ", 0, 0, "11100", scalar=True)
def FCMEQ(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """All ones where they are equal, else zeros."""
    return m.fp_equal(a, b)


@three_same("FCMGE", 1, 0, "11100", scalar=True, swapped="FCMLE")
def FCMGE(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """All ones where Rn is greater or equal, else zeros; any NaN is invalid."""
    return m.fp_greater_equal(a, b)


@three_same("FCMGT", 1, 1, "11100", scalar=True, swapped="FCMLT")
def FCMGT(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """All ones where Rn is greater, else zeros; any NaN is invalid."""
    return m.fp_greater(a, b)


@three_same("FACGE", 1, 0, "11101", scalar=True, swapped="FACLE")
def FACGE(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """All ones where Rn's absolute value is greater or equal, else zeros; any NaN is invalid."""
    return m.fp_greater_equal(m.fp_absolute(a), m.fp_absolute(b))


@three_same("FACGT", 1, 1, "11101", scalar=True, swapped="FACLT")
def FACGT(m: Machine, a: Lanes, b: Lanes) -> Lanes:
    """All ones where Rn's absolute value is greater, else zeros; any NaN is invalid."""
    return m.fp_greater(m.fp_absolute(a), m.fp_absolute(b))


# -- half precision into single --------------------------------------------------------------------------------------


LONG: dict[str, Operand] = {"Ta": S_Q, "Tb": Arrangement("Q", {"0": "2h", "1": "4h"})}
"""The arrangements of FMLAL and its like: elements of half precision are in half a register."""


@instruction(
    "0 Q U=0 01110 S 0 1 Rm:5 opcode=11101 1 Rn:5 Rd:5",
    ("FMLAL_asimdsame_F", "S=0", "fmlal <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Tb>"),
    ("FMLSL_asimdsame_F", "S=1", "fmlsl <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Tb>"),
    operands=LONG,
    feature="FEAT_FHM",
)
def FMLAL_asimdsame(m: Machine, Q: int, S: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply the lower halves, of half precision, and add to Rd, of single; FMLSL subtracts. Rounded once."""
    width = 64 << Q
    a, b = m.Vec[width, 16, Rn].lower(), m.Vec[width, 16, Rm].lower()
    m.Vec[width, 32, Rd] = m.fp_multiply_add_long(m.Vec[width, 32, Rd], m.fp_negate(a) if S else a, b)


@instruction(
    "0 Q U=1 01110 S 0 1 Rm:5 opcode=11001 1 Rn:5 Rd:5",
    ("FMLAL2_asimdsame_F", "S=0", "fmlal2 <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Tb>"),
    ("FMLSL2_asimdsame_F", "S=1", "fmlsl2 <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Tb>"),
    operands=LONG,
    feature="FEAT_FHM",
)
def FMLAL2_asimdsame(m: Machine, Q: int, S: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply the upper halves, of half precision, and add to Rd, of single; FMLSL2 subtracts. Rounded once."""
    width = 64 << Q
    a, b = m.Vec[width, 16, Rn].upper(), m.Vec[width, 16, Rm].upper()
    m.Vec[width, 32, Rd] = m.fp_multiply_add_long(m.Vec[width, 32, Rd], m.fp_negate(a) if S else a, b)


# -- complex numbers -------------------------------------------------------------------------------------------------


def complex_multiply_add(m: Machine, addend: Vector, a: Vector, b: Vector, rot: int) -> Vector:
    """FCMLA: half of a complex product, turned by a multiple `rot` of 90 degrees, added to pairs (real, imaginary).

    Even rotations take the real parts of `a`, odd ones the imaginary parts with the parts of `b` the other way round.
    """
    pairs = range(0, a.lanes, 2)
    a = a.shuffle(a, [i + (rot & 1) for i in pairs for _ in "ri"])
    if rot & 1:
        b = _swap_parts(b)
    negative = ((0, 0), (1, 0), (1, 1), (0, 1))[rot]
    return m.fp_multiply_add(addend, a, _negate_parts(m, b, *negative))


def _swap_parts(a: Vector) -> Vector:
    return a.shuffle(a, [i ^ 1 for i in range(a.lanes)])


def _negate_parts(m: Machine, a: Vector, real: int, imaginary: int) -> Vector:
    """FPNeg of all real parts, of all imaginary ones, of both or none."""
    if not (real or imaginary):
        return a
    top = a.esize - 1
    return a ^ m.vector(a.esize, [real << top, imaginary << top] * (a.lanes // 2))


_COMPLEX = SIZE_Q.without("8b", "16b")


@instruction(
    "0 Q U=1 01110 size:2 0 Rm:5 1 opcode=10 rot:2 1 Rn:5 Rd:5",
    ("FCMLA_asimdsame2_C", "", "fcmla <Vd>.<T>, <Vn>.<T>, <Vm>.<T>, #<rotate>"),
    operands={"T": _COMPLEX, "rotate": Immediate("rot", scale=90)},
    undefined=_COMPLEX.reserved,
    feature="FEAT_FCMA",
)
def FCMLA_asimdsame2(m: Machine, Q: int, size: int, Rm: int, rot: int, Rn: int, Rd: int) -> None:
    """Multiply complex numbers by the real (0, 180 degrees) or imaginary (90, 270) parts of Rn, turn, and add to Rd."""
    shape = 64 << Q, 8 << size
    m.Vec[*shape, Rd] = complex_multiply_add(m, m.Vec[*shape, Rd], m.Vec[*shape, Rn], m.Vec[*shape, Rm], rot)


@instruction(
    "0 Q U=1 01110 size:2 0 Rm:5 1 opcode=11 rot 0 1 Rn:5 Rd:5",
    ("FCADD_asimdsame2_C", "", "fcadd <Vd>.<T>, <Vn>.<T>, <Vm>.<T>, #<rotate>"),
    operands={"T": _COMPLEX, "rotate": Immediate("rot", scale=180, bias=90)},
    undefined=_COMPLEX.reserved,
    feature="FEAT_FCMA",
)
def FCADD_asimdsame2(m: Machine, Q: int, size: int, Rm: int, rot: int, Rn: int, Rd: int) -> None:
    """Add complex numbers, those of Rm turned by 90 or 270 degrees."""
    shape = 64 << Q, 8 << size
    turned = _negate_parts(m, _swap_parts(m.Vec[*shape, Rm]), 1 - rot, rot)
    m.Vec[*shape, Rd] = m.fp_add(m.Vec[*shape, Rn], turned)
