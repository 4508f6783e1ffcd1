"""The address that an instruction of an x86-64 host accesses, from its bytes and the registers: where an address isn't
canonical, the processor doesn't tell it.

Intel SDM volume 2, chapter 2: prefixes, ModR/M and SIB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "MAX_LENGTH",
    "Operand",
    "accessed_address",
    "is_canonical",
    "is_plain_load",
    "memory_operand",
    "plain_store_size",
    "string_registers",
]

MAX_LENGTH = 15
"""No instruction has more bytes."""
_MASK = (1 << 64) - 1
_PREFIXES = frozenset(b"\x66\x67\xf0\xf2\xf3\x2e\x36\x3e\x26\x64\x65")
_RSI, _RDI = 6, 7
_GENERAL_0F = frozenset([0x38, *range(0x40, 0x50), 0xA3, 0xA4, 0xA5, 0xAB, 0xAC, 0xAD, 0xAF, *range(0xB0, 0xC2)])
"""CMOV, BT, SHLD, SHRD, IMUL, CMPXCHG, MOVZX, MOVSX, POPCNT, BSF, XADD; MOVBE."""
_WITHOUT_REGISTER = frozenset([0x80, 0x81, 0x83, 0xC0, 0xC1, 0xC6, 0xC7, *range(0xD0, 0xE0), 0xF6, 0xF7, 0xFE, 0xFF])
"""Whose ModR/M holds a part of the operation in the place of a register."""
_STRINGS = frozenset(b"\xa4\xa5\xaa\xab")
"""MOVS and STOS, whose operands are [RSI] and [RDI]."""


class Operand(NamedTuple):
    """`base` + `offset` * `scale` + `displacement`; registers by their numbers (RAX 0, RCX 1 ... R15 15), or None."""

    base: int | None
    offset: int | None
    scale: int
    displacement: int
    register: int | None = None
    """The other operand, where that is a general register."""
    end: int = 0
    """Where its last byte ends; an immediate operand follows."""

    def address(self, registers: Sequence[int]) -> int:
        """The address, of 64 bits."""
        base = 0 if self.base is None else registers[self.base]
        offset = 0 if self.offset is None else registers[self.offset]
        return base + offset * self.scale + self.displacement & _MASK


def memory_operand(code: bytes) -> Operand | None:
    """The operand in memory of the instruction that some bytes begin with; None where it has none by ModR/M.

    An operand relative to RIP has no registers, and isn't one: such addresses are canonical.
    """
    try:
        return _operand(code)
    except IndexError:
        return None


def _operand(code: bytes) -> Operand | None:
    at = 0
    while code[at] in _PREFIXES:
        at += 1
    r = x = b = 0
    is_general = True
    # How many bytes a displacement of one byte counts in, with EVEX.
    unit = 1
    first = code[at]
    if first == 0xC5:
        is_general = False
        at += 3
    elif first == 0xC4:
        # The second and third map have operations on general registers: ANDN, SHLX, MULX ...
        is_general = code[at + 1] & 31 != 1 and code[at + 3] >= 0xF0
        r = _inverted(code[at + 1], 7)
        x, b = _inverted(code[at + 1], 6), _inverted(code[at + 1], 5)
        at += 4
    elif first == 0x62:
        is_general = False
        x, b = _inverted(code[at + 1], 6), _inverted(code[at + 1], 5)
        broadcasts, length = code[at + 3] >> 4 & 1, code[at + 3] >> 5 & 3
        unit = (8 if code[at + 2] >> 7 else 4) if broadcasts else 16 << length
        at += 5
    else:
        if first >> 4 == 4:
            r, x, b = first >> 2 & 1, first >> 1 & 1, first & 1
            at += 1
        if code[at] == 0x0F:
            is_general = code[at + 1] in _GENERAL_0F
            at += 2 if code[at + 1] in (0x38, 0x3A) else 1
        elif code[at] in _WITHOUT_REGISTER:
            is_general = False
        elif code[at] in _STRINGS:
            return None
        at += 1
    mode, rm = code[at] >> 6, code[at] & 7
    register = code[at] >> 3 & 7 | r << 3 if is_general else None
    at += 1
    if mode == 3:
        return None
    base: int | None = rm | b << 3
    index, scale = None, 1
    if rm == 4:
        sib = code[at]
        at += 1
        found = sib >> 3 & 7 | x << 3
        index, scale = (found, 1 << (sib >> 6)) if found != 4 else (None, 1)
        base = sib & 7 | b << 3
        if sib & 7 == 5 and mode == 0:
            return Operand(None, index, scale, _signed(code, at, 4), register, at + 4)
    elif rm == 5 and mode == 0:
        return None
    size = (0, 1, 4)[mode]
    displacement = _signed(code, at, size) * (unit if size == 1 else 1)
    return Operand(base, index, scale, displacement, register, at + size)


def _inverted(byte: int, bit: int) -> int:
    return byte >> bit & 1 ^ 1


def _signed(code: bytes, at: int, size: int) -> int:
    if at + size > len(code):
        raise IndexError
    return int.from_bytes(code[at : at + size], "little", signed=True)


def is_canonical(address: int) -> bool:
    """Whether bits 48 to 63 of an address are as bit 47."""
    return address >> 47 in (0, (1 << 17) - 1)


def accessed_address(code: bytes, registers: Sequence[int]) -> int | None:
    """The address that isn't canonical at which the instruction at the start of some bytes has faulted."""
    operand = memory_operand(code)
    if operand is not None:
        found = operand.address(registers)
        return None if is_canonical(found) else found
    # In a loop of the C library: memcpy, memset.
    return next((registers[n] for n in (_RDI, _RSI) if not is_canonical(registers[n])), None)


def plain_store_size(code: bytes) -> int:
    """The number of bytes that a MOV stores of a general register; 0 for other instructions."""
    at = 0
    while code[at] in _PREFIXES:
        at += 1
    is_short = 0x66 in code[:at]
    is_wide = code[at] >> 4 == 4 and code[at] >> 3 & 1
    has_rex = code[at] >> 4 == 4
    opcode = code[at + 1] if has_rex else code[at]
    if opcode == 0x88:
        # Without REX, the numbers from 4 on are the second bytes of registers.
        return int(bool(has_rex) or code[at + 1] >> 3 & 7 < 4)
    return (8 if is_wide else 2 if is_short else 4) if opcode == 0x89 else 0


def is_plain_load(code: bytes) -> bool:
    """Whether the instruction only loads a general register: MOV, MOVZX, MOVSX, MOVSXD.

    One that is loaded in part counts: LLVM makes nothing of the rest, which was an address.
    """
    at = 0
    while code[at] in _PREFIXES:
        at += 1
    has_rex = code[at] >> 4 == 4
    if has_rex:
        at += 1
    if code[at] == 0x8A:
        # Without REX, the numbers from 4 on are the second bytes of registers.
        return has_rex or code[at + 1] >> 3 & 7 < 4
    if code[at] == 0x0F:
        return code[at + 1] in (0xB6, 0xB7, 0xBE, 0xBF)
    return code[at] in (0x8B, 0x63)


def string_registers(code: bytes) -> tuple[int, ...]:
    """The registers with the addresses of MOVS and STOS; none of other instructions."""
    at = 0
    while at < len(code) and (code[at] in _PREFIXES or code[at] >> 4 == 4):
        at += 1
    if code[at : at + 1] in (b"\xa4", b"\xa5"):
        return _RSI, _RDI
    return (_RDI,) if code[at : at + 1] in (b"\xaa", b"\xab") else ()
