"""Which code is translated together: the control-flow graph of each function, cut into fragments where it is large or
shared by many.

A function is translated with all the code that its branches reach. That copies what several functions share: the target
of a tail call, or the cold part of a function. Where more functions than a few reach an extent (`Extents.shared`), the
graphs of others end there, and go on in a fragment: it is entered at several addresses, with all registers in the state
structure. A function larger than the limit is cut into fragments that aren't.

Code is also entered in the middle of a function: where it is left for careful code, or returned to from elsewhere. A
small function is then translated from there on. Of a larger one, a window is: what is reached before the next multiple
of `Policy.window` instructions, and before a loop. The loops of a function are entered in one fragment.

All of this depends on the code and the policy alone, not on what else has been looked for. What is translated for an
image is at most a constant times its code.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from armexec.translate.cfg.discovery import Block, ControlFlowGraph, Fetch, JumpTargets, discover
from armexec.translate.cfg.extents import Extents
from armexec.translate.policy import Policy

__all__ = ["Partition"]

_MAX_ENDLESS = 500
"""It isn't asked whether functions return that are larger than this, with those that they call at their ends."""


class _Addresses:
    """A set of addresses, by a function that says whether one is in it."""

    def __init__(self, holds: Callable[[int], bool]) -> None:
        self._holds = holds

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and self._holds(address)


