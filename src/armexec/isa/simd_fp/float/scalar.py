"""Scalar floating point: data processing of one, two and three sources, comparison, selection, FMOV of an immediate."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from ...description import FormText, instruction
from ...machine import Machine, Rounding
from ...operands import Condition, Immediate, Operand
from ...operands.simd import FLOAT_IMMEDIATE, float_immediate_bits
from ...values import Value

_Operation = Callable[..., Value]

SIZES = {0b00: 32, 0b01: 64, 0b11: 16}
"""The bits of a number, by ftype."""
_TYPES = {"S": "ftype=00", "D": "ftype=01", "H": "ftype=11"}


def typed_forms(
    name: str, syntax: str, *, types: str = "SDH", constraints: str = "", feature: str = ""
) -> list[FormText]:
    """The forms for each type of number: `?` in the name is its letter, `<Fd>` in the syntax <Sd>...."""
    return [
        (
            name.replace("?", kind),
            f"{_TYPES[kind]} {constraints}".strip(),
            syntax.replace("<F", f"<{kind}"),
            "FEAT_FP16" if kind == "H" else feature,
        )
        for kind in types
    ]


# -- one source ----------------------------------------------------------------------------------------------------


def _one_source(
    name: str, opcode: str, *, types: str = "SDH", feature: str = ""
) -> Callable[[_Operation], Callable[..., None]]:
    """Describe Fd = operation(m, Fn)."""

    def describe(operation: _Operation) -> Callable[..., None]:
        @instruction(
            f"M=0 0 S=0 11110 ftype:2 1 opcode={opcode} 10000 Rn:5 Rd:5",
            *typed_forms(f"{name}_?_floatdp1", f"{name.lower()} <Fd>, <Fn>", types=types, feature=feature),
        )
        @wraps(operation)
        def semantics(m: Machine, ftype: int, Rn: int, Rd: int) -> None:
            size = SIZES[ftype]
            m.V[size, Rd] = operation(m, m.V[size, Rn])

        return semantics

    return describe


@_one_source("FMOV", "000000")
def FMOV_floatdp1(m: Machine, a: Value) -> Value:
    """Copy a register."""
    return a


@_one_source("FABS", "000001")
def FABS_floatdp1(m: Machine, a: Value) -> Value:
    """The absolute value: the sign bit cleared, of NaNs too."""
    return m.fp_absolute(a)


@_one_source("FNEG", "000010")
def FNEG_floatdp1(m: Machine, a: Value) -> Value:
    """Negate: the sign bit flipped, of NaNs too."""
    return m.fp_negate(a)


@_one_source("FSQRT", "000011")
def FSQRT_floatdp1(m: Machine, a: Value) -> Value:
    """The square root."""
    return m.fp_square_root(a)


@_one_source("FRINTN", "001000")
def FRINTN_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number, ties to even."""
    return m.fp_round_integral(a, rounding=Rounding.TIEEVEN, exact=False)


@_one_source("FRINTP", "001001")
def FRINTP_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number, up."""
    return m.fp_round_integral(a, rounding=Rounding.POSINF, exact=False)


@_one_source("FRINTM", "001010")
def FRINTM_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number, down."""
    return m.fp_round_integral(a, rounding=Rounding.NEGINF, exact=False)


@_one_source("FRINTZ", "001011")
def FRINTZ_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number, towards zero."""
    return m.fp_round_integral(a, rounding=Rounding.ZERO, exact=False)


@_one_source("FRINTA", "001100")
def FRINTA_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number, ties away from zero."""
    return m.fp_round_integral(a, rounding=Rounding.TIEAWAY, exact=False)


@_one_source("FRINTX", "001110")
def FRINTX_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number as FPCR says; Inexact if that isn't the operand."""
    return m.fp_round_integral(a, rounding=Rounding.CURRENT, exact=True)


@_one_source("FRINTI", "001111")
def FRINTI_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number as FPCR says."""
    return m.fp_round_integral(a, rounding=Rounding.CURRENT, exact=False)


@_one_source("FRINT32Z", "010000", types="SD", feature="FEAT_FRINTTS")
def FRINT32Z_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number that fits in 32 bits, towards zero; -2**31 if none does."""
    return m.fp_round_integral_sized(a, size=32, rounding=Rounding.ZERO)


@_one_source("FRINT32X", "010001", types="SD", feature="FEAT_FRINTTS")
def FRINT32X_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number that fits in 32 bits, as FPCR says; -2**31 if none does."""
    return m.fp_round_integral_sized(a, size=32, rounding=Rounding.CURRENT)


@_one_source("FRINT64Z", "010010", types="SD", feature="FEAT_FRINTTS")
def FRINT64Z_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number that fits in 64 bits, towards zero; -2**63 if none does."""
    return m.fp_round_integral_sized(a, size=64, rounding=Rounding.ZERO)


