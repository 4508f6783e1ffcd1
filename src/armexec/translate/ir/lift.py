"""A guest function's blocks as IR text, before it is known which registers travel into it and out of it."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from armexec.cpu.registers import COUNTER, X30, RegisterSet, bit, has
from armexec.isa import Decoded
from armexec.machines.llvm.deferred_stores import FlushBefore
from armexec.machines.llvm.knowledge import Exit, Knowledge, Segment
from armexec.machines.llvm.machine import LlvmMachine, Terminator
from armexec.machines.traps import TrapKind
from armexec.resource_limits.deadlines import check_deadline
from armexec.translate.analysis.reexecution_regions import ReexecutionRegion, candidates, natural_loops
from armexec.translate.analysis.spin_loops import repeated_loads
from armexec.translate.cfg.discovery import Block, ControlFlowGraph
from armexec.translate.ir.vector_pairs import may_pair, note_load, run_pair, run_store
from armexec.translate.policy import DEFAULT, Policy

_ROUNDS = 4
"""How often a function is lifted again to see which of its registers may be pending between blocks."""

__all__ = ["LiftedBlock", "LiftedFunction", "lift", "lift_block"]


@dataclass
class LiftedBlock:
    """`used` and `dirty` are sets of registers as bits: loaded where they are kept between blocks, and written.

    `segments` and `exits`: where it is left for nonspeculative code. `unchecked`: its V registers that were pending at
    its end. `region`: the re-execution region that it belongs to.
    """

    source: Block
    out: list[str]
    knowledge: Knowledge
    used: RegisterSet
    dirty: RegisterSet
    terminator: Terminator
    segments: list[Segment]
    exits: list[Exit]
    has_effect: bool
    unchecked: dict[int, frozenset[int]]
    region: ReexecutionRegion | None = None

    @property
    def is_side_effect_free(self) -> bool:
        """Whether it changes nothing but registers."""
        return len(self.segments) == 1 and not self.has_effect

    @property
    def kind(self) -> str:
        return "trap" if self.terminator[0] == "trap" else self.source.kind

    def live_at(self, segment: int, live: int) -> int:
        """What is live where a segment starts, given what is before the block's call or return."""
        for part in reversed(self.segments[segment:]):
            live = live & ~part.writes | part.reads
        return live

    @property
    def terminator_target(self) -> int:
        """The address that a direct call goes to."""
        assert self.source.target is not None
        return self.source.target


@dataclass
class LiftedFunction:
    """`irregular`: it returns in a way that only the dispatcher can follow. `keeps_link`: nothing in it writes X30."""

    graph: ControlFlowGraph
    machine: LlvmMachine
    blocks: dict[int, LiftedBlock]
    irregular: bool
    keeps_link: bool

    @property
    def has_exits(self) -> bool:
        """Whether it may be left for nonspeculative code."""
        return any(block.exits or block.region is not None for block in self.blocks.values())


def lift(graph: ControlFlowGraph, machine: LlvmMachine, policy: Policy = DEFAULT) -> LiftedFunction:
    """Run the semantic functions of all the blocks, each after its only predecessor if it has just one."""
    pairs = policy.vector_pairs
    blocks, link_writers = _lift_blocks(graph, machine, [], pairs)
    loops = natural_loops(graph)
    machine.volatile = repeated_loads(
        graph, loops, {start: block.dirty for start, block in blocks.items() if block.is_side_effect_free}
    )
    if machine.volatile:
        blocks, link_writers = _lift_blocks(graph, machine, [], pairs)
    exits = [start for start, block in blocks.items() if block.exits]
    if exits:
        side_effect_free = [start for start, block in blocks.items() if block.is_side_effect_free]
        regions = candidates(graph, loops, side_effect_free, exits) if policy.reexecution_regions else []
        if regions:
            blocks = _lift_regions(graph, machine, blocks, regions, pairs) or blocks
    if exits or machine.counts:
        # What goes on from there takes all registers from where they are kept, and knows nothing of what comes before.
        for lifted in blocks.values():
            lifted.used |= lifted.live_at(0, 0)
    if machine.counts:
        for lifted in blocks.values():
            lifted.used |= bit(COUNTER)
            lifted.dirty |= bit(COUNTER)
    returns = [b for b in blocks.values() if b.kind == "return"]
    irregular = any(b.source.target != X30 for b in returns) or not all(map(_restores_link, link_writers))
    irregular = irregular or _returns_to_itself(graph, blocks)
    keeps_link = not link_writers and not any("call" in b.kind for b in blocks.values())
    return LiftedFunction(graph, machine, blocks, irregular, keeps_link)


def _lift_regions(
    graph: ControlFlowGraph,
    machine: LlvmMachine,
    blocks: dict[int, LiftedBlock],
    regions: list[ReexecutionRegion],
    pairs: bool,
) -> dict[int, LiftedBlock] | None:
    """The blocks again, those of `regions` without tests; None if that can't be."""
    changed = False
    for _ in range(_ROUNDS):
        for region in regions:
            if region.add_unchecked(blocks[start].unchecked for start in region.blocks & blocks.keys()):
                changed = True
        if not changed:
            return blocks
        blocks, _ = _lift_blocks(graph, machine, regions, pairs)
        fit = [region for region in regions if not region.is_rejected]
        # The blocks of those that aren't have no tests, and need them.
        changed = fit != regions
        regions = fit
        if not regions:
            break
    return None


