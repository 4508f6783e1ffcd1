"""Data processing, two sources: divide, shift, CRC, extremes (class "Data Processing -- Register" of the index)."""

from __future__ import annotations

from functools import cache

from ..description import Alias, instruction
from ..machine import Machine
from ..values import Value
from .pointer_authentication import sign_generic

_W32 = "sf=0 imm6=0xxxxx"
_X64 = "sf=1"

# -- Data-processing (2 source) ------------------------------------------------------------------------------


@instruction(
    "sf 0 S=0 11010110 Rm:5 00001 o1=0 Rn:5 Rd:5",
    ("UDIV_32_dp_2src", "sf=0", "udiv <Wd>, <Wn>, <Wm>"),
    ("UDIV_64_dp_2src", "sf=1", "udiv <Xd>, <Xn>, <Xm>"),
)
def UDIV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Divide unsigned; by zero it is zero."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].udiv(m.X[size, Rm])


@instruction(
    "sf 0 S=0 11010110 Rm:5 00001 o1=1 Rn:5 Rd:5",
    ("SDIV_32_dp_2src", "sf=0", "sdiv <Wd>, <Wn>, <Wm>"),
    ("SDIV_64_dp_2src", "sf=1", "sdiv <Xd>, <Xn>, <Xm>"),
)
def SDIV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Divide signed, towards zero; by zero it is zero."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].sdiv(m.X[size, Rm])


def _variable_shift(name: str, alias: str) -> tuple[tuple[tuple[str, str, str], ...], list[Alias]]:
    """The encodings of LSLV and its like, and the aliases that are always printed."""
    sizes = ((32, 0, "W"), (64, 1, "X"))
    forms = tuple(
        (f"{name}_{size}_dp_2src", f"sf={sf}", f"{name.lower()} <{x}d>, <{x}n>, <{x}m>") for size, sf, x in sizes
    )
    aliases = [
        Alias(f"{alias}_{name}_{size}_dp_2src", f"sf={sf}", f"{alias.lower()} <{x}d>, <{x}n>, <{x}m>")
        for size, sf, x in sizes
    ]
    return forms, aliases


_LSLV_FORMS, _LSLV_ALIASES = _variable_shift("LSLV", "LSL")
_LSRV_FORMS, _LSRV_ALIASES = _variable_shift("LSRV", "LSR")
_ASRV_FORMS, _ASRV_ALIASES = _variable_shift("ASRV", "ASR")
_RORV_FORMS, _RORV_ALIASES = _variable_shift("RORV", "ROR")


@instruction("sf 0 S=0 11010110 Rm:5 0010 op2=00 Rn:5 Rd:5", *_LSLV_FORMS, aliases=_LSLV_ALIASES)
def LSLV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift left by a register modulo the size."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] << (m.X[size, Rm] & size - 1)


@instruction("sf 0 S=0 11010110 Rm:5 0010 op2=01 Rn:5 Rd:5", *_LSRV_FORMS, aliases=_LSRV_ALIASES)
def LSRV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift right by a register modulo the size, filling with zeros."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn] >> (m.X[size, Rm] & size - 1)


@instruction("sf 0 S=0 11010110 Rm:5 0010 op2=10 Rn:5 Rd:5", *_ASRV_FORMS, aliases=_ASRV_ALIASES)
def ASRV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Shift right by a register modulo the size, filling with the sign."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].asr(m.X[size, Rm] & size - 1)


