"""The blocks of a guest function, found by following branches from its entry.

Where an instruction goes is asked of its semantic function, run on an abstract machine that records only the control
flow; so there is one description of a branch. That takes a microsecond or two for an instruction.

A branch out of the function's own symbol is followed like any other: the code it reaches becomes part of this
function too (a tail call, or falling through into the next function). That is right whatever the code is, and
needs no host stack.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

from armexec.isa import Decoded, decode
from armexec.isa.abstract import AbstractMachine, AbstractValue
from armexec.isa.system_registers import FPCR
from armexec.resource_limits.deadlines import check_deadline

__all__ = [
    "AfterCall",
    "Block",
    "BlockEndMachine",
    "ControlFlowGraph",
    "Fetch",
    "JumpTargets",
    "discover",
    "ends_block",
]

_MAX_ROUNDS = 32
"""How often jump tables are looked for again in the code that jump tables led to."""


class _RegisterValue(AbstractValue):
    """What a general register holds, unchanged."""

    __slots__ = ("register",)

    def __init__(self, width: int, register: int) -> None:
        super().__init__(width)
        self.register = register


class _Registers:
    def __getitem__(self, key: tuple[int, int]) -> _RegisterValue:
        return _RegisterValue(*key)

    def __setitem__(self, key: tuple[int, int], value: Any) -> None:
        pass


def _register(target: Any) -> int | None:
    """The register that an address is in, None if it is computed."""
    return target.register if isinstance(target, _RegisterValue) else None


class BlockEndMachine(AbstractMachine):
    """Records how an instruction ends a block: `kind` is empty if it doesn't.

    `kind`: goto, branch, call, call_to, jump, return, switch (another mode may go on), synchronize (other code may go
    on) or stop; `target` an address, or the register it is in.

    `may_change`: instructions after which changed code is executed end blocks: ISB and SVC (Arm ARM, "Context
    synchronization event").
    """

    X = XSP = _Registers()

    def __init__(self, *, may_change: bool = False) -> None:
        self.may_change = may_change
        self.kind = ""
        self.target: int | None = None

    def branch(self, target: int) -> None:
        self.kind, self.target = "goto", target

    def branch_if(self, condition: Any, target: int) -> None:
        self.kind, self.target = "branch", target

    def call(self, target: int) -> None:
        self.kind, self.target = "call", target

    def branch_to(self, target: Any) -> None:
        self.kind, self.target = "jump", _register(target)

    def call_to(self, target: Any) -> None:
        self.kind, self.target = "call_to", _register(target)

    def return_to(self, target: Any) -> None:
        self.kind, self.target = "return", _register(target)

    def write_system_register(self, register: int, value: Any) -> None:
        if register == FPCR:
            self.kind, self.target = "switch", self.pc + 4

    def barrier(self, kind: str, option: int) -> None:
        if self.may_change and kind == "isb":
            self.kind, self.target = "synchronize", self.pc + 4

    def supervisor_call(self, immediate: int) -> None:
        if self.may_change:
            self.kind, self.target = "synchronize", self.pc + 4

    def breakpoint(self, immediate: int) -> None:
        self.kind = "stop"

    def undefined(self, why: str) -> None:
        self.kind = "stop"


@dataclass
class Block:
    """Instructions that run one after the other. `kind` and `target` are as in `BlockEndMachine`, of the last one.

    `kind` is "goto" too where the block only ends because another begins. `instructions` holds a word that doesn't
    decode as it is. `targets` are the known targets of a jump.
    """

    start: int
    instructions: list[Decoded | int] = field(default_factory=list)
    kind: str = "goto"
    target: int | None = None
    targets: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        return self.start + 4 * len(self.instructions)

    @property
    def successors(self) -> tuple[int, ...]:
        """Addresses in the same function where control goes on, calls having returned."""
        if self.kind in ("goto", "switch", "synchronize"):
            assert self.target is not None
            return (self.target,)
        if self.kind == "branch":
            assert self.target is not None
            return (self.target, self.end)
        if self.kind in ("call", "call_to"):
            return (self.end,)
        return self.targets


@dataclass
class ControlFlowGraph:
    """A function: its blocks by address.

    `calls` are the functions it calls directly; `outside` the addresses it goes to that aren't part of it. A fragment
    has `entries`, where it is entered with all registers in the state structure.
    """

    entry: int
    blocks: dict[int, Block]
    calls: frozenset[int]
    outside: frozenset[int]
    entries: tuple[int, ...] = ()

    @property
    def is_fragment(self) -> bool:
        return bool(self.entries)

    @property
    def loops(self) -> tuple[int, ...]:
        """The blocks that are jumped back to."""
        blocks = self.blocks.values()
        return tuple(sorted({to for b in blocks for to in b.successors if to <= b.start and to in self.blocks}))

    def entered_at(self, entries: Sequence[int]) -> ControlFlowGraph:
        """A fragment with those of its blocks that are reached from some of them."""
        blocks: dict[int, Block] = {}
        todo = list(entries)
        while todo:
            start = todo.pop()
            if start in self.blocks and start not in blocks:
                blocks[start] = self.blocks[start]
                todo += blocks[start].successors
        blocks = dict(sorted(blocks.items()))
        calls = frozenset(b.target for b in blocks.values() if b.kind == "call" and b.target is not None)
        reached = {successor for block in blocks.values() for successor in block.successors}
        return ControlFlowGraph(entries[0], blocks, calls, self.outside & reached, tuple(entries))

    @property
    def size(self) -> int:
        """How many instructions it has."""
        return sum(len(block.instructions) for block in self.blocks.values())


_LOOK = 256
"""Bytes of code between two looks at the clock."""

Fetch = Callable[[int], int | None]
"""The word at an address, or None where there is no code."""


JumpTargets = Callable[[Sequence[int], ControlFlowGraph], "dict[int, tuple[int, ...]]"]
"""The targets of the jumps that end the blocks at some addresses, by these, as far as what is known tells them."""


AfterCall = Callable[[Block, int], bool | None]
"""Whether control goes on in the same function where a call returns: of the block that ends with the call, and the
address after it. None: the call doesn't return.
"""


def discover(
    entries: Sequence[int],
    fetch: Fetch,
    jump_targets: JumpTargets | None = None,
    stop: Container[int] = (),
    after_call: AfterCall = lambda _block, _address: True,
    *,
    may_change: bool = False,
) -> ControlFlowGraph:
    """Follow the code from `entries`, up to the addresses of `stop`.

    `jump_targets` is asked for the targets of jumps to a register, until nothing more is found. `may_change`: the code
    may be changed while it runs.
    """
    discovery = _Discovery(entries, fetch, stop, after_call, BlockEndMachine(may_change=may_change))
    asked: set[int] = set()
    for _ in range(_MAX_ROUNDS):
        discovery.follow()
        graph = discovery.graph()
        jumps = [b for b in graph.blocks.values() if b.kind == "jump" and b.end not in asked]
        if jump_targets is None or not jumps:
            break
        asked.update(block.end for block in jumps)
        found = jump_targets([block.start for block in jumps], graph)
        ends = {graph.blocks[start].end: targets for start, targets in found.items()}
        ends = {end: targets for end, targets in ends.items() if all(fetch(t) is not None for t in targets)}
        if not ends:
            break
        discovery.add_jumps(ends)
    discovery.follow()
    return discovery.graph()


class _Discovery:
    def __init__(
        self,
        entries: Sequence[int],
        fetch: Fetch,
        stop: Container[int],
        after_call: AfterCall,
        machine: BlockEndMachine,
    ) -> None:
        self.entry = entries[0]
        self.fetch = fetch
        self.stop = stop
        self.after_call = after_call
        self.machine = machine
        self.code: dict[int, Decoded | int] = {}
        self.ends: dict[int, tuple[str, int | None, tuple[int, ...]]] = {}
        self.leaders = set(entries)
        self.calls: set[int] = set()
        self.outside: set[int] = set()
        self.todo = list(entries)

    def add_jumps(self, found: dict[int, tuple[int, ...]]) -> None:
        """Go on at the targets of jumps, by the address after each."""
        for end, targets in found.items():
            kind, target, _ = self.ends[end]
            self.ends[end] = (kind, target, targets)
            self.leaders.update(targets)
            self.todo.extend(targets)

    def graph(self) -> ControlFlowGraph:
        outside = self.outside - self.code.keys()
        blocks = _blocks(self.code, self.ends, self.leaders - outside)
        return ControlFlowGraph(self.entry, blocks, frozenset(self.calls), frozenset(outside))

    def follow(self) -> None:
        while self.todo:
            self._follow(self.todo.pop())

    def _follow(self, at: int) -> None:
        fetch, code, machine = self.fetch, self.code, self.machine
        while at not in code:
            word = fetch(at) if at == self.entry or at not in self.stop else None
            if word is None:
                self.outside.add(at)
                self.leaders.add(at)
                return
            if not at & _LOOK - 1:
                check_deadline()
            decoded = decode(word)
            code[at] = decoded if decoded is not None else word
            kind: str = ""
            target: int | None = None
            if decoded is None:
                kind = "stop"
            elif ends_block(decoded, at, machine):
                kind, target = machine.kind, machine.target
            at += 4
            if not kind:
                continue
            if kind == "call" and target == at:
                # `bl .+4` only reads the pc: control goes on below, and nothing will return here.
                kind = "goto"
            self.ends[at] = (kind, target, ())
            if kind == "call":
                assert target is not None
                self.calls.add(target)
            block = Block(at, kind=kind, target=target)
            successors = block.successors
            if "call" in kind:
                goes_on = self.after_call(block, at)
                if goes_on is False:
                    self.outside.add(at)
                if not goes_on or fetch(at) is None:
                    # A call at the end of the code doesn't return.
                    successors = ()
            self.leaders.update(successors)
            self.todo.extend(successors)
            return


def ends_block(decoded: Decoded, address: int, machine: BlockEndMachine) -> bool:
    """Whether an instruction changes the control flow; `machine.kind` and `machine.target` then say how."""
    machine.kind, machine.target, machine.pc = "", None, address
    decoded.form.instruction.semantics(machine, *decoded.fields.values())
    return bool(machine.kind)


def _blocks(
    code: dict[int, Decoded | int], ends: dict[int, tuple[str, int | None, tuple[int, ...]]], leaders: set[int]
) -> dict[int, Block]:
    blocks = {}
    for start in sorted(leaders):
        block = blocks[start] = Block(start)
        at = start
        while True:
            block.instructions.append(code[at])
            at += 4
            end = ends.get(at)
            if end is not None:
                block.kind, block.target, block.targets = end
                break
            if at in leaders or at not in code:
                block.target = at
                break
    return blocks
