"""The address that an instruction of an x86-64 host accesses, from its bytes and the registers: where an address isn't
canonical, the processor doesn't tell it.

Intel SDM volume 2, chapter 2: prefixes, ModR/M and SIB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["MAX_LENGTH", "Operand", "accessed_address", "memory_operand"]

MAX_LENGTH = 15
"""No instruction has more bytes."""
_MASK = (1 << 64) - 1
_PREFIXES = frozenset(b"\x66\x67\xf0\xf2\xf3\x2e\x36\x3e\x26\x64\x65")
_RSI, _RDI = 6, 7
_STRINGS = frozenset(b"\xa4\xa5\xaa\xab")
"""MOVS and STOS, whose operands are [RSI] and [RDI]."""


class Operand(NamedTuple):
    """`base` + `offset` * `scale` + `displacement`; registers by their numbers (RAX 0, RCX 1 ... R15 15), or None."""

    base: int | None
    offset: int | None
    scale: int
    displacement: int

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
    x = b = 0
    # How many bytes a displacement of one byte counts in, with EVEX.
    unit = 1
    first = code[at]
    if first == 0xC5:
        at += 3
    elif first == 0xC4:
        x, b = _inverted(code[at + 1], 6), _inverted(code[at + 1], 5)
        at += 4
    elif first == 0x62:
        x, b = _inverted(code[at + 1], 6), _inverted(code[at + 1], 5)
        broadcasts, length = code[at + 3] >> 4 & 1, code[at + 3] >> 5 & 3
        unit = (8 if code[at + 2] >> 7 else 4) if broadcasts else 16 << length
        at += 5
    else:
        if first >> 4 == 4:
            x, b = first >> 1 & 1, first & 1
            at += 1
        if code[at] == 0x0F:
            at += 2 if code[at + 1] in (0x38, 0x3A) else 1
        elif code[at] in _STRINGS:
            return None
        at += 1
    mode, rm = code[at] >> 6, code[at] & 7
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
            return Operand(None, index, scale, _signed(code, at, 4))
    elif rm == 5 and mode == 0:
        return None
    size = (0, 1, 4)[mode]
    displacement = _signed(code, at, size) * (unit if size == 1 else 1)
    return Operand(base, index, scale, displacement)


def _inverted(byte: int, bit: int) -> int:
    return byte >> bit & 1 ^ 1


def _signed(code: bytes, at: int, size: int) -> int:
    if at + size > len(code):
        raise IndexError
    return int.from_bytes(code[at : at + size], "little", signed=True)


def _is_canonical(address: int) -> bool:
    return address >> 47 in (0, (1 << 17) - 1)


def accessed_address(code: bytes, registers: Sequence[int]) -> int | None:
    """The address that isn't canonical, of which the instruction that some bytes begin with has faulted."""
    operand = memory_operand(code)
    if operand is not None:
        found = operand.address(registers)
        return None if _is_canonical(found) else found
    # In a loop of the C library: memcpy, memset.
    return next((registers[n] for n in (_RDI, _RSI) if not _is_canonical(registers[n])), None)
