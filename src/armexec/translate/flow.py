"""The blocks of a guest function, found by following branches from its entry.

Where an instruction goes is asked of its semantic function, run on a machine whose values absorb everything and which
records only the control flow; so there is one description of a branch. Only words of the class "branches, exception
generating and system instructions" are asked.

A branch out of the function's own symbol is followed like any other: the code it reaches becomes part of this
function too (a tail call, or falling through into the next function). That is right whatever the code is, and
needs no host stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from armexec.isa import Decoded, decode

__all__ = ["Block", "Fetch", "Flow", "FlowMachine", "discover", "ends_block"]

MAX_INSTRUCTIONS = 4000
"""A function larger than this is cut: what lies beyond is reached by the dispatcher."""


class _Anything:
    """A value that absorbs every operation."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("register",)
    width = 64

    def __init__(self, register: int | None = None) -> None:
        self.register = register

    def _same(self, *_: Any, **__: Any) -> _Anything:
        return _ANYTHING

    __add__ = __sub__ = __mul__ = __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = _same
    __invert__ = __neg__ = __eq__ = __ne__ = _same  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _ANYTHING

    def __call__(self, *_: Any, **__: Any) -> _Anything:
        return _ANYTHING


_ANYTHING = _Anything()


class _Registers:
    def __getitem__(self, key: tuple[int, int]) -> _Anything:
        return _Anything(key[1])

    def __setitem__(self, key: tuple[int, int], value: Any) -> None:
        pass


class FlowMachine:
    """Records how an instruction ends a block: `kind` is empty if it doesn't.

    `kind`: goto, branch, call, call_to, jump, return or stop; `target` an address, or the register it is in.
    """

    X = XSP = _Registers()

    def __init__(self) -> None:
        self.pc = 0
        self.kind = ""
        self.target: int | None = None

    def __getattr__(self, name: str) -> Any:
        return _ANYTHING

    def branch(self, target: int) -> None:
        self.kind, self.target = "goto", target

    def branch_if(self, condition: Any, target: int) -> None:
        self.kind, self.target = "branch", target

    def call(self, target: int) -> None:
        self.kind, self.target = "call", target

    def branch_to(self, target: _Anything) -> None:
        self.kind, self.target = "jump", target.register

    def call_to(self, target: _Anything) -> None:
        self.kind, self.target = "call_to", target.register

    def return_to(self, target: _Anything) -> None:
        self.kind, self.target = "return", target.register

    def supervisor_call(self, immediate: int) -> None:
        self.kind = "stop"

    def breakpoint(self, immediate: int) -> None:
        self.kind = "stop"

    def undefined(self, why: str) -> None:
        self.kind = "stop"


@dataclass
class Block:
    """Instructions that run one after the other. `kind` and `target` are as in `FlowMachine`, of the last one.

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
        if self.kind == "goto":
            assert self.target is not None
            return (self.target,)
        if self.kind == "branch":
            assert self.target is not None
            return (self.target, self.end)
        if self.kind in ("call", "call_to"):
            return (self.end,)
        return self.targets


@dataclass
class Flow:
    """A function: its blocks by address.

    `calls` are the functions it calls directly; `outside` the addresses it goes to that aren't code of the image.
    """

    entry: int
    blocks: dict[int, Block]
    calls: frozenset[int]
    outside: frozenset[int]


Fetch = Callable[[int], int | None]
"""The word at an address, or None where there is no code."""


def discover(entry: int, fetch: Fetch, jump_targets: Callable[[int, Flow], tuple[int, ...]] | None = None) -> Flow:
    """Follow the code from `entry`.

    `jump_targets` is asked, for each jump to a register, by the address of its block and what is known of the function,
    for the jump's targets; until nothing more is found.
    """
    known: dict[int, tuple[int, ...]] = {}
    while True:
        flow = _discover(entry, fetch, known)
        if jump_targets is None:
            return flow
        again = False
        for block in flow.blocks.values():
            if block.kind == "jump" and block.end not in known:
                targets = jump_targets(block.start, flow)
                known[block.end] = targets if all(fetch(target) is not None for target in targets) else ()
                again = again or bool(known[block.end])
        if not again:
            return flow


def _discover(entry: int, fetch: Fetch, jumps: dict[int, tuple[int, ...]]) -> Flow:
    machine = FlowMachine()
    code: dict[int, Decoded | int] = {}
    ends: dict[int, tuple[str, int | None, tuple[int, ...]]] = {}
    leaders = {entry}
    calls: set[int] = set()
    outside: set[int] = set()
    todo = [entry]
    while todo:
        at = todo.pop()
        while at not in code:
            word = fetch(at) if len(code) < MAX_INSTRUCTIONS else None
            if word is None:
                outside.add(at)
                leaders.add(at)
                break
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
            targets = jumps.get(at, ())
            if kind == "call" and target == at:
                # `bl .+4` only reads the pc: control goes on below, and nothing will return here.
                kind = "goto"
            ends[at] = (kind, target, targets)
            block = Block(at, kind=kind, target=target, targets=targets)
            if kind == "call":
                assert target is not None
                calls.add(target)
            successors = block.successors
            if "call" in kind and fetch(at) is None:
                # A call at the end of the code doesn't return.
                successors = ()
            leaders.update(successors)
            todo.extend(successors)
            break
    return Flow(entry, _blocks(code, ends, leaders - outside), frozenset(calls), frozenset(outside))


def ends_block(decoded: Decoded, address: int, machine: FlowMachine) -> bool:
    """Whether an instruction changes the control flow; `machine.kind` and `machine.target` then say how."""
    machine.kind, machine.target = "", None
    if decoded.word & 0x1C00_0000 != 0x1400_0000:
        return False
    machine.pc = address
    m: Any = machine
    decoded.instruction.semantics(m, *decoded.fields.values())
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
