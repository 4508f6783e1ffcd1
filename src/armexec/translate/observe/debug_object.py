"""Objects for debuggers: what a unit became, with the guest's functions and lines, at the addresses where it runs.

A text is compiled once more, with debug locations. This gives line tables, names, and, since code with debug
information has them, the rules of how to find each caller (.debug_frame), without which no debugger finds its way
through code that keeps no frame pointers. Debuggers take relocatable objects whose sections say where they are
(`sh_addr`); LLVM's own objects are given to gdb in the same way (RuntimeDyldELF.cpp, `createRTDyldELFObject`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from armexec.translate.codegen.debug_locations import with_locations
from armexec.translate.codegen.llvm import compile_object
from armexec.translate.observe.host_symbols import section_addresses
from armexec.translate.observe.naming import Naming
from armexec.translate.policy import Policy

__all__ = ["debug_object"]

_UNKNOWN = "<guest>"
"""The file of code whose source isn't known."""
_ADDRESS = 16
"""Where sh_addr is in a section header (ELF-64 object file format, "Sections")."""


class _Source:
    """The guest's functions and lines; of the translator's own code, none."""

    full = True
    file = _UNKNOWN

    def __init__(self, naming: Naming) -> None:
        self._naming = naming

    def title(self, name: str) -> str:
        return self._naming.shown(name)

    def start(self, name: str) -> tuple[str, int]:
        found = self._naming.guest(name)
        return self.place(found[0]) if found is not None else (_UNKNOWN, 0)

    def place(self, offset: int) -> tuple[str, int]:
        return self._naming.names.line(self._naming.base + offset) or (_UNKNOWN, 0)


def debug_object(
    data: bytes, known: Mapping[str, int], text: str, tier: str, naming: Naming, size: int, policy: Policy
) -> bytes | None:
    """The object to show a debugger for one that is linked; None if it would say what isn't so.

    `data`: the object that runs, with the functions `known` at these addresses; `text`: what it was made from, at
    `tier` and by `policy`; `size`: its guest instructions.
    """
    from elftools.elf.elffile import ELFFile

    shown = bytearray(compile_object(with_locations(text, _Source(naming)), tier=tier, size=size, policy=policy))
    addresses = section_addresses(data, known)
    running: Any = ELFFile(io.BytesIO(data))
    elf: Any = ELFFile(io.BytesIO(bytes(shown)))
    for index, section in enumerate(elf.iter_sections()):
        address = addresses.get(section.name)
        if address is None:
            continue
        if section.data() != running.get_section_by_name(section.name).data():
            return None
        at = elf["e_shoff"] + index * elf["e_shentsize"] + _ADDRESS
        shown[at : at + 8] = address.to_bytes(8, "little")
    return bytes(shown)
