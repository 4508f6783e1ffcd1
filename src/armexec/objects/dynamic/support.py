"""Code that is added to shared libraries: stubs of indirect functions, thread-local storage, `errno`, and what else the
dynamic linker of a process defines.

Source: ELF for the Arm 64-bit Architecture (AAELF64), "TLS descriptors"; Drepper, "ELF Handling For Thread-Local
Storage", for __tls_get_addr; getauxval(3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from armexec.objects.dynamic.object_list import FIND_OBJECT, ITERATE, LoadedObject, object_list
from armexec.objects.formats.indirect import add_stubs
from armexec.objects.layout import Reference, Section, SectionSymbol
from armexec.objects.linking import Part
from armexec.objects.thread_local import BlockLayout

__all__ = [
    "ALWAYS_ADDED",
    "OF_THE_LINKER",
    "OF_THE_MODULE",
    "RESOLVE_DESCRIPTOR",
    "Support",
    "make_support",
    "stub_name",
]

RESOLVE_DESCRIPTOR = "__tlsdesc_static"
"""The function of a TLS descriptor whose second word is the offset from the thread pointer (as in glibc and musl)."""
TLS_GET_ADDR = "__tls_get_addr"
ALWAYS_ADDED = frozenset({TLS_GET_ADDR, RESOLVE_DESCRIPTOR, ITERATE, FIND_OBJECT})
"""What depends on how the libraries were placed."""
OF_THE_LINKER = frozenset({*ALWAYS_ADDED, "getauxval", "__getauxval"})
"""What reads the tables of a process's dynamic linker, which there is none of: the functions here come before those of
the libraries."""
OF_THE_MODULE = frozenset({"dlopen", "dlsym", "dlclose", "dlerror", "dladdr"})
"""What only the one who has loaded the image can answer: undefined in it, whichever library defines them."""
_ERRNO, _ERRNO_LOCATION = "errno", "__errno_location"
# cmp x0, #AT_HWCAP; mov x0, #(HWCAP_FP | HWCAP_ASIMD); csel x0, x0, xzr, eq; ret
_AUXILIARY = "1f4000f1 600080d2 00009f9a c0035fd6"
_CODE = {
    # It may change X0 only.
    RESOLVE_DESCRIPTOR: "000440f9 c0035fd6",  # ldr x0, [x0, #8]; ret
    # The words of a tls_index are offsets here, whose sum is that from the thread pointer.
    # ldp x1, x2, [x0]; mrs x0, tpidr_el0; add x0, x0, x1; add x0, x0, x2; ret
    TLS_GET_ADDR: "010840a9 40d03bd5 0000018b 0000028b c0035fd6",
    "getauxval": _AUXILIARY,
    "__getauxval": _AUXILIARY,
}


class Support(NamedTuple):
    """Parts to link; the resolvers of indirect functions, by offset in the image; own thread-local variables, by name;
    the offsets in the image of the symbols that the parts refer to.

    The parts define `stub_name` for each resolver.
    """

    parts: list[Part]
    resolvers: Sequence[int]
    thread_local: dict[str, int]
    offsets: Mapping[str, int]


def stub_name(resolver: int) -> str:
    """The symbol of the stub of an indirect function, whose resolver is at an offset."""
    return f"indirect function of 0x{resolver:x}"


def make_support(
    resolvers: Sequence[int], lacking: Set[str], block: BlockLayout, objects: Sequence[LoadedObject]
) -> Support:
    """What a set of libraries, `objects`, needs that lack these names; `block` gets the thread-local variables."""
    thread_local: dict[str, int] = {}
    if {_ERRNO, _ERRNO_LOCATION} & lacking:
        thread_local[_ERRNO] = block.add(0, 0, 4, 4)
    sections: list[Section] = []
    references: list[Reference] = []
    symbol_at = {offset: f"resolver of an indirect function at 0x{offset:x}" for offset in resolvers}
    symbols = [SectionSymbol(name, None, binding="weak") for name in symbol_at.values()]
    stubs = add_stubs(range(len(resolvers)), sections, symbols, references)
    for offset, (section, value) in zip(resolvers, stubs, strict=True):
        symbols.append(SectionSymbol(stub_name(offset), section, value))
    code = {name: bytes.fromhex(text) for name, text in _CODE.items() if name in lacking}
    if _ERRNO_LOCATION in lacking:
        code[_ERRNO_LOCATION] = _address_of(thread_local[_ERRNO])
    for name, content in code.items():
        symbols.append(SectionSymbol(name, len(sections), 0, len(content), binding="weak"))
        sections.append(Section(".text", content))
    parts = [Part("armexec's support of shared libraries", "elf", sections, symbols, references)] if sections else []
    listed = object_list(objects, lacking, symbol_at)
    if listed is not None:
        parts.append(listed)
    return Support(parts, resolvers, thread_local, {name: offset for offset, name in symbol_at.items()})


def _address_of(place: int) -> bytes:
    """A function that returns the address of a thread-local variable."""
    words = (
        0xD53BD040,  # mrs x0, tpidr_el0
        0xD2800001 | (place & 0xFFFF) << 5,  # movz x1, #place
        0xF2A00001 | (place >> 16) << 5,  # movk x1, #place >> 16, lsl #16
        0x8B010000,  # add x0, x0, x1
        0xD65F03C0,  # ret
    )
    return b"".join(word.to_bytes(4, "little") for word in words)
