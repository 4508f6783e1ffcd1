"""Integers shifted by an immediate.

"Advanced SIMD shift by immediate" and "scalar shift by immediate" of the index, but the conversions from and to fixed
point. The highest one of immh says how wide an element is (of narrow and long shifts, the narrower); immh:immb counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...description import Alias, instruction
from ...machine import Machine
from ...operands import Operand
from ...operands.simd import (
    IMMH_Q,
    IMMH_SCALAR,
    IMMH_SCALAR_WIDE,
    IMMH_WIDE,
    Arrangement,
    ShiftLeft,
    ShiftRight,
    halves,
)
from ..lanes import (
    each,
    each_scalar,
    extend,
    half,
    narrow,
    saturating_shift_left,
    saturating_shift_left_unsigned,
    scalar,
    set_half,
    set_scalar,
    shift_right,
)
from .forms import (
    SHIFTED_SCALAR_64,
    SHIFTED_SCALAR_TO_32,
    SHIFTED_TO_32,
    Decorator,
    forms_by_u,
    halves_by_u,
)

_ANY = "immh!=0000"
_RIGHT: Operand = ShiftRight()
_LEFT: Operand = ShiftLeft()


def _size(immh: int) -> int:
    """log2 of an element's bytes."""
    return immh.bit_length() - 1


def _right(immh: int, immb: int) -> int:
    """A right shift, 1 to esize."""
    return (16 << _size(immh)) - (immh << 3 | immb)


def _left(immh: int, immb: int) -> int:
    """A left shift, 0 to esize - 1."""
    return (immh << 3 | immb) - (8 << _size(immh))


def _shift(u: str, opcode: str, *names: str, shift: Operand) -> Decorator:
    """A vector instruction; two names where `u` is free."""
    return instruction(
        f"0 Q {u} 011110 immh:4 immb:3 opcode={opcode} 1 Rn:5 Rd:5",
        *forms_by_u(names, "asimdshf_R", "<Vd>.<T>, <Vn>.<T>, #<shift>", _ANY),
        operands={"T": IMMH_Q, "shift": shift},
        undefined=IMMH_Q.reserved,
    )


def _shift_scalar(u: str, opcode: str, *names: str, shift: Operand, V: Arrangement = SHIFTED_SCALAR_64) -> Decorator:
    return instruction(
        f"01 {u} 111110 immh:4 immb:3 opcode={opcode} 1 Rn:5 Rd:5",
        *forms_by_u(names, "asisdshf_R", "<V><d>, <V><n>, #<shift>", _ANY),
        operands={"V": V, "shift": shift},
        undefined=V.reserved,
    )


# -- right ---------------------------------------------------------------------------------------------------------


