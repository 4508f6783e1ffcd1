"""The registers that an instruction reads and writes, its accesses to memory, and its kind of branch.

All of this comes from running the semantic function on an abstract machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .abstract import AbstractMachine, AbstractValue, AbstractVector, LaneDependence
from .system_registers import FPCR, FPSR, NZCV

__all__ = ["Access", "Effects", "effects_of"]


@dataclass(frozen=True)
class Access:
    """An access to memory of `size` bytes; `kind`: "read", "write" or, as one, "read-write"."""

    kind: str
    size: int
    atomic: bool = False
    exclusive: bool = False
    acquire: bool = False
    release: bool = False


@dataclass
class Effects:
    """The effects of an instruction.

    `reads` and `writes` are registers with the number of bits that are read or written, in the order met: X as
    ("x", number), the stack pointer ("sp", 31), SIMD&FP ("v", number), others by their names ("nzcv", 0).
    `control` is how it ends: "" (the next instruction follows), "branch", "conditional branch", "call", "branch to
    register", "call to register", "return", "supervisor call", "breakpoint" or "undefined".
    `system` are the numbers of the system registers that it reads or writes by MRS and MSR.
    `is_lanewise`: it does the same to each element of vector registers, and nothing else but flags of FPSR.
    """

    reads: dict[tuple[str, int], int] = field(default_factory=dict)
    writes: dict[tuple[str, int], int] = field(default_factory=dict)
    accesses: list[Access] = field(default_factory=list)
    control: str = ""
    barrier: bool = False
    floating_point: bool = False
    system: tuple[int, ...] = ()
    is_lanewise: bool = False

    @property
    def is_load(self) -> bool:
        """Whether it reads memory."""
        return any("read" in access.kind for access in self.accesses)

    @property
    def is_store(self) -> bool:
        """Whether it writes memory."""
        return any("write" in access.kind for access in self.accesses)

    @property
    def is_atomic(self) -> bool:
        """Whether it reads and writes memory as one."""
        return any(access.atomic for access in self.accesses)


@lru_cache(1 << 12)
def effects_of(semantics: Callable[..., None], fields: tuple[int, ...]) -> Effects:
    """The effects of a semantic function with these values of its fields, which may not be changed."""
    machine = _EffectsMachine()
    semantics(machine, *fields)
    return machine.finished()


class _Registers:
    def __init__(self, effects: Effects, kind: str) -> None:
        self._effects = effects
        self._kind = kind

    def _key(self, number: int) -> tuple[str, int] | None:
        if self._kind in ("x", "sp") and number == 31:
            return ("sp", 31) if self._kind == "sp" else None
        return ("x" if self._kind == "sp" else self._kind), number

    def _read(self, size: int, number: int) -> None:
        register = self._key(number)
        if register is not None:
            reads = self._effects.reads
            reads[register] = max(reads.get(register, 0), size)

    def _write(self, size: int, number: int) -> None:
        register = self._key(number)
        if register is not None:
            writes = self._effects.writes
            writes[register] = max(writes.get(register, 0), size)


class _ScalarRegisters(_Registers):
    def __getitem__(self, key: tuple[int, int]) -> AbstractValue:
        self._read(*key)
        return AbstractValue(key[0])

    def __setitem__(self, key: tuple[int, int], value: Any) -> None:
        self._write(*key)


class _VectorRegisters(_Registers):
    """Vec. `written` has the dependence of the vectors that are written, by register."""

    def __init__(self, effects: Effects) -> None:
        super().__init__(effects, "v")
        self.written: dict[tuple[str, int], LaneDependence] = {}

    def __getitem__(self, key: tuple[int, int, int]) -> AbstractVector:
        size, esize, number = key
        self._read(size, number)
        return AbstractVector(esize, size // esize, LaneDependence.LANEWISE)

    def __setitem__(self, key: tuple[int, int, int], vector: AbstractVector) -> None:
        self._write(key[0], key[2])
        self.written["v", key[2]] = vector.dependence


class _EffectsMachine(AbstractMachine):
    """A machine that records effects, and has none."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.X = _ScalarRegisters(self.effects, "x")
        self.XSP = _ScalarRegisters(self.effects, "sp")
        self.V = _ScalarRegisters(self.effects, "v")
        self.Vec = self._vectors = _VectorRegisters(self.effects)

    def finished(self) -> Effects:
        """The effects, when the semantic function has run."""
        found, written = self.effects, self._vectors.written
        elsewhere = found.accesses or found.control or found.barrier or found.system
        found.is_lanewise = (
            bool(written)
            and not elsewhere
            and all(dependence is LaneDependence.LANEWISE for dependence in written.values())
            and found.writes.keys() - written.keys() <= {("fpsr", 0)}
        )
        return found

    def _read(self, name: str, bits: int) -> None:
        self.effects.reads[name, 0] = bits

    def _write(self, name: str, bits: int) -> None:
        self.effects.writes[name, 0] = bits

    # -- flags ------------------------------------------------------------------------------------------------------
    @property
    def NZCV(self) -> Any:
        self._read("nzcv", 4)
        return self.top_flags()

    @NZCV.setter
    def NZCV(self, flags: Any) -> None:
        self._write("nzcv", 4)

    def condition(self, cond: int) -> AbstractValue:
        if cond < 14:
            self._read("nzcv", 4)
        return AbstractValue(1)

    # -- memory -----------------------------------------------------------------------------------------------------
    def _access(self, kind: str, bits: int, **order: bool) -> None:
        self.effects.accesses.append(Access(kind, bits // 8, **order))

    def load(self, address: Any, bits: int, *, acquire: bool = False, simd: bool = False) -> AbstractValue:
        self._access("read", bits, acquire=acquire)
        return AbstractValue(bits)

    def store(self, address: Any, value: Any, *, release: bool = False) -> None:
        self._access("write", value.width, release=release)

    def load_exclusive(self, address: Any, bits: int, *, acquire: bool = False) -> AbstractValue:
        self._access("read", bits, exclusive=True, acquire=acquire)
        return AbstractValue(bits)

    def store_exclusive(self, address: Any, value: Any, *, release: bool = False) -> AbstractValue:
        self._access("write", value.width, exclusive=True, release=release)
        return AbstractValue(32)

    def atomic(self, operation: str, address: Any, operand: Any, *, acquire: bool, release: bool) -> AbstractValue:
        self._access("read-write", operand.width, atomic=True, acquire=acquire, release=release)
        return AbstractValue(operand.width)

    def compare_and_swap(self, address: Any, expected: Any, new: Any, *, acquire: bool, release: bool) -> AbstractValue:
        self._access("read-write", new.width, atomic=True, acquire=acquire, release=release)
        return AbstractValue(new.width)

    def barrier(self, kind: str, option: int) -> None:
        self.effects.barrier = True

    def zero_cache_block(self, address: Any) -> None:
        self._access("write", 512)

    # -- control flow -----------------------------------------------------------------------------------------------
    def branch(self, target: int) -> None:
        self.effects.control = "branch"

    def branch_if(self, condition: Any, target: int) -> None:
        self.effects.control = "conditional branch"

    def call(self, target: int) -> None:
        self.effects.control = "call"

    def branch_to(self, target: Any) -> None:
        self.effects.control = "branch to register"

    def call_to(self, target: Any) -> None:
        self.effects.control = "call to register"

    def return_to(self, target: Any) -> None:
        self.effects.control = "return"

    def supervisor_call(self, immediate: int) -> None:
        self.effects.control = "supervisor call"

    def breakpoint(self, immediate: int) -> None:
        self.effects.control = "breakpoint"

    def undefined(self, why: str) -> None:
        self.effects.control = "undefined"

    # -- system registers -------------------------------------------------------------------------------------------
    def read_system_register(self, register: int) -> AbstractValue:
        self.effects.system += (register,)
        if register in _NAMED:
            self._read(*_NAMED[register])
        return AbstractValue(64)

    def write_system_register(self, register: int, value: Any) -> None:
        self.effects.system += (register,)
        if register in _NAMED:
            self._write(*_NAMED[register])

    # -- saturation and floating point --------------------------------------------------------------------------------
    def saturating(self, a: Any, *others: Any, esize: int | None = None) -> Any:
        self._read("fpsr", 32)
        self._write("fpsr", 32)
        return super().saturating(a, *others, esize=esize)

    def floating_point(self, a: Any, *others: Any, esize: int | None = None) -> Any:
        self.effects.floating_point = True
        for name in ("fpcr", "fpsr"):
            self._read(name, 32)
        self._write("fpsr", 32)
        return super().floating_point(a, *others, esize=esize)

    def sign_operation(self, a: Any) -> Any:
        self.effects.floating_point = True
        return super().sign_operation(a)


_NAMED = {FPCR: ("fpcr", 32), FPSR: ("fpsr", 32), NZCV: ("nzcv", 4)}
