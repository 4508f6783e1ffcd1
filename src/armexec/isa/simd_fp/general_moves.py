"""Moves between general and SIMD&FP registers, of the bits as they are (FMOV of the index's "float2int")."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Machine


@instruction(
    "sf 00 11110 ftype:2 1 rmode=00 opcode=110 000000 Rn:5 Rd:5",
    ("FMOV_32S_float2int", "sf=0 ftype=00", "fmov <Wd>, <Sn>"),
    ("FMOV_64D_float2int", "sf=1 ftype=01", "fmov <Xd>, <Dn>"),
)
def FMOV_to_general(m: Machine, sf: int, ftype: int, Rn: int, Rd: int) -> None:
    """Copy a floating-point register to a general one."""
    size = 32 << sf
    m.X[size, Rd] = m.V[size, Rn]


@instruction(
    "sf 00 11110 ftype=11 1 rmode=00 opcode=110 000000 Rn:5 Rd:5",
    ("FMOV_32H_float2int", "sf=0", "fmov <Wd>, <Hn>"),
    ("FMOV_64H_float2int", "sf=1", "fmov <Xd>, <Hn>"),
    feature="FEAT_FP16",
)
def FMOV_half_to_general(m: Machine, sf: int, Rn: int, Rd: int) -> None:
    """Copy a half-precision register to a general one, filled with zeros."""
    size = 32 << sf
    m.X[size, Rd] = m.V[16, Rn].zero_extend(size)


@instruction(
    "sf=1 00 11110 ftype=10 1 rmode=01 opcode=110 000000 Rn:5 Rd:5",
    ("FMOV_64VX_float2int", "", "fmov <Xd>, <Vn>.D[1]"),
)
def FMOV_upper_to_general(m: Machine, Rn: int, Rd: int) -> None:
    """Copy the upper half of a vector to a general register."""
    m.X[64, Rd] = m.Vec[128, 64, Rn].lane(1)


@instruction(
    "sf 00 11110 ftype:2 1 rmode=00 opcode=111 000000 Rn:5 Rd:5",
    ("FMOV_S32_float2int", "sf=0 ftype=00", "fmov <Sd>, <Wn>"),
    ("FMOV_D64_float2int", "sf=1 ftype=01", "fmov <Dd>, <Xn>"),
    aliases=[
        # Zero isn't among the floating-point immediates: like LLVM, copy the zero register.
        Alias("FMOV_S_zero", "sf=0 ftype=00 Rn=11111", "fmov <Sd>, #0.0", preferred=False),
        Alias("FMOV_D_zero", "sf=1 ftype=01 Rn=11111", "fmov <Dd>, #0.0", preferred=False),
    ],
)
def FMOV_from_general(m: Machine, sf: int, ftype: int, Rn: int, Rd: int) -> None:
    """Copy a general register to a floating-point one."""
    size = 32 << sf
    m.V[size, Rd] = m.X[size, Rn]


@instruction(
    "sf 00 11110 ftype=11 1 rmode=00 opcode=111 000000 Rn:5 Rd:5",
    ("FMOV_H32_float2int", "sf=0", "fmov <Hd>, <Wn>"),
    ("FMOV_H64_float2int", "sf=1", "fmov <Hd>, <Xn>"),
    aliases=[Alias("FMOV_H_zero", "sf=0 Rn=11111", "fmov <Hd>, #0.0", preferred=False)],
    feature="FEAT_FP16",
)
def FMOV_half_from_general(m: Machine, sf: int, Rn: int, Rd: int) -> None:
    """Copy the low 16 bits of a general register to a half-precision one."""
    m.V[16, Rd] = m.X[32 << sf, Rn].bits(0, 16)


@instruction(
    "sf=1 00 11110 ftype=10 1 rmode=01 opcode=111 000000 Rn:5 Rd:5",
    ("FMOV_V64I_float2int", "", "fmov <Vd>.D[1], <Xn>"),
)
def FMOV_upper_from_general(m: Machine, Rn: int, Rd: int) -> None:
    """Copy a general register to the upper half of a vector, keeping the lower."""
    m.Vec[128, 64, Rd] = m.Vec[128, 64, Rd].insert(1, m.X[64, Rn])