@_one_source("FRINT64X", "010011", types="SD", feature="FEAT_FRINTTS")
def FRINT64X_floatdp1(m: Machine, a: Value) -> Value:
    """Round to an integral number that fits in 64 bits, as FPCR says; -2**63 if none does."""
    return m.fp_round_integral_sized(a, size=64, rounding=Rounding.CURRENT)


@instruction(
    "M=0 0 S=0 11110 ftype:2 1 0001 opc:2 10000 Rn:5 Rd:5",
    *(
        (f"FCVT_{to}{of}_floatdp1", f"{_TYPES[of]} opc={_TYPES[to][-2:]}", f"fcvt <{to}d>, <{of}n>")
        for to in _TYPES
        for of in _TYPES
        if to != of
    ),
)
def FCVT_floatdp1(m: Machine, ftype: int, opc: int, Rn: int, Rd: int) -> None:
    """Convert between half, single and double precision."""
    size = SIZES[opc]
    m.V[size, Rd] = m.fp_convert(m.V[SIZES[ftype], Rn], size)


@instruction(
    "M=0 0 S=0 11110 ftype=01 1 opcode=000110 10000 Rn:5 Rd:5",
    ("BFCVT_BS_floatdp1", "", "bfcvt <Hd>, <Sn>"),
    feature="FEAT_BF16",
)
def BFCVT_floatdp1(m: Machine, Rn: int, Rd: int) -> None:
    """Convert single precision to bfloat16."""
    m.V[16, Rd] = m.bf16_convert(m.V[32, Rn])


# -- two sources ---------------------------------------------------------------------------------------------------


def _two_sources(name: str, opcode: str) -> Callable[[_Operation], Callable[..., None]]:
    """Describe Fd = operation(m, Fn, Fm)."""

    def describe(operation: _Operation) -> Callable[..., None]:
        @instruction(
            f"M=0 0 S=0 11110 ftype:2 1 Rm:5 opcode={opcode} 10 Rn:5 Rd:5",
            *typed_forms(f"{name}_?_floatdp2", f"{name.lower()} <Fd>, <Fn>, <Fm>"),
        )
        @wraps(operation)
        def semantics(m: Machine, ftype: int, Rm: int, Rn: int, Rd: int) -> None:
            size = SIZES[ftype]
            m.V[size, Rd] = operation(m, m.V[size, Rn], m.V[size, Rm])

        return semantics

    return describe


@_two_sources("FMUL", "0000")
def FMUL_floatdp2(m: Machine, a: Value, b: Value) -> Value:
    """Multiply."""
    return m.fp_multiply(a, b)


@_two_sources("FDIV", "0001")
def FDIV_floatdp2(m: Machine, a: Value, b: Value) -> Value:
    """Divide."""
    return m.fp_divide(a, b)


@_two_sources("FADD", "0010")
def FADD_floatdp2(m: Machine, a: Value, b: Value) -> Value:
    """Add."""
    return m.fp_add(a, b)


@_two_sources("FSUB", "0011")
def FSUB_floatdp2(m: Machine, a: Value, b: Value) -> Value:
    """Subtract."""
    return m.fp_subtract(a, b)


@_two_sources("FMAX", "0100")
def FMAX_floatdp2(m: Machine, a: Value, b: Value) -> Value:
    """The greater; a NaN if there is one."""
    return m.fp_maximum(a, b)


@_two_sources("FMIN", "0101")
def FMIN_floatdp2(m: Machine, a: Value, b: Value) -> Value:
    """The smaller; a NaN if there is one."""
    return m.fp_minimum(a, b)


@_two_sources("FMAXNM", "0110")
def FMAXNM_floatdp2(m: Machine, a: Value, b: Value) -> Value:
    """The greater; of a number and a quiet NaN, the number."""
    return m.fp_maximum_number(a, b)


@_two_sources("FMINNM", "0111")
def FMINNM_floatdp2(m: Machine, a: Value, b: Value) -> Value:
    """The smaller; of a number and a quiet NaN, the number."""
    return m.fp_minimum_number(a, b)


@_two_sources("FNMUL", "1000")
def FNMUL_floatdp2(m: Machine, a: Value, b: Value) -> Value:
    """Multiply and negate."""
    return m.fp_negate(m.fp_multiply(a, b))


# -- three sources -------------------------------------------------------------------------------------------------


@instruction(
    "M=0 0 S=0 11111 ftype:2 o1 Rm:5 o0 Ra:5 Rn:5 Rd:5",
    *typed_forms("FMADD_?_floatdp3", "fmadd <Fd>, <Fn>, <Fm>, <Fa>", constraints="o1=0 o0=0"),
    *typed_forms("FMSUB_?_floatdp3", "fmsub <Fd>, <Fn>, <Fm>, <Fa>", constraints="o1=0 o0=1"),
    *typed_forms("FNMADD_?_floatdp3", "fnmadd <Fd>, <Fn>, <Fm>, <Fa>", constraints="o1=1 o0=0"),
    *typed_forms("FNMSUB_?_floatdp3", "fnmsub <Fd>, <Fn>, <Fm>, <Fa>", constraints="o1=1 o0=1"),
)
def FMADD_floatdp3(m: Machine, ftype: int, o1: int, Rm: int, o0: int, Ra: int, Rn: int, Rd: int) -> None:
    """Multiply and add, rounded once: FMADD Ra + Rn*Rm, FMSUB Ra - Rn*Rm, FNMADD -Ra - Rn*Rm, FNMSUB -Ra + Rn*Rm."""
    size = SIZES[ftype]
    addend, a, b = m.V[size, Ra], m.V[size, Rn], m.V[size, Rm]
    # Operands are negated instead of results, so signs of NaNs are flipped too.
    if o1:
        addend = m.fp_negate(addend)
    if o0 != o1:
        a = m.fp_negate(a)
    m.V[size, Rd] = m.fp_multiply_add(addend, a, b)


