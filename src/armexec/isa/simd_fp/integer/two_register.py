"""Integers in one register, of each element or of all.

"Advanced SIMD two-register miscellaneous" and "across lanes" of the index, "scalar two-register miscellaneous" and
"scalar pairwise", as far as they are about integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...description import Alias, instruction
from ...machine import Machine
from ...operands import Context, Fields, Operand
from ...operands.simd import SIZE_PAIRS_Q, SIZE_Q, SIZE_SCALAR, SIZE_SCALAR_WIDE, SIZE_WIDE, Arrangement, reserved
from ...syntax import Cursor, OperandError
from ...values import Vector
from ..lanes import (
    add_pairs_long,
    add_signed_to_unsigned,
    add_unsigned_to_signed,
    count_leading_signs,
    each,
    each_scalar,
    extend,
    half,
    narrow,
    reverse,
    scalar,
    set_half,
    set_scalar,
)
from .forms import BYTES, SCALAR_64, SCALAR_TO_32, TO_32, Decorator, forms_by_u, halves_by_u

_TO_16 = TO_32.without("2s", "4s")
_ACROSS = TO_32.without("2s")


def _misc(
    u: str, opcode: str, *names: str, T: Arrangement = SIZE_Q, operand: str = "", aliases: Sequence[Alias] = ()
) -> Decorator:
    """A vector instruction; two names where `u` is free. `operand` is what follows the registers."""
    return instruction(
        f"0 Q {u} 01110 size:2 10000 opcode={opcode} 10 Rn:5 Rd:5",
        *forms_by_u(names, "asimdmisc_Z" if operand else "asimdmisc_R", f"<Vd>.<T>, <Vn>.<T>{operand}"),
        operands={"T": T},
        aliases=aliases,
        undefined=T.reserved,
    )


def _misc_scalar(u: str, opcode: str, *names: str, V: Arrangement = SCALAR_64, operand: str = "") -> Decorator:
    return instruction(
        f"01 {u} 11110 size:2 10000 opcode={opcode} 10 Rn:5 Rd:5",
        *forms_by_u(names, "asisdmisc_Z" if operand else "asisdmisc_R", f"<V><d>, <V><n>{operand}"),
        operands={"V": V},
        undefined=V.reserved,
    )


# -- order and count of bits -----------------------------------------------------------------------------------------


@_misc("U=0", "00000", "REV64", T=TO_32)
def REV64_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Reverse the elements in each 64 bits."""
    each(m, Q, size, Rn, Rd, lambda a: reverse(a, 64))


@_misc("U=1", "00000", "REV32", T=_TO_16)
def REV32_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Reverse the elements in each 32 bits."""
    each(m, Q, size, Rn, Rd, lambda a: reverse(a, 32))


@_misc("U=0", "00001", "REV16", T=BYTES)
def REV16_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Reverse the bytes in each 16 bits."""
    each(m, Q, size, Rn, Rd, lambda a: reverse(a, 16))


@_misc("U=0", "00100", "CLS", T=TO_32)
def CLS_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Count the bits after the highest that are equal to it."""
    each(m, Q, size, Rn, Rd, count_leading_signs)


@_misc("U=1", "00100", "CLZ", T=TO_32)
def CLZ_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Count the leading zeros."""
    each(m, Q, size, Rn, Rd, lambda a: a.clz())


@_misc("U=0", "00101", "CNT", T=BYTES)
def CNT_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Count the ones in each byte."""
    each(m, Q, size, Rn, Rd, lambda a: a.popcount())


_Q_BYTES = Arrangement("Q", {"0": "8b", "1": "16b"})


@instruction(
    "0 Q U=1 01110 size=00 10000 opcode=00101 10 Rn:5 Rd:5",
    ("NOT_asimdmisc_R", "", "not <Vd>.<T>, <Vn>.<T>"),
    operands={"T": _Q_BYTES},
    aliases=[Alias("MVN_NOT_asimdmisc_R", "", "mvn <Vd>.<T>, <Vn>.<T>")],
)
def NOT_asimdmisc(m: Machine, Q: int, Rn: int, Rd: int) -> None:
    """Complement."""
    each(m, Q, 0, Rn, Rd, lambda a: ~a)


@instruction(
    "0 Q U=1 01110 size=01 10000 opcode=00101 10 Rn:5 Rd:5",
    ("RBIT_asimdmisc_R", "", "rbit <Vd>.<T>, <Vn>.<T>"),
    operands={"T": _Q_BYTES},
)
def RBIT_asimdmisc(m: Machine, Q: int, Rn: int, Rd: int) -> None:
    """Reverse the bits of each byte."""
    each(m, Q, 0, Rn, Rd, lambda a: a.reverse_bits())


# -- sign ----------------------------------------------------------------------------------------------------------


@_misc("U=0", "01011", "ABS")
def ABS_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """The absolute value; the minimum stays as it is."""
    each(m, Q, size, Rn, Rd, lambda a: a.abs())


@_misc_scalar("U=0", "01011", "ABS")
def ABS_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """The absolute value of a D register; the minimum stays as it is."""
    each_scalar(m, size, Rn, Rd, lambda a: a.abs())


@_misc("U=1", "01011", "NEG")
def NEG_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Negate."""
    each(m, Q, size, Rn, Rd, lambda a: -a)


