"""Where a call to a register may go: the functions that it is first compared with.

They are those whose addresses anything takes, if they are few. Otherwise, where the address comes from a place at a
fixed distance from a pointer, as that of a virtual function does, those that stand in tables at that distance from the
beginning.
"""

from __future__ import annotations

from collections.abc import Sequence

from armexec.isa import Decoded
from armexec.translate.cfg.discovery import Block
from armexec.translate.unit_registry import Code

__all__ = ["MAX_GUESSES", "guess"]

MAX_GUESSES = 32
"""A call to a register is compared with so many functions at most."""

_LOAD_MASK, _LOAD = 0xFFC0_0000, 0xF940_0000
"""LDR (immediate) of an X register, unsigned offset (Arm ARM C6.2, LDR (immediate))."""


def guess(block: Block, code: Code) -> Sequence[int]:
    """The addresses for the call that ends a block; none where there would be too many."""
    taken = code.taken()
    if len(taken) <= MAX_GUESSES:
        return taken
    index = _index(block.instructions)
    if index is None:
        return ()
    found = dict.fromkeys(table[index] for table in code.tables() if index < len(table))
    return tuple(found) if len(found) <= MAX_GUESSES else ()


def _index(instructions: Sequence[Decoded | int]) -> int | None:
    """Which doubleword from a pointer the register called is loaded from; None if it isn't known to be one."""
    last = instructions[-1]
    if isinstance(last, int):
        return None
    register = last.fields.get("Rn")
    for decoded in reversed(instructions[:-1]):
        if isinstance(decoded, int):
            return None
        fields = decoded.fields
        if decoded.word & _LOAD_MASK == _LOAD and fields["Rt"] == register:
            return int(fields["imm12"])
        if register in (fields.get("Rd"), fields.get("Rt"), fields.get("Rt2")):
            return None
    return None
