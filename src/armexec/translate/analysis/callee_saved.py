"""Functions that restore the registers they save: what need not be returned, nor checked.

A function that keeps registers on the stack loads them again from memory, where anything may have been put
meanwhile, so the translation takes what it loads for new values. It needn't where that can be shown to be what was
saved: all stores of the function are to its own frame, at known distances from the stack pointer; none of them hits
a slot but the one that saved the register; and the functions that it calls are like that too, with frames below its
own. Then the registers, the stack pointer and the return address are at the end what they were at the start (AAPCS64,
6.1.1, asks for no less, but is nothing to rely on).

This is shown for all functions of a unit at once: it is supposed of each, and what contradicts the supposition is given
up until nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from armexec.cpu.registers import GENERAL, SP, X30, RegisterSet, bit, has, members, x
from armexec.isa.abstract import AbstractValue
from armexec.translate.cfg.discovery import ControlFlowGraph
from armexec.translate.cfg.symbolic import MASK, Expression, SymbolicMachine, SymbolicValue, terms

__all__ = ["CalleeSaved", "find_callee_saved"]

_NUMBERS = tuple(members(GENERAL))
_WAYS = frozenset(("goto", "branch", "call", "return"))

AAPCS64_PRESERVED = bit(*(x(n) for n in range(19, 31)), SP)
"""The general registers that a function leaves as they were (AAPCS64, 6.1.1), X30 counted as one."""

_Slots = dict[int, Expression]
"""What doublewords of the frame hold, by their distance from the stack pointer at the function's start."""


class _State(NamedTuple):
    registers: dict[int, Expression]
    slots: _Slots


class _NotPreserved(Exception):
    """A function isn't known to keep to its frame."""


class _FrameMachine(SymbolicMachine):
    """Raises _NotPreserved for a store that isn't to the frame, unless those are supposed to go elsewhere."""

    def __init__(self, state: _State, *, trusts_stores: bool = False) -> None:
        super().__init__()
        self.trusts_stores = trusts_stores
        self.registers = dict(state.registers)
        self.slots = dict(state.slots)

    def _slot(self, address: Any) -> int | None:
        distance, others = terms(self.expression(address))
        if others != [("register", SP)]:
            return None
        return distance - (1 << 64) if distance >> 63 else distance

    def load(self, address: Any, bits: int, *, acquire: bool = False, simd: bool = False) -> AbstractValue:
        slot = self._slot(address)
        held = self.slots.get(slot) if slot is not None and bits == 64 else None
        return self.top(bits) if held is None else SymbolicValue(bits, held)

    def store(self, address: Any, value: Any, *, release: bool = False) -> None:
        slot = self._slot(address)
        size = value.width // 8
        if slot is None or slot + size > 0 or address.width != 64:
            if self.trusts_stores:
                return
            raise _NotPreserved
        for other in [other for other in self.slots if other - size < slot < other + 8]:
            del self.slots[other]
        if size == 8:
            self.slots[slot] = self.expression(value)

    def zero_cache_block(self, address: Any) -> None:
        if not self.trusts_stores:
            raise _NotPreserved

    def return_to(self, target: Any) -> None:
        self.target = self.expression(target)

    def call(self, target: int) -> None:
        self.registers[X30] = self.unknown()


class CalleeSaved(NamedTuple):
    """Facts of the functions that keep to their frames; others aren't there.

    `preserved`: the general registers that each has at its end as at its start, as bits; with X30 among them it returns
    to where it was called. `calls`: the callees of each, and how far they are below its own stack pointer at the
    start, in bytes.
    """

    preserved: dict[int, RegisterSet]
    calls: dict[int, set[tuple[int, int]]]


def find_callee_saved(
    graphs: Mapping[int, ControlFlowGraph], changed: Mapping[int, int], *, trusts_stores: bool = False
) -> CalleeSaved:
    """The frames of some functions. `changed`: the registers that each of them, or one that it calls, writes.

    `trusts_stores`: it is supposed that stores through pointers miss the frames, and that other functions keep to
    AAPCS64. Then a function restores X30 unless its own instructions say otherwise.
    """
    calls: dict[int, set[tuple[int, int]]] = {}
    preserved = {entry: GENERAL for entry, graph in graphs.items() if _could_be(graph)}
    again = True
    while again:
        again = False
        for entry in list(preserved):
            try:
                analysis = _Analysis(graphs[entry], preserved, changed, trusts_stores=trusts_stores)
                now = analysis.run()
                calls[entry] = analysis.calls
            except _NotPreserved:
                del preserved[entry]
                again = True
                continue
            if now != preserved[entry]:
                preserved[entry] = now
                again = True
    return CalleeSaved(preserved, {entry: calls[entry] for entry in preserved})