@_misc_scalar("U=1", "01011", "NEG")
def NEG_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """Negate a D register."""
    m.V[8 << size, Rd] = -m.V[8 << size, Rn]


def _saturating_negate(m: Machine, a: Vector) -> Vector:
    return m.saturating_subtract(m.vector(a.esize, [0] * a.lanes), a, signed=True)


@_misc("U=0", "00111", "SQABS")
def SQABS_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """The absolute value, saturated."""
    each(m, Q, size, Rn, Rd, lambda a: a.smax(_saturating_negate(m, a)))


@_misc_scalar("U=0", "00111", "SQABS", V=SIZE_SCALAR)
def SQABS_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """The absolute value of a scalar, saturated."""
    each_scalar(m, size, Rn, Rd, lambda a: a.smax(_saturating_negate(m, a)))


@_misc("U=1", "00111", "SQNEG")
def SQNEG_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Negate and saturate."""
    each(m, Q, size, Rn, Rd, lambda a: _saturating_negate(m, a))


@_misc_scalar("U=1", "00111", "SQNEG", V=SIZE_SCALAR)
def SQNEG_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """Negate a scalar and saturate."""
    each_scalar(m, size, Rn, Rd, lambda a: _saturating_negate(m, a))


# -- sums ----------------------------------------------------------------------------------------------------------


@_misc("U", "00011", "SUQADD", "USQADD")
def SUQADD_asimdmisc(m: Machine, Q: int, U: int, size: int, Rn: int, Rd: int) -> None:
    """Add to Rd and saturate: SUQADD unsigned to signed, USQADD signed to unsigned numbers."""
    accumulator = m.Vec[64 << Q, 8 << size, Rd]
    add = add_signed_to_unsigned if U else add_unsigned_to_signed
    each(m, Q, size, Rn, Rd, lambda a: add(m, accumulator, a))


@_misc_scalar("U", "00011", "SUQADD", "USQADD", V=SIZE_SCALAR)
def SUQADD_asisdmisc(m: Machine, U: int, size: int, Rn: int, Rd: int) -> None:
    """Add a scalar to Rd and saturate: SUQADD unsigned to signed, USQADD signed to unsigned numbers."""
    accumulator = scalar(m, 8 << size, Rd)
    add = add_signed_to_unsigned if U else add_unsigned_to_signed
    each_scalar(m, size, Rn, Rd, lambda a: add(m, accumulator, a))


@instruction(
    "0 Q U 01110 size:2 10000 00 op=0 10 10 Rn:5 Rd:5",
    *forms_by_u(("SADDLP", "UADDLP"), "asimdmisc_P", "<Vd>.<Ta>, <Vn>.<Tb>"),
    operands={"Ta": SIZE_PAIRS_Q, "Tb": TO_32},
    undefined=TO_32.reserved,
)
def ADDLP_asimdmisc(m: Machine, Q: int, U: int, size: int, Rn: int, Rd: int) -> None:
    """Add neighbours, twice as wide: SADDLP signed, UADDLP unsigned numbers."""
    m.Vec[64 << Q, 16 << size, Rd] = add_pairs_long(m.Vec[64 << Q, 8 << size, Rn], signed=U == 0)


@instruction(
    "0 Q U 01110 size:2 10000 00 op=1 10 10 Rn:5 Rd:5",
    *forms_by_u(("SADALP", "UADALP"), "asimdmisc_P", "<Vd>.<Ta>, <Vn>.<Tb>"),
    operands={"Ta": SIZE_PAIRS_Q, "Tb": TO_32},
    undefined=TO_32.reserved,
)
def ADALP_asimdmisc(m: Machine, Q: int, U: int, size: int, Rn: int, Rd: int) -> None:
    """Add neighbours to Rd, twice as wide: SADALP signed, UADALP unsigned numbers."""
    sums = add_pairs_long(m.Vec[64 << Q, 8 << size, Rn], signed=U == 0)
    m.Vec[64 << Q, 16 << size, Rd] = m.Vec[64 << Q, 16 << size, Rd] + sums


# -- comparison with zero --------------------------------------------------------------------------------------------


@_misc("U=0", "01000", "CMGT", operand=", #0")
def CMGT_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """All ones where greater than zero, else zeros."""
    each(m, Q, size, Rn, Rd, lambda a: ~a.sle(0))


@_misc_scalar("U=0", "01000", "CMGT", operand=", #0")
def CMGT_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """All ones if greater than zero, else zero."""
    each_scalar(m, size, Rn, Rd, lambda a: ~a.sle(0))


@_misc("U=1", "01000", "CMGE", operand=", #0")
def CMGE_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """All ones where zero or greater, else zeros."""
    each(m, Q, size, Rn, Rd, lambda a: ~a.slt(0))


@_misc_scalar("U=1", "01000", "CMGE", operand=", #0")
def CMGE_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """All ones if zero or greater, else zero."""
    each_scalar(m, size, Rn, Rd, lambda a: ~a.slt(0))


@_misc("U=0", "01001", "CMEQ", operand=", #0")
def CMEQ_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """All ones where zero, else zeros."""
    each(m, Q, size, Rn, Rd, lambda a: a.eq(0))


@_misc_scalar("U=0", "01001", "CMEQ", operand=", #0")
def CMEQ_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """All ones if zero, else zero."""
    each_scalar(m, size, Rn, Rd, lambda a: a.eq(0))


@_misc("U=1", "01001", "CMLE", operand=", #0")
def CMLE_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """All ones where zero or less, else zeros."""
    each(m, Q, size, Rn, Rd, lambda a: a.sle(0))


@_misc_scalar("U=1", "01001", "CMLE", operand=", #0")
def CMLE_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """All ones if zero or less, else zero."""
    each_scalar(m, size, Rn, Rd, lambda a: a.sle(0))


@_misc("U=0", "01010", "CMLT", operand=", #0")
def CMLT_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """All ones where less than zero, else zeros."""
    each(m, Q, size, Rn, Rd, lambda a: a.slt(0))


@_misc_scalar("U=0", "01010", "CMLT", operand=", #0")
def CMLT_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """All ones if less than zero, else zero."""
    each_scalar(m, size, Rn, Rd, lambda a: a.slt(0))


# -- narrower and wider ----------------------------------------------------------------------------------------------


def _narrowing(u: str, opcode: str, *names: str) -> Decorator:
    """The encodings from Ta to Tb; each has a form for both halves."""
    return instruction(
        f"0 Q {u} 01110 size:2 10000 opcode={opcode} 10 Rn:5 Rd:5",
        *halves_by_u(names, "asimdmisc_N", "<Vd>.<Tb>, <Vn>.<Ta>"),
        operands={"Ta": SIZE_WIDE, "Tb": TO_32},
        undefined=TO_32.reserved,
    )


def _narrowing_scalar(u: str, opcode: str, *names: str) -> Decorator:
    return instruction(
        f"01 {u} 11110 size:2 10000 opcode={opcode} 10 Rn:5 Rd:5",
        *forms_by_u(names, "asisdmisc_N", "<Vb><d>, <Va><n>"),
        operands={"Va": SIZE_SCALAR_WIDE, "Vb": SCALAR_TO_32},
        undefined=SCALAR_TO_32.reserved,
    )


@_narrowing("U=0", "10010", "XTN")
def XTN_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Keep the low half of each element. The second form writes the upper half of Rd and keeps the lower."""
    set_half(m, Q, 8 << size, Rd, m.Vec[128, 16 << size, Rn].truncate(8 << size))


