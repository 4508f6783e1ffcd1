"""Integers multiplied by one element ("Advanced SIMD vector x indexed element" and "scalar x indexed element")."""

from __future__ import annotations

from ...description import instruction
from ...machine import Machine
from ...operands import Operand
from ...operands.simd import B_Q, ELEMENT_SIZE, S_Q, Arrangement, ByElement
from ...values import Vector
from ..lanes import (
    dot_product,
    doubling_multiply_high,
    doubling_multiply_high_add,
    doubling_multiply_long,
    half,
    multiply_long,
    scalar,
    set_scalar,
)
from .forms import ONLY_16_AND_32, SCALAR_16_AND_32, Decorator, forms_by_u, halves_by_u

_INDEX: Operand = ByElement({"h": "H:L:M", "s": "H:L"})
_WIDE = Arrangement("size", {"01": "4s", "10": "2d"})
_SCALAR_WIDE = Arrangement("size", {"01": "s", "10": "d"})


def _element(m: Machine, size: int, L: int, M: int, Rm: int, H: int, lanes: int) -> Vector:
    """The element of 8 << size bits, 16 or 32, in every lane: H:L:M of V0-V15, or H:L of any register."""
    if size == 1:
        number, index = Rm, H << 2 | L << 1 | M
    else:
        number, index = M << 4 | Rm, H << 1 | L
    return m.splat(m.Vec[128, 8 << size, number].lane(index), lanes)


def _by_element(u: str, opcode: str, *names: str, feature: str = "") -> Decorator:
    """A vector instruction; two names where `u` is free."""
    return instruction(
        f"0 Q {u} 01111 size:2 L M Rm:4 opcode={opcode} H 0 Rn:5 Rd:5",
        *forms_by_u(names, "asimdelem_R", "<Vd>.<T>, <Vn>.<T>, <Vm>.<Ts>[<index>]"),
        operands={"T": ONLY_16_AND_32, "Ts": ELEMENT_SIZE, "index": _INDEX},
        undefined=ONLY_16_AND_32.reserved,
        feature=feature,
    )


def _by_element_scalar(u: str, opcode: str, *names: str, feature: str = "") -> Decorator:
    return instruction(
        f"01 {u} 11111 size:2 L M Rm:4 opcode={opcode} H 0 Rn:5 Rd:5",
        *forms_by_u(names, "asisdelem_R", "<V><d>, <V><n>, <Vm>.<Ts>[<index>]"),
        operands={"V": SCALAR_16_AND_32, "Ts": ELEMENT_SIZE, "index": _INDEX},
        undefined=ELEMENT_SIZE.reserved,
        feature=feature,
    )


def _by_element_long(u: str, opcode: str, *names: str) -> Decorator:
    """Twice as wide; each has a form for both halves."""
    return instruction(
        f"0 Q {u} 01111 size:2 L M Rm:4 opcode={opcode} H 0 Rn:5 Rd:5",
        *halves_by_u(names, "asimdelem_L", "<Vd>.<Ta>, <Vn>.<Tb>, <Vm>.<Ts>[<index>]"),
        operands={"Ta": _WIDE, "Tb": ONLY_16_AND_32, "Ts": ELEMENT_SIZE, "index": _INDEX},
        undefined=ELEMENT_SIZE.reserved,
    )


def _by_element_long_scalar(opcode: str, name: str) -> Decorator:
    return instruction(
        f"01 U=0 11111 size:2 L M Rm:4 opcode={opcode} H 0 Rn:5 Rd:5",
        *forms_by_u((name,), "asisdelem_L", "<Va><d>, <Vb><n>, <Vm>.<Ts>[<index>]"),
        operands={"Va": _SCALAR_WIDE, "Vb": SCALAR_16_AND_32, "Ts": ELEMENT_SIZE, "index": _INDEX},
        undefined=ELEMENT_SIZE.reserved,
    )


# -- of one width ----------------------------------------------------------------------------------------------------


