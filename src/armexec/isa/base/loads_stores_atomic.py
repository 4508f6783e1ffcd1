"""Atomic memory operations of FEAT_LSE (the manual's C4.1 index, "Loads and Stores")."""

from __future__ import annotations

from ..description import Alias, instruction
from ..machine import Machine
from ..operands import Fields, Operand, PairedRegister, Zero
from .memory_access import base_address, check_ordered_alignment, join, register_size

# Suffix, bits of `size`, and register of each size.
_SIZES = (("b", "00", "W"), ("h", "01", "W"), ("", "10", "W"), ("", "11", "X"))
_BASE = "[<Xn|SP>{, #<zero>}]"
_BASE_OPERANDS: dict[str, Operand] = {"zero": Zero()}
# The suffix for each value of A (acquire) and R (release).
_ORDERS = (("", "A=0 R=0"), ("a", "A=1 R=0"), ("l", "A=0 R=1"), ("al", "A=1 R=1"))


def _bits(x: str) -> int:
    return 64 if x == "X" else 32


# -- Load and operate ---------------------------------------------------------------------------------------


def _forms(mnemonic: str) -> list[tuple[str, str, str]]:
    return [
        (
            f"{mnemonic}{order}{suffix}".upper() + f"_{_bits(x)}_memop",
            f"size={size} {order_bits}",
            f"{mnemonic}{order}{suffix} <{x}s>, <{x}t>, {_BASE}",
        )
        for suffix, size, x in _SIZES
        for order, order_bits in _ORDERS
    ]


def _aliases(mnemonic: str) -> list[Alias]:
    """`stadd` and its like: the old value isn't wanted, and nothing is acquired."""
    store = mnemonic.replace("ld", "st", 1)
    return [
        Alias(
            f"{store}{order}{suffix}_{mnemonic}{order}{suffix}".upper() + f"_{_bits(x)}_memop",
            f"size={size} {order_bits} Rt=11111",
            f"{store}{order}{suffix} <{x}s>, {_BASE}",
        )
        for suffix, size, x in _SIZES
        for order, order_bits in (_ORDERS[0], _ORDERS[2])
    ]