@_narrowing("U", "10100", "SQXTN", "UQXTN")
def QXTN_asimdmisc(m: Machine, Q: int, U: int, size: int, Rn: int, Rd: int) -> None:
    """Saturate to half the bits: SQXTN signed, UQXTN unsigned. The second form writes the upper half."""
    a = m.Vec[128, 16 << size, Rn]
    set_half(m, Q, 8 << size, Rd, narrow(m, a, source_signed=U == 0, signed=U == 0))


@_narrowing_scalar("U", "10100", "SQXTN", "UQXTN")
def QXTN_asisdmisc(m: Machine, U: int, size: int, Rn: int, Rd: int) -> None:
    """Saturate a scalar to half the bits: SQXTN signed, UQXTN unsigned."""
    set_scalar(m, 8 << size, Rd, narrow(m, scalar(m, 16 << size, Rn), source_signed=U == 0, signed=U == 0))


@_narrowing("U=1", "10010", "SQXTUN")
def SQXTUN_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Saturate signed elements to half the bits, unsigned. The second form writes the upper half, keeping the lower."""
    set_half(m, Q, 8 << size, Rd, narrow(m, m.Vec[128, 16 << size, Rn], source_signed=True, signed=False))


@_narrowing_scalar("U=1", "10010", "SQXTUN")
def SQXTUN_asisdmisc(m: Machine, size: int, Rn: int, Rd: int) -> None:
    """Saturate a signed scalar to half the bits, unsigned."""
    set_scalar(m, 8 << size, Rd, narrow(m, scalar(m, 16 << size, Rn), source_signed=True, signed=False))


class _ElementWidth(Operand):
    """The width of an element, by `size`: `#8`, `#16` or `#32`."""

    fields = ("size",)

    def parse(self, cursor: Cursor) -> Any:
        return cursor.value("a shift amount")

    def encode(self, value: Any) -> dict[str, int]:
        if value not in (8, 16, 32):
            raise OperandError(f"shift amount {value} can't stand here: only the width of the source's elements")
        return {"size": value.bit_length() - 4}

    def decode(self, fields: Fields) -> int:
        return 8 << fields["size"]

    def text(self, value: int, context: Context) -> str:
        return str(value)


@instruction(
    "0 Q U=1 01110 size:2 10000 opcode=10011 10 Rn:5 Rd:5",
    *halves_by_u(("SHLL",), "asimdmisc_S", "<Vd>.<Ta>, <Vn>.<Tb>, #<shift>"),
    operands={"Ta": SIZE_WIDE, "Tb": TO_32, "shift": _ElementWidth()},
    undefined=TO_32.reserved,
)
def SHLL_asimdmisc(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """Make each element the high half of one twice as wide. The second form takes the upper half."""
    m.Vec[128, 16 << size, Rd] = half(m, Q, 8 << size, Rn).zero_extend(16 << size) << (8 << size)


# -- across lanes ----------------------------------------------------------------------------------------------------


def _across(u: str, opcode: str, *names: str, V: Arrangement = SCALAR_TO_32) -> Decorator:
    return instruction(
        f"0 Q {u} 01110 size:2 11000 opcode={opcode} 10 Rn:5 Rd:5",
        *forms_by_u(names, "asimdall_only", "<V><d>, <Vn>.<T>"),
        operands={"V": V, "T": _ACROSS},
        undefined=reserved(V, _ACROSS),
    )


@_across("U=0", "11011", "ADDV")
def ADDV_asimdall(m: Machine, Q: int, size: int, Rn: int, Rd: int) -> None:
    """The sum of all elements."""
    m.V[8 << size, Rd] = m.reduce("add", m.Vec[64 << Q, 8 << size, Rn])


@_across("U", "00011", "SADDLV", "UADDLV", V=SIZE_SCALAR_WIDE)
def ADDLV_asimdall(m: Machine, Q: int, U: int, size: int, Rn: int, Rd: int) -> None:
    """The sum of all elements, twice as wide: SADDLV of signed, UADDLV of unsigned numbers."""
    m.V[16 << size, Rd] = m.reduce("add", extend(m.Vec[64 << Q, 8 << size, Rn], signed=U == 0))


@_across("U", "01010", "SMAXV", "UMAXV")
def MAXV_asimdall(m: Machine, Q: int, U: int, size: int, Rn: int, Rd: int) -> None:
    """The greatest of all elements: SMAXV of signed, UMAXV of unsigned numbers."""
    m.V[8 << size, Rd] = m.reduce("umax" if U else "smax", m.Vec[64 << Q, 8 << size, Rn])


@_across("U", "11010", "SMINV", "UMINV")
def MINV_asimdall(m: Machine, Q: int, U: int, size: int, Rn: int, Rd: int) -> None:
    """The smallest of all elements: SMINV of signed, UMINV of unsigned numbers."""
    m.V[8 << size, Rd] = m.reduce("umin" if U else "smin", m.Vec[64 << Q, 8 << size, Rn])


@instruction(
    "01 U=0 11110 size=11 11000 opcode=11011 10 Rn:5 Rd:5",
    ("ADDP_asisdpair_only", "", "addp <Dd>, <Vn>.2D"),
)
def ADDP_asisdpair(m: Machine, Rn: int, Rd: int) -> None:
    """Add the two elements of a register."""
    a = m.Vec[128, 64, Rn]
    m.V[64, Rd] = a.lane(0) + a.lane(1)
