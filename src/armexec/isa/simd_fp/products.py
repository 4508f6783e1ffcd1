"""Sums of products of bfloat16 numbers and of bytes: dot and matrix products, BFMLAL (FEAT_BF16, FEAT_I8MM)."""

from __future__ import annotations

from ..description import FormText, instruction
from ..machine import Machine
from ..operands import Operand
from ..operands.simd import B_Q, H_Q, S_Q, ByElement
from ..values import Vector
from .lanes import pairwise

_HALVES: dict[str, Operand] = {"Ta": S_Q, "Tb": H_Q, "index": ByElement({"2h": "H:L", "h": "H:L:M"})}
_BYTES: dict[str, Operand] = {"Ta": S_Q, "Tb": B_Q, "index": ByElement({"4b": "H:L"})}


def _word(m: Machine, Q: int, esize: int, H: int, L: int, M: int, Rm: int) -> Vector:
    """The 32 bits that H, L, M and Rm name, in every 32 bits of a vector of lanes of `esize` bits."""
    return m.splat(m.Vec[128, 32, M << 4 | Rm].lane(H << 1 | L), 2 << Q).view(esize)


# -- bfloat16 --------------------------------------------------------------------------------------------------------


@instruction(
    "0 Q U=1 01110 size=01 0 Rm:5 1 opcode=1111 1 Rn:5 Rd:5",
    ("BFDOT_asimdsame2_D", "", "bfdot <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Tb>"),
    operands=_HALVES,
    feature="FEAT_BF16",
)
def BFDOT_asimdsame2(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add the sum of two products of bfloat16 numbers to each number of single precision."""
    width = 64 << Q
    m.Vec[width, 32, Rd] = m.bf16_dot(m.Vec[width, 32, Rd], m.Vec[width, 16, Rn], m.Vec[width, 16, Rm])


@instruction(
    "0 Q U=0 01111 size=01 L M Rm:4 opcode=1111 H 0 Rn:5 Rd:5",
    ("BFDOT_asimdelem_E", "", "bfdot <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.2H[<index>]"),
    operands=_HALVES,
    feature="FEAT_BF16",
)
def BFDOT_asimdelem(m: Machine, Q: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Add the sum of two products of bfloat16 numbers, with a pair of them, to each number of single precision."""
    width = 64 << Q
    pairs = _word(m, Q, 16, H, L, M, Rm)
    m.Vec[width, 32, Rd] = m.bf16_dot(m.Vec[width, 32, Rd], m.Vec[width, 16, Rn], pairs)


def _bottom_or_top(vector: Vector, Q: int) -> Vector:
    """The even (Q=0) or odd bfloat16 numbers in single precision, which they are the upper half of."""
    words = vector.view(32)
    return words & 0xFFFF_0000 if Q else words << 16


def _bottom_and_top(name: str, syntax: str) -> list[FormText]:
    return [(name, f"Q={q}", f"bfmlal{half} {syntax}") for q, half in enumerate("bt")]


@instruction(
    "0 Q U=1 01110 size=11 0 Rm:5 1 opcode=1111 1 Rn:5 Rd:5",
    *_bottom_and_top("BFMLAL_asimdsame2_F_", "<Vd>.4S, <Vn>.8H, <Vm>.8H"),
    feature="FEAT_BF16",
)
def BFMLAL_asimdsame2(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply the even bfloat16 numbers (BFMLALT: the odd ones), add to single precision, rounded once."""
    a, b = _bottom_or_top(m.Vec[128, 16, Rn], Q), _bottom_or_top(m.Vec[128, 16, Rm], Q)
    m.Vec[128, 32, Rd] = m.fp_multiply_add(m.Vec[128, 32, Rd], a, b)


@instruction(
    "0 Q U=0 01111 size=11 L M Rm:4 opcode=1111 H 0 Rn:5 Rd:5",
    *_bottom_and_top("BFMLAL_asimdelem_F", "<Vd>.4S, <Vn>.8H, <Vm>.H[<index>]"),
    operands=_HALVES,
    feature="FEAT_BF16",
)
def BFMLAL_asimdelem(m: Machine, Q: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply the even bfloat16 numbers (BFMLALT: the odd ones) by one, add to single precision, rounded once."""
    a = _bottom_or_top(m.Vec[128, 16, Rn], Q)
    b = m.splat(m.Vec[128, 16, Rm].lane(H << 2 | L << 1 | M), 4).zero_extend(32) << 16
    m.Vec[128, 32, Rd] = m.fp_multiply_add(m.Vec[128, 32, Rd], a, b)


@instruction(
    "0 Q=1 U=1 01110 size=01 0 Rm:5 1 opcode=1101 1 Rn:5 Rd:5",
    ("BFMMLA_asimdsame2_E", "", "bfmmla <Vd>.4S, <Vn>.8H, <Vm>.8H"),
    feature="FEAT_BF16",
)
def BFMMLA_asimdsame2(m: Machine, Rm: int, Rn: int, Rd: int) -> None:
    """Multiply a 2x4 matrix of bfloat16 numbers by a 4x2 one, of columns; add to 2x2 of single precision."""
    a, b, result = m.Vec[128, 32, Rn], m.Vec[128, 32, Rm], m.Vec[128, 32, Rd]
    for pair in (0, 1):
        rows = a.shuffle(a, [pair, pair, pair + 2, pair + 2]).view(16)
        columns = b.shuffle(b, [pair, pair + 2, pair, pair + 2]).view(16)
        result = m.bf16_dot(result, rows, columns)
    m.Vec[128, 32, Rd] = result


# -- bytes -----------------------------------------------------------------------------------------------------------


def _sum_of_products(a: Vector, b: Vector, *, signed_a: bool, signed_b: bool, count: int) -> Vector:
    """The sums of `count` neighbouring products of bytes, in 32 bits."""
    wide_a = a.sign_extend(32) if signed_a else a.zero_extend(32)
    wide_b = b.sign_extend(32) if signed_b else b.zero_extend(32)
    sums = wide_a * wide_b
    while count > 1:
        sums = pairwise(sums.lower(), sums.upper(), lambda x, y: x + y)
        count //= 2
    return sums


@instruction(
    "0 Q U=0 01110 size=10 0 Rm:5 1 opcode=0011 1 Rn:5 Rd:5",
    ("USDOT_asimdsame2_D", "", "usdot <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Tb>"),
    operands=_BYTES,
    feature="FEAT_I8MM",
)
def USDOT_asimdsame2(m: Machine, Q: int, Rm: int, Rn: int, Rd: int) -> None:
    """Add the sum of four products of unsigned with signed bytes to each 32-bit element."""
    width = 64 << Q
    a, b = m.Vec[width, 8, Rn], m.Vec[width, 8, Rm]
    sums = _sum_of_products(a, b, signed_a=False, signed_b=True, count=4)
    m.Vec[width, 32, Rd] = m.Vec[width, 32, Rd] + sums


@instruction(
    "0 Q U=0 01111 US 0 L M Rm:4 opcode=1111 H 0 Rn:5 Rd:5",
    ("SUDOT_asimdelem_D", "US=0", "sudot <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.4B[<index>]"),
    ("USDOT_asimdelem_D", "US=1", "usdot <Vd>.<Ta>, <Vn>.<Tb>, <Vm>.4B[<index>]"),
    operands=_BYTES,
    feature="FEAT_I8MM",
)
def USDOT_asimdelem(m: Machine, Q: int, US: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Add the sum of four products with four bytes to each 32-bit element: USDOT unsigned with signed, SUDOT signed
    with unsigned ones."""
    width = 64 << Q
    a, b = m.Vec[width, 8, Rn], _word(m, Q, 8, H, L, M, Rm)
    sums = _sum_of_products(a, b, signed_a=US == 0, signed_b=US == 1, count=4)
    m.Vec[width, 32, Rd] = m.Vec[width, 32, Rd] + sums


@instruction(
    "0 Q=1 U 01110 size=10 0 Rm:5 1 010 B 1 Rn:5 Rd:5",
    ("SMMLA_asimdsame2_G", "U=0 B=0", "smmla <Vd>.4S, <Vn>.16B, <Vm>.16B"),
    ("USMMLA_asimdsame2_G", "U=0 B=1", "usmmla <Vd>.4S, <Vn>.16B, <Vm>.16B"),
    ("UMMLA_asimdsame2_G", "U=1 B=0", "ummla <Vd>.4S, <Vn>.16B, <Vm>.16B"),
    feature="FEAT_I8MM",
)
def MMLA_asimdsame2(m: Machine, U: int, Rm: int, B: int, Rn: int, Rd: int) -> None:
    """Multiply a 2x8 matrix of bytes by an 8x2 one, whose columns Rm holds, and add to a 2x2 matrix of 32 bits.

    SMMLA of signed, UMMLA of unsigned, USMMLA of unsigned with signed bytes.
    """
    a, b = m.Vec[128, 64, Rn], m.Vec[128, 64, Rm]
    rows, columns = a.shuffle(a, [0, 0, 1, 1]).view(8), b.shuffle(b, [0, 1, 0, 1]).view(8)
    sums = _sum_of_products(rows, columns, signed_a=U == 0 and B == 0, signed_b=U == 0, count=8)
    m.Vec[128, 32, Rd] = m.Vec[128, 32, Rd] + sums
