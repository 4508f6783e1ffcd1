"""Loops that store the same places again and again, and look for NaNs only when they are done: transactions.

A result that is stored can be looked at later only if the store can be undone. Some loops store to the same places in
each round, and load nothing but V registers, whose bits they don't look at: a product of matrices that sums up a row
at a time, a simulation that steps its bodies. Such a loop begins as any other, with a test before each store. After
some rounds it *records* where a round stores, keeps what is there, with the registers, and goes on without tests. When
it is left, what it has stored is looked at. If there is a NaN, what was kept is put back, and careful code runs it
again from there. So it is when a fault ends it.

There are two more translations of such a loop, then: one that records, one *unchecked*.

Nothing between an unchecked result and the look at it tells one NaN from another: elements of one size are stored and
loaded whole, each at a multiple of its size, computed with, compared and moved. So a wrong NaN stays where the look
finds it, or is overwritten and was never more than a NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .flow import Flow
from .reruns import Loops, Rerun
from .sameness import aligned_registers

if TYPE_CHECKING:
    from .lift import LiftedBlock

__all__ = ["Transaction", "find_transactions"]

_LONGEST = 400
"""A loop of more instructions would make code too long."""
_OUTER_ROUNDS = 2
"""How many rounds with tests a loop of loops has before it records."""
_WORK = 1000
_FEWEST = 8
"""Other loops have rounds of so many instructions together, and so many at least."""


@dataclass(eq=False, kw_only=True)
class Transaction(Rerun):
    """A loop that is run again as a whole, and whose stores are of elements of `esize` bits.

    `aligned`: the general registers that have to be multiples of an element's size where a round begins. `rounds`: how
    many with tests are to be run before. `recording`, `unchecked`: its further translations.
    """

    esize: int
    aligned: int
    rounds: int
    recording: dict[int, LiftedBlock] = field(default_factory=dict)
    unchecked: dict[int, LiftedBlock] = field(default_factory=dict)

    def exits(self, flow: Flow) -> list[int]:
        """The blocks that it is left to, in order."""
        return sorted({target for start in self.blocks for target in flow.blocks[start].successors} - self.blocks)


def find_transactions(
    flow: Flow, loops: Loops, blocks: Mapping[int, LiftedBlock], image_base: int
) -> list[Transaction]:
    """The outermost loops that may be ones, as far as general registers tell; they don't overlap."""
    found: list[Transaction] = []
    taken: set[int] = set()
    for header, loop in loops:
        if loop & taken:
            continue
        is_outer = any(other < loop for _, other in loops)
        transaction = _transaction(flow, blocks, header, frozenset(loop), image_base, is_outer=is_outer)
        if transaction is not None:
            found.append(transaction)
            taken |= loop
    return found


def _transaction(
    flow: Flow,
    blocks: Mapping[int, LiftedBlock],
    header: int,
    loop: frozenset[int],
    image_base: int,
    *,
    is_outer: bool,
) -> Transaction | None:
    lifted = [blocks[start] for start in loop if start in blocks]
    size = sum(len(block.flow.instructions) for block in lifted)
    if len(lifted) < len(loop) or size > _LONGEST:
        return None
    if not any(block.exits and not block.is_quiet for block in lifted):
        return None
    for block in lifted:
        if block.kind not in ("goto", "branch") or not all(to in blocks for to in block.flow.successors):
            return None
    sizes = {esize for block in lifted for esize in block.sizes}
    if len(sizes) != 1 or not sizes <= {32, 64}:
        return None
    esize = sizes.pop()
    written = 0
    for block in lifted:
        written |= block.dirty
    aligned = aligned_registers(flow, header, loop, written, esize, image_base)
    if aligned is None:
        return None
    rounds = _OUTER_ROUNDS if is_outer else max(_FEWEST, _WORK // size)
    return Transaction(header=header, blocks=loop, esize=esize, aligned=aligned, rounds=rounds)