def _atomic(m: Machine, operation: str, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    address = base_address(m, Rn)
    check_ordered_alignment(m, address, 1 << size)
    width = register_size(size)
    operand = m.X[width, Rs].bits(0, 8 << size)
    # A load whose result is thrown away has no acquire semantics.
    old = m.atomic(operation, address, operand, acquire=A == 1 and Rt != 31, release=R == 1)
    m.X[width, Rt] = old.zero_extend(width)


@instruction(
    "size:2 111 VR=0 00 A R 1 Rs:5 o3=0 opc=000 00 Rn:5 Rt:5",
    *_forms("ldadd"),
    aliases=_aliases("ldadd"),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def LDADD(m: Machine, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    """Add a register to memory as one; Rt is the old value."""
    _atomic(m, "add", size, A, R, Rs, Rn, Rt)


@instruction(
    "size:2 111 VR=0 00 A R 1 Rs:5 o3=0 opc=001 00 Rn:5 Rt:5",
    *_forms("ldclr"),
    aliases=_aliases("ldclr"),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def LDCLR(m: Machine, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    """Clear the bits of memory that are set in a register, as one; Rt is the old value."""
    _atomic(m, "clr", size, A, R, Rs, Rn, Rt)


@instruction(
    "size:2 111 VR=0 00 A R 1 Rs:5 o3=0 opc=010 00 Rn:5 Rt:5",
    *_forms("ldeor"),
    aliases=_aliases("ldeor"),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def LDEOR(m: Machine, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    """Exclusive OR a register into memory as one; Rt is the old value."""
    _atomic(m, "eor", size, A, R, Rs, Rn, Rt)


@instruction(
    "size:2 111 VR=0 00 A R 1 Rs:5 o3=0 opc=011 00 Rn:5 Rt:5",
    *_forms("ldset"),
    aliases=_aliases("ldset"),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def LDSET(m: Machine, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    """Set the bits of memory that are set in a register, as one; Rt is the old value."""
    _atomic(m, "set", size, A, R, Rs, Rn, Rt)


@instruction(
    "size:2 111 VR=0 00 A R 1 Rs:5 o3=0 opc=100 00 Rn:5 Rt:5",
    *_forms("ldsmax"),
    aliases=_aliases("ldsmax"),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def LDSMAX(m: Machine, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    """Raise memory to a register, both signed, as one; Rt is the old value."""
    _atomic(m, "smax", size, A, R, Rs, Rn, Rt)


@instruction(
    "size:2 111 VR=0 00 A R 1 Rs:5 o3=0 opc=101 00 Rn:5 Rt:5",
    *_forms("ldsmin"),
    aliases=_aliases("ldsmin"),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def LDSMIN(m: Machine, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    """Lower memory to a register, both signed, as one; Rt is the old value."""
    _atomic(m, "smin", size, A, R, Rs, Rn, Rt)


@instruction(
    "size:2 111 VR=0 00 A R 1 Rs:5 o3=0 opc=110 00 Rn:5 Rt:5",
    *_forms("ldumax"),
    aliases=_aliases("ldumax"),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def LDUMAX(m: Machine, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    """Raise memory to a register, both unsigned, as one; Rt is the old value."""
    _atomic(m, "umax", size, A, R, Rs, Rn, Rt)


@instruction(
    "size:2 111 VR=0 00 A R 1 Rs:5 o3=0 opc=111 00 Rn:5 Rt:5",
    *_forms("ldumin"),
    aliases=_aliases("ldumin"),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def LDUMIN(m: Machine, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    """Lower memory to a register, both unsigned, as one; Rt is the old value."""
    _atomic(m, "umin", size, A, R, Rs, Rn, Rt)


@instruction(
    "size:2 111 VR=0 00 A R 1 Rs:5 o3=1 opc=000 00 Rn:5 Rt:5",
    *_forms("swp"),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def SWP(m: Machine, size: int, A: int, R: int, Rs: int, Rn: int, Rt: int) -> None:
    """Exchange memory for a register as one; Rt is the old value."""
    _atomic(m, "swp", size, A, R, Rs, Rn, Rt)


# -- Compare and swap ---------------------------------------------------------------------------------------

_SWAP_ORDERS = (("", "L=0 o0=0"), ("a", "L=1 o0=0"), ("l", "L=0 o0=1"), ("al", "L=1 o0=1"))
_PAIRS: dict[str, Operand] = {
    **_BASE_OPERANDS,
    "Ws+1": PairedRegister("w", "Rs"),
    "Xs+1": PairedRegister("x", "Rs"),
    "Wt+1": PairedRegister("w", "Rt"),
    "Xt+1": PairedRegister("x", "Rt"),
}


@instruction(
    "size:2 001000 o2=1 L o1=1 Rs:5 o0 Rt2=11111 Rn:5 Rt:5",
    *(
        (
            f"cas{order}{suffix}".upper() + f"_C{_bits(x)}_comswap",
            f"size={size} {order_bits}",
            f"cas{order}{suffix} <{x}s>, <{x}t>, {_BASE}",
        )
        for suffix, size, x in _SIZES
        for order, order_bits in _SWAP_ORDERS
    ),
    operands=_BASE_OPERANDS,
    feature="FEAT_LSE",
)
def CAS(m: Machine, size: int, L: int, Rs: int, o0: int, Rn: int, Rt: int) -> None:
    """Write Rt to memory if it equals Rs, as one; Rs is the old value."""
    address = base_address(m, Rn)
    check_ordered_alignment(m, address, 1 << size)
    width = register_size(size)
    expected = m.X[width, Rs].bits(0, 8 << size)
    new = m.X[width, Rt].bits(0, 8 << size)
    old = m.compare_and_swap(address, expected, new, acquire=bool(L), release=bool(o0))
    m.X[width, Rs] = old.zero_extend(width)


def _odd(f: Fields) -> bool:
    return bool((f["Rs"] | f["Rt"]) & 1)


@instruction(
    "0 sz 001000 o2=0 L o1=1 Rs:5 o0 Rt2=11111 Rn:5 Rt:5",
    *(
        (
            f"casp{order}".upper() + f"_CP{_bits(x)}_comswappr",
            f"sz={sz} {order_bits}",
            f"casp{order} <{x}s>, <{x}s+1>, <{x}t>, <{x}t+1>, {_BASE}",
        )
        for sz, x in ((0, "W"), (1, "X"))
        for order, order_bits in _SWAP_ORDERS
    ),
    operands=_PAIRS,
    undefined=_odd,
    feature="FEAT_LSE",
)
def CASP(m: Machine, sz: int, L: int, Rs: int, o0: int, Rn: int, Rt: int) -> None:
    """Write a pair of registers to memory if it equals another pair, as one; that pair is the old value."""
    width = 64 if sz else 32
    address = base_address(m, Rn)
    check_ordered_alignment(m, address, width // 4)
    expected = join(m.X[width, Rs], m.X[width, Rs + 1])
    new = join(m.X[width, Rt], m.X[width, Rt + 1])
    old = m.compare_and_swap(address, expected, new, acquire=bool(L), release=bool(o0))
    m.X[width, Rs] = old.bits(0, width)
    m.X[width, Rs + 1] = old.bits(width, width)
