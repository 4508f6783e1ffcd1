"""Assembled code with the references between its executable sections relocated, for raw bytes and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from armexec.asm import Code

__all__ = ["relocated"]


def relocated(code: Code, *, placed: bool) -> Code:
    """The code with references between executable sections relocated; other relocations are left.

    Args:
        placed: whether `code.address` is the address of the code; if not, only distances are known.

    Raises:
        AssemblyError: a target is too far away.
    """
    from armexec.objects.relocations import BRANCHES, GOT_TYPES, OutOfRange, RelocationType, apply

    relative = {
        *BRANCHES,
        *(RelocationType[n] for n in ("LD_PREL_LO19", "ADR_PREL_LO21", "PREL64", "PREL32", "PREL16")),
    }

    starts = {section: code.address + start for start, section in code.code_sections}
    symbols = {symbol.name: symbol for symbol in code.all_symbols}
    left = []
    for r in code.relocations:
        symbol = symbols[r.symbol]
        name = r.type.removeprefix("R_AARCH64_")
        kind = RelocationType.__members__.get(name)
        number = symbol.defined and symbol.section is None and not symbol.common
        known = symbol.section in starts or (number and placed)
        applicable = kind is not None and kind not in GOT_TYPES and (placed or kind in relative)
        if r.section not in starts or not known or not applicable or r.minus is not None or kind is None:
            left.append(r)
            continue
        target = (starts[symbol.section] if symbol.section is not None else 0) + symbol.value + r.addend
        try:
            apply(r.section.data, r.offset, kind, target, starts[r.section] + r.offset, 0)
        except OutOfRange as error:
            assert r.where is not None
            raise r.where.error(f"the target doesn't fit: {error}") from None
    code.relocations[:] = left
    return code
