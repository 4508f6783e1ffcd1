"""Indirect functions (STT_GNU_IFUNC), whose resolver chooses the code when they are first called.

Source: System V ABI for the Arm 64-bit Architecture (SYSVABI64), "GNU indirect functions".
"""

from __future__ import annotations

from collections.abc import Collection

from armexec.objects.layout import ABSOLUTE, Reference, Section, SectionSymbol
from armexec.objects.relocations import RelocationType

__all__ = ["add_stubs", "call_resolvers"]

# Jumps to the address in the stub's slot. At first that is 0: then the resolver is called, with the argument registers
# saved around it. It gets an AT_HWCAP of 0: no extensions. Threads that call it at once find the same address.
_CODE = bytes.fromhex(
    "10000090 100240f9"  # adrp x16, SLOT; ldr x16, [x16, :lo12:SLOT]
    "500000b4 00021fd6"  # cbz x16, .+8; br x16
    "fd7bb2a9"  # stp x29, x30, [sp, #-224]!
    "fd030091"  # mov x29, sp
    "e00701a9 e20f02a9 e41703a9 e61f04a9 e82b00f9"  # stp x0, x1, [sp, #16] ... str x8, [sp, #80]
    "e00703ad e20f04ad e41705ad e61f06ad"  # stp q0, q1, [sp, #96] ...
    "000080d2 010080d2"  # mov x0, #0; mov x1, #0
    "00000094"  # bl RESOLVER
    "11000090 200200f9"  # adrp x17, SLOT; str x0, [x17, :lo12:SLOT]
    "f00300aa"  # mov x16, x0
    "e00741a9 e20f42a9 e41743a9 e61f44a9 e82b40f9"  # ldp ...
    "e00743ad e20f44ad e41745ad e61f46ad"
    "fd7bcea8"  # ldp x29, x30, [sp], #224
    "00021fd6"  # br x16
)
_CALL = 68
"""The offset of the `bl` in it."""
_SLOT = (
    (0, RelocationType.ADR_PREL_PG_HI21),
    (4, RelocationType.LDST64_ABS_LO12_NC),
    (72, RelocationType.ADR_PREL_PG_HI21),
    (76, RelocationType.LDST64_ABS_LO12_NC),
)
"""The relocations of the stub that refer to its slot."""


def add_stubs(
    resolvers: Collection[int], sections: list[Section], symbols: list[SectionSymbol], references: list[Reference]
) -> list[tuple[int, int]]:
    """Add a stub for each resolver, which is given by its symbol's index: the stubs' sections and offsets."""
    code = b""
    if not resolvers:
        return []
    stubs = []
    slots = len(symbols)
    symbols.append(SectionSymbol("", len(sections) + 1, kind="section", binding="local"))
    for number, resolver in enumerate(resolvers):
        references.append(Reference(len(sections), len(code) + _CALL, RelocationType.CALL26, resolver))
        references += [Reference(len(sections), len(code) + at, type, slots, 8 * number) for at, type in _SLOT]
        stubs.append((len(sections), len(code)))
        code += _CODE
    sections.append(Section(".iplt", code, "rx", 16))
    sections.append(Section(".igot", b"", "rw", 8, 8 * len(resolvers)))
    return stubs


def call_resolvers(
    indirect: Collection[int], sections: list[Section], symbols: list[SectionSymbol], references: list[Reference]
) -> None:
    """Redefine the `indirect` symbols as stubs, which jump to the address that their resolver returns."""
    defined = [i for i in indirect if symbols[i].section is not None and symbols[i].section != ABSOLUTE]
    resolvers = range(len(symbols), len(symbols) + len(defined))
    symbols += [symbols[i]._replace(name="", kind="notype", binding="local") for i in defined]
    for index, (section, offset) in zip(defined, add_stubs(resolvers, sections, symbols, references), strict=True):
        symbols[index] = symbols[index]._replace(section=section, value=offset, size=len(_CODE), kind="function")