def _could_be(graph: ControlFlowGraph) -> bool:
    return (
        not graph.is_fragment
        and not graph.outside
        and all(block.kind in _WAYS for block in graph.blocks.values())
        and any(block.kind == "return" for block in graph.blocks.values())
    )


class _Analysis:
    """One function, given what is supposed of those that it calls."""

    def __init__(
        self,
        graph: ControlFlowGraph,
        preserved: Mapping[int, int],
        changed: Mapping[int, int],
        *,
        trusts_stores: bool,
    ) -> None:
        self.trusts_stores = trusts_stores
        self.graph = graph
        self.preserved = preserved
        self.changed = changed
        self.calls: set[tuple[int, int]] = set()

    def run(self) -> int:
        """The registers that it keeps. Raises _NotKept."""
        blocks = self.graph.blocks
        start = _State({n: ("register", n) for n in _NUMBERS}, {})
        states = {self.graph.entry: start}
        todo = [self.graph.entry]
        preserved = GENERAL
        ends: dict[int, _State] = {}
        while todo:
            at = todo.pop()
            ends[at] = after = self._after(at, states[at])
            for target in blocks[at].successors:
                if target in self.graph.outside:
                    raise _NotPreserved
                if target not in blocks:
                    # Behind a call that doesn't return.
                    continue
                before = states.get(target)
                joined = after if before is None else _join(before, after, target)
                if joined != before:
                    states[target] = joined
                    todo.append(target)
        for at, after in ends.items():
            if blocks[at].kind == "return":
                for n in _NUMBERS:
                    if after.registers[n] != ("register", n):
                        preserved &= ~bit(n)
        return preserved

    def _after(self, at: int, state: _State) -> _State:
        block = self.graph.blocks[at]
        machine = _FrameMachine(state, trusts_stores=self.trusts_stores)
        pc = at
        for decoded in block.instructions:
            if isinstance(decoded, int):
                raise _NotPreserved
            machine.pc = pc
            decoded.instruction.semantics(machine, *decoded.fields.values())
            pc += 4
        registers = {n: _plain(machine.registers[n], at, n) for n in _NUMBERS}
        if block.kind == "return" and machine.target != ("register", X30):
            raise _NotPreserved
        if block.kind == "call":
            self._call(block.target, registers, machine.slots)
        return _State(registers, machine.slots)

    def _call(self, callee: int | None, registers: dict[int, Expression], slots: _Slots) -> None:
        distance, others = terms(registers[SP])
        is_known = callee is not None and callee in self.preserved
        if not (is_known or self.trusts_stores) or others != [("register", SP)]:
            raise _NotPreserved
        bottom = distance - (1 << 64) if distance >> 63 else distance
        if bottom > 0:
            raise _NotPreserved
        if callee is None or not is_known:
            lost = GENERAL & ~AAPCS64_PRESERVED
        else:
            self.calls.add((callee, -bottom))
            lost = self.changed[callee] & ~self.preserved[callee]
        for slot in [slot for slot in slots if slot < bottom]:
            del slots[slot]
        for n in _NUMBERS:
            if has(lost, n):
                registers[n] = ("called", callee, n)


def _plain(expression: Expression, at: int, number: int) -> Expression:
    """A register's expression where a block ends: what isn't a register plus a constant is only some value."""
    distance, others = terms(expression)
    if len(others) == 1 and others[0][0] == "register":
        return others[0] if not distance else ("add", others[0], ("const", distance & MASK))
    return ("end", at, number)


def _join(a: _State, b: _State, at: int) -> _State:
    registers = {n: a.registers[n] if a.registers[n] == b.registers[n] else ("join", at, n) for n in _NUMBERS}
    slots = {slot: value for slot, value in a.slots.items() if b.slots.get(slot) == value}
    return _State(registers, slots)
