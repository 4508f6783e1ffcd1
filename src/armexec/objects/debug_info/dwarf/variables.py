"""Variables with a fixed place, from their entries. Source: DWARF 5, 2.6 and 4.1."""

from __future__ import annotations

from typing import Any

from armexec.objects.debug_info.dwarf.entries import Entries
from armexec.objects.debug_info.dwarf.types import Types
from armexec.objects.debug_info.variable import Variable
from armexec.objects.prototypes import CType

__all__ = ["Variables"]

_ADDR, _PLUS_UCONST, _ADDRX, _GNU_ADDR_INDEX = 0x03, 0x23, 0xA1, 0xFB
_FUNCTIONS = {"DW_TAG_subprogram", "DW_TAG_inlined_subroutine"}
_SCOPES = {
    "DW_TAG_namespace",
    "DW_TAG_module",
    "DW_TAG_structure_type",
    "DW_TAG_class_type",
    "DW_TAG_union_type",
    *_FUNCTIONS,
}
_MAX_DEPTH = 20


class Variables:
    """The variables of an object's debug information."""

    def __init__(self, entries: Entries, types: Types) -> None:
        self._entries = entries
        self._types = types

    def all(self) -> list[Variable]:
        """All variables with a name, in the order of the section. Those in functions are there if their place is fixed.

        A definition has the name and the type of the declaration that it completes, which is there too.
        """
        found = []
        for die in self._entries:
            is_member = die.tag == "DW_TAG_member" and "DW_AT_external" in die.attributes
            if die.tag == "DW_TAG_variable" or is_member:
                made = self._variable(die)
                if made is not None:
                    found.append(made)
        return found

    def type_of(self, variable: Variable) -> CType:
        """The type of one of them."""
        die = self._entries.at(variable.entry)
        typed = next((d for d in self._entries.chain(die) if "DW_AT_type" in d.attributes), die)
        return self._types.type_of(typed)

    def _variable(self, die: Any) -> Variable | None:
        entries = self._entries
        name = entries.name(die)
        chain = entries.chain(die)
        # String literals have no name; tables of classes are the compiler's own.
        if not name or any("DW_AT_artificial" in d.attributes for d in chain):
            return None
        offset = self._offset(die)
        scopes = self._scopes(die)
        if offset is None and any(scope.tag in _FUNCTIONS for scope in scopes):
            return None
        names = [entries.name(scope) or _nameless(scope) for scope in scopes]
        function = next((i for i, scope in enumerate(scopes) if scope.tag in _FUNCTIONS), None)
        constants = [entries.number(d, "DW_AT_const_value") for d in chain]
        # In C, and for what C++ declares in no namespace, the symbol has the variable's name.
        linkage = entries.linkage_name(die) or ("" if scopes else name)
        return Variable(
            "::".join([*reversed(names), name]),
            linkage,
            "" if function is None else entries.linkage_name(scopes[function]) or names[function],
            "" if function is None else "::".join([*reversed(names[:function]), name]),
            entries.unit_name(die),
            offset,
            next((value for value in constants if value is not None), None),
            any("DW_AT_external" in d.attributes for d in chain),
            die.offset,
        )

    def _scopes(self, die: Any) -> list[Any]:
        """The namespaces, classes and functions around a variable, from the inside out."""
        found: list[Any] = []
        at = self._entries.chain(die)[-1]
        while len(found) < _MAX_DEPTH:
            outer = next((scope for scope in self._entries.scopes(at) if scope.tag in _SCOPES), None)
            if outer is None:
                break
            found.append(outer)
            # A method's class is around its declaration.
            at = self._entries.chain(outer)[-1]
        return found

    def _offset(self, die: Any) -> int | None:
        """The address that a location is, which the object's reader has made an offset in the image."""
        location = self._entries.location(die)
        if not location:
            return None
        operation, rest = location[0], location[1:]
        if operation == _ADDR and len(rest) >= 8:
            address, rest = int.from_bytes(rest[:8], "little"), rest[8:]
        elif operation in (_ADDRX, _GNU_ADDR_INDEX):
            index, rest = _uleb128(rest)
            address = self._entries.address(die, index)
        else:
            return None
        # What several variables were merged into, and the variable's place in it.
        if rest[:1] == bytes([_PLUS_UCONST]):
            more, rest = _uleb128(rest[1:])
            address += more
        # Anything else computes a value that isn't in memory as it is.
        return None if rest else address


def _nameless(scope: Any) -> str:
    return "(anonymous namespace)" if scope.tag == "DW_TAG_namespace" else "(anonymous)"


def _uleb128(data: bytes) -> tuple[int, bytes]:
    """A number in LEB128, and the bytes behind it."""
    value = 0
    for position, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return value, data[position + 1 :]
    raise ValueError("a number without an end")
