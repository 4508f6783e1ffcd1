"""Which words of code the processor can be left to execute, so that the guest sees what it sees on other engines.

It isn't known which words are instructions and which are data, so a page is the processor's only if all of its words
are. What isn't: what leaves to the system (`svc`); what is the host's and not the guest's (TPIDR_EL0, ID registers,
caches, bits of FPCR that extensions define); pointer authentication, whose keys may be enabled; words that may be
instructions of extensions that armexec doesn't have; and exclusive accesses near the edges of a page, since a load and
its store have to be executed in one go.
"""

from __future__ import annotations

from functools import lru_cache

from armexec.isa import decode

__all__ = ["is_for_processor"]

_NOT = {
    *("SVC", "HVC", "SMC", "MSR_imm", "SYS", "SYSL", "MRS", "MSR_reg", "CHKFEAT"),
    *("HINT_PAuth", "XPACLRI", "PAC", "AUT", "XPAC", "PACGA", "BRA", "BLRA", "RETA", "LDRA"),
}
"""Descriptions of instructions (isa/), by name."""
_BUT = [(0xFFDF_FFE0, 0xD51B_4200), (0xFFFF_FFE0, 0xD53B_4400), (0xFFFF_FFE0, 0xD53B_4420)]
"""Masks and values: MRS and MSR of NZCV, MRS of FPCR and of FPSR."""
_EXCLUSIVE = {"STXR", "LDXR", "STXP", "LDXP"}
_EDGE = 64
"""Instructions from the edges of a page in which there is no exclusive access."""
_UDF = 0x1_0000
"""Words below are UDF (Arm ARM C6.2, UDF), which is undefined for good: zeros, too."""


def is_for_processor(code: bytes) -> bool:
    """Whether the processor may execute any of these words, which are whole pages."""
    words = memoryview(code).cast("I")
    return all(_is_for_processor(word, _EDGE <= at < len(words) - _EDGE) for at, word in enumerate(words))


@lru_cache(1 << 14)
def _is_for_processor(word: int, is_inside: bool) -> bool:
    if word < _UDF:
        return True
    decoded = decode(word)
    if decoded is None:
        return False
    name = decoded.instruction.name
    if name in _EXCLUSIVE:
        return is_inside
    return name not in _NOT or any(word & mask == value for mask, value in _BUT)