@instruction("sf 0 S=0 11010110 Rm:5 0010 op2=11 Rn:5 Rd:5", *_RORV_FORMS, aliases=_RORV_ALIASES)
def RORV(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """Rotate right by a register modulo the size."""
    size = 64 if sf else 32
    m.X[size, Rd] = m.X[size, Rn].ror(m.X[size, Rm] & size - 1)


def _extreme_forms(name: str) -> tuple[tuple[str, str, str], ...]:
    """The encodings of SMAX and its like."""
    return tuple(
        (f"{name}_{size}_dp_2src", f"sf={sf}", f"{name.lower()} <{x}d>, <{x}n>, <{x}m>")
        for size, sf, x in ((32, 0, "W"), (64, 1, "X"))
    )


@instruction("sf 0 S=0 11010110 Rm:5 0110 opc=00 Rn:5 Rd:5", *_extreme_forms("SMAX"), feature="FEAT_CSSC")
def SMAX_reg(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """The greater of two registers, signed."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.X[size, Rm]
    m.X[size, Rd] = m.select(a.slt(b), b, a)


@instruction("sf 0 S=0 11010110 Rm:5 0110 opc=01 Rn:5 Rd:5", *_extreme_forms("UMAX"), feature="FEAT_CSSC")
def UMAX_reg(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """The greater of two registers, unsigned."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.X[size, Rm]
    m.X[size, Rd] = m.select(a.ult(b), b, a)


@instruction("sf 0 S=0 11010110 Rm:5 0110 opc=10 Rn:5 Rd:5", *_extreme_forms("SMIN"), feature="FEAT_CSSC")
def SMIN_reg(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """The lesser of two registers, signed."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.X[size, Rm]
    m.X[size, Rd] = m.select(a.slt(b), a, b)


@instruction("sf 0 S=0 11010110 Rm:5 0110 opc=11 Rn:5 Rd:5", *_extreme_forms("UMIN"), feature="FEAT_CSSC")
def UMIN_reg(m: Machine, sf: int, Rm: int, Rn: int, Rd: int) -> None:
    """The lesser of two registers, unsigned."""
    size = 64 if sf else 32
    a, b = m.X[size, Rn], m.X[size, Rm]
    m.X[size, Rd] = m.select(a.ult(b), a, b)


@instruction(
    "sf=1 0 S=0 11010110 Rm:5 001100 Rn:5 Rd:5",
    ("PACGA_64P_dp_2src", "", "pacga <Xd>, <Xn>, <Xm|SP>"),
    feature="FEAT_PAuth",
)
def PACGA(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Sign a register with a modifier: the authentication code in the upper half, zero in the lower."""
    m.X[64, Rd] = sign_generic(m.X[64, Rn], m.XSP[64, Rm])


# The polynomials of CRC-32 (ISO-HDLC, as in zlib) and CRC-32C (Castagnoli), bits reversed.
_CRC32, _CRC32C = 0xEDB88320, 0x82F63B78


@cache
def _crc_of_bits(polynomial: int, width: int) -> tuple[int, ...]:
    """The CRC of each bit of `width` bits of data. It is linear, so that of any data is the exclusive OR of these."""
    remainder = 1
    results = []
    for _ in range(width):
        remainder = remainder >> 1 ^ (polynomial if remainder & 1 else 0)
        results.append(remainder)
    return tuple(reversed(results))


def _crc(polynomial: int, accumulator: Value, data: Value) -> Value:
    """The CRC of `data` (8, 16, 32 or 64 bits, low bit first) continued from a 32-bit accumulator."""
    width = data.width
    if width < 32:
        combined = data ^ accumulator.bits(0, width)
    else:
        combined = data ^ (accumulator.zero_extend(width) if width > 32 else accumulator)
    # Each bit becomes a mask of all ones or all zeros. The sum is a tree, so that the host can do many steps at once.
    terms = [
        combined.bits(bit, 1).sign_extend(32) & constant for bit, constant in enumerate(_crc_of_bits(polynomial, width))
    ]
    if width < 32:
        terms.append(accumulator >> width)
    while len(terms) > 1:
        terms = [a ^ b for a, b in zip(terms[::2], terms[1::2], strict=False)] + terms[len(terms) & ~1 :]
    return terms[0]


def _crc_forms(name: str) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (
            f"{name}{letter}_{64 if x == 'X' else 32}C_dp_2src",
            bits,
            f"{name.lower()}{letter.lower()} <Wd>, <Wn>, <{x}m>",
        )
        for letter, bits, x in (
            ("B", "sf=0 sz=00", "W"),
            ("H", "sf=0 sz=01", "W"),
            ("W", "sf=0 sz=10", "W"),
            ("X", "sf=1 sz=11", "X"),
        )
    )


def _crc_data(m: Machine, sz: int, number: int) -> Value:
    value = m.X[64 if sz == 3 else 32, number]
    return value.bits(0, 8 << sz) if sz < 2 else value


@instruction("sf 0 S=0 11010110 Rm:5 010 C=0 sz:2 Rn:5 Rd:5", *_crc_forms("CRC32"), feature="FEAT_CRC32")
def CRC32(m: Machine, sf: int, Rm: int, sz: int, Rn: int, Rd: int) -> None:
    """Continue a CRC-32 (polynomial 0x04C11DB7) over a byte, halfword, word or doubleword."""
    m.X[32, Rd] = _crc(_CRC32, m.X[32, Rn], _crc_data(m, sz, Rm))


@instruction("sf 0 S=0 11010110 Rm:5 010 C=1 sz:2 Rn:5 Rd:5", *_crc_forms("CRC32C"), feature="FEAT_CRC32")
def CRC32C(m: Machine, sf: int, Rm: int, sz: int, Rn: int, Rd: int) -> None:
    """Continue a CRC-32C (polynomial 0x1EDC6F41) over a byte, halfword, word or doubleword."""
    m.X[32, Rd] = _crc(_CRC32C, m.X[32, Rn], _crc_data(m, sz, Rm))
