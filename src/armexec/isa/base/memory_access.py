"""Steps that the meanings of loads and stores share."""

from __future__ import annotations

from ..machine import Machine
from ..values import Value

__all__ = [
    "base_address",
    "check_ordered_alignment",
    "extended_index",
    "join",
    "load_register",
    "register_size",
]


def base_address(m: Machine, Rn: int) -> Value:
    """The base register of an access; SP as one must be aligned (CheckSPAlignment())."""
    if Rn == 31:
        m.check_stack_alignment()
    return m.XSP[64, Rn]


def extended_index(m: Machine, Rm: int, option: int, shift: int) -> Value:
    """ExtendReg() for an address: `option` is 2 (UXTW), 3 (LSL), 6 (SXTW) or 7 (SXTX)."""
    if option & 1:
        index = m.X[64, Rm]
    elif option == 2:
        index = m.X[32, Rm].zero_extend(64)
    else:
        index = m.X[32, Rm].sign_extend(64)
    return index << shift if shift else index


def check_ordered_alignment(m: Machine, address: Value, size: int) -> None:
    """The alignment of an exclusive, atomic, load-acquire or store-release access of `size` bytes.

    AArch64.UnalignedAccessFaults() with FEAT_LSE2, which every Apple silicon has, and SCTLR_EL1.nAA == 0: the
    access faults unless it lies within an aligned 16 bytes.
    """
    if size == 16:
        m.check_alignment(address, 16)
    elif size > 1:
        # An access that crosses such a boundary isn't aligned to its own size either.
        crosses = m.const(64, 16 - size).ult(address & 15)
        m.check_alignment(m.select(crosses, address, m.const(64, 0)), size)


def join(low: Value, high: Value) -> Value:
    """A pair of registers as one value of twice the width: the first register at the lower address."""
    width = 2 * low.width
    return low.zero_extend(width) | high.zero_extend(width) << low.width


def register_size(size: int) -> int:
    """The bits of the register that holds an access of 2**size bytes."""
    return 64 if size == 3 else 32


def load_register(m: Machine, size: int, address: Value, Rt: int, *, acquire: bool = False) -> None:
    """Load 2**size bytes into a register, filled with zeros."""
    width = register_size(size)
    m.X[width, Rt] = m.load(address, 8 << size, acquire=acquire).zero_extend(width)
