"""A guest function's blocks as IR text, before it is known which registers travel into it and out of it."""

from __future__ import annotations

from dataclasses import dataclass

from armexec.isa import Decoded
from armexec.machines.llvm import Exit, Knowledge, LlvmMachine, Segment, Terminator
from armexec.machines.traps import TrapKind

from .flow import Block, Flow

__all__ = ["LiftedBlock", "LiftedFunction", "lift", "lift_block"]

X30 = 1 << 30


@dataclass
class LiftedBlock:
    """`used` and `dirty` are sets of registers as bits: loaded where they are kept between blocks, and written.

    `segments` and `exits`: where it is left for careful code.
    """

    flow: Block
    out: list[str]
    knowledge: Knowledge
    used: int
    dirty: int
    terminator: Terminator
    segments: list[Segment]
    exits: list[Exit]

    @property
    def kind(self) -> str:
        return "trap" if self.terminator[0] == "trap" else self.flow.kind

    def live_at(self, segment: int, live: int) -> int:
        """What is live where a segment starts, given what is before the block's call or return."""
        for part in reversed(self.segments[segment:]):
            live = live & ~part.writes | part.reads
        return live

    @property
    def terminator_target(self) -> int:
        """The address that a direct call goes to."""
        assert self.flow.target is not None
        return self.flow.target


@dataclass
class LiftedFunction:
    """`irregular`: it returns in a way that only the dispatcher can follow. `keeps_link`: nothing in it writes X30."""

    flow: Flow
    machine: LlvmMachine
    blocks: dict[int, LiftedBlock]
    irregular: bool
    keeps_link: bool

    @property
    def has_exits(self) -> bool:
        """Whether it may be left for careful code."""
        return any(block.exits for block in self.blocks.values())


def lift(flow: Flow, machine: LlvmMachine) -> LiftedFunction:
    """Run the semantic functions of all the blocks, each after its only predecessor if it has just one."""
    predecessors: dict[int, int] = dict.fromkeys(flow.blocks, 0)
    entries = flow.entries or (flow.entry,)
    predecessors.update(dict.fromkeys(entries, 1))
    for block in flow.blocks.values():
        for target in set(block.successors):
            if target in predecessors:
                predecessors[target] += 1
    blocks: dict[int, LiftedBlock] = {}
    todo: list[tuple[int, LiftedBlock | None]] = [(entry, None) for entry in reversed(entries)]
    link_writers: list[Decoded] = []
    while todo:
        start, previous = todo.pop()
        if start in blocks or start not in flow.blocks:
            continue
        block = flow.blocks[start]
        # After a call nothing is known of the registers.
        if previous is not None and predecessors[start] == 1 and previous.kind not in ("call", "call_to"):
            machine.follow(previous.knowledge)
        else:
            machine.begin()
        lifted = blocks[start] = lift_block(block, machine, link_writers)
        if lifted.kind != "trap":
            todo.extend((target, lifted) for target in reversed(block.successors))
    if any(lifted.exits for lifted in blocks.values()):
        # Careful code takes all registers from where they are kept, and knows nothing of what comes before it.
        for lifted in blocks.values():
            lifted.used |= lifted.live_at(0, 0)
    returns = [b for b in blocks.values() if b.kind == "return"]
    irregular = any(b.flow.target != 30 for b in returns) or not all(map(_restores_link, link_writers))
    return LiftedFunction(
        flow, machine, blocks, irregular, not link_writers and not any("call" in b.kind for b in blocks.values())
    )


def _restores_link(decoded: Decoded) -> bool:
    """Whether an instruction that writes X30 is one that functions restore it with: a load by SP, or authentication."""
    word = decoded.word
    is_load = word & 0x0A00_0000 == 0x0800_0000
    return (is_load and word >> 5 & 31 == 31) or word & 0xFFFF_F000 == 0xD503_2000


def lift_block(block: Block, machine: LlvmMachine, link_writers: list[Decoded] | None = None) -> LiftedBlock:
    """Run the semantic functions of a block on the machine, which has begun it."""
    pc = block.start
    machine.segments[0].pc = pc
    for decoded in block.instructions:
        machine.pc = pc
        if machine.has_effect:
            machine.next_segment()
        if machine.image_base is not None:
            machine.out.append(f";@{pc - machine.image_base:x}")
        if isinstance(decoded, int):
            _undecoded(machine, decoded)
            break
        machine.link_written = False
        decoded.instruction.semantics(machine, *decoded.fields.values())
        terminator = machine.terminator
        if terminator is not None and terminator[0] == "trap":
            break
        if machine.link_written and link_writers is not None and (terminator is None or "call" not in block.kind):
            link_writers.append(decoded)
        pc += 4
    if machine.terminator is None or machine.terminator[0] != "trap":
        machine.settle()
    machine.end_segment()
    dirty = 0
    for segment in machine.segments:
        dirty |= segment.writes
    terminator = machine.terminator or ("goto", block.target)
    return LiftedBlock(
        block, machine.out, machine.knowledge(), machine.used, dirty, terminator, machine.segments, machine.exits
    )


def _undecoded(machine: LlvmMachine, word: int) -> None:
    """Translate a word that doesn't decode to what executing it reports."""
    from armexec.isa.coverage import known_encoding

    name = known_encoding(word)
    if name is None:
        machine.trap(TrapKind.UNDEFINED)
    else:
        machine.whys[machine.pc] = name
        machine.trap(TrapKind.UNSUPPORTED, word)
