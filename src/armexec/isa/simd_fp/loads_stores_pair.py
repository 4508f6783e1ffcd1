"""Loads and stores of a pair of SIMD&FP registers (the manual's C4.1 index, "Loads and Stores", VR=1).

Both halves of a load are read before either register is written, since the second may fault. Rt == Rt2 of a load is
CONSTRAINED UNPREDICTABLE: the register holds the second value, as in QEMU.
"""

from __future__ import annotations

from ..base.memory_access import base_address
from ..description import instruction
from ..machine import Machine
from ..operands import Immediate, Operand
from ..pattern import sign_extended
from ..values import Value

_OFFSETS: dict[str, Operand] = {
    f"offset{size}": Immediate("imm7", signed=True, scale=size, default=0) for size in (4, 8, 16)
}
_OFFSET = "[<Xn|SP>{, #<offsetN>}]"
_POST = "[<Xn|SP>], #<offsetN>"
_PRE = "[<Xn|SP>, #<offsetN>]!"


def _forms(mnemonic: str, kind: str, address: str) -> list[tuple[str, str, str]]:
    return [
        (
            f"{mnemonic.upper()}_{register}_{kind}",
            constraints,
            f"{mnemonic} <{register}t1>, <{register}t2>, {address.replace('N', str(size))}",
        )
        for constraints, register, size in (("opc=00", "S", 4), ("opc=01", "D", 8), ("opc=10", "Q", 16))
    ]


def _offset(opc: int, imm7: int) -> int:
    return sign_extended(imm7, 7) << (2 + opc)


def _store_pair(m: Machine, opc: int, address: Value, Rt: int, Rt2: int) -> None:
    width = 32 << opc
    m.store(address, m.V[width, Rt])
    m.store(address + width // 8, m.V[width, Rt2])


def _load_pair(m: Machine, opc: int, address: Value, Rt: int, Rt2: int) -> None:
    width = 32 << opc
    first = m.load(address, width, simd=True)
    second = m.load(address + width // 8, width, simd=True)
    m.V[width, Rt] = first
    m.V[width, Rt2] = second


@instruction(
    "opc:2 101 VR=1 010 L=0 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("stp", "ldstpair_off", _OFFSET),
    operands=_OFFSETS,
)
def STP_V_off(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Store two SIMD&FP registers, at a base and a signed offset in units of the size."""
    _store_pair(m, opc, base_address(m, Rn) + _offset(opc, imm7), Rt, Rt2)


@instruction(
    "opc:2 101 VR=1 010 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("ldp", "ldstpair_off", _OFFSET),
    operands=_OFFSETS,
)
def LDP_V_off(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two SIMD&FP registers, from a base and a signed offset in units of the size."""
    _load_pair(m, opc, base_address(m, Rn) + _offset(opc, imm7), Rt, Rt2)


@instruction(
    "opc:2 101 VR=1 001 L=0 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("stp", "ldstpair_post", _POST),
    operands=_OFFSETS,
)
def STP_V_post(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Store two SIMD&FP registers at a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    _store_pair(m, opc, address, Rt, Rt2)
    m.XSP[64, Rn] = address + _offset(opc, imm7)


@instruction(
    "opc:2 101 VR=1 001 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("ldp", "ldstpair_post", _POST),
    operands=_OFFSETS,
)
def LDP_V_post(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two SIMD&FP registers from a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    _load_pair(m, opc, address, Rt, Rt2)
    m.XSP[64, Rn] = address + _offset(opc, imm7)


@instruction(
    "opc:2 101 VR=1 011 L=0 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("stp", "ldstpair_pre", _PRE),
    operands=_OFFSETS,
)
def STP_V_pre(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Store two SIMD&FP registers at a base and a signed offset; the base becomes that address."""
    address = base_address(m, Rn) + _offset(opc, imm7)
    _store_pair(m, opc, address, Rt, Rt2)
    m.XSP[64, Rn] = address


@instruction(
    "opc:2 101 VR=1 011 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("ldp", "ldstpair_pre", _PRE),
    operands=_OFFSETS,
)
def LDP_V_pre(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two SIMD&FP registers from a base and a signed offset; the base becomes that address."""
    address = base_address(m, Rn) + _offset(opc, imm7)
    _load_pair(m, opc, address, Rt, Rt2)
    m.XSP[64, Rn] = address


@instruction(
    "opc:2 101 VR=1 000 L=0 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("stnp", "ldstnapair_offs", _OFFSET),
    operands=_OFFSETS,
)
def STNP_V(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Store two SIMD&FP registers that won't be needed soon, at a base and a signed offset in units of the size."""
    _store_pair(m, opc, base_address(m, Rn) + _offset(opc, imm7), Rt, Rt2)


@instruction(
    "opc:2 101 VR=1 000 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("ldnp", "ldstnapair_offs", _OFFSET),
    operands=_OFFSETS,
)
def LDNP_V(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two SIMD&FP registers that won't be needed soon, from a base and a signed offset in units of the size."""
    _load_pair(m, opc, base_address(m, Rn) + _offset(opc, imm7), Rt, Rt2)
