"""Loads that a loop makes again and again although nothing in it changes what they find: another thread may.

LLVM would make such a load once, before the loop, and a loop that waits for a flag would never end. Compilers do the
same, so where one has left the load in a loop without stores, it was told to (`volatile` in C).
"""

from __future__ import annotations

from collections.abc import Mapping

from armexec.isa import Decoded
from armexec.translate.analysis.reexecution_regions import Loops
from armexec.translate.cfg.discovery import Block, ControlFlowGraph

__all__ = ["repeated_loads"]


def repeated_loads(graph: ControlFlowGraph, loops: Loops, side_effect_free: Mapping[int, int]) -> set[int]:
    """The addresses of such loads.

    `side_effect_free`: the blocks that change nothing but registers, with these, as bits.
    """
    found: set[int] = set()
    for _, loop in loops:
        if all(start in side_effect_free and graph.blocks[start].kind in ("goto", "branch") for start in loop):
            changed = 0
            for start in loop:
                changed |= side_effect_free[start]
            for start in loop:
                found |= _loads(graph.blocks[start], changed)
    return found


def _loads(block: Block, changed: int) -> set[int]:
    found = set()
    for index, decoded in enumerate(block.instructions):
        if isinstance(decoded, Decoded) and decoded.effects.is_load:
            registers = [number for kind, number in decoded.effects.reads if kind in ("x", "sp")]
            if registers and not any(changed >> number & 1 for number in registers):
                found.add(block.start + 4 * index)
    return found
