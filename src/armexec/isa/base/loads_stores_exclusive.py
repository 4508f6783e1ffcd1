"""Exclusive and ordered loads and stores (the manual's C4.1 index, "Loads and Stores")."""

from __future__ import annotations

from ..description import instruction
from ..machine import Machine
from ..operands import Immediate, Operand, Zero
from ..pattern import sign_extended
from ..values import Value
from .memory_access import (
    base_address,
    check_ordered_alignment,
    join,
    load_register,
    register_size,
)

_OPERANDS: dict[str, Operand] = {"zero": Zero(), "simm9": Immediate("imm9", signed=True, default=0)}
_BASE = "[<Xn|SP>{, #<zero>}]"
_OFFSET = "[<Xn|SP>{, #<simm9>}]"

_Forms = list[tuple[str, str, str]]


def _forms(mnemonic: str, kind: str, operands: str, constraints: str = "") -> _Forms:
    """The encodings for each size. `T` stands for W or X in the operands, and for 32 or 64 in `kind`."""
    return [
        (
            f"{mnemonic.upper()}{suffix.upper()}_{kind.replace('T', str(bits))}",
            f"size={size:02b} {constraints}",
            f"{mnemonic}{suffix} {operands.replace('T', 'X' if bits == 64 else 'W')}",
        )
        for size, suffix, bits in ((0, "b", 32), (1, "h", 32), (2, "", 32), (3, "", 64))
    ]


def _pair_forms(mnemonic: str, kind: str, operands: str, constraints: str) -> _Forms:
    return [
        (
            f"{mnemonic.upper()}_{kind.replace('T', str(bits))}",
            f"sz={sz} {constraints}",
            f"{mnemonic} {operands.replace('T', x)}",
        )
        for sz, x, bits in ((0, "W", 32), (1, "X", 64))
    ]


# -- Exclusive ----------------------------------------------------------------------------------------------
# Rs == Rt, Rs == Rt2 or Rs == Rn of a store is CONSTRAINED UNPREDICTABLE: the store is made with what the
# registers held before, and then Rs gets the status, as in QEMU.


@instruction(
    "size:2 001000 o2=0 L=0 o1=0 Rs:5 o0 Rt2=11111 Rn:5 Rt:5",
    *_forms("stxr", "SRT_ldstexclr", f"<Ws>, <Tt>, {_BASE}", "o0=0"),
    *_forms("stlxr", "SRT_ldstexclr", f"<Ws>, <Tt>, {_BASE}", "o0=1"),
    operands=_OPERANDS,
)
def STXR(m: Machine, size: int, Rs: int, o0: int, Rn: int, Rt: int) -> None:
    """Store a register if the exclusive monitor still stands; Rs is 0 when it did."""
    address = base_address(m, Rn)
    check_ordered_alignment(m, address, 1 << size)
    value = m.X[register_size(size), Rt].bits(0, 8 << size)
    m.X[32, Rs] = m.store_exclusive(address, value, release=bool(o0))


@instruction(
    "size:2 001000 o2=0 L=1 o1=0 Rs=11111 o0 Rt2=11111 Rn:5 Rt:5",
    *_forms("ldxr", "LRT_ldstexclr", f"<Tt>, {_BASE}", "o0=0"),
    *_forms("ldaxr", "LRT_ldstexclr", f"<Tt>, {_BASE}", "o0=1"),
    operands=_OPERANDS,
)
def LDXR(m: Machine, size: int, o0: int, Rn: int, Rt: int) -> None:
    """Load a register and set the exclusive monitor."""
    address = base_address(m, Rn)
    check_ordered_alignment(m, address, 1 << size)
    width = register_size(size)
    m.X[width, Rt] = m.load_exclusive(address, 8 << size, acquire=bool(o0)).zero_extend(width)


