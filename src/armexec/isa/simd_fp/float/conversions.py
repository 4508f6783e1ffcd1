"""Conversions between scalar floating-point numbers and integers or fixed-point numbers in general registers."""

from __future__ import annotations

from ...description import FormText, instruction
from ...machine import Machine, Rounding
from ...operands import Operand
from ...operands.simd import FIXED_POINT_FRACTION
from .scalar import SIZES, typed_forms


def _forms(name: str, syntax: str, constraints: str, *, scaled: bool = False) -> list[FormText]:
    """Forms for each type of number and both general registers.

    `#` in the name is 32 or 64, `<R` in the syntax is of a W or X register. `scaled`: with fraction bits, at most 32 of
    a W register's.
    """
    return [
        form
        for size, letter, sf in ((32, "W", "sf=0 scale=1xxxxx" if scaled else "sf=0"), (64, "X", "sf=1"))
        for form in typed_forms(
            name.replace("#", str(size)), syntax.replace("<R", f"<{letter}"), constraints=f"{constraints} {sf}"
        )
    ]


# -- integers --------------------------------------------------------------------------------------------------------


@instruction(
    "sf 0 S=0 11110 ftype:2 1 rmode:2 00 U 000000 Rn:5 Rd:5",
    *(
        form
        for rmode, mode in enumerate("npmz")
        for u, sign in enumerate("su")
        for form in _forms(
            f"FCVT{mode.upper()}{sign.upper()}_#?_float2int",
            f"fcvt{mode}{sign} <Rd>, <Fn>",
            f"rmode={rmode:02b} U={u}",
        )
    ),
)
def FCVT_float2int(m: Machine, sf: int, ftype: int, rmode: int, U: int, Rn: int, Rd: int) -> None:
    """Convert to an integer (S signed, U unsigned), saturated: N to nearest, ties to even; P up; M down; Z to zero."""
    size = 32 << sf
    m.X[size, Rd] = m.fp_to_fixed(m.V[SIZES[ftype], Rn], size, signed=U == 0, rounding=Rounding(rmode))


@instruction(
    "sf 0 S=0 11110 ftype:2 1 rmode=00 10 U 000000 Rn:5 Rd:5",
    *_forms("FCVTAS_#?_float2int", "fcvtas <Rd>, <Fn>", "U=0"),
    *_forms("FCVTAU_#?_float2int", "fcvtau <Rd>, <Fn>", "U=1"),
)
def FCVTA_float2int(m: Machine, sf: int, ftype: int, U: int, Rn: int, Rd: int) -> None:
    """Convert to an integer (FCVTAS signed, FCVTAU unsigned), saturated, to nearest and ties away from zero."""
    size = 32 << sf
    m.X[size, Rd] = m.fp_to_fixed(m.V[SIZES[ftype], Rn], size, signed=U == 0, rounding=Rounding.TIEAWAY)


@instruction(
    "sf 0 S=0 11110 ftype:2 1 rmode=00 01 U 000000 Rn:5 Rd:5",
    *_forms("SCVTF_?#_float2int", "scvtf <Fd>, <Rn>", "U=0"),
    *_forms("UCVTF_?#_float2int", "ucvtf <Fd>, <Rn>", "U=1"),
)
def CVTF_float2int(m: Machine, sf: int, ftype: int, U: int, Rn: int, Rd: int) -> None:
    """Convert an integer to a floating-point number: SCVTF a signed, UCVTF an unsigned one."""
    size = SIZES[ftype]
    m.V[size, Rd] = m.fp_from_fixed(m.X[32 << sf, Rn], size, signed=U == 0)


@instruction(
    "sf=0 0 S=0 11110 ftype=01 1 rmode=11 opcode=110 000000 Rn:5 Rd:5",
    ("FJCVTZS_32D_float2int", "", "fjcvtzs <Wd>, <Dn>"),
    feature="FEAT_JSCVT",
)
def FJCVTZS_float2int(m: Machine, Rn: int, Rd: int) -> None:
    """Convert to a signed integer as JavaScript does, modulo 2**32; Z is set if that is exact, N, C and V are clear."""
    integer, exact = m.fp_to_fixed_javascript(m.V[64, Rn])
    m.X[32, Rd] = integer
    m.NZCV = m.flags(0, exact, 0, 0)


# -- fixed-point numbers -------------------------------------------------------------------------------------------

_FIXED: dict[str, Operand] = {"fbits": FIXED_POINT_FRACTION}


@instruction(
    "sf 0 S=0 11110 ftype:2 0 rmode=11 00 U scale:6 Rn:5 Rd:5",
    *_forms("FCVTZS_#?_float2fix", "fcvtzs <Rd>, <Fn>, #<fbits>", "U=0", scaled=True),
    *_forms("FCVTZU_#?_float2fix", "fcvtzu <Rd>, <Fn>, #<fbits>", "U=1", scaled=True),
    operands=_FIXED,
)
def FCVTZ_float2fix(m: Machine, sf: int, ftype: int, U: int, scale: int, Rn: int, Rd: int) -> None:
    """Convert to a fixed-point number (FCVTZS signed, FCVTZU unsigned), saturated, towards zero."""
    size = 32 << sf
    a = m.V[SIZES[ftype], Rn]
    m.X[size, Rd] = m.fp_to_fixed(a, size, fraction_bits=64 - scale, signed=U == 0, rounding=Rounding.ZERO)


@instruction(
    "sf 0 S=0 11110 ftype:2 0 rmode=00 01 U scale:6 Rn:5 Rd:5",
    *_forms("SCVTF_?#_float2fix", "scvtf <Fd>, <Rn>, #<fbits>", "U=0", scaled=True),
    *_forms("UCVTF_?#_float2fix", "ucvtf <Fd>, <Rn>, #<fbits>", "U=1", scaled=True),
    operands=_FIXED,
)
def CVTF_float2fix(m: Machine, sf: int, ftype: int, U: int, scale: int, Rn: int, Rd: int) -> None:
    """Convert a fixed-point number to a floating-point one: SCVTF a signed, UCVTF an unsigned one."""
    size = SIZES[ftype]
    m.V[size, Rd] = m.fp_from_fixed(m.X[32 << sf, Rn], size, fraction_bits=64 - scale, signed=U == 0)
