"""The prototypes of functions, from their entries."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from armexec.objects.debug_info.dwarf.entries import Entries
from armexec.objects.debug_info.dwarf.fortran import passed_type
from armexec.objects.debug_info.dwarf.types import Types
from armexec.objects.debug_info.dwarf.variables import Variables
from armexec.objects.prototypes import VOID, Parameter, Prototype

__all__ = ["Functions"]

_DW_CC_NOCALL = 3
_NOT_PASSED = {"__in_chrg", "__vtt_parm"}  # GCC: parameters that a complete object's destructor doesn't have


class Functions:
    """The functions of an object's debug information, by their place and by their linkage name."""

    def __init__(self, sections: dict[str, bytes]) -> None:
        self.entries = Entries(sections)
        self.types = Types(self.entries)
        self.variables = Variables(self.entries, self.types)

    def defined(self, offset: int, linkage_name: str) -> Prototype | None:
        die = self._by_offset.get(offset)
        return self._prototype(die) if die is not None else self.named(linkage_name)

    def named(self, linkage_name: str) -> Prototype | None:
        die = self._by_name.get(linkage_name)
        return self._prototype(die) if die is not None else None

    @cached_property
    def _by_offset(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for die in self.entries.subprograms:
            low = die.attributes.get("DW_AT_low_pc") or die.attributes.get("DW_AT_entry_pc")
            if low is not None:
                found.setdefault(low.value, die)
        return found

    @cached_property
    def _by_name(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for die in self.entries.subprograms:
            found.setdefault(self.entries.linkage_name(die) or self.entries.name(die), die)
        return found

    def _prototype(self, die: Any) -> Prototype | None:
        name = self.entries.name(die)
        convention = die.attributes.get("DW_AT_calling_convention")
        if not name or (convention is not None and convention.value == _DW_CC_NOCALL):
            return None  # a clone whose parameters the compiler has changed
        chain = self.entries.chain(die)
        # The abstract instance has all parameters, an optimized one perhaps not.
        declaring = [d for d in chain if "DW_AT_specification" not in d.attributes]
        holder = next((d for d in reversed(chain) if self._has_parameters(d)), die)
        if holder is declaring[-1] and len(chain) > 1:
            holder = next((d for d in reversed(chain[:-1]) if self._has_parameters(d)), holder)
        result = next((self.types.type_of(d) for d in chain if "DW_AT_type" in d.attributes), VOID)
        parameters = []
        variadic = False
        for child in self.entries.children(holder):
            if child.tag == "DW_TAG_formal_parameter":
                if self.entries.name(child) in _NOT_PASSED and "DW_AT_artificial" in child.attributes:
                    continue
                origin = self.entries.chain(child)[-1]
                typed = child if "DW_AT_type" in child.attributes else origin
                type = self.types.type_of(typed)
                if self.entries.is_fortran(die):
                    type = passed_type(self.entries, child, type)
                parameters.append(Parameter(self.entries.name(child), type))
            variadic |= child.tag == "DW_TAG_unspecified_parameters"
        # Before C23, `int f()` says nothing of its parameters; it is not variadic.
        variadic &= self.entries.is_cplusplus(die) or any("DW_AT_prototyped" in d.attributes for d in chain)
        return Prototype(name, result, tuple(parameters), variadic)

    def _has_parameters(self, die: Any) -> bool:
        return any(
            c.tag in {"DW_TAG_formal_parameter", "DW_TAG_unspecified_parameters"} for c in self.entries.children(die)
        )