@instruction(
    "1 sz 001000 o2=0 L=0 o1=1 Rs:5 o0 Rt2:5 Rn:5 Rt:5",
    *_pair_forms("stxp", "SPT_ldstexclp", f"<Ws>, <Tt1>, <Tt2>, {_BASE}", "o0=0"),
    *_pair_forms("stlxp", "SPT_ldstexclp", f"<Ws>, <Tt1>, <Tt2>, {_BASE}", "o0=1"),
    operands=_OPERANDS,
)
def STXP(m: Machine, sz: int, Rs: int, o0: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Store two registers as one if the exclusive monitor still stands; Rs is 0 when it did."""
    width = 64 if sz else 32
    address = base_address(m, Rn)
    check_ordered_alignment(m, address, width // 4)
    m.X[32, Rs] = m.store_exclusive(address, join(m.X[width, Rt], m.X[width, Rt2]), release=bool(o0))


@instruction(
    "1 sz 001000 o2=0 L=1 o1=1 Rs=11111 o0 Rt2:5 Rn:5 Rt:5",
    *_pair_forms("ldxp", "LPT_ldstexclp", f"<Tt1>, <Tt2>, {_BASE}", "o0=0"),
    *_pair_forms("ldaxp", "LPT_ldstexclp", f"<Tt1>, <Tt2>, {_BASE}", "o0=1"),
    operands=_OPERANDS,
)
def LDXP(m: Machine, sz: int, o0: int, Rt2: int, Rn: int, Rt: int) -> None:
    """Load two registers as one and set the exclusive monitor."""
    width = 64 if sz else 32
    address = base_address(m, Rn)
    check_ordered_alignment(m, address, width // 4)
    both = m.load_exclusive(address, 2 * width, acquire=bool(o0))
    # Rt == Rt2 is CONSTRAINED UNPREDICTABLE: the second is written last, as in QEMU.
    m.X[width, Rt] = both.bits(0, width)
    m.X[width, Rt2] = both.bits(width, width)


# -- Ordered ------------------------------------------------------------------------------------------------


def _load_acquire(m: Machine, size: int, address: Value, Rt: int) -> None:
    check_ordered_alignment(m, address, 1 << size)
    load_register(m, size, address, Rt, acquire=True)


def _store_release(m: Machine, size: int, address: Value, Rt: int) -> None:
    check_ordered_alignment(m, address, 1 << size)
    m.store(address, m.X[register_size(size), Rt].bits(0, 8 << size), release=True)


@instruction(
    "size:2 001000 o2=1 L=0 o1=0 Rs=11111 o0=1 Rt2=11111 Rn:5 Rt:5",
    *_forms("stlr", "SLT_ldstord", f"<Tt>, {_BASE}"),
    operands=_OPERANDS,
)
def STLR(m: Machine, size: int, Rn: int, Rt: int) -> None:
    """Store a register with release."""
    _store_release(m, size, base_address(m, Rn), Rt)


@instruction(
    "size:2 001000 o2=1 L=1 o1=0 Rs=11111 o0=1 Rt2=11111 Rn:5 Rt:5",
    *_forms("ldar", "LRT_ldstord", f"<Tt>, {_BASE}"),
    operands=_OPERANDS,
)
def LDAR(m: Machine, size: int, Rn: int, Rt: int) -> None:
    """Load a register with acquire."""
    _load_acquire(m, size, base_address(m, Rn), Rt)


# Without LORegions, which only EL1 can set up, limited ordering is that of STLR and LDAR.


@instruction(
    "size:2 001000 o2=1 L=0 o1=0 Rs=11111 o0=0 Rt2=11111 Rn:5 Rt:5",
    *_forms("stllr", "SLT_ldstord", f"<Tt>, {_BASE}"),
    operands=_OPERANDS,
    feature="FEAT_LOR",
)
def STLLR(m: Machine, size: int, Rn: int, Rt: int) -> None:
    """Store a register with release in a limited ordering region."""
    _store_release(m, size, base_address(m, Rn), Rt)


@instruction(
    "size:2 001000 o2=1 L=1 o1=0 Rs=11111 o0=0 Rt2=11111 Rn:5 Rt:5",
    *_forms("ldlar", "LRT_ldstord", f"<Tt>, {_BASE}"),
    operands=_OPERANDS,
    feature="FEAT_LOR",
)
def LDLAR(m: Machine, size: int, Rn: int, Rt: int) -> None:
    """Load a register with acquire in a limited ordering region."""
    _load_acquire(m, size, base_address(m, Rn), Rt)


@instruction(
    "size:2 111 VR=0 00 A=1 R=0 1 Rs=11111 o3=1 opc=100 00 Rn:5 Rt:5",
    *_forms("ldapr", "TL_memop", f"<Tt>, {_BASE}"),
    operands=_OPERANDS,
    feature="FEAT_LRCPC",
)
def LDAPR(m: Machine, size: int, Rn: int, Rt: int) -> None:
    """Load a register with acquire, processor consistent."""
    _load_acquire(m, size, base_address(m, Rn), Rt)


# -- Ordered, with an unscaled offset -----------------------------------------------------------------------


def _offset(m: Machine, Rn: int, imm9: int) -> Value:
    return base_address(m, Rn) + sign_extended(imm9, 9)


@instruction(
    "size:2 011001 opc=00 0 imm9:9 00 Rn:5 Rt:5",
    *_forms("stlur", "T_ldapstl_unscaled", f"<Tt>, {_OFFSET}"),
    operands=_OPERANDS,
    feature="FEAT_LRCPC2",
)
def STLUR(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Store a register with release, at a base and a signed offset in bytes."""
    _store_release(m, size, _offset(m, Rn, imm9), Rt)


@instruction(
    "size:2 011001 opc=01 0 imm9:9 00 Rn:5 Rt:5",
    *_forms("ldapur", "T_ldapstl_unscaled", f"<Tt>, {_OFFSET}"),
    operands=_OPERANDS,
    feature="FEAT_LRCPC2",
)
def LDAPUR(m: Machine, size: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register with acquire, processor consistent, from a base and a signed offset in bytes."""
    _load_acquire(m, size, _offset(m, Rn, imm9), Rt)


@instruction(
    "size:2 011001 opc:2 0 imm9:9 00 Rn:5 Rt:5",
    ("LDAPURSB_32_ldapstl_unscaled", "size=00 opc=11", f"ldapursb <Wt>, {_OFFSET}"),
    ("LDAPURSB_64_ldapstl_unscaled", "size=00 opc=10", f"ldapursb <Xt>, {_OFFSET}"),
    ("LDAPURSH_32_ldapstl_unscaled", "size=01 opc=11", f"ldapursh <Wt>, {_OFFSET}"),
    ("LDAPURSH_64_ldapstl_unscaled", "size=01 opc=10", f"ldapursh <Xt>, {_OFFSET}"),
    ("LDAPURSW_64_ldapstl_unscaled", "size=10 opc=10", f"ldapursw <Xt>, {_OFFSET}"),
    operands=_OPERANDS,
    feature="FEAT_LRCPC2",
)
def LDAPURS(m: Machine, size: int, opc: int, imm9: int, Rn: int, Rt: int) -> None:
    """Load a register with acquire, processor consistent, extending the sign, from a base and an offset."""
    width = 32 if opc & 1 else 64
    address = _offset(m, Rn, imm9)
    check_ordered_alignment(m, address, 1 << size)
    m.X[width, Rt] = m.load(address, 8 << size, acquire=True).sign_extend(width)
