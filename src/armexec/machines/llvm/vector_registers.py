"""V registers of the translating machine: what a block has read and written of them.

A V register is in three allocas, for its lowest 128, 64 and 32 bits. Where one is never read, LLVM drops it.
"""

from __future__ import annotations

from armexec.cpu.registers import VECTOR_VIEWS, RegisterSet, q, views_of
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.guards import Guards
from armexec.machines.llvm.knowledge import CachedVector
from armexec.machines.llvm.shapes import Shapes
from armexec.machines.llvm.values import ShapedValue, Value, Vector, const

__all__ = ["ScalarRegisters", "VectorFile", "VectorRegisters"]


class VectorFile:
    """The part of the machine that has V registers.

    `dirty`: the registers that the segment has written; `reads`: those that it read before; `loaded`: those that the
    block loaded from where they are kept.
    """

    builder: Builder
    guards: Guards
    dirty: RegisterSet
    reads: RegisterSet
    loaded: RegisterSet
    vectors: dict[int, CachedVector]
    pairs: dict[tuple[int, int], tuple[CachedVector, CachedVector]]

    # -- registers ----------------------------------------------------------------------------------------------
    def read_vector(self, number: int, bits: int) -> Shapes:
        """The low bits of a V register."""
        self._note_read(VECTOR_VIEWS[max(bits, 32)].first + number)
        cached = self.vectors.get(number)
        if cached is None or (cached.shapes.bits < bits and not cached.zero_above):
            size = max(bits, 32, *self._unchecked_sizes(number))
            first, letter, kind = VECTOR_VIEWS[size]
            self.loaded |= 1 << first + number
            shapes = Shapes(self.builder, size, {kind: self.builder.line(f"load {kind}, ptr %{letter}{number}")})
            narrow = {} if cached is None else {**cached.narrow, cached.shapes.bits: cached.shapes}
            cached = self.vectors[number] = CachedVector(shapes, zero_above=False)
            cached.narrow = narrow
            self._carry(number, cached)
        if cached.shapes.bits == bits:
            return cached.shapes
        found = cached.narrow.get(bits)
        if found is None:
            whole = cached.shapes
            found = cached.narrow[bits] = whole.low(bits) if bits < whole.bits else whole.widen(bits)
        return found

    def write_vector(self, number: int, shapes: Shapes) -> None:
        """Set a V register, with zeros above."""
        self._set(number, CachedVector(shapes, zero_above=shapes.bits < 128))

    def _set(self, number: int, cached: CachedVector) -> None:
        self.vectors[number] = cached
        self.dirty |= views_of(number)

    def _note_read(self, view: int) -> None:
        """A view is read: that counts unless it was written before."""
        if not self.dirty >> view & 1:
            self.reads |= 1 << view

    # -- pairs --------------------------------------------------------------------------------------------------
    def pair_registers(self, first: int, second: int) -> None:
        """Two registers have been loaded together."""
        self.pairs[first, second] = self.vectors[first], self.vectors[second]

    def is_pair(self, first: int, second: int) -> bool:
        """Whether what is in two registers was loaded together, or computed together."""
        cached = self.pairs.get((first, second))
        vectors = self.vectors
        return cached is not None and vectors.get(first) is cached[0] and vectors.get(second) is cached[1]

    def pair_value(self, first: int, second: int) -> Shapes | None:
        """What two registers are the halves of, if they were computed together."""
        whole = self.vectors[first].whole if self.is_pair(first, second) else None
        if whole is not None:
            # They count as read all the same.
            for number in (first, second):
                self._note_read(q(number))
        return whole

    def read_pair(self, first: int, second: int) -> Shapes:
        """Two V registers as one value, the first in its lower half."""
        whole = self.pair_value(first, second)
        return whole or self.read_vector(first, 128).joined(self.read_vector(second, 128))

    def write_pair(self, first: int, second: int, shapes: Shapes) -> None:
        """Set two V registers to the halves of a value."""
        for index, number in enumerate((first, second)):
            self._set(number, CachedVector(None, zero_above=False, half=(shapes, index)))
        self.pair_registers(first, second)

    def follow_vectors(self, vectors: dict[int, CachedVector]) -> None:
        self.vectors = {number: cached.copy() for number, cached in vectors.items()}
        for number, cached in self.vectors.items():
            self._carry(number, cached)

    def _unchecked_sizes(self, number: int) -> frozenset[int]:
        unchecked = self.guards.unchecked
        return frozenset() if unchecked is None else unchecked.get(number, frozenset())

    def _carry(self, number: int, cached: CachedVector) -> None:
        """A register that may be pending when its block begins is."""
        sizes = self._unchecked_sizes(number)
        if not sizes or cached.shapes.constant is not None:
            return
        if len(sizes) > 1 or cached.shapes.bits < max(sizes):
            self.guards.is_rejected = True
            return
        cached.narrow.clear()
        self.guards.carry(cached.shapes, max(sizes))


class ScalarRegisters:
    """B, H, S, D and Q registers."""

    __slots__ = ("registers",)

    def __init__(self, registers: VectorFile) -> None:
        self.registers = registers

    def __getitem__(self, key: tuple[int, int]) -> Value:
        size, number = key
        b = self.registers.builder
        shapes = self.registers.read_vector(number, size)
        if shapes.constant is not None:
            return const(b, size, shapes.constant)
        return ShapedValue(b, size, shapes)

    def __setitem__(self, key: tuple[int, int], value: Value) -> None:
        size, number = key
        if value.width != size:
            raise TypeError(f"{value.width} bits into a register of {size}")
        self.registers.write_vector(number, value.shapes())


class VectorRegisters:
    """The same, as vectors."""

    __slots__ = ("registers",)

    def __init__(self, registers: VectorFile) -> None:
        self.registers = registers

    def __getitem__(self, key: tuple[int, int, int]) -> Vector:
        size, esize, number = key
        registers = self.registers
        return Vector(registers.builder, esize, size // esize, registers.read_vector(number, size))

    def __setitem__(self, key: tuple[int, int, int], vector: Vector) -> None:
        size, esize, number = key
        if vector.esize != esize or vector.lanes * esize != size:
            raise TypeError(f"{vector.lanes} x {vector.esize} bits into {size // esize} x {esize}")
        self.registers.write_vector(number, vector.shapes())
