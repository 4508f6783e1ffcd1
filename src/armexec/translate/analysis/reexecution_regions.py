"""Parts of a function that can be run again from their start: loops, or all of it, that change nothing but registers.

A floating-point result that might be a wrong NaN isn't looked at inside of them, only where they are left: a NaN makes
what is computed of it a NaN too. If one of the registers that go on from there is a NaN, nonspeculative code runs the
part again from its start, with the registers as they were there (see `ir/deopt_exits.py`). So the loop of a sum or of a
product of matrices holds no test at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from armexec.cpu.registers import RegisterSet, bit, d, has, s
from armexec.translate.cfg.discovery import Block, ControlFlowGraph

__all__ = ["Loops", "ReexecutionRegion", "candidates", "natural_loops"]

Unchecked = dict[int, frozenset[int]]
"""The V registers that may hold wrong NaNs between the blocks of a part, with the sizes of their elements in bits."""


Loops = list[tuple[int, set[int]]]
"""Loops by their headers: the blocks of each."""


@dataclass(eq=False)
class ReexecutionRegion:
    """A region, whose `blocks` are entered at `header` alone.

    `unchecked`: the registers that no guard inside of it tests. `is_rejected`: more than being a NaN is asked of one.
    """

    header: int
    blocks: frozenset[int]
    unchecked: Unchecked = field(default_factory=dict)
    is_rejected: bool = False

    def add_unchecked(self, found: Iterable[Unchecked]) -> bool:
        """Add what blocks leave pending; whether that is new."""
        changed = False
        for unchecked in found:
            for number, sizes in unchecked.items():
                known = self.unchecked.get(number, frozenset())
                if not sizes <= known:
                    self.unchecked[number] = known | sizes
                    changed = True
        return changed

    def tested(self, registers: RegisterSet) -> RegisterSet:
        """A set of registers that go on from here, with the wider views that tests of some look at."""
        for number, sizes in self.unchecked.items():
            if 64 in sizes and has(registers, s(number)):
                registers |= bit(d(number))
        return registers


def candidates(
    graph: ControlFlowGraph, loops: Loops, side_effect_free: Collection[int], wanted: Collection[int]
) -> list[ReexecutionRegion]:
    """The largest parts all of whose blocks are `side_effect_free`, and that hold one of `wanted`; they don't overlap.

    Blocks of a part end with branches to known blocks, or, where the part is all of the function, with returns.
    """
    blocks = graph.blocks
    inside = {start for start in side_effect_free if _stays(blocks[start], blocks)}
    if not graph.is_fragment and all(start in inside or _returns(blocks[start], side_effect_free) for start in blocks):
        return [ReexecutionRegion(graph.entry, frozenset(blocks))]
    found: list[ReexecutionRegion] = []
    taken: set[int] = set()
    for header, loop in loops:
        if loop <= inside and not loop & taken and not loop.isdisjoint(wanted):
            found.append(ReexecutionRegion(header, frozenset(loop)))
            taken |= loop
    return found


def _stays(block: Block, blocks: Mapping[int, Block]) -> bool:
    return block.kind in ("goto", "branch") and all(target in blocks for target in block.successors)


def _returns(block: Block, side_effect_free: Collection[int]) -> bool:
    return block.kind == "return" and block.start in side_effect_free


def natural_loops(graph: ControlFlowGraph) -> Loops:
    """The natural loops, by their headers, the largest first."""
    if not graph.loops:
        return []
    blocks = graph.blocks
    before: dict[int, list[int]] = {start: [] for start in blocks}
    for start, block in blocks.items():
        for target in block.successors:
            if target in before:
                before[target].append(start)
    dominators = _dominators(graph, before)
    loops: dict[int, set[int]] = {}
    for start, block in blocks.items():
        for header in block.successors:
            if header in dominators.get(start, ()):
                loop = loops.setdefault(header, {header})
                todo = [start]
                while todo:
                    at = todo.pop()
                    if at not in loop:
                        loop.add(at)
                        todo += before[at]
    return sorted(loops.items(), key=lambda pair: -len(pair[1]))


def _dominators(graph: ControlFlowGraph, before: Mapping[int, list[int]]) -> dict[int, frozenset[int]]:
    """The blocks through which every way to a block goes, for those that are reached."""
    entries = graph.entries or (graph.entry,)
    order = _order(graph, entries)
    dominators = {entry: frozenset((entry,)) for entry in entries}
    changed = True
    while changed:
        changed = False
        for start in order:
            if start in entries:
                continue
            known = [dominators[b] for b in before[start] if b in dominators]
            now = frozenset.intersection(*known) | {start}
            if dominators.get(start) != now:
                dominators[start] = now
                changed = True
    return dominators


def _order(graph: ControlFlowGraph, entries: Collection[int]) -> list[int]:
    """The blocks that are reached, each after one of those before it."""
    seen: dict[int, None] = dict.fromkeys(entries)
    todo = list(entries)
    while todo:
        for target in graph.blocks[todo.pop()].successors:
            if target in graph.blocks and target not in seen:
                seen[target] = None
                todo.append(target)
    return list(seen)
