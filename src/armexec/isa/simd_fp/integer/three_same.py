"""Integers in three registers of one shape.

"Advanced SIMD three same" and "three same extra" of the index, and the scalar classes of these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...description import Alias, instruction
from ...machine import Machine
from ...operands import Operand
from ...operands.simd import (
    B_Q,
    H_Q,
    S_Q,
    SIZE_Q,
    SIZE_SCALAR,
    Arrangement,
    VectorRegister,
    simd_register,
)
from ...syntax import Register
from ..lanes import (
    absolute_difference,
    bits_in_common,
    dot_product,
    doubling_multiply_high,
    doubling_multiply_high_add,
    halving_add,
    halving_subtract,
    maximum,
    minimum,
    pairwise,
    rounding_halving_add,
    same,
    same_scalar,
    scalar,
    set_scalar,
    shift_by_register,
)
from .forms import (
    BYTES,
    ONLY_16_AND_32,
    SCALAR_16_AND_32,
    SCALAR_64,
    TO_32,
    Decorator,
    forms_by_u,
    names_by_u,
)


def _three_same(u: str, opcode: str, *names: str, T: Arrangement = SIZE_Q, swapped: str = "") -> Decorator:
    """A vector instruction; two names where `u` is free. `swapped`: mnemonics with the sources the other way round."""
    return instruction(
        f"0 Q {u} 01110 size:2 1 Rm:5 opcode={opcode} 1 Rn:5 Rd:5",
        *forms_by_u(names, "asimdsame_only", "<Vd>.<T>, <Vn>.<T>, <Vm>.<T>"),
        operands={"T": T},
        aliases=_swapped(swapped, names, "<Vd>.<T>, <Vm>.<T>, <Vn>.<T>"),
        undefined=T.reserved,
    )


def _swapped(mnemonics: str, names: tuple[str, ...], operands: str) -> list[Alias]:
    return [
        Alias(f"{mnemonic}_{name}", constraints, f"{mnemonic.lower()} {operands}", preferred=False)
        for mnemonic, (name, constraints) in zip(mnemonics.split(), names_by_u(names), strict=False)
    ]


def _three_same_scalar(u: str, opcode: str, *names: str, V: Arrangement, swapped: str = "") -> Decorator:
    return instruction(
        f"01 {u} 11110 size:2 1 Rm:5 opcode={opcode} 1 Rn:5 Rd:5",
        *forms_by_u(names, "asisdsame_only", "<V><d>, <V><n>, <V><m>"),
        operands={"V": V},
        aliases=_swapped(swapped, names, "<V><d>, <V><m>, <V><n>"),
        undefined=V.reserved,
    )


# -- addition and subtraction ----------------------------------------------------------------------------------------


@_three_same("U=0", "10000", "ADD")
def ADD_asimdsame(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: a + b)


@_three_same_scalar("U=0", "10000", "ADD", V=SCALAR_64)
def ADD_asisdsame(m: Machine, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add two D registers."""
    m.V[64, Rd] = m.V[64, Rn] + m.V[64, Rm]


@_three_same("U=1", "10000", "SUB")
def SUB_asimdsame(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: a - b)


@_three_same_scalar("U=1", "10000", "SUB", V=SCALAR_64)
def SUB_asisdsame(m: Machine, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract a D register from another."""
    m.V[64, Rd] = m.V[64, Rn] - m.V[64, Rm]


@_three_same("U", "00000", "SHADD", "UHADD", T=TO_32)
def HADD_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add and halve, rounding down: SHADD signed, UHADD unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: halving_add(a, b, signed=U == 0))


@_three_same("U", "00010", "SRHADD", "URHADD", T=TO_32)
def RHADD_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add and halve, rounding up: SRHADD signed, URHADD unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: rounding_halving_add(a, b, signed=U == 0))


@_three_same("U", "00100", "SHSUB", "UHSUB", T=TO_32)
def HSUB_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract and halve, rounding down: SHSUB signed, UHSUB unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: halving_subtract(a, b, signed=U == 0))


@_three_same("U", "00001", "SQADD", "UQADD")
def QADD_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add and saturate: SQADD signed, UQADD unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: m.saturating_add(a, b, signed=U == 0))


@_three_same_scalar("U", "00001", "SQADD", "UQADD", V=SIZE_SCALAR)
def QADD_asisdsame(m: Machine, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add two scalars and saturate: SQADD signed, UQADD unsigned numbers."""
    m.V[8 << size, Rd] = m.saturating_add(m.V[8 << size, Rn], m.V[8 << size, Rm], signed=U == 0)


@_three_same("U", "00101", "SQSUB", "UQSUB")
def QSUB_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract and saturate: SQSUB signed, UQSUB unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: m.saturating_subtract(a, b, signed=U == 0))


