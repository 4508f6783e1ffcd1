"""Fortran's arguments, which are passed by reference unless the dummy argument's location is that of its value.

The type of a dummy argument is that of its value. If its address is passed, its location at the function's entry is the
memory that a register or a word of the frame points to. Source: DWARF 5, 2.6; the output of GNU Fortran 12.
"""

from __future__ import annotations

from typing import Any

from armexec.objects.debug_info.dwarf.entries import Entries
from armexec.objects.prototypes import CType

__all__ = ["passed_type"]

_DEREF, _STACK_VALUE, _FBREG, _REGX = 0x06, 0x9F, 0x91, 0x90
_REG, _BREG, _ENTRY_VALUE = range(0x50, 0x70), range(0x70, 0x90), {0xA3, 0xF3}
_FRAME = {29, 31}  # the frame pointer, and SP


def passed_type(entries: Entries, die: Any, type: CType) -> CType:
    """The type that is passed for the dummy argument `die`, whose value is of `type`.

    A scalar is a reference, an array or text a pointer to its first element. An array that comes with a descriptor
    stays of kind "unknown".
    """
    if type.kind == "unknown" or not _is_by_reference(entries, die, type):
        return type
    element = type
    while element.kind == "array" and element.target is not None:
        element = element.target
    if type.kind == "array":
        return CType("pointer", 8, target=element, align=8)
    return CType("pointer", 8, "&", target=element, align=8, temporary=True)


def _is_by_reference(entries: Entries, die: Any, type: CType) -> bool:
    if "DW_AT_variable_parameter" in die.attributes:
        return True
    locations = entries.locations(die)
    known = _holds_address(locations[0]) if locations else None
    if known is not None:
        return known
    return type.kind != "pointer" and "DW_AT_artificial" not in die.attributes


def _holds_address(expression: bytes) -> bool | None:
    """Whether a location holds a variable's address, and not its value; None if that can't be told."""
    if not expression:
        return None
    first = expression[0]
    if first in _REG or first == _REGX:
        return False
    if first in _ENTRY_VALUE:
        rest = expression[2 + expression[1] :] if len(expression) > 1 else b""
        return rest[:1] != bytes([_STACK_VALUE])
    if first not in _BREG and first != _FBREG:
        return None
    end = 1
    while end < len(expression) and expression[end] & 0x80:
        end += 1
    rest = expression[end + 1 :]
    if rest[:1] == bytes([_STACK_VALUE]):
        return False
    in_frame = first == _FBREG or first - _BREG.start in _FRAME
    return rest[:1] == bytes([_DEREF]) or not in_frame