@_by_element("U=0", "1000", "MUL")
def MUL_asimdelem(m: Machine, Q: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply by an element."""
    a = m.Vec[64 << Q, 8 << size, Rn]
    m.Vec[64 << Q, 8 << size, Rd] = a * _element(m, size, L, M, Rm, H, a.lanes)


@_by_element("U=1", "0000", "MLA")
def MLA_asimdelem(m: Machine, Q: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply by an element and add to Rd."""
    width, esize = 64 << Q, 8 << size
    a = m.Vec[width, esize, Rn]
    m.Vec[width, esize, Rd] = m.Vec[width, esize, Rd] + a * _element(m, size, L, M, Rm, H, a.lanes)


@_by_element("U=1", "0100", "MLS")
def MLS_asimdelem(m: Machine, Q: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply by an element and subtract from Rd."""
    width, esize = 64 << Q, 8 << size
    a = m.Vec[width, esize, Rn]
    m.Vec[width, esize, Rd] = m.Vec[width, esize, Rd] - a * _element(m, size, L, M, Rm, H, a.lanes)


@instruction(
    "0 Q U=0 01111 size:2 L M Rm:4 110 op H 0 Rn:5 Rd:5",
    ("SQDMULH_asimdelem_R", "op=0", "sqdmulh <Vd>.<T>, <Vn>.<T>, <Vm>.<Ts>[<index>]"),
    ("SQRDMULH_asimdelem_R", "op=1", "sqrdmulh <Vd>.<T>, <Vn>.<T>, <Vm>.<Ts>[<index>]"),
    operands={"T": ONLY_16_AND_32, "Ts": ELEMENT_SIZE, "index": _INDEX},
    undefined=ONLY_16_AND_32.reserved,
)
def SQDMULH_asimdelem(
    m: Machine, Q: int, size: int, L: int, M: int, Rm: int, op: int, H: int, Rn: int, Rd: int
) -> None:
    """The high half of the doubled product with an element, saturated; SQRDMULH rounds it."""
    a = m.Vec[64 << Q, 8 << size, Rn]
    b = _element(m, size, L, M, Rm, H, a.lanes)
    m.Vec[64 << Q, 8 << size, Rd] = doubling_multiply_high(m, a, b, rounding=op == 1)


@instruction(
    "01 U=0 11111 size:2 L M Rm:4 110 op H 0 Rn:5 Rd:5",
    ("SQDMULH_asisdelem_R", "op=0", "sqdmulh <V><d>, <V><n>, <Vm>.<Ts>[<index>]"),
    ("SQRDMULH_asisdelem_R", "op=1", "sqrdmulh <V><d>, <V><n>, <Vm>.<Ts>[<index>]"),
    operands={"V": SCALAR_16_AND_32, "Ts": ELEMENT_SIZE, "index": _INDEX},
    undefined=ELEMENT_SIZE.reserved,
)
def SQDMULH_asisdelem(m: Machine, size: int, L: int, M: int, Rm: int, op: int, H: int, Rn: int, Rd: int) -> None:
    """The high half of the doubled product of a scalar and an element, saturated; SQRDMULH rounds it."""
    b = _element(m, size, L, M, Rm, H, 1)
    set_scalar(m, 8 << size, Rd, doubling_multiply_high(m, scalar(m, 8 << size, Rn), b, rounding=op == 1))


@_by_element("U=1", "1101", "SQRDMLAH", feature="FEAT_RDM")
def SQRDMLAH_asimdelem(m: Machine, Q: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Add the doubled product with an element to Rd as the high half; round, and saturate the high half."""
    width, esize = 64 << Q, 8 << size
    a, accumulator = m.Vec[width, esize, Rn], m.Vec[width, esize, Rd]
    b = _element(m, size, L, M, Rm, H, a.lanes)
    m.Vec[width, esize, Rd] = doubling_multiply_high_add(m, accumulator, a, b, subtract=False)


@_by_element_scalar("U=1", "1101", "SQRDMLAH", feature="FEAT_RDM")
def SQRDMLAH_asisdelem(m: Machine, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Add the doubled product of a scalar and an element to Rd as the high half; round, and saturate the high half."""
    a, accumulator = scalar(m, 8 << size, Rn), scalar(m, 8 << size, Rd)
    b = _element(m, size, L, M, Rm, H, 1)
    set_scalar(m, 8 << size, Rd, doubling_multiply_high_add(m, accumulator, a, b, subtract=False))


@_by_element("U=1", "1111", "SQRDMLSH", feature="FEAT_RDM")
def SQRDMLSH_asimdelem(m: Machine, Q: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Subtract the doubled product with an element from Rd as the high half; round, and saturate the high half."""
    width, esize = 64 << Q, 8 << size
    a, accumulator = m.Vec[width, esize, Rn], m.Vec[width, esize, Rd]
    b = _element(m, size, L, M, Rm, H, a.lanes)
    m.Vec[width, esize, Rd] = doubling_multiply_high_add(m, accumulator, a, b, subtract=True)


@_by_element_scalar("U=1", "1111", "SQRDMLSH", feature="FEAT_RDM")
def SQRDMLSH_asisdelem(m: Machine, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Subtract the doubled product of a scalar and an element from Rd as the high half; round, and saturate."""
    a, accumulator = scalar(m, 8 << size, Rn), scalar(m, 8 << size, Rd)
    b = _element(m, size, L, M, Rm, H, 1)
    set_scalar(m, 8 << size, Rd, doubling_multiply_high_add(m, accumulator, a, b, subtract=True))


# -- twice as wide ---------------------------------------------------------------------------------------------------


@_by_element_long("U", "1010", "SMULL", "UMULL")
def MULL_asimdelem(m: Machine, Q: int, U: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply by an element, twice as wide: SMULL signed, UMULL unsigned. The second form takes the upper half."""
    a = half(m, Q, 8 << size, Rn)
    m.Vec[128, 16 << size, Rd] = multiply_long(a, _element(m, size, L, M, Rm, H, a.lanes), signed=U == 0)


@_by_element_long("U", "0010", "SMLAL", "UMLAL")
def MLAL_asimdelem(m: Machine, Q: int, U: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply by an element and add to Rd, twice as wide: SMLAL signed, UMLAL unsigned."""
    a = half(m, Q, 8 << size, Rn)
    product = multiply_long(a, _element(m, size, L, M, Rm, H, a.lanes), signed=U == 0)
    m.Vec[128, 16 << size, Rd] = m.Vec[128, 16 << size, Rd] + product


@_by_element_long("U", "0110", "SMLSL", "UMLSL")
def MLSL_asimdelem(m: Machine, Q: int, U: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply by an element and subtract from Rd, twice as wide: SMLSL signed, UMLSL unsigned."""
    a = half(m, Q, 8 << size, Rn)
    product = multiply_long(a, _element(m, size, L, M, Rm, H, a.lanes), signed=U == 0)
    m.Vec[128, 16 << size, Rd] = m.Vec[128, 16 << size, Rd] - product


@_by_element_long("U=0", "1011", "SQDMULL")
def SQDMULL_asimdelem(m: Machine, Q: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply by an element and double, twice as wide, saturated. The second form takes the upper half."""
    a = half(m, Q, 8 << size, Rn)
    m.Vec[128, 16 << size, Rd] = doubling_multiply_long(m, a, _element(m, size, L, M, Rm, H, a.lanes))


@_by_element_long_scalar("1011", "SQDMULL")
def SQDMULL_asisdelem(m: Machine, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply a scalar by an element and double, twice as wide, saturated."""
    b = _element(m, size, L, M, Rm, H, 1)
    set_scalar(m, 16 << size, Rd, doubling_multiply_long(m, scalar(m, 8 << size, Rn), b))


@_by_element_long("U=0", "0011", "SQDMLAL")
def SQDMLAL_asimdelem(m: Machine, Q: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply by an element, double, saturate, add to Rd, twice as wide, and saturate."""
    a = half(m, Q, 8 << size, Rn)
    product = doubling_multiply_long(m, a, _element(m, size, L, M, Rm, H, a.lanes))
    m.Vec[128, 16 << size, Rd] = m.saturating_add(m.Vec[128, 16 << size, Rd], product, signed=True)


@_by_element_long_scalar("0011", "SQDMLAL")
def SQDMLAL_asisdelem(m: Machine, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply a scalar by an element, double, saturate, add to Rd, twice as wide, and saturate."""
    product = doubling_multiply_long(m, scalar(m, 8 << size, Rn), _element(m, size, L, M, Rm, H, 1))
    set_scalar(m, 16 << size, Rd, m.saturating_add(scalar(m, 16 << size, Rd), product, signed=True))


@_by_element_long("U=0", "0111", "SQDMLSL")
def SQDMLSL_asimdelem(m: Machine, Q: int, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply by an element, double, saturate, subtract from Rd, twice as wide, and saturate."""
    a = half(m, Q, 8 << size, Rn)
    product = doubling_multiply_long(m, a, _element(m, size, L, M, Rm, H, a.lanes))
    m.Vec[128, 16 << size, Rd] = m.saturating_subtract(m.Vec[128, 16 << size, Rd], product, signed=True)


@_by_element_long_scalar("0111", "SQDMLSL")
def SQDMLSL_asisdelem(m: Machine, size: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Multiply a scalar by an element, double, saturate, subtract from Rd, twice as wide, and saturate."""
    product = doubling_multiply_long(m, scalar(m, 8 << size, Rn), _element(m, size, L, M, Rm, H, 1))
    set_scalar(m, 16 << size, Rd, m.saturating_subtract(scalar(m, 16 << size, Rd), product, signed=True))


@instruction(
    "0 Q U 01111 size=10 L M Rm:4 opcode=1110 H 0 Rn:5 Rd:5",
    *forms_by_u(("SDOT", "UDOT"), "asimdelem_D", "<Vd>.<Ta>, <Vn>.<Tb>, <Vm>.4B[<index>]"),
    operands={"Ta": S_Q, "Tb": B_Q, "index": ByElement({"4b": "H:L"})},
    feature="FEAT_DotProd",
)
def DOT_asimdelem(m: Machine, Q: int, U: int, L: int, M: int, Rm: int, H: int, Rn: int, Rd: int) -> None:
    """Add the sum of products of four bytes with four of Rm to each 32-bit element: SDOT signed, UDOT unsigned."""
    width = 64 << Q
    b = _element(m, 2, L, M, Rm, H, width // 32).view(8)
    product = dot_product(m.Vec[width, 8, Rn], b, signed=U == 0)
    m.Vec[width, 32, Rd] = m.Vec[width, 32, Rd] + product