@_three_same_scalar("U", "00101", "SQSUB", "UQSUB", V=SIZE_SCALAR)
def QSUB_asisdsame(m: Machine, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Subtract scalars and saturate: SQSUB signed, UQSUB unsigned numbers."""
    m.V[8 << size, Rd] = m.saturating_subtract(m.V[8 << size, Rn], m.V[8 << size, Rm], signed=U == 0)


@_three_same("U=0", "10111", "ADDP")
def ADDP_asimdsame(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add neighbours: first those of Rn, then those of Rm."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: pairwise(a, b, lambda x, y: x + y))


# -- comparison ----------------------------------------------------------------------------------------------------


@_three_same("U", "00110", "CMGT", "CMHI", swapped="CMLT CMLO")
def CMGT_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """All ones where Rn is greater, else zeros: CMGT signed, CMHI unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: b.ult(a) if U else b.slt(a))


@_three_same_scalar("U", "00110", "CMGT", "CMHI", V=SCALAR_64, swapped="CMLT CMLO")
def CMGT_asisdsame(m: Machine, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """All ones if Rn is greater, else zero: CMGT signed, CMHI unsigned numbers."""
    same_scalar(m, size, Rm, Rn, Rd, lambda a, b: b.ult(a) if U else b.slt(a))


@_three_same("U", "00111", "CMGE", "CMHS", swapped="CMLE CMLS")
def CMGE_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """All ones where Rn is greater or equal, else zeros: CMGE signed, CMHS unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: b.ule(a) if U else b.sle(a))


@_three_same_scalar("U", "00111", "CMGE", "CMHS", V=SCALAR_64, swapped="CMLE CMLS")
def CMGE_asisdsame(m: Machine, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """All ones if Rn is greater or equal, else zero: CMGE signed, CMHS unsigned numbers."""
    same_scalar(m, size, Rm, Rn, Rd, lambda a, b: b.ule(a) if U else b.sle(a))


@_three_same("U=1", "10001", "CMEQ")
def CMEQ_asimdsame(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """All ones where they are equal, else zeros."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: a.eq(b))


@_three_same_scalar("U=1", "10001", "CMEQ", V=SCALAR_64)
def CMEQ_asisdsame(m: Machine, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """All ones if they are equal, else zero."""
    same_scalar(m, size, Rm, Rn, Rd, lambda a, b: a.eq(b))


@_three_same("U=0", "10001", "CMTST")
def CMTST_asimdsame(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """All ones where they have a bit in common, else zeros."""
    same(m, Q, size, Rm, Rn, Rd, bits_in_common)


@_three_same_scalar("U=0", "10001", "CMTST", V=SCALAR_64)
def CMTST_asisdsame(m: Machine, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """All ones if they have a bit in common, else zero."""
    same_scalar(m, size, Rm, Rn, Rd, bits_in_common)


# -- shifts --------------------------------------------------------------------------------------------------------


@_three_same("U", "01000", "SSHL", "USHL")
def SHL_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift left by each element's signed lowest byte, right where it is negative: SSHL signed, USHL unsigned."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: shift_by_register(m, a, b, signed=U == 0))


@_three_same_scalar("U", "01000", "SSHL", "USHL", V=SCALAR_64)
def SHL_asisdsame(m: Machine, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift a D register left by the signed lowest byte of Rm, right if it is negative: SSHL signed, USHL unsigned."""
    same_scalar(m, size, Rm, Rn, Rd, lambda a, b: shift_by_register(m, a, b, signed=U == 0))


@_three_same("U", "01010", "SRSHL", "URSHL")
def RSHL_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift left by the signed lowest byte, right and rounding where it is negative: SRSHL signed, URSHL unsigned."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: shift_by_register(m, a, b, signed=U == 0, rounding=True))


@_three_same_scalar("U", "01010", "SRSHL", "URSHL", V=SCALAR_64)
def RSHL_asisdsame(m: Machine, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift left by the signed lowest byte, right and rounding if it is negative: SRSHL signed, URSHL unsigned."""
    same_scalar(m, size, Rm, Rn, Rd, lambda a, b: shift_by_register(m, a, b, signed=U == 0, rounding=True))


@_three_same("U", "01001", "SQSHL", "UQSHL")
def QSHL_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift left and saturate, right where the signed lowest byte is negative: SQSHL signed, UQSHL unsigned."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: shift_by_register(m, a, b, signed=U == 0, saturating=True))


@_three_same_scalar("U", "01001", "SQSHL", "UQSHL", V=SIZE_SCALAR)
def QSHL_asisdsame(m: Machine, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift left and saturate, right if the signed lowest byte is negative: SQSHL signed, UQSHL unsigned."""
    same_scalar(m, size, Rm, Rn, Rd, lambda a, b: shift_by_register(m, a, b, signed=U == 0, saturating=True))


@_three_same("U", "01011", "SQRSHL", "UQRSHL")
def QRSHL_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift left and saturate, right and rounding where the lowest byte is negative: SQRSHL signed, UQRSHL unsigned."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: shift_by_register(m, a, b, signed=U == 0, rounding=True, saturating=True))


@_three_same_scalar("U", "01011", "SQRSHL", "UQRSHL", V=SIZE_SCALAR)
def QRSHL_asisdsame(m: Machine, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift left and saturate, right and rounding if the lowest byte is negative: SQRSHL signed, UQRSHL unsigned."""
    same_scalar(
        m, size, Rm, Rn, Rd, lambda a, b: shift_by_register(m, a, b, signed=U == 0, rounding=True, saturating=True)
    )


# -- maximum, minimum and difference ---------------------------------------------------------------------------------


@_three_same("U", "01100", "SMAX", "UMAX", T=TO_32)
def MAX_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """The greater: SMAX of signed, UMAX of unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: maximum(a, b, signed=U == 0))


@_three_same("U", "01101", "SMIN", "UMIN", T=TO_32)
def MIN_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """The smaller: SMIN of signed, UMIN of unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: minimum(a, b, signed=U == 0))


@_three_same("U", "10100", "SMAXP", "UMAXP", T=TO_32)
def MAXP_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """The greater of neighbours, first of Rn's, then of Rm's: SMAXP signed, UMAXP unsigned."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: pairwise(a, b, lambda x, y: maximum(x, y, signed=U == 0)))


@_three_same("U", "10101", "SMINP", "UMINP", T=TO_32)
def MINP_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """The smaller of neighbours, first of Rn's, then of Rm's: SMINP signed, UMINP unsigned."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: pairwise(a, b, lambda x, y: minimum(x, y, signed=U == 0)))


@_three_same("U", "01110", "SABD", "UABD", T=TO_32)
def ABD_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """The absolute difference: SABD of signed, UABD of unsigned numbers."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: absolute_difference(a, b, signed=U == 0))


@_three_same("U", "01111", "SABA", "UABA", T=TO_32)
def ABA_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add the absolute difference to Rd: SABA of signed, UABA of unsigned numbers."""
    accumulator = m.Vec[64 << Q, 8 << size, Rd]
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: accumulator + absolute_difference(a, b, signed=U == 0))


# -- multiplication --------------------------------------------------------------------------------------------------


@_three_same("U=0", "10011", "MUL", T=TO_32)
def MUL_asimdsame(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: a * b)


@_three_same("U=0", "10010", "MLA", T=TO_32)
def MLA_asimdsame(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply and add to Rd."""
    accumulator = m.Vec[64 << Q, 8 << size, Rd]
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: accumulator + a * b)


@_three_same("U=1", "10010", "MLS", T=TO_32)
def MLS_asimdsame(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply and subtract from Rd."""
    accumulator = m.Vec[64 << Q, 8 << size, Rd]
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: accumulator - a * b)


@_three_same("U=1", "10011", "PMUL", T=BYTES)
def PMUL_asimdsame(m: Machine, Q: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply as polynomials over {0, 1}; the low half of the product."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: a.polynomial_multiply(b).truncate(a.esize))


@_three_same("U", "10110", "SQDMULH", "SQRDMULH", T=ONLY_16_AND_32)
def SQDMULH_asimdsame(m: Machine, Q: int, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """The high half of the doubled product, saturated; SQRDMULH rounds it."""
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: doubling_multiply_high(m, a, b, rounding=U == 1))


@_three_same_scalar("U", "10110", "SQDMULH", "SQRDMULH", V=SCALAR_16_AND_32)
def SQDMULH_asisdsame(m: Machine, U: int, size: int, Rm: int, Rn: int, Rd: int) -> None:
    """The high half of the doubled product of two scalars, saturated; SQRDMULH rounds it."""
    same_scalar(m, size, Rm, Rn, Rd, lambda a, b: doubling_multiply_high(m, a, b, rounding=U == 1))


# -- logic ---------------------------------------------------------------------------------------------------------


class _SourceTwice(VectorRegister):
    """A vector that stands in Rn and Rm."""

    def __init__(self, arrangement: Arrangement) -> None:
        super().__init__("Rn", arrangement)
        self.fields = ("Rn", "Rm", *arrangement.fields)

    def encode(self, value: Register) -> dict[str, int]:
        return {**super().encode(value), "Rm": value.number}

    def decode(self, fields: Mapping[str, int]) -> Register:
        return simd_register("v", fields["Rn"], self.arrangement.decode(fields))


# Bits have no arrangement: assemblers take those of any element, and print bytes.
_ARRANGEMENTS = {"h": H_Q, "s": S_Q, "d": Arrangement("Q", {"0": "1d", "1": "2d"})}


def _logical(u: str, size: str, name: str, aliases: list[Alias] | None = None) -> Decorator:
    syntax = f"{name.lower()} <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"
    return instruction(
        f"0 Q {u} 01110 {size} 1 Rm:5 opcode=00011 1 Rn:5 Rd:5",
        (f"{name}_asimdsame_only", "", syntax),
        operands={"T": B_Q},
        aliases=[
            *(aliases or ()),
            *(Alias(f"{name}_{lanes}", "", syntax, {"T": T}, preferred=False) for lanes, T in _ARRANGEMENTS.items()),
        ],
    )


def _mov_aliases() -> list[Alias]:
    def is_mov(fields: Mapping[str, int]) -> bool:
        return fields["Rn"] == fields["Rm"]

    def operands(T: Arrangement) -> dict[str, Operand]:
        return {"T": T, "Vn.T": _SourceTwice(T)}

    syntax = "mov <Vd>.<T>, <Vn.T>"
    preferred: dict[str, Any] = {"b": is_mov}
    return [
        Alias(
            "MOV_ORR_asimdsame_only" if lanes == "b" else f"MOV_{lanes}",
            "",
            syntax,
            operands(T),
            preferred=preferred.get(lanes, False),
        )
        for lanes, T in {"b": B_Q, **_ARRANGEMENTS}.items()
    ]


@_logical("U=0", "size=00", "AND")
def AND_asimdsame(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Bitwise AND."""
    same(m, Q, 0, Rm, Rn, Rd, lambda a, b: a & b)


@_logical("U=0", "size=01", "BIC")
def BIC_asimdsame(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Bitwise AND with the complement."""
    same(m, Q, 0, Rm, Rn, Rd, lambda a, b: a & ~b)


@_logical("U=0", "size=10", "ORR", _mov_aliases())
def ORR_asimdsame(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Bitwise OR; of a register with itself, a move."""
    same(m, Q, 0, Rm, Rn, Rd, lambda a, b: a if Rn == Rm else a | b)


@_logical("U=0", "size=11", "ORN")
def ORN_asimdsame(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Bitwise OR with the complement."""
    same(m, Q, 0, Rm, Rn, Rd, lambda a, b: a | ~b)


@_logical("U=1", "opc2=00", "EOR")
def EOR_asimdsame(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Bitwise exclusive OR."""
    same(m, Q, 0, Rm, Rn, Rd, lambda a, b: a ^ b)


@_logical("U=1", "opc2=01", "BSL")
def BSL_asimdsame(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Take each bit from Rn where Rd has a one, else from Rm."""
    mask = m.Vec[64 << Q, 8, Rd]
    same(m, Q, 0, Rm, Rn, Rd, lambda a, b: (a & mask) | (b & ~mask))


@_logical("U=1", "opc2=10", "BIT")
def BIT_asimdsame(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Insert the bits of Rn where Rm has ones."""
    old = m.Vec[64 << Q, 8, Rd]
    same(m, Q, 0, Rm, Rn, Rd, lambda a, mask: (a & mask) | (old & ~mask))


@_logical("U=1", "opc2=11", "BIF")
def BIF_asimdsame(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Insert the bits of Rn where Rm has zeros."""
    old = m.Vec[64 << Q, 8, Rd]
    same(m, Q, 0, Rm, Rn, Rd, lambda a, mask: (a & ~mask) | (old & mask))


# -- three same extra ------------------------------------------------------------------------------------------------


@instruction(
    "0 Q U=1 01110 size:2 0 Rm:5 1 opcode=000 S 1 Rn:5 Rd:5",
    ("SQRDMLAH_asimdsame2_only", "S=0", "sqrdmlah <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"),
    ("SQRDMLSH_asimdsame2_only", "S=1", "sqrdmlsh <Vd>.<T>, <Vn>.<T>, <Vm>.<T>"),
    operands={"T": ONLY_16_AND_32},
    undefined=ONLY_16_AND_32.reserved,
    feature="FEAT_RDM",
)
def SQRDMLAH_asimdsame2(m: Machine, Q: int, size: int, Rm: int, S: int, Rn: int, Rd: int) -> None:
    """Add the doubled product to Rd as the high half, or subtract it (SQRDMLSH); round, and saturate the high half."""
    accumulator = m.Vec[64 << Q, 8 << size, Rd]
    same(m, Q, size, Rm, Rn, Rd, lambda a, b: doubling_multiply_high_add(m, accumulator, a, b, subtract=S == 1))


@instruction(
    "01 U=1 11110 size:2 0 Rm:5 1 opcode=000 S 1 Rn:5 Rd:5",
    ("SQRDMLAH_asisdsame2_only", "S=0", "sqrdmlah <V><d>, <V><n>, <V><m>"),
    ("SQRDMLSH_asisdsame2_only", "S=1", "sqrdmlsh <V><d>, <V><n>, <V><m>"),
    operands={"V": SCALAR_16_AND_32},
    undefined=SCALAR_16_AND_32.reserved,
    feature="FEAT_RDM",
)
def SQRDMLAH_asisdsame2(m: Machine, size: int, Rm: int, S: int, Rn: int, Rd: int) -> None:
    """Scalars: add the doubled product to Rd as the high half, or subtract it (SQRDMLSH); round, and saturate."""
    esize = 8 << size
    a, b, accumulator = scalar(m, esize, Rn), scalar(m, esize, Rm), scalar(m, esize, Rd)
    set_scalar(m, esize, Rd, doubling_multiply_high_add(m, accumulator, a, b, subtract=S == 1))


@instruction(
    "0 Q U 01110 size=10 0 Rm:5 1 opcode=0010 1 Rn:5 Rd:5",
    ("SDOT_asimdsame2_D", "U=0", "sdot <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Tb>"),
    ("UDOT_asimdsame2_D", "U=1", "udot <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Tb>"),
    operands={"Ta": S_Q, "Tb": B_Q},
    feature="FEAT_DotProd",
)
def DOT_asimdsame2(m: Machine, Q: int, U: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add the sum of four products of bytes to each 32-bit element: SDOT of signed, UDOT of unsigned bytes."""
    width = 64 << Q
    product = dot_product(m.Vec[width, 8, Rn], m.Vec[width, 8, Rm], signed=U == 0)
    m.Vec[width, 32, Rd] = m.Vec[width, 32, Rd] + product