@_shift("U", "00000", "SSHR", "USHR", shift=_RIGHT)
def SHR_asimdshf(m: Machine, Q: int, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift right: SSHR signed, USHR unsigned numbers."""
    amount = _right(immh, immb)
    each(m, Q, _size(immh), Rn, Rd, lambda a: shift_right(a, amount, signed=U == 0, rounding=False))


@_shift_scalar("U", "00000", "SSHR", "USHR", shift=_RIGHT)
def SHR_asisdshf(m: Machine, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a D register right: SSHR signed, USHR unsigned."""
    amount = _right(immh, immb)
    each_scalar(m, _size(immh), Rn, Rd, lambda a: shift_right(a, amount, signed=U == 0, rounding=False))


@_shift("U", "00100", "SRSHR", "URSHR", shift=_RIGHT)
def RSHR_asimdshf(m: Machine, Q: int, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift right and round: SRSHR signed, URSHR unsigned numbers."""
    amount = _right(immh, immb)
    each(m, Q, _size(immh), Rn, Rd, lambda a: shift_right(a, amount, signed=U == 0, rounding=True))


@_shift_scalar("U", "00100", "SRSHR", "URSHR", shift=_RIGHT)
def RSHR_asisdshf(m: Machine, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a D register right and round: SRSHR signed, URSHR unsigned."""
    amount = _right(immh, immb)
    each_scalar(m, _size(immh), Rn, Rd, lambda a: shift_right(a, amount, signed=U == 0, rounding=True))


@_shift("U", "00010", "SSRA", "USRA", shift=_RIGHT)
def SRA_asimdshf(m: Machine, Q: int, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift right and add to Rd: SSRA signed, USRA unsigned numbers."""
    amount, accumulator = _right(immh, immb), m.Vec[64 << Q, 8 << _size(immh), Rd]
    each(m, Q, _size(immh), Rn, Rd, lambda a: accumulator + shift_right(a, amount, signed=U == 0, rounding=False))


@_shift_scalar("U", "00010", "SSRA", "USRA", shift=_RIGHT)
def SRA_asisdshf(m: Machine, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a D register right and add to Rd: SSRA signed, USRA unsigned."""
    amount, accumulator = _right(immh, immb), scalar(m, 64, Rd)
    each_scalar(m, _size(immh), Rn, Rd, lambda a: accumulator + shift_right(a, amount, signed=U == 0, rounding=False))


@_shift("U", "00110", "SRSRA", "URSRA", shift=_RIGHT)
def RSRA_asimdshf(m: Machine, Q: int, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift right, round and add to Rd: SRSRA signed, URSRA unsigned numbers."""
    amount, accumulator = _right(immh, immb), m.Vec[64 << Q, 8 << _size(immh), Rd]
    each(m, Q, _size(immh), Rn, Rd, lambda a: accumulator + shift_right(a, amount, signed=U == 0, rounding=True))


@_shift_scalar("U", "00110", "SRSRA", "URSRA", shift=_RIGHT)
def RSRA_asisdshf(m: Machine, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a D register right, round and add to Rd: SRSRA signed, URSRA unsigned."""
    amount, accumulator = _right(immh, immb), scalar(m, 64, Rd)
    each_scalar(m, _size(immh), Rn, Rd, lambda a: accumulator + shift_right(a, amount, signed=U == 0, rounding=True))


def _kept_high(esize: int, amount: int) -> int:
    """The bits of Rd that SRI keeps."""
    return (1 << esize) - (1 << esize - amount)


@_shift("U=1", "01000", "SRI", shift=_RIGHT)
def SRI_asimdshf(m: Machine, Q: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift right and insert below the highest bits of Rd, which stay."""
    size, amount = _size(immh), _right(immh, immb)
    kept = m.Vec[64 << Q, 8 << size, Rd] & _kept_high(8 << size, amount)
    each(m, Q, size, Rn, Rd, lambda a: shift_right(a, amount, signed=False, rounding=False) | kept)


@_shift_scalar("U=1", "01000", "SRI", shift=_RIGHT)
def SRI_asisdshf(m: Machine, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a D register right and insert below the highest bits of Rd, which stay."""
    amount = _right(immh, immb)
    kept = scalar(m, 64, Rd) & _kept_high(64, amount)
    each_scalar(m, _size(immh), Rn, Rd, lambda a: shift_right(a, amount, signed=False, rounding=False) | kept)


# -- left ----------------------------------------------------------------------------------------------------------


@_shift("U=0", "01010", "SHL", shift=_LEFT)
def SHL_asimdshf(m: Machine, Q: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift left."""
    each(m, Q, _size(immh), Rn, Rd, lambda a: a << _left(immh, immb))


@_shift_scalar("U=0", "01010", "SHL", shift=_LEFT)
def SHL_asisdshf(m: Machine, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a D register left."""
    m.V[64, Rd] = m.V[64, Rn] << _left(immh, immb)


@_shift("U=1", "01010", "SLI", shift=_LEFT)
def SLI_asimdshf(m: Machine, Q: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift left and insert above the lowest bits of Rd, which stay."""
    size, amount = _size(immh), _left(immh, immb)
    kept = m.Vec[64 << Q, 8 << size, Rd] & (1 << amount) - 1
    each(m, Q, size, Rn, Rd, lambda a: a << amount | kept)


@_shift_scalar("U=1", "01010", "SLI", shift=_LEFT)
def SLI_asisdshf(m: Machine, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a D register left and insert above the lowest bits of Rd, which stay."""
    amount = _left(immh, immb)
    m.V[64, Rd] = m.V[64, Rn] << amount | m.V[64, Rd] & (1 << amount) - 1


@_shift("U", "01110", "SQSHL", "UQSHL", shift=_LEFT)
def QSHL_asimdshf(m: Machine, Q: int, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift left and saturate: SQSHL signed, UQSHL unsigned numbers."""
    amount = _left(immh, immb)
    each(m, Q, _size(immh), Rn, Rd, lambda a: saturating_shift_left(m, a, amount, signed=U == 0))


@_shift_scalar("U", "01110", "SQSHL", "UQSHL", shift=_LEFT, V=IMMH_SCALAR)
def QSHL_asisdshf(m: Machine, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a scalar left and saturate: SQSHL signed, UQSHL unsigned."""
    amount = _left(immh, immb)
    each_scalar(m, _size(immh), Rn, Rd, lambda a: saturating_shift_left(m, a, amount, signed=U == 0))


@_shift("U=1", "01100", "SQSHLU", shift=_LEFT)
def SQSHLU_asimdshf(m: Machine, Q: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift signed numbers left and saturate them unsigned."""
    each(m, Q, _size(immh), Rn, Rd, lambda a: saturating_shift_left_unsigned(m, a, _left(immh, immb)))


@_shift_scalar("U=1", "01100", "SQSHLU", shift=_LEFT, V=IMMH_SCALAR)
def SQSHLU_asisdshf(m: Machine, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a signed scalar left and saturate it unsigned."""
    each_scalar(m, _size(immh), Rn, Rd, lambda a: saturating_shift_left_unsigned(m, a, _left(immh, immb)))


# -- narrower ------------------------------------------------------------------------------------------------------


def _narrowing(u: str, opcode: str, *names: str) -> Decorator:
    """Ta to Tb; each has a form for both halves."""
    return instruction(
        f"0 Q {u} 011110 immh:4 immb:3 opcode={opcode} 1 Rn:5 Rd:5",
        *halves_by_u(names, "asimdshf_N", "<Vd>.<Tb>, <Vn>.<Ta>, #<shift>", _ANY),
        operands={"Ta": IMMH_WIDE, "Tb": SHIFTED_TO_32, "shift": _RIGHT},
        undefined=SHIFTED_TO_32.reserved,
    )


def _narrowing_scalar(u: str, opcode: str, *names: str) -> Decorator:
    return instruction(
        f"01 {u} 111110 immh:4 immb:3 opcode={opcode} 1 Rn:5 Rd:5",
        *forms_by_u(names, "asisdshf_N", "<Vb><d>, <Va><n>, #<shift>", _ANY),
        operands={"Va": IMMH_SCALAR_WIDE, "Vb": SHIFTED_SCALAR_TO_32, "shift": _RIGHT},
        undefined=SHIFTED_SCALAR_TO_32.reserved,
    )


@_narrowing("U=0", "10000", "SHRN")
def SHRN_asimdshf(m: Machine, Q: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift right and keep the low half. The second form writes the upper half of Rd and keeps the lower."""
    esize = 8 << _size(immh)
    shifted = m.Vec[128, 2 * esize, Rn] >> _right(immh, immb)
    set_half(m, Q, esize, Rd, shifted.truncate(esize))


@_narrowing("U=0", "10001", "RSHRN")
def RSHRN_asimdshf(m: Machine, Q: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift right, round and keep the low half. The second form writes the upper half of Rd and keeps the lower."""
    esize = 8 << _size(immh)
    shifted = shift_right(m.Vec[128, 2 * esize, Rn], _right(immh, immb), signed=False, rounding=True)
    set_half(m, Q, esize, Rd, shifted.truncate(esize))


@_narrowing("U", "10010", "SQSHRN", "UQSHRN")
def QSHRN_asimdshf(m: Machine, Q: int, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift right and saturate to half the bits: SQSHRN signed, UQSHRN unsigned numbers."""
    esize = 8 << _size(immh)
    shifted = shift_right(m.Vec[128, 2 * esize, Rn], _right(immh, immb), signed=U == 0, rounding=False)
    set_half(m, Q, esize, Rd, narrow(m, shifted, source_signed=U == 0, signed=U == 0))


@_narrowing_scalar("U", "10010", "SQSHRN", "UQSHRN")
def QSHRN_asisdshf(m: Machine, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a scalar right and saturate to half the bits: SQSHRN signed, UQSHRN unsigned."""
    esize = 8 << _size(immh)
    shifted = shift_right(scalar(m, 2 * esize, Rn), _right(immh, immb), signed=U == 0, rounding=False)
    set_scalar(m, esize, Rd, narrow(m, shifted, source_signed=U == 0, signed=U == 0))


@_narrowing("U", "10011", "SQRSHRN", "UQRSHRN")
def QRSHRN_asimdshf(m: Machine, Q: int, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift right, round and saturate to half the bits: SQRSHRN signed, UQRSHRN unsigned numbers."""
    esize = 8 << _size(immh)
    shifted = shift_right(m.Vec[128, 2 * esize, Rn], _right(immh, immb), signed=U == 0, rounding=True)
    set_half(m, Q, esize, Rd, narrow(m, shifted, source_signed=U == 0, signed=U == 0))


@_narrowing_scalar("U", "10011", "SQRSHRN", "UQRSHRN")
def QRSHRN_asisdshf(m: Machine, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a scalar right, round and saturate to half the bits: SQRSHRN signed, UQRSHRN unsigned."""
    esize = 8 << _size(immh)
    shifted = shift_right(scalar(m, 2 * esize, Rn), _right(immh, immb), signed=U == 0, rounding=True)
    set_scalar(m, esize, Rd, narrow(m, shifted, source_signed=U == 0, signed=U == 0))


@_narrowing("U=1", "10000", "SQSHRUN")
def SQSHRUN_asimdshf(m: Machine, Q: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift signed numbers right and saturate them to half the bits, unsigned."""
    esize = 8 << _size(immh)
    shifted = shift_right(m.Vec[128, 2 * esize, Rn], _right(immh, immb), signed=True, rounding=False)
    set_half(m, Q, esize, Rd, narrow(m, shifted, source_signed=True, signed=False))


@_narrowing_scalar("U=1", "10000", "SQSHRUN")
def SQSHRUN_asisdshf(m: Machine, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a signed scalar right and saturate it to half the bits, unsigned."""
    esize = 8 << _size(immh)
    shifted = shift_right(scalar(m, 2 * esize, Rn), _right(immh, immb), signed=True, rounding=False)
    set_scalar(m, esize, Rd, narrow(m, shifted, source_signed=True, signed=False))


@_narrowing("U=1", "10001", "SQRSHRUN")
def SQRSHRUN_asimdshf(m: Machine, Q: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift signed numbers right, round and saturate them to half the bits, unsigned."""
    esize = 8 << _size(immh)
    shifted = shift_right(m.Vec[128, 2 * esize, Rn], _right(immh, immb), signed=True, rounding=True)
    set_half(m, Q, esize, Rd, narrow(m, shifted, source_signed=True, signed=False))


@_narrowing_scalar("U=1", "10001", "SQRSHRUN")
def SQRSHRUN_asisdshf(m: Machine, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift a signed scalar right, round and saturate it to half the bits, unsigned."""
    esize = 8 << _size(immh)
    shifted = shift_right(scalar(m, 2 * esize, Rn), _right(immh, immb), signed=True, rounding=True)
    set_scalar(m, esize, Rd, narrow(m, shifted, source_signed=True, signed=False))


# -- wider ---------------------------------------------------------------------------------------------------------


def _long_aliases() -> Sequence[Alias]:
    """SXTL and UXTL: shifted by zero. LLVM prints the shift."""
    return [
        Alias(f"{alias}_{name}_asimdshf_L", f"immb=000 {constraints}", syntax, preferred=False)
        for alias, name, u in (("SXTL", "SSHLL", 0), ("UXTL", "USHLL", 1))
        for _, constraints, syntax in halves("", f"{alias.lower()}{{2}} <Vd>.<Ta>, <Vn>.<Tb>", f"U={u} {_ANY}")
    ]


@instruction(
    "0 Q U 011110 immh:4 immb:3 opcode=10100 1 Rn:5 Rd:5",
    *halves_by_u(("SSHLL", "USHLL"), "asimdshf_L", "<Vd>.<Ta>, <Vn>.<Tb>, #<shift>", _ANY),
    operands={"Ta": IMMH_WIDE, "Tb": SHIFTED_TO_32, "shift": _LEFT},
    aliases=_long_aliases(),
    undefined=SHIFTED_TO_32.reserved,
)
def SHLL_asimdshf(m: Machine, Q: int, U: int, immh: int, immb: int, Rn: int, Rd: int) -> None:
    """Shift left, twice as wide: SSHLL signed, USHLL unsigned numbers. The second form takes the upper half."""
    esize = 8 << _size(immh)
    m.Vec[128, 2 * esize, Rd] = extend(half(m, Q, esize, Rn), signed=U == 0) << _left(immh, immb)
