"""Moves and logic with an immediate ("Advanced SIMD modified immediate" of the index)."""

from __future__ import annotations

from collections.abc import Mapping

from ..description import instruction
from ..machine import Machine
from ..operands import Context, Fields, Operand
from ..operands.simd import B_Q, H_Q, S_Q, FloatImmediate, float_immediate_bits
from ..syntax import Cursor, Expression, OperandError
from ..values import Vector


class _Byte(Operand):
    """An immediate of eight bits in abc:defgh."""

    fields = ("abc", "defgh")

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value("an immediate 0..255")

    def encode(self, value: int) -> dict[str, int]:
        # GNU as reads signed bytes too.
        if -128 <= value < 0:
            value &= 255
        if not 0 <= value <= 255:
            raise OperandError(f"immediate {value} is out of range 0..255")
        return {"abc": value >> 5, "defgh": value & 31}

    def decode(self, fields: Fields) -> int:
        return fields["abc"] << 5 | fields["defgh"]

    def text(self, value: int, context: Context) -> str:
        return str(value)


class _ByteMask(_Byte):
    """An immediate of 64 bits whose bytes are all ones or all zeros, each a bit of abc:defgh."""

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value("a 64-bit immediate with bytes 0x00 or 0xff")

    def encode(self, value: int) -> dict[str, int]:
        data = (value & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little")
        if not -(1 << 63) <= value < 1 << 64 or set(data) - {0, 255}:
            raise OperandError(f"immediate {value:#x} can't stand here: each of its 8 bytes must be 0x00 or 0xff")
        return super().encode(sum(1 << i for i, byte in enumerate(data) if byte))

    def decode(self, fields: Fields) -> int:
        return _byte_mask(super().decode(fields))

    def text(self, value: int, context: Context) -> str:
        return f"0x{value:014x}" if value else "0" * 16


class _Amount(Operand):
    """A shift by whole bytes, `lsl #8`, in some bits of cmode: those of `mask`, from bit `low` up."""

    fields = ("cmode",)

    def __init__(self, mask: int, low: int, amounts: tuple[int, ...], *, default: int | None = None) -> None:
        self._mask = mask
        self._low = low
        self._amounts = amounts
        self.default = default

    def parse(self, cursor: Cursor) -> int | Expression:
        return cursor.value("a shift amount")

    def encode(self, value: int) -> dict[str, int]:
        if value not in self._amounts:
            raise OperandError(f"shift amount {value} can't stand here: {', '.join(map(str, self._amounts))}")
        return {f"cmode/{self._mask:b}": self._amounts.index(value) << self._low}

    def decode(self, fields: Fields) -> int:
        return self._amounts[(fields["cmode"] & self._mask) >> self._low]

    def text(self, value: int, context: Context) -> str:
        return str(value)


_OPERANDS: Mapping[str, Operand] = {
    "TB": B_Q,
    "TH": H_Q,
    "TS": S_Q,
    "imm8": _Byte(),
    "mask": _ByteMask(),
    "lsl": _Amount(0b0110, 1, (0, 8, 16, 24), default=0),
    "lsl8": _Amount(0b0010, 1, (0, 8), default=0),
    "msl": _Amount(0b0001, 0, (8, 16)),
    "imm": FloatImmediate("abc", "defgh"),
}


def _byte_mask(imm8: int) -> int:
    return sum(0xFF << 8 * i for i in range(8) if imm8 >> i & 1)


def _expand(cmode: int, imm8: int) -> tuple[int, int]:
    """AdvSIMDExpandImm() where the result is an integer of less than 64 bits: that, and its size."""
    if cmode < 8:
        return imm8 << 8 * (cmode >> 1), 32
    if cmode < 12:
        return imm8 << 8 * (cmode >> 1 & 1), 16
    if cmode == 12:
        return imm8 << 8 | 0xFF, 32
    if cmode == 13:
        return imm8 << 16 | 0xFFFF, 32
    return imm8, 8


def _constant(m: Machine, Q: int, esize: int, value: int) -> Vector:
    return m.vector(esize, [value] * ((64 << Q) // esize))


_LSL = "<Vd>.<TS>, #<imm8>{, lsl #<lsl>}"
_LSL8 = "<Vd>.<TH>, #<imm8>{, lsl #<lsl8>}"
_MSL = "<Vd>.<TS>, #<imm8>, msl #<msl>"


@instruction(
    "0 Q op=0 0111100000 abc:3 cmode:4 o2=0 1 defgh:5 Rd:5",
    ("MOVI_asimdimm_L_sl", "cmode=0xx0", f"movi {_LSL}"),
    ("MOVI_asimdimm_L_hl", "cmode=10x0", f"movi {_LSL8}"),
    ("MOVI_asimdimm_M_sm", "cmode=110x", f"movi {_MSL}"),
    ("MOVI_asimdimm_N_b", "cmode=1110", "movi <Vd>.<TB>, #<imm8>{, lsl #0}"),
    operands=_OPERANDS,
)
def MOVI(m: Machine, Q: int, abc: int, cmode: int, defgh: int, Rd: int) -> None:
    """Move a shifted 8-bit immediate to every element."""
    value, esize = _expand(cmode, abc << 5 | defgh)
    m.Vec[64 << Q, esize, Rd] = _constant(m, Q, esize, value)


@instruction(
    "0 Q op=1 0111100000 abc:3 cmode=1110 o2=0 1 defgh:5 Rd:5",
    ("MOVI_asimdimm_D_ds", "Q=0", "movi <Dd>, #<mask>"),
    ("MOVI_asimdimm_D2_d", "Q=1", "movi <Vd>.2D, #<mask>"),
    operands=_OPERANDS,
)
def MOVI_mask(m: Machine, Q: int, abc: int, defgh: int, Rd: int) -> None:
    """Move an immediate of bytes that are all ones or all zeros."""
    m.Vec[64 << Q, 64, Rd] = _constant(m, Q, 64, _byte_mask(abc << 5 | defgh))


@instruction(
    "0 Q op=1 0111100000 abc:3 cmode:4 o2=0 1 defgh:5 Rd:5",
    ("MVNI_asimdimm_L_sl", "cmode=0xx0", f"mvni {_LSL}"),
    ("MVNI_asimdimm_L_hl", "cmode=10x0", f"mvni {_LSL8}"),
    ("MVNI_asimdimm_M_sm", "cmode=110x", f"mvni {_MSL}"),
    operands=_OPERANDS,
)
def MVNI(m: Machine, Q: int, abc: int, cmode: int, defgh: int, Rd: int) -> None:
    """Move the inverse of a shifted 8-bit immediate to every element."""
    value, esize = _expand(cmode, abc << 5 | defgh)
    m.Vec[64 << Q, esize, Rd] = _constant(m, Q, esize, ~value)


@instruction(
    "0 Q op=0 0111100000 abc:3 cmode:4 o2=0 1 defgh:5 Rd:5",
    ("ORR_asimdimm_L_sl", "cmode=0xx1", f"orr {_LSL}"),
    ("ORR_asimdimm_L_hl", "cmode=10x1", f"orr {_LSL8}"),
    operands=_OPERANDS,
)
def ORR_asimdimm(m: Machine, Q: int, abc: int, cmode: int, defgh: int, Rd: int) -> None:
    """Bitwise OR of every element with a shifted 8-bit immediate."""
    value, esize = _expand(cmode, abc << 5 | defgh)
    m.Vec[64 << Q, esize, Rd] = m.Vec[64 << Q, esize, Rd] | value


@instruction(
    "0 Q op=1 0111100000 abc:3 cmode:4 o2=0 1 defgh:5 Rd:5",
    ("BIC_asimdimm_L_sl", "cmode=0xx1", f"bic {_LSL}"),
    ("BIC_asimdimm_L_hl", "cmode=10x1", f"bic {_LSL8}"),
    operands=_OPERANDS,
)
def BIC_asimdimm(m: Machine, Q: int, abc: int, cmode: int, defgh: int, Rd: int) -> None:
    """Clear the bits of a shifted 8-bit immediate in every element."""
    value, esize = _expand(cmode, abc << 5 | defgh)
    m.Vec[64 << Q, esize, Rd] = m.Vec[64 << Q, esize, Rd] & ~value


# -- Floating-point immediates ---------------------------------------------------------------------------------------


@instruction(
    "0 Q op=0 0111100000 abc:3 cmode=1111 o2=0 1 defgh:5 Rd:5",
    ("FMOV_asimdimm_S_s", "", "fmov <Vd>.<TS>, #<imm>"),
    operands=_OPERANDS,
)
def FMOV_single(m: Machine, Q: int, abc: int, defgh: int, Rd: int) -> None:
    """Move a single-precision immediate to every element."""
    m.Vec[64 << Q, 32, Rd] = _constant(m, Q, 32, float_immediate_bits(abc << 5 | defgh, 32))


@instruction(
    "0 Q=1 op=1 0111100000 abc:3 cmode=1111 o2=0 1 defgh:5 Rd:5",
    ("FMOV_asimdimm_D2_d", "", "fmov <Vd>.2D, #<imm>"),
    operands=_OPERANDS,
)
def FMOV_double(m: Machine, abc: int, defgh: int, Rd: int) -> None:
    """Move a double-precision immediate to both elements."""
    m.Vec[128, 64, Rd] = _constant(m, 1, 64, float_immediate_bits(abc << 5 | defgh, 64))


@instruction(
    "0 Q op=0 0111100000 abc:3 cmode=1111 o2=1 1 defgh:5 Rd:5",
    ("FMOV_asimdimm_H_h", "", "fmov <Vd>.<TH>, #<imm>"),
    operands=_OPERANDS,
    feature="FEAT_FP16",
)
def FMOV_half(m: Machine, Q: int, abc: int, defgh: int, Rd: int) -> None:
    """Move a half-precision immediate to every element."""
    m.Vec[64 << Q, 16, Rd] = _constant(m, Q, 16, float_immediate_bits(abc << 5 | defgh, 16))
