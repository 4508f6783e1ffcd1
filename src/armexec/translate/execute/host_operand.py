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
    "memory_operand",
    "string_registers",
    "with_base",
]

MAX_LENGTH = 15
"""No instruction has more bytes."""
_MASK = (1 << 64) - 1
_PREFIXES = frozenset(b"\x66\x67\xf0\xf2\xf3\x2e\x36\x3e\x26\x64\x65")
_RBX, _RSI, _RDI = 3, 6, 7
_VEX = {0xC5: 3, 0xC4: 4, 0x62: 5}
"""VEX and EVEX by their first bytes: how many bytes they and the operation have."""
_STRINGS = frozenset(b"\xa4\xa5\xaa\xab")
"""MOVS and STOS, whose operands are [RSI] and [RDI]."""


class Operand(NamedTuple):
    """`base` + `offset` * `scale` + `displacement`; registers by their numbers (RAX 0, RCX 1 ... R15 15), or None."""

    base: int | None
    offset: int | None
    scale: int
    displacement: int
    at: int
    """Where ModR/M is."""
    rex: int | None
    vex: int | None
    """Where the highest bits of the registers' numbers are: in REX, or inverted in VEX and EVEX."""
    others: frozenset[int]
    """Numbers of the registers that may be other operands."""

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
    # How many bytes a displacement of one byte counts in, with EVEX.
    unit = 1
    rex = vex = None
    others = set()
    first = code[at]
    if first in _VEX:
        r = _inverted(code[at + 1], 7)
        if first != 0xC5:
            vex = at + 1
            x, b = _inverted(code[vex], 6), _inverted(code[vex], 5)
        # A second operand: a general register in ANDN, SHLX, MULX ...
        others.add(~code[at + 1 if vex is None else at + 2] >> 3 & 15)
        if first == 0x62:
            broadcasts, length = code[at + 3] >> 4 & 1, code[at + 3] >> 5 & 3
            unit = (8 if code[at + 2] >> 7 else 4) if broadcasts else 16 << length
        at += _VEX[first]
    else:
        if first >> 4 == 4:
            rex = at
            r, x, b = first >> 2 & 1, first >> 1 & 1, first & 1
            at += 1
        if code[at] == 0x0F:
            if code[at + 1] == 0xC7:
                others.add(_RBX)
            at += 2 if code[at + 1] in (0x38, 0x3A) else 1
        elif code[at] in _STRINGS:
            return None
        at += 1
    mode, rm = code[at] >> 6, code[at] & 7
    others.add(code[at] >> 3 & 7 | r << 3)
    if mode == 3:
        return None
    base: int | None = rm | b << 3
    index, scale = None, 1
    end = at + 1
    if rm == 4:
        sib = code[end]
        end += 1
        found = sib >> 3 & 7 | x << 3
        index, scale = (found, 1 << (sib >> 6)) if found != 4 else (None, 1)
        base = sib & 7 | b << 3
        if sib & 7 == 5 and mode == 0:
            return Operand(None, index, scale, _signed(code, end, 4), at, rex, vex, frozenset(others))
    elif rm == 5 and mode == 0:
        return None
    size = (0, 1, 4)[mode]
    displacement = _signed(code, end, size) * (unit if size == 1 else 1)
    return Operand(base, index, scale, displacement, at, rex, vex, frozenset(others))


def with_base(code: bytes, operand: Operand) -> tuple[bytes, int]:
    """The same instruction, as long as before, whose operand is another register and the displacement; and which.

    It is one that the instruction doesn't use otherwise. Those that it uses without naming them are RAX, RCX and RDX,
    RBX (CMPXCHG16B), and those of strings.
    """
    base = next(n for n in (_RSI, _RDI, _RBX) if n not in operand.others)
    out = bytearray(code)
    if operand.rex is not None:
        out[operand.rex] &= ~0b0011
    if operand.vex is not None:
        out[operand.vex] |= 0b0110_0000
    has_sib = code[operand.at] & 7 == 4
    if not has_sib:
        out[operand.at] = code[operand.at] & ~7 | base
    elif operand.base is None:
        # Its base says that there is none.
        out[operand.at + 1] = base << 3 | 5
    else:
        out[operand.at + 1] = 4 << 3 | base
    return bytes(out), base


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


def string_registers(code: bytes) -> tuple[int, ...]:
    """The registers with the addresses of MOVS and STOS; none of other instructions."""
    at = 0
    while at < len(code) and (code[at] in _PREFIXES or code[at] >> 4 == 4):
        at += 1
    if code[at : at + 1] in (b"\xa4", b"\xa5"):
        return _RSI, _RDI
    return (_RDI,) if code[at : at + 1] in (b"\xaa", b"\xab") else ()