class Partition:
    """The graphs of one image.

    A graph goes on at none of the `redirected` addresses, which are functions that have been replaced. `may_change`:
    the code may be changed while it runs.
    """

    def __init__(
        self,
        fetch: Fetch,
        jump_targets: JumpTargets,
        extents: Extents,
        policy: Policy,
        redirected: Collection[int] = (),
        *,
        may_change: bool = False,
    ) -> None:
        self._may_change = may_change
        self._fetch = fetch
        self._jump_targets = jump_targets
        self._extents = extents
        self._redirected = redirected
        self._limit = policy.max_function
        self._window = policy.window
        # By the address that is entered.
        self._graphs: dict[int, ControlFlowGraph] = {}
        # Functions, whole or in fragments, by where they start; what is jumped into from other extents, by extent.
        self._functions: dict[int, list[ControlFlowGraph]] = {}
        self._entered: dict[int, list[ControlFlowGraph]] = {}
        self._never_returns: dict[int, bool] = {}

    def graph(self, address: int) -> ControlFlowGraph:
        """The function at an address, or the fragment that is entered there."""
        graph = self._graphs.get(address)
        if graph is None:
            graph = self._graphs[address] = self._find(address)
        return graph

    def _find(self, address: int) -> ControlFlowGraph:
        start = self._extents.start(address)
        if start is None:
            return discover((address,), self._fetch, may_change=self._may_change)
        graph = self._containing(start, address)
        if graph is None:
            return self._window_of(start, address, lambda at: self._extents.start(at) == start)
        if _is_entry(graph, address):
            return graph
        return self._from_the_middle(graph, start, address)

    def _containing(self, start: int, address: int) -> ControlFlowGraph | None:
        """The graph that is entered at an address of an extent, or else that has it in its middle."""
        candidates = list(self._candidates(start, address))
        found = (graph for graph in candidates if _is_entry(graph, address))
        in_the_middle = (
            graph for graph in candidates if any(block.start <= address < block.end for block in graph.blocks.values())
        )
        return next(found, None) or next(in_the_middle, None)

    def _candidates(self, start: int, address: int) -> Iterator[ControlFlowGraph]:
        """The graphs that may have an address of an extent: first those for which there is the best reason."""
        yield from self._function(start)
        if address == start:
            return
        yield from self._jumped_into(start)
        yield from self._implicit_function(start, address)

    def _function(self, start: int) -> list[ControlFlowGraph]:
        """The function at the start of an extent."""
        found = self._functions.get(start)
        if found is None:
            found = self._functions[start] = self._whole_or_cut((start,), start)
        return found

    def _jumped_into(self, start: int) -> list[ControlFlowGraph]:
        """What the jumps of other extents go on with in one, but for those to its start."""
        found = self._entered.get(start)
        if found is None:
            entries = [entry for entry in self._extents.jumped_into(start) if entry != start]
            found = self._entered[start] = self._whole_or_cut(entries, start, is_fragment=True) if entries else []
        return found

    def _implicit_function(self, start: int, address: int) -> list[ControlFlowGraph]:
        """The code around an address, where it is as if a function began after a jump or return.

        So it is where functions have no symbols and are called through pointers only.
        """
        begin, end = self._extents.implicit_function(address)
        if begin == start:
            return []
        found = self._functions.get(begin)
        if found is None:
            found = self._functions[begin] = self._whole_or_cut((begin,), start, lambda at: begin <= at < end)
        return found

    def _whole_or_cut(
        self,
        entries: Sequence[int],
        start: int,
        inside: Callable[[int], bool] | None = None,
        *,
        is_fragment: bool = False,
    ) -> list[ControlFlowGraph]:
        """What is entered at some addresses of an extent: one graph, or fragments.

        It goes on in other extents that aren't shared, unless `inside` says where it may.
        """
        extents = self._extents
        end = extents.end(start)

        def is_own(address: int) -> bool:
            return start <= address < end

        graph = self._discover(entries, inside or (lambda at: is_own(at) or not extents.is_shared(at)))
        if graph.size > self._limit and not inside:
            # What is in fragments is found by its own extent.
            graph = self._discover(entries, is_own)
        if graph.size > self._limit:
            return _cut(graph, entries, self._limit)
        return [graph.entered_at(entries) if is_fragment else graph]

    def _from_the_middle(self, graph: ControlFlowGraph, start: int, address: int) -> ControlFlowGraph:
        """What is entered at an address in the middle of a graph."""
        code = _addresses(graph)
        if graph.size <= self._window:
            return self._discover((address,), code.__contains__)
        if address in graph.loops:
            # Not those that another graph has.
            own = (at for at in graph.loops if self._extents.start(at) == start and not _is_entry(graph, at))
            loops = [at for at in own if self._containing(start, at) is graph]
            fragment = graph.entered_at(loops)
            self._graphs.update(dict.fromkeys(loops, fragment))
            return fragment
        stops = {graph.entry, *graph.entries, *graph.loops}
        return self._window_of(start, address, lambda at: at in code and at not in stops)

    def _window_of(self, start: int, address: int, inside: Callable[[int], bool]) -> ControlFlowGraph:
        size = 4 * self._window
        end = start + ((address - start) // size + 1) * size
        return self._discover((address,), lambda at: address <= at < end and inside(at))

    def _discover(self, entries: Collection[int], inside: Callable[[int], bool]) -> ControlFlowGraph:
        outside = _Addresses(lambda at: at in self._redirected or not inside(at))
        entered = tuple(entries)
        goes_on, may_change = self._goes_on, self._may_change
        return discover(entered, self._fetch, self._jump_targets, outside, goes_on, may_change=may_change)

    def _outside(self, start: int) -> _Addresses:
        """The addresses that aren't in an extent."""
        end = self._extents.end(start)
        return _Addresses(lambda at: not start <= at < end)

    def _goes_on(self, block: Block, after: int) -> bool | None:
        """Whether a function goes on after a call; None if the call doesn't return."""
        if not self._extents.is_at_end(after):
            return True
        # Compilers end functions with calls of what doesn't return.
        returns = block.kind != "call" or block.target is None or not self._is_endless(block.target)
        return False if returns else None

    def _is_endless(self, address: int) -> bool:
        """Whether no way through a function leads to a return or out of it, and likewise where its last calls go."""
        found = self._never_returns.get(address)
        if found is None:
            found = self._never_returns[address] = self._find_endless(address)
        return found

    def _find_endless(self, address: int) -> bool:
        seen = {address}
        todo = [address]
        size = 0
        while todo:
            entry = todo.pop()
            start = self._extents.start(entry)
            if start is None:
                return False
            last: list[Block] = []

            def after_call(block: Block, after: int, last: list[Block] = last) -> bool | None:
                if not self._extents.is_at_end(after):
                    return True
                last.append(block)
                return None

            graph = discover((entry,), self._fetch, self._jump_targets, self._outside(start), after_call)
            size += graph.size
            if size > _MAX_ENDLESS or graph.outside or any(block.kind == "call_to" for block in last):
                return False
            if any(b.kind == "return" or (b.kind == "jump" and not b.targets) for b in graph.blocks.values()):
                return False
            called = {block.target for block in last if block.target is not None} - seen
            seen |= called
            todo += called
        return True


def _is_entry(graph: ControlFlowGraph, address: int) -> bool:
    return address in (graph.entries or (graph.entry,))


def _addresses(graph: ControlFlowGraph) -> frozenset[int]:
    """The addresses of the instructions of a graph."""
    return frozenset(at for block in graph.blocks.values() for at in range(block.start, block.end, 4))


def _cut(graph: ControlFlowGraph, entries: Collection[int], limit: int) -> list[ControlFlowGraph]:
    """A graph in fragments up to a limit, which are entered at `entries` and where others of them go."""
    parts = [part for block in graph.blocks.values() for part in _shorter(block, limit)]
    # Not the end of a call that is the end of the code: that has nothing to return to.
    reached = graph.blocks.keys() | graph.outside | {part.start for part in parts}
    entered = set(entries)
    groups = []
    for group in _groups(parts, limit):
        blocks = {block.start: block for block in group}
        successors = {successor for block in group for successor in block.successors}
        outside = frozenset((successors - blocks.keys()) & reached)
        entered |= outside
        groups.append((blocks, outside))
    fragments = []
    for blocks, outside in groups:
        calls = frozenset(b.target for b in blocks.values() if b.kind == "call" and b.target is not None)
        into = tuple(start for start in blocks if start in entered)
        fragments.append(ControlFlowGraph(into[0], blocks, calls, outside, into))
    return fragments


def _shorter(block: Block, limit: int) -> list[Block]:
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