# -- comparison ----------------------------------------------------------------------------------------------------


@instruction(
    "M=0 0 S=0 11110 ftype:2 1 Rm:5 op=00 1000 Rn:5 E 0 000",
    *typed_forms("FCMP_?_floatcmp", "fcmp <Fn>, <Fm>", constraints="E=0"),
    *typed_forms("FCMPE_?_floatcmp", "fcmpe <Fn>, <Fm>", constraints="E=1"),
)
def FCMP_floatcmp(m: Machine, ftype: int, Rm: int, Rn: int, E: int) -> None:
    """Compare and set the flags: 0011 unordered, 0110 equal, 1000 less, 0010 greater; for FCMPE any NaN is invalid."""
    size = SIZES[ftype]
    m.NZCV = m.fp_compare(m.V[size, Rn], m.V[size, Rm], signal=E == 1)


@instruction(
    # Another Rm is CONSTRAINED UNPREDICTABLE, and UNDEFINED here.
    "M=0 0 S=0 11110 ftype:2 1 Rm=00000 op=00 1000 Rn:5 E 1 000",
    *typed_forms("FCMP_?Z_floatcmp", "fcmp <Fn>, #0.0", constraints="E=0"),
    *typed_forms("FCMPE_?Z_floatcmp", "fcmpe <Fn>, #0.0", constraints="E=1"),
)
def FCMP_zero_floatcmp(m: Machine, ftype: int, Rn: int, E: int) -> None:
    """Compare with zero and set the flags; for FCMPE any NaN is invalid."""
    size = SIZES[ftype]
    m.NZCV = m.fp_compare(m.V[size, Rn], m.const(size, 0), signal=E == 1)


_CONDITIONAL: dict[str, Operand] = {"nzcv": Immediate("nzcv"), "cond": Condition()}


@instruction(
    "M=0 0 S=0 11110 ftype:2 1 Rm:5 cond:4 01 Rn:5 op nzcv:4",
    *typed_forms("FCCMP_?_floatccmp", "fccmp <Fn>, <Fm>, #<nzcv>, <cond>", constraints="op=0"),
    *typed_forms("FCCMPE_?_floatccmp", "fccmpe <Fn>, <Fm>, #<nzcv>, <cond>", constraints="op=1"),
    operands=_CONDITIONAL,
)
def FCCMP_floatccmp(m: Machine, ftype: int, Rm: int, cond: int, Rn: int, op: int, nzcv: int) -> None:
    """Compare if the condition holds; else set the flags given. For FCCMPE any NaN is invalid."""
    size = SIZES[ftype]
    a, b = m.V[size, Rn], m.V[size, Rm]
    if cond >= 14:
        m.NZCV = m.fp_compare(a, b, signal=op == 1)
        return
    holds = m.condition(cond)
    given = m.flags(nzcv >> 3, nzcv >> 2 & 1, nzcv >> 1 & 1, nzcv & 1)
    m.NZCV = m.select(holds, m.fp_compare(a, b, signal=op == 1, when=holds), given)


@instruction(
    "M=0 0 S=0 11110 ftype:2 1 Rm:5 cond:4 11 Rn:5 Rd:5",
    *typed_forms("FCSEL_?_floatsel", "fcsel <Fd>, <Fn>, <Fm>, <cond>"),
    operands={"cond": Condition()},
)
def FCSEL_floatsel(m: Machine, ftype: int, Rm: int, cond: int, Rn: int, Rd: int) -> None:
    """One register if the condition holds, else the other."""
    size = SIZES[ftype]
    m.V[size, Rd] = m.select(m.condition(cond), m.V[size, Rn], m.V[size, Rm])


@instruction(
    "M=0 0 S=0 11110 ftype:2 1 imm8:8 100 imm5=00000 Rd:5",
    *typed_forms("FMOV_?_floatimm", "fmov <Fd>, #<imm>"),
    operands={"imm": FLOAT_IMMEDIATE},
)
def FMOV_floatimm(m: Machine, ftype: int, imm8: int, Rd: int) -> None:
    """Set a register to a number of eight bits, +-n/16 * 2**r with n 16..31 and r -3..4."""
    size = SIZES[ftype]
    m.V[size, Rd] = m.const(size, float_immediate_bits(imm8, size))
