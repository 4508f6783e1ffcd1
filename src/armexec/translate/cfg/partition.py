"""Which code is translated together: the control-flow graph of each function, cut into fragments where it is large or
shared by many.

A function is translated with all the code that its branches reach. That copies what several functions share: the target
of a tail call, or the rest of a function that is entered in its middle. So each block may be part of a few graphs only;
then it becomes part of a fragment. A fragment belongs to nobody, is entered at several addresses with all registers in
the state structure, and graphs end where they reach one. A function larger than the limit is cut into fragments at
once. Each address where fragments are entered belongs to one of them, so what is translated for an image is at most a
constant times its code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace

from armexec.translate.cfg.discovery import Block, ControlFlowGraph, Fetch, JumpTargets, discover
from armexec.translate.policy import Policy

__all__ = ["Partition"]


class Partition:
    """The graphs of one image.

    `journal`: the addresses that were looked for, in order; what is found depends on what was before.
    """

    def __init__(self, fetch: Fetch, jump_targets: JumpTargets, policy: Policy) -> None:
        self._fetch = fetch
        self._jump_targets = jump_targets
        self._limit = policy.max_function
        self._max_copies = policy.max_block_copies
        self._max_shared_end = policy.max_shared_end
        self.journal: list[int] = []
        self._graphs: dict[int, ControlFlowGraph] = {}
        self._fragments: dict[int, ControlFlowGraph] = {}
        self._copies: Counter[int] = Counter()

    def graph(self, address: int) -> ControlFlowGraph:
        """The function at an address, or the fragment that is entered there."""
        graph = self._graphs.get(address) or self._fragments.get(address)
        return self._find(address) if graph is None else graph

    def _discover(self, address: int) -> ControlFlowGraph:
        return discover(address, self._fetch, self._jump_targets, self._fragments)

    def _find(self, address: int) -> ControlFlowGraph:
        self.journal.append(address)
        graph = self._discover(address)
        repeated = [block for block in graph.blocks.values() if self._copies[block.start] >= self._max_copies]
        if sum(len(block.instructions) for block in repeated) > min(self._max_shared_end, self._limit):
            self._cut(repeated, graph, [block.start for block in repeated])
            if address in self._fragments:
                return self._fragments[address]
            graph = self._discover(address)
        if graph.size > self._limit:
            self._cut(graph.blocks.values(), graph, [address])
            return self._fragments[address]
        self._copies.update(graph.blocks.keys())
        self._graphs[address] = graph
        return graph

    def _cut(self, blocks: Iterable[Block], graph: ControlFlowGraph, entries: Collection[int]) -> None:
        """Make fragments of blocks of a graph, to be entered at `entries` and wherever another fragment goes."""
        parts = [part for block in blocks for part in _parts(block, self._limit)]
        # Not the end of a call that is the end of the code: that has nothing to return to.
        reached = graph.blocks.keys() | graph.outside | {part.start for part in parts}
        entered = set(entries)
        fragments = []
        for group in _groups(parts, self._limit):
            fragment = {block.start: block for block in group}
            successors = {successor for block in group for successor in block.successors}
            outside = frozenset((successors - fragment.keys()) & reached)
            entered |= outside
            fragments.append((fragment, outside))
        for fragment, outside in fragments:
            calls = frozenset(b.target for b in fragment.values() if b.kind == "call" and b.target is not None)
            into = tuple(start for start in fragment if start in entered)
            part = ControlFlowGraph(into[0], fragment, calls, outside, into)
            self._fragments.update(dict.fromkeys(into, part))
            for start in fragment:
                self._copies[start] = self._max_copies


def _parts(block: Block, limit: int) -> list[Block]:
    """A block in parts that aren't larger than the limit."""
    instructions = block.instructions
    parts = []
    at = 0
    while len(instructions) - at > limit:
        start = block.start + 4 * at
        parts.append(Block(start, instructions[at : at + limit], "goto", start + 4 * limit))
        at += limit
    parts.append(replace(block, start=block.start + 4 * at, instructions=instructions[at:]))
    return parts


def _groups(blocks: list[Block], limit: int) -> list[list[Block]]:
    """The blocks in order, cut where the fewest branches cross: between loops rather than inside."""
    blocks.sort(key=lambda block: block.start)
    index = {block.start: i for i, block in enumerate(blocks)}
    change = [0] * (len(blocks) + 2)
    for i, block in enumerate(blocks):
        for successor in block.successors:
            j = index.get(successor)
            if j is not None:
                change[min(i, j) + 1] += 1
                change[max(i, j) + 1] -= 1
    crossings = []
    count = 0
    for step in change:
        count += step
        crossings.append(count)
    groups = []
    begin = 0
    while begin < len(blocks):
        size, end, fewest = 0, begin, None
        best = begin + 1
        while end < len(blocks) and size + len(blocks[end].instructions) <= limit:
            size += len(blocks[end].instructions)
            end += 1
            if 2 * size < limit or fewest is None or crossings[end] <= fewest:
                best = end
                fewest = crossings[end] if 2 * size >= limit else None
        if end == len(blocks):
            best = end
        groups.append(blocks[begin:best])
        begin = best
    return groups
