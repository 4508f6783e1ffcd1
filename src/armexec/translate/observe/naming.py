"""What profilers and debuggers call host functions: by the guest function that each was made from."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from armexec.translate.compiled_unit import CompiledUnit
from armexec.translate.mode import NONSPECULATIVE
from armexec.translate.unit_registry import NAMELESS, Names, UnitRegistry

__all__ = ["Naming", "naming_of"]

_MADE = re.compile(r"(f|s|entry|enter)([0-9a-f]+)")
_KINDS = {"f": "", "s": "state", "entry": "entry", "enter": "entry cell"}
"""Registers are passed as in calls; in the state structure; from Python; the same, through a cell."""


@dataclass(frozen=True)
class Naming:
    """How the host functions of a unit are called; by default, those that belong to no guest function.

    `base`: the address of the image. `offsets`: where the functions in the unit begin in it. `nonspeculative`: the unit
    is of that mode.
    """

    base: int = 0
    names: Names = NAMELESS
    offsets: Collection[int] = ()
    nonspeculative: bool = False

    def guest(self, name: str) -> tuple[int, str] | None:
        """Of a name in the object, the offset of the guest function that it was made from, and what sort it is."""
        made = _MADE.fullmatch(name)
        if made is None or int(made[2], 16) not in self.offsets:
            return None
        return int(made[2], 16), _KINDS[made[1]]

    def shown(self, name: str, *, prefix: str = "") -> str:
        """The guest function's name as in the source, after `prefix`, and in brackets what is special about it.

        What is none of the guest's is `armexec:` and its name.
        """
        found = self.guest(name)
        if found is None:
            return f"armexec:{name}"
        offset, kind = found
        address = self.base + offset
        remarks = ", ".join(remark for remark in (kind, "nonspeculative" if self.nonspeculative else "") if remark)
        shown = self.names.function(address) or f"{address:#x}"
        return f"{prefix}{shown} [{remarks}]" if remarks else f"{prefix}{shown}"


def naming_of(compiled: CompiledUnit, registry: UnitRegistry) -> Naming:
    """The naming of a unit's functions."""
    offsets = {function.offset for function in compiled.functions} | {compiled.entry}
    return Naming(registry.code.base, registry.code.names, offsets, registry.mode == NONSPECULATIVE)
