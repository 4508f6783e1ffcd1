"""Indirect functions (STT_GNU_IFUNC), whose resolver chooses the code when they are called.

Source: System V ABI for the Arm 64-bit Architecture (SYSVABI64), "GNU indirect functions".
"""

from __future__ import annotations

from collections.abc import Collection

from armexec.objects.layout import Reference, Section, SectionSymbol
from armexec.objects.relocations import RelocationType

__all__ = ["call_resolvers"]

# Saves the argument registers around the call. The resolver gets an AT_HWCAP of 0: no extensions.
_CODE = bytes.fromhex(
    "fd7bb2a9"  # stp x29, x30, [sp, #-224]!
    "fd030091"  # mov x29, sp
    "e00701a9 e20f02a9 e41703a9 e61f04a9 e82b00f9"  # stp x0, x1, [sp, #16] ... str x8, [sp, #80]
    "e00703ad e20f04ad e41705ad e61f06ad"  # stp q0, q1, [sp, #96] ...
    "000080d2 010080d2"  # mov x0, #0; mov x1, #0
    "00000094"  # bl RESOLVER
    "f00300aa"  # mov x16, x0
    "e00741a9 e20f42a9 e41743a9 e61f44a9 e82b40f9"  # ldp ...
    "e00743ad e20f44ad e41745ad e61f46ad"
    "fd7bcea8"  # ldp x29, x30, [sp], #224
    "00021fd6"  # br x16
)
_CALL = 52
"""The offset of the `bl` in it."""


def call_resolvers(
    indirect: Collection[int], sections: list[Section], symbols: list[SectionSymbol], references: list[Reference]
) -> None:
    """Redefine the `indirect` symbols as code that calls their resolver and jumps to the address that it returns."""
    code = b""
    for index in indirect:
        resolver = symbols[index]
        if resolver.section is None or resolver.section < 0:
            continue
        references.append(Reference(len(sections), len(code) + _CALL, RelocationType.CALL26, len(symbols)))
        symbols.append(resolver._replace(name="", kind="notype", binding="local"))
        symbols[index] = resolver._replace(section=len(sections), value=len(code), size=len(_CODE), kind="function")
        code += _CODE
    if code:
        sections.append(Section(".iplt", code, "rx", 16))