def _lift_blocks(
    graph: ControlFlowGraph, machine: LlvmMachine, regions: list[ReexecutionRegion], pairs: bool
) -> tuple[dict[int, LiftedBlock], list[Decoded]]:
    """The blocks, and the instructions that write X30."""
    predecessors: dict[int, int] = dict.fromkeys(graph.blocks, 0)
    entries = graph.entries or (graph.entry,)
    predecessors.update(dict.fromkeys(entries, 1))
    for block in graph.blocks.values():
        for target in set(block.successors):
            if target in predecessors:
                predecessors[target] += 1
    parts = {start: region for region in regions if not region.is_rejected for start in region.blocks}
    blocks: dict[int, LiftedBlock] = {}
    todo: list[tuple[int, LiftedBlock | None]] = [(entry, None) for entry in reversed(entries)]
    link_writers: list[Decoded] = []
    while todo:
        start, previous = todo.pop()
        if start in blocks or start not in graph.blocks:
            continue
        block = graph.blocks[start]
        region = parts.get(start)
        machine.guards.unchecked = region.unchecked if region is not None else None
        machine.guards.is_rejected = False
        # After a call nothing is known of the registers.
        follows = previous is not None and predecessors[start] == 1 and previous.kind not in ("call", "call_to")
        knowledge = previous.knowledge if previous is not None and follows else None
        lifted = blocks[start] = _lift_known(block, machine, knowledge, link_writers, pairs)
        lifted.region = region
        if region is not None and machine.guards.is_rejected:
            region.is_rejected = True
        if lifted.kind != "trap":
            todo.extend((target, lifted) for target in reversed(block.successors))
    machine.guards.unchecked = None
    machine.guards.is_rejected = False
    return blocks, link_writers


def _returns_to_itself(graph: ControlFlowGraph, blocks: Mapping[int, LiftedBlock]) -> bool:
    """Whether some way leads from a call to a return, and X30 isn't written there: it returns to after its own call."""
    todo = [block.source.end for block in blocks.values() if "call" in block.kind]
    seen: set[int] = set()
    while todo:
        start = todo.pop()
        block = blocks.get(start)
        if block is None or start in seen:
            continue
        seen.add(start)
        if "call" in block.kind or has(block.dirty, X30):
            continue
        if block.kind == "return":
            return True
        todo += block.source.successors
    return False


def _restores_link(decoded: Decoded) -> bool:
    """Whether an instruction that writes X30 is one that functions restore it with: a load by SP, or authentication."""
    effects = decoded.effects
    by_sp = effects.is_load and ("sp", 31) in effects.reads
    return by_sp or (decoded.form.feature == "FEAT_PAuth" and ("x", 30) in effects.reads)


def _lift_known(
    block: Block, machine: LlvmMachine, knowledge: Knowledge | None, link_writers: list[Decoded], pairs: bool
) -> LiftedBlock:
    """Lift a block, given what is known where it begins."""
    flushes: set[int] = set()
    while True:
        machine.start(knowledge)
        writers: list[Decoded] = []
        try:
            lifted = lift_block(block, machine, writers, flushes, pairs=pairs)
        except FlushBefore as found:
            # That turns out within the instruction: begin again, and flush before it.
            flushes.add(found.pc)
            continue
        link_writers += writers
        return lifted


def lift_block(
    block: Block,
    machine: LlvmMachine,
    link_writers: list[Decoded] | None = None,
    flushes: Container[int] = (),
    *,
    pairs: bool = True,
) -> LiftedBlock:
    """Run the semantic functions of a block on the machine, which has begun it.

    `flushes`: the addresses of instructions before which deferred stores are made. `pairs`: make pairs of instructions
    one, where the host can.

    Raises:
        FlushBefore: another such instruction was found.
    """
    pc = block.start
    machine.block_end = block.end
    machine.guards.segments[0].pc = pc
    pairs = pairs and may_pair(machine)
    following = [*block.instructions[1:], 0]
    paired = False
    for decoded, after in zip(block.instructions, following, strict=True):
        machine.pc = pc
        check_deadline()
        if pc in flushes:
            machine.guards.flush()
        if machine.guards.has_effect:
            machine.next_segment()
        machine.builder.mark(pc)
        mark = len(machine.builder.out) - 1
        if isinstance(decoded, int):
            _undecoded(machine, decoded)
            break
        # The second of a pair has run with the first.
        was_paired, paired = paired, pairs and not paired and run_pair(machine, decoded, after)
        if paired or was_paired:
            pc += 4
            continue
        machine.link_written = False
        if not (pairs and run_store(machine, decoded)):
            decoded.instruction.semantics(machine, *decoded.fields.values())
            if pairs:
                note_load(machine, decoded)
        if machine.written:
            machine.builder.note(mark, machine.written)
            machine.written.clear()
        terminator = machine.terminator
        if terminator is not None and terminator[0] == "trap":
            break
        if machine.link_written and link_writers is not None and (terminator is None or "call" not in block.kind):
            link_writers.append(decoded)
        pc += 4
    unchecked = {}
    if machine.terminator is None or machine.terminator[0] != "trap":
        unchecked = machine.guards.end_block(machine.vectors, machine.dirty)
    machine.end_segment()
    dirty = 0
    for segment in machine.guards.segments:
        dirty |= segment.writes
    terminator = machine.terminator or ("goto", block.target)
    return LiftedBlock(
        block,
        machine.builder.out,
        machine.knowledge(),
        machine.used,
        dirty,
        terminator,
        machine.guards.segments,
        machine.guards.exits,
        machine.guards.has_effect,
        unchecked,
    )


def _undecoded(machine: LlvmMachine, word: int) -> None:
    """Translate a word that doesn't decode to what executing it reports."""
    from armexec.isa.coverage import known_encoding

    name = known_encoding(word)
    if name is None:
        machine.trap(TrapKind.UNDEFINED)
    else:
        machine.undefined_reasons[machine.pc] = name
        machine.trap(TrapKind.UNSUPPORTED, word)
