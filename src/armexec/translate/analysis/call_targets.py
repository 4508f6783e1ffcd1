"""Where a call to a register may go: the functions that it is first compared with.

They are those whose addresses anything takes, if they are few. Otherwise, where the address comes from a place at a
fixed distance from a pointer, as that of a virtual function does, those that stand in tables at that distance from the
beginning.
"""

from __future__ import annotations

from collections.abc import Sequence

from armexec.translate.cfg.discovery import Block
from armexec.translate.cfg.symbolic import SymbolicMachine, terms
from armexec.translate.unit_registry import CodeSource

__all__ = ["likely_targets"]


def likely_targets(block: Block, source: CodeSource, most: int) -> Sequence[int]:
    """The addresses for the call that ends a block; none where there would be more than `most`."""
    address_taken = source.address_taken()
    if len(address_taken) <= most:
        return address_taken
    index = _index(block)
    if index is None:
        return ()
    found = dict.fromkeys(table[index] for table in source.tables() if index < len(table))
    return tuple(found) if len(found) <= most else ()


def _index(block: Block) -> int | None:
    """Which doubleword from a pointer the register called is loaded from; None if it isn't known to be one."""
    machine = SymbolicMachine()
    if not machine.run(block) or machine.target is None or machine.target[0] != "load":
        return None
    distance, others = terms(machine.target[1])
    # Without a pointer in it the address is a constant: a variable's.
    return distance // 8 if len(others) == 1 and distance % 8 == 0 else None
