"""Conversions of vectors and scalars in SIMD&FP registers: to integers and fixed-point numbers, back, and between
precisions.

Of the classes "Advanced SIMD two-register miscellaneous" and "shift by immediate" of the index, and their scalar ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...description import instruction
from ...machine import Machine, Rounding
from ...operands import Operand
from ...operands.simd import H_Q, IMMH_Q, IMMH_SCALAR, S_Q, Arrangement, ShiftRight, halves
from ...values import Lanes
from ..lanes import half, set_half
from .forms import named, two_register

# -- conversion to integers and back -----------------------------------------------------------------------------------


def _size(a: Any) -> int:
    """The bits of an element: of a Vector, or the width of a Value."""
    return int(a.esize if hasattr(a, "esize") else a.width)


def _to_integer(m: Machine, a: Lanes, rounding: Rounding, *, signed: bool) -> Lanes:
    return m.fp_to_fixed(a, _size(a), signed=signed, rounding=rounding)


@two_register("FCVTNS", 0, 0, "11010", scalar=True)
def FCVTNS(m: Machine, a: Lanes) -> Lanes:
    """Convert to a signed integer of the same size, saturated, to nearest, ties to even."""
    return _to_integer(m, a, Rounding.TIEEVEN, signed=True)


@two_register("FCVTNU", 1, 0, "11010", scalar=True)
def FCVTNU(m: Machine, a: Lanes) -> Lanes:
    """Convert to an unsigned integer of the same size, saturated, to nearest, ties to even."""
    return _to_integer(m, a, Rounding.TIEEVEN, signed=False)


@two_register("FCVTPS", 0, 1, "11010", scalar=True)
def FCVTPS(m: Machine, a: Lanes) -> Lanes:
    """Convert to a signed integer of the same size, saturated, rounded up."""
    return _to_integer(m, a, Rounding.POSINF, signed=True)


@two_register("FCVTPU", 1, 1, "11010", scalar=True)
def FCVTPU(m: Machine, a: Lanes) -> Lanes:
    """Convert to an unsigned integer of the same size, saturated, rounded up."""
    return _to_integer(m, a, Rounding.POSINF, signed=False)


@two_register("FCVTMS", 0, 0, "11011", scalar=True)
def FCVTMS(m: Machine, a: Lanes) -> Lanes:
    """Convert to a signed integer of the same size, saturated, rounded down."""
    return _to_integer(m, a, Rounding.NEGINF, signed=True)


@two_register("FCVTMU", 1, 0, "11011", scalar=True)
def FCVTMU(m: Machine, a: Lanes) -> Lanes:
    """Convert to an unsigned integer of the same size, saturated, rounded down."""
    return _to_integer(m, a, Rounding.NEGINF, signed=False)


@two_register("FCVTZS", 0, 1, "11011", scalar=True)
def FCVTZS(m: Machine, a: Lanes) -> Lanes:
    """Convert to a signed integer of the same size, saturated, towards zero."""
    return _to_integer(m, a, Rounding.ZERO, signed=True)


@two_register("FCVTZU", 1, 1, "11011", scalar=True)
def FCVTZU(m: Machine, a: Lanes) -> Lanes:
    """Convert to an unsigned integer of the same size, saturated, towards zero."""
    return _to_integer(m, a, Rounding.ZERO, signed=False)


@two_register("FCVTAS", 0, 0, "11100", scalar=True)
def FCVTAS(m: Machine, a: Lanes) -> Lanes:
    """Convert to a signed integer of the same size, saturated, to nearest, ties away from zero."""
    return _to_integer(m, a, Rounding.TIEAWAY, signed=True)


@two_register("FCVTAU", 1, 0, "11100", scalar=True)
def FCVTAU(m: Machine, a: Lanes) -> Lanes:
    """Convert to an unsigned integer of the same size, saturated, to nearest, ties away from zero."""
    return _to_integer(m, a, Rounding.TIEAWAY, signed=False)


@two_register("SCVTF", 0, 0, "11101", scalar=True)
def SCVTF(m: Machine, a: Lanes) -> Lanes:
    """Convert a signed integer to a number of the same size."""
    return m.fp_from_fixed(a, _size(a), signed=True)


@two_register("UCVTF", 1, 0, "11101", scalar=True)
def UCVTF(m: Machine, a: Lanes) -> Lanes:
    """Convert an unsigned integer to a number of the same size."""
    return m.fp_from_fixed(a, _size(a), signed=False)


# -- fixed-point numbers -------------------------------------------------------------------------------------------

_FIXED_VECTOR = IMMH_Q.without("8b", "16b")
_FIXED_SCALAR = IMMH_SCALAR.without("b")


def _fixed(opcode: str, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Describe Rd = operation(m, Rn, the number of fraction bits, U), vectors and scalars; names by U."""

    def decorator(operation: Callable[..., Any]) -> Callable[..., Any]:
        def vectors(m: Machine, Q: int, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
            width, esize = 64 << Q, 4 << immh.bit_length()
            m.Vec[width, esize, Rd] = operation(m, m.Vec[width, esize, Rn], 2 * esize - (immh << 3 | immb), U)

        def scalars(m: Machine, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
            esize = 4 << immh.bit_length()
            m.V[esize, Rd] = operation(m, m.V[esize, Rn], 2 * esize - (immh << 3 | immb), U)

        rest = f"immh:4 immb:3 opcode={opcode} 1 Rn:5 Rd:5"
        for semantics, suffix, start, registers, sizes in (
            (vectors, "asimdshf", "0 Q U 011110", "<Vd>.<T>, <Vn>.<T>", _FIXED_VECTOR),
            (scalars, "asisdshf", "01 U 111110", "<V><d>, <V><n>", _FIXED_SCALAR),
        ):
            instruction(
                f"{start} {rest}",
                *(
                    (f"{name}_{suffix}_C", f"U={u} immh!=0000", f"{name.lower()} {registers}, #<fbits>")
                    for u, name in enumerate(names)
                ),
                operands={"T": _FIXED_VECTOR, "V": _FIXED_SCALAR, "fbits": ShiftRight()},
                undefined=sizes.reserved,
            )(named(operation, semantics, suffix))
        return operation

    return decorator


@_fixed("11111", "FCVTZS", "FCVTZU")
def FCVTZ_fixed(m: Machine, a: Lanes, fraction_bits: int, U: int) -> Lanes:
    """Convert to a fixed-point number (FCVTZS signed, FCVTZU unsigned) of the same size, saturated, towards zero."""
    return m.fp_to_fixed(a, _size(a), fraction_bits=fraction_bits, signed=U == 0, rounding=Rounding.ZERO)


@_fixed("11100", "SCVTF", "UCVTF")
def CVTF_fixed(m: Machine, a: Lanes, fraction_bits: int, U: int) -> Lanes:
    """Convert a fixed-point number (SCVTF signed, UCVTF unsigned) to a floating-point one of the same size."""
    return m.fp_from_fixed(a, _size(a), fraction_bits=fraction_bits, signed=U == 0)


# -- conversion between precisions -----------------------------------------------------------------------------------

_NARROW: dict[str, Operand] = {
    "Ta": Arrangement("sz", {"0": "4s", "1": "2d"}),
    "Tb": Arrangement("sz:Q", {"0:0": "4h", "0:1": "8h", "1:0": "2s", "1:1": "4s"}),
}


@instruction(
    "0 Q U=0 01110 0 sz 10000 opcode=10110 10 Rn:5 Rd:5",
    *halves("FCVTN_asimdmisc_N", "fcvtn{2} <Vd>.<Tb>, <Vn>.<Ta>"),
    operands=_NARROW,
)
def FCVTN_asimdmisc(m: Machine, Q: int, sz: int, Rn: int, Rd: int) -> None:
    """Convert to half the precision, into the lower half of Rd; FCVTN2 into the upper half, keeping the lower."""
    esize = 16 << sz
    set_half(m, Q, esize, Rd, m.fp_convert(m.Vec[128, 2 * esize, Rn], esize))


@instruction(
    "0 Q U=0 01110 0 sz 10000 opcode=10111 10 Rn:5 Rd:5",
    *halves("FCVTL_asimdmisc_L", "fcvtl{2} <Vd>.<Ta>, <Vn>.<Tb>"),
    operands=_NARROW,
)
def FCVTL_asimdmisc(m: Machine, Q: int, sz: int, Rn: int, Rd: int) -> None:
    """Convert the lower half of Rn (FCVTL2: the upper) to double the precision."""
    esize = 16 << sz
    m.Vec[128, 2 * esize, Rd] = m.fp_convert(half(m, Q, esize, Rn), 2 * esize)


@instruction(
    "0 Q U=1 01110 0 sz=1 10000 opcode=10110 10 Rn:5 Rd:5",
    *halves("FCVTXN_asimdmisc_N", "fcvtxn{2} <Vd>.<T>, <Vn>.2D"),
    operands={"T": S_Q},
)
def FCVTXN_asimdmisc(m: Machine, Q: int, Rn: int, Rd: int) -> None:
    """Convert double to single precision, rounded to odd, to be rounded again; FCVTXN2 into the upper half."""
    set_half(m, Q, 32, Rd, m.fp_convert(m.Vec[128, 64, Rn], 32, rounding=Rounding.ODD))


@instruction(
    "01 U=1 11110 0 sz=1 10000 opcode=10110 10 Rn:5 Rd:5",
    ("FCVTXN_asisdmisc_N", "", "fcvtxn <Sd>, <Dn>"),
)
def FCVTXN_asisdmisc(m: Machine, Rn: int, Rd: int) -> None:
    """Convert double to single precision, rounded to odd, to be rounded again."""
    m.V[32, Rd] = m.fp_convert(m.V[64, Rn], 32, rounding=Rounding.ODD)


@instruction(
    "0 Q U=0 01110 1 sz=0 10000 opcode=10110 10 Rn:5 Rd:5",
    *halves("BFCVTN_asimdmisc_4S", "bfcvtn{2} <Vd>.<T>, <Vn>.4S"),
    operands={"T": H_Q},
    feature="FEAT_BF16",
)
def BFCVTN_asimdmisc(m: Machine, Q: int, Rn: int, Rd: int) -> None:
    """Convert single precision to bfloat16, into the lower half of Rd; BFCVTN2 into the upper, keeping the lower."""
    set_half(m, Q, 16, Rd, m.bf16_convert(m.Vec[128, 32, Rn]))
