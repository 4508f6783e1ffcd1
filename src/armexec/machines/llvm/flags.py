"""N, Z, C and V on the translating machine: computed only where they are read."""

from __future__ import annotations

from collections.abc import Callable

from armexec.cpu.registers import FLAGS
from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.values import Value, const, emit, select

__all__ = [
    "AddFlags",
    "BitFlags",
    "Flags",
    "FloatFlags",
    "LogicFlags",
    "SelectedFlags",
    "StoredFlags",
    "SubtractFlags",
]


class Flags:
    """N, Z, C and V, each computed when asked for.

    A subclass says how, and answers a condition in the shortest way it knows. `fork` is the same flags for
    another block: what was computed so far dominates it, what is computed later may not.
    """

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._made: dict[str, Value] = {}

    def fork(self) -> Flags:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._made = dict(self._made)
        return other

    def flag(self, name: str) -> Value:
        value = self._made.get(name)
        if value is None:
            value = self._made[name] = self.make(name)
        return value

    def make(self, name: str) -> Value:
        raise NotImplementedError

    @property
    def N(self) -> Value:
        return self.flag("N")

    @property
    def Z(self) -> Value:
        return self.flag("Z")

    @property
    def C(self) -> Value:
        return self.flag("C")

    @property
    def V(self) -> Value:
        return self.flag("V")

    def holds(self, cond: int) -> Value:
        """One of the seven conditions EQ CS MI VS HI GE GT, numbered 0 to 6."""
        if cond == 0:
            return self.Z
        if cond == 1:
            return self.C
        if cond == 2:
            return self.N
        if cond == 3:
            return self.V
        if cond == 4:
            return self.C & ~self.Z
        signed = ~(self.N ^ self.V)
        return signed if cond == 5 else signed & ~self.Z


class StoredFlags(Flags):
    """The flags as the block found them. `read`: reads a register by its number."""

    def __init__(self, builder: Builder, read: Callable[[int], Value]) -> None:
        super().__init__(builder)
        self.read = read

    def make(self, name: str) -> Value:
        return self.read(FLAGS[name])


class BitFlags(Flags):
    """Four bits."""

    def __init__(self, builder: Builder, n: Value, z: Value, c: Value, v: Value) -> None:
        super().__init__(builder)
        self._made = {"N": n, "Z": z, "C": c, "V": v}


class SelectedFlags(Flags):
    """One of two, by a condition: a conditional comparison."""

    def __init__(self, builder: Builder, condition: Value, true: Flags, false: Flags) -> None:
        super().__init__(builder)
        self.condition = condition
        self.true = true
        self.false = false

    def fork(self) -> Flags:
        other = super().fork()
        assert isinstance(other, SelectedFlags)
        other.true, other.false = self.true.fork(), self.false.fork()
        return other

    def make(self, name: str) -> Value:
        return select(self.condition, self.true.flag(name), self.false.flag(name))

    def holds(self, cond: int) -> Value:
        return select(self.condition, self.true.holds(cond), self.false.holds(cond))


class _ResultFlags(Flags):
    """The flags of `x + y` or `x - y` or of a logical result."""

    def __init__(self, builder: Builder, x: Value, y: Value, result: Value) -> None:
        super().__init__(builder)
        self.x = x
        self.y = y
        self.result = result

    def make(self, name: str) -> Value:
        if name == "N":
            return self.result.slt(0)
        if name == "Z":
            return self.result == 0
        return self.carry() if name == "C" else self.overflow()

    def carry(self) -> Value:
        raise NotImplementedError

    def overflow(self) -> Value:
        raise NotImplementedError


class AddFlags(_ResultFlags):
    def carry(self) -> Value:
        return self.result.ult(self.x)

    def overflow(self) -> Value:
        return ((self.x ^ self.result) & (self.y ^ self.result)).slt(0)


class SubtractFlags(_ResultFlags):
    def make(self, name: str) -> Value:
        return self.x == self.y if name == "Z" else super().make(name)

    def carry(self) -> Value:
        return self.y.ule(self.x)

    def overflow(self) -> Value:
        return ((self.x ^ self.y) & (self.x ^ self.result)).slt(0)

    def holds(self, cond: int) -> Value:
        if cond == 4:
            return self.y.ult(self.x)
        if cond == 5:
            return self.y.sle(self.x)
        if cond == 6:
            return self.y.slt(self.x)
        return super().holds(cond)


class LogicFlags(_ResultFlags):
    def carry(self) -> Value:
        return const(self.builder, 1, 0)

    overflow = carry

    def holds(self, cond: int) -> Value:
        if cond == 4:
            return const(self.builder, 1, 0)
        if cond == 5:
            return self.result._const(0).sle(self.result)
        if cond == 6:
            return self.result._const(0).slt(self.result)
        return super().holds(cond)


class FloatFlags(Flags):
    """The flags of a comparison of two numbers of a type."""

    def __init__(self, builder: Builder, kind: str, a: str, b: str) -> None:
        super().__init__(builder)
        self.operands = f"{kind} {a}, {b}"

    def _compare(self, predicate: str) -> Value:
        return emit(self.builder, 1, f"fcmp {predicate} {self.operands}")

    def make(self, name: str) -> Value:
        return self._compare({"N": "olt", "Z": "oeq", "C": "uge", "V": "uno"}[name])

    def holds(self, cond: int) -> Value:
        return self._compare(("oeq", "uge", "olt", "uno", "ugt", "oge", "ogt")[cond])
