"""Loads and stores of a pair of general registers (the manual's C4.1 index, "Loads and Stores").

Both halves of a load are read before either register is written, since the second may fault. Rt == Rt2 of a
load and Rn among the registers of one with write-back are CONSTRAINED UNPREDICTABLE: the second register is
written, then the first, then the base, as in QEMU.
"""

from __future__ import annotations

from ..description import instruction
from ..machine import Machine
from ..operands import Immediate, Operand
from ..pattern import sign_extended
from ..values import Value
from .memory_access import base_address

_OFFSETS: dict[str, Operand] = {
    "offset4": Immediate("imm7", signed=True, scale=4, default=0),
    "offset8": Immediate("imm7", signed=True, scale=8, default=0),
}
_OFFSET = "[<Xn|SP>{, #<offsetN>}]"
_POST = "[<Xn|SP>], #<offsetN>"
_PRE = "[<Xn|SP>, #<offsetN>]!"


def _forms(mnemonic: str, kind: str, address: str) -> list[tuple[str, str, str]]:
    return [
        (
            f"{mnemonic.upper()}_{8 * size}_{kind}",
            constraints,
            f"{mnemonic} <{x}t1>, <{x}t2>, {address.replace('N', str(size))}",
        )
        for constraints, x, size in (("opc=00", "W", 4), ("opc=10", "X", 8))
    ]


def _offset(opc: int, imm7: int) -> int:
    return sign_extended(imm7, 7) << (2 + (opc >> 1))


def _store_pair(m: Machine, opc: int, address: Value, Rt: int, Rt2: int) -> None:
    width = 64 if opc else 32
    m.store(address, m.X[width, Rt])
    m.store(address + width // 8, m.X[width, Rt2])


def _load_pair(m: Machine, opc: int, address: Value, Rt: int, Rt2: int) -> None:
    width = 64 if opc else 32
    first = m.load(address, width)
    second = m.load(address + width // 8, width)
    m.X[width, Rt2] = second
    m.X[width, Rt] = first


def _load_signed_pair(m: Machine, address: Value, Rt: int, Rt2: int) -> None:
    first = m.load(address, 32)
    second = m.load(address + 4, 32)
    m.X[64, Rt2] = second.sign_extend(64)
    m.X[64, Rt] = first.sign_extend(64)


# -- Signed offset -------------------------------------------------------------------------------------------


@instruction(
    "opc:2 101 VR=0 010 L=0 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("stp", "ldstpair_off", _OFFSET),
    operands=_OFFSETS,
)
def STP_off(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Store two registers, at a base and a signed offset in units of the size."""
    _store_pair(m, opc, base_address(m, Rn) + _offset(opc, imm7), Rt, Rt2)


@instruction(
    "opc:2 101 VR=0 010 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("ldp", "ldstpair_off", _OFFSET),
    operands=_OFFSETS,
)
def LDP_off(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two registers, from a base and a signed offset in units of the size."""
    _load_pair(m, opc, base_address(m, Rn) + _offset(opc, imm7), Rt, Rt2)


@instruction(
    "opc=01 101 VR=0 010 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    ("LDPSW_64_ldstpair_off", "", "ldpsw <Xt1>, <Xt2>, [<Xn|SP>{, #<offset4>}]"),
    operands=_OFFSETS,
)
def LDPSW_off(m: Machine, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two words, extending the sign, from a base and a signed offset in units of 4 bytes."""
    _load_signed_pair(m, base_address(m, Rn) + _offset(0, imm7), Rt, Rt2)


# -- Post-index ----------------------------------------------------------------------------------------------


@instruction(
    "opc:2 101 VR=0 001 L=0 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("stp", "ldstpair_post", _POST),
    operands=_OFFSETS,
)
def STP_post(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Store two registers at a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    _store_pair(m, opc, address, Rt, Rt2)
    m.XSP[64, Rn] = address + _offset(opc, imm7)


@instruction(
    "opc:2 101 VR=0 001 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("ldp", "ldstpair_post", _POST),
    operands=_OFFSETS,
)
def LDP_post(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two registers from a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    _load_pair(m, opc, address, Rt, Rt2)
    m.XSP[64, Rn] = address + _offset(opc, imm7)


@instruction(
    "opc=01 101 VR=0 001 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    ("LDPSW_64_ldstpair_post", "", "ldpsw <Xt1>, <Xt2>, [<Xn|SP>], #<offset4>"),
    operands=_OFFSETS,
)
def LDPSW_post(m: Machine, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two words, extending the sign, from a base, and add a signed offset to the base."""
    address = base_address(m, Rn)
    _load_signed_pair(m, address, Rt, Rt2)
    m.XSP[64, Rn] = address + _offset(0, imm7)


# -- Pre-index -----------------------------------------------------------------------------------------------


@instruction(
    "opc:2 101 VR=0 011 L=0 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("stp", "ldstpair_pre", _PRE),
    operands=_OFFSETS,
)
def STP_pre(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Store two registers at a base and a signed offset; the base becomes that address."""
    address = base_address(m, Rn) + _offset(opc, imm7)
    _store_pair(m, opc, address, Rt, Rt2)
    m.XSP[64, Rn] = address


@instruction(
    "opc:2 101 VR=0 011 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("ldp", "ldstpair_pre", _PRE),
    operands=_OFFSETS,
)
def LDP_pre(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two registers from a base and a signed offset; the base becomes that address."""
    address = base_address(m, Rn) + _offset(opc, imm7)
    _load_pair(m, opc, address, Rt, Rt2)
    m.XSP[64, Rn] = address


@instruction(
    "opc=01 101 VR=0 011 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    ("LDPSW_64_ldstpair_pre", "", "ldpsw <Xt1>, <Xt2>, [<Xn|SP>, #<offset4>]!"),
    operands=_OFFSETS,
)
def LDPSW_pre(m: Machine, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two words, extending the sign, from a base and a signed offset; the base becomes that address."""
    address = base_address(m, Rn) + _offset(0, imm7)
    _load_signed_pair(m, address, Rt, Rt2)
    m.XSP[64, Rn] = address


# -- Non-temporal --------------------------------------------------------------------------------------------


@instruction(
    "opc:2 101 VR=0 000 L=0 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("stnp", "ldstnapair_offs", _OFFSET),
    operands=_OFFSETS,
)
def STNP(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Store two registers that won't be needed soon, at a base and a signed offset in units of the size."""
    _store_pair(m, opc, base_address(m, Rn) + _offset(opc, imm7), Rt, Rt2)


@instruction(
    "opc:2 101 VR=0 000 L=1 imm7:7 Rt2:5 Rn:5 Rt:5",
    *_forms("ldnp", "ldstnapair_offs", _OFFSET),
    operands=_OFFSETS,
)
def LDNP(m: Machine, opc: int, imm7: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two registers that won't be needed soon, from a base and a signed offset in units of the size."""
    _load_pair(m, opc, base_address(m, Rn) + _offset(opc, imm7), Rt, Rt2)
