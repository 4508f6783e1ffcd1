"""Jump tables: the targets of a `br` whose address comes from a table that the code itself bounds.

The instructions before the jump are run once more, on a machine whose values are expressions. When the target
turns out to be `base + (table[index] << n)` (or just `table[index]`), table and base known, the table not
writable, and the block before has compared the index with a constant, then the targets are read from the
table, and the jump becomes a `switch`. Compilers move the addresses of the table and the base out of loops: a
register that only one constant is ever put into in the function counts as that constant. So the targets are a
prediction; a jump to elsewhere, like any jump that isn't recognized, is left to the dispatcher.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from armexec.translate.cfg.discovery import Block, ControlFlowGraph
from armexec.translate.cfg.symbolic import MASK, Expression, SymbolicMachine, constant, low, terms

__all__ = ["ReadConstant", "jump_targets"]

ReadConstant: TypeAlias = Callable[[int, int], "bytes | None"]
"""(address, size): bytes of memory that never changes, or None."""

_MAX_ENTRIES = 4096


def jump_targets(starts: Sequence[int], graph: ControlFlowGraph, read: ReadConstant) -> dict[int, tuple[int, ...]]:
    """The targets, in order, of the jumps that end the blocks at `starts`, by these, where they can be told."""
    before: dict[int, list[Block]] = {}
    for block in graph.blocks.values():
        for successor in set(block.successors):
            before.setdefault(successor, []).append(block)
    constants: dict[int, Expression] | None = None
    found = {}
    for start in starts:
        analyzed = _analyze(graph.blocks[start], before)
        if analyzed is None:
            continue
        target, compared, count = analyzed
        targets = _read_targets(target, compared, count, read)
        if not targets:
            if constants is None:
                constants = _constants(graph)
            # The index may come from such a register too, but then there would be no table.
            hidden = _substitute(_replace(target, compared, _INDEX), constants)
            targets = _read_targets(hidden, _INDEX, count, read)
        if targets:
            found[start] = targets
    return found


def _analyze(block: Block, before: dict[int, list[Block]]) -> tuple[Expression, Expression, int] | None:
    """Where a jump goes, what was compared with a constant before it, and how many values that can have."""
    path = [block]
    # The comparison is in the block before, or in one before that if a block only goes on.
    for _ in range(3):
        previous = before.get(path[0].start, [])
        if len(previous) != 1 or previous[0].kind not in ("goto", "branch"):
            break
        path.insert(0, previous[0])
        if previous[0].kind == "branch":
            break
    if path[0].kind != "branch" or len(path) < 2:
        return None
    machine = SymbolicMachine()
    if not all(machine.run(b) for b in path) or machine.target is None or machine.bound is None:
        return None
    count = _count(machine.bound, taken=path[0].target == path[1].start)
    if count is None or not 0 < count <= _MAX_ENTRIES:
        return None
    return machine.target, machine.bound[1], count


def _constants(graph: ControlFlowGraph) -> dict[int, Expression]:
    """The registers that hold one and the same constant at the end of every block that leaves a constant there."""
    found: dict[int, set[int]] = {}
    for block in graph.blocks.values():
        machine = SymbolicMachine()
        machine.run(block)
        for number, expression in machine.registers.items():
            value, others = terms(expression)
            if not others:
                found.setdefault(number, set()).add(value)
    return {number: constant(values.pop()) for number, values in found.items() if len(values) == 1}


_INDEX: Expression = ("index",)
"""In the place of what was compared."""


def _replace(expression: Expression, old: Expression, new: Expression) -> Expression:
    if expression == old:
        return new
    return tuple(_replace(part, old, new) if isinstance(part, tuple) else part for part in expression)


def _substitute(expression: Expression, constants: dict[int, Expression]) -> Expression:
    if expression[0] == "register":
        return constants.get(expression[1], expression)
    return tuple(_substitute(part, constants) if isinstance(part, tuple) else part for part in expression)


def _count(bound: tuple[int, Expression, int], *, taken: bool) -> int | None:
    """How many values the index can have, given the branch on its comparison."""
    cond, _, constant = bound
    if not taken:
        cond ^= 1
    # LS: at most the constant; LO: below it.
    return constant + 1 if cond == 9 else constant if cond == 3 else None


def _read_targets(target: Expression, compared: Expression, count: int, read: ReadConstant) -> tuple[int, ...]:
    base, entries = terms(target)
    if len(entries) != 1:
        return ()
    entry, shift = entries[0], 0
    if entry[0] == "shl":
        entry, shift = entry[1], entry[2]
    signed = False
    while entry[0] in ("zext", "sext"):
        signed = signed or entry[0] == "sext"
        entry = entry[1]
        if entry[0] == "shl" and not shift:
            entry, shift = entry[1], entry[2]
    if entry[0] != "load":
        return ()
    size = entry[2] // 8
    table, indexes = terms(entry[1])
    if len(indexes) != 1:
        return ()
    index, scale = low(indexes[0]), 0
    if index[0] == "shl":
        index, scale = low(index[1]), index[2]
    if 1 << scale != size or index != compared:
        return ()
    data = read(table, count * size)
    if data is None:
        return ()
    targets = []
    for at in range(0, len(data), size):
        value = int.from_bytes(data[at : at + size], "little", signed=signed)
        targets.append((base + (value << shift)) & MASK)
    return tuple(targets)
