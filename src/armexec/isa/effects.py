"""The registers that an instruction reads and writes, its accesses to memory, and its kind of branch.

All of this comes from running the semantic function on a machine that knows only the shapes of values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from .abstract_values import AbstractFlags, AbstractValue, AbstractVector
from .description import Instruction
from .machine import Machine
from .system_registers import FPCR, FPSR, NZCV

__all__ = ["Access", "Effects", "effects"]

_FLAGS = AbstractFlags()


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
    """`reads` and `writes` are registers with the number of bits that are read or written, in the order met: X as
    ("x", number), the stack pointer ("sp", 31), SIMD&FP ("v", number), others by their names ("nzcv", 0).

    `control` is how it ends: "" (the next instruction follows), "branch", "conditional branch", "call", "branch to
    register", "call to register", "return", "supervisor call", "breakpoint" or "undefined".
    `system` are the numbers of the system registers that it reads or writes by MRS and MSR.
    """

    reads: dict[tuple[str, int], int] = field(default_factory=dict)
    writes: dict[tuple[str, int], int] = field(default_factory=dict)
    accesses: list[Access] = field(default_factory=list)
    control: str = ""
    barrier: bool = False
    floating_point: bool = False
    system: tuple[int, ...] = ()


def effects(instruction: Instruction, fields: Mapping[str, int]) -> Effects:
    """The effects of an instruction with these values of its free fields. What is returned may not be changed."""
    return _effects(instruction, tuple(fields.items()))


@lru_cache(1 << 12)
def _effects(instruction: Instruction, fields: tuple[tuple[str, int], ...]) -> Effects:
    machine = _AbstractMachine()
    instruction.semantics(cast(Machine, machine), **dict(fields))
    return machine.effects


class _Registers:
    def __init__(self, effects: Effects, kind: str) -> None:
        self._effects = effects
        self._kind = kind

    def _key(self, key: Sequence[int]) -> tuple[str, int] | None:
        number = key[-1]
        if self._kind in ("x", "sp") and number == 31:
            return ("sp", 31) if self._kind == "sp" else None
        return ("x" if self._kind == "sp" else self._kind), number

    def __getitem__(self, key: tuple[int, ...]) -> Any:
        register = self._key(key)
        if register is not None:
            reads = self._effects.reads
            reads[register] = max(reads.get(register, 0), key[0])
        return self._value(key)

    def __setitem__(self, key: tuple[int, ...], value: Any) -> None:
        register = self._key(key)
        if register is not None:
            writes = self._effects.writes
            writes[register] = max(writes.get(register, 0), key[0])

    def _value(self, key: Sequence[int]) -> Any:
        return AbstractValue(key[0]) if len(key) == 2 else AbstractVector(key[1], key[0] // key[1])


class _AbstractMachine:
    """A Machine that records what is done, and does nothing."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.X = _Registers(self.effects, "x")
        self.XSP = _Registers(self.effects, "sp")
        self.V = self.Vec = _Registers(self.effects, "v")
        self.pc = 0

    def _read(self, name: str, bits: int) -> None:
        self.effects.reads[name, 0] = bits

    def _write(self, name: str, bits: int) -> None:
        self.effects.writes[name, 0] = bits

    # -- values -----------------------------------------------------------------------------------------------------
    def const(self, width: int, value: int) -> AbstractValue:
        return AbstractValue(width)

    def address(self, address: int) -> AbstractValue:
        return AbstractValue(64)

    def select(self, condition: AbstractValue, when_true: Any, when_false: Any) -> Any:
        return when_true

    def vector(self, esize: int, values: Sequence[int]) -> AbstractVector:
        return AbstractVector(esize, len(values))

    def splat(self, value: AbstractValue, lanes: int) -> AbstractVector:
        return AbstractVector(value.width, lanes)

    def reduce(self, operation: str, vector: AbstractVector) -> AbstractValue:
        return AbstractValue(vector.esize)

    def aes_sub_bytes(self, state: AbstractVector, *, inverse: bool) -> AbstractVector:
        return state

    # -- flags ------------------------------------------------------------------------------------------------------
    @property
    def NZCV(self) -> AbstractFlags:
        self._read("nzcv", 4)
        return _FLAGS

    @NZCV.setter
    def NZCV(self, flags: Any) -> None:
        self._write("nzcv", 4)

    def flags(self, *_: Any) -> AbstractFlags:
        return _FLAGS

    def add_with_carry(self, x: AbstractValue, *_: Any) -> tuple[AbstractValue, AbstractFlags]:
        return x, _FLAGS

    add_flags = subtract_flags = add_with_carry

    def logic_flags(self, result: AbstractValue) -> AbstractFlags:
        return _FLAGS

    def condition(self, cond: int) -> AbstractValue:
        if cond < 14:
            self._read("nzcv", 4)
        return AbstractValue(1)

    # -- memory -----------------------------------------------------------------------------------------------------
    def _access(self, kind: str, bits: int, **order: bool) -> None:
        self.effects.accesses.append(Access(kind, bits // 8, **order))

    def load(self, address: AbstractValue, bits: int, *, acquire: bool = False, simd: bool = False) -> AbstractValue:
        self._access("read", bits, acquire=acquire)
        return AbstractValue(bits)

    def store(self, address: AbstractValue, value: AbstractValue, *, release: bool = False) -> None:
        self._access("write", value.width, release=release)

    def check_alignment(self, address: AbstractValue, size: int) -> None:
        pass

    def check_stack_alignment(self) -> None:
        pass

    def load_exclusive(self, address: AbstractValue, bits: int, *, acquire: bool = False) -> AbstractValue:
        self._access("read", bits, exclusive=True, acquire=acquire)
        return AbstractValue(bits)

    def store_exclusive(self, address: AbstractValue, value: AbstractValue, *, release: bool = False) -> AbstractValue:
        self._access("write", value.width, exclusive=True, release=release)
        return AbstractValue(32)

    def clear_exclusive(self) -> None:
        pass

    def atomic(
        self, operation: str, address: AbstractValue, operand: AbstractValue, *, acquire: bool, release: bool
    ) -> AbstractValue:
        self._access("read-write", operand.width, atomic=True, acquire=acquire, release=release)
        return operand

    def compare_and_swap(
        self, address: AbstractValue, expected: AbstractValue, new: AbstractValue, *, acquire: bool, release: bool
    ) -> AbstractValue:
        self._access("read-write", new.width, atomic=True, acquire=acquire, release=release)
        return expected

    def barrier(self, kind: str, option: int) -> None:
        self.effects.barrier = True

    def zero_cache_block(self, address: AbstractValue) -> None:
        self._access("write", 512)

    def invalidate_instruction_cache(self, address: AbstractValue) -> None:
        pass

    # -- control flow -----------------------------------------------------------------------------------------------
    def branch(self, target: int) -> None:
        self.effects.control = "branch"

    def branch_if(self, condition: AbstractValue, target: int) -> None:
        self.effects.control = "conditional branch"

    def call(self, target: int) -> None:
        self.effects.control = "call"

    def branch_to(self, target: AbstractValue) -> None:
        self.effects.control = "branch to register"

    def call_to(self, target: AbstractValue) -> None:
        self.effects.control = "call to register"

    def return_to(self, target: AbstractValue) -> None:
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

    def write_system_register(self, register: int, value: AbstractValue) -> None:
        self.effects.system += (register,)
        if register in _NAMED:
            self._write(*_NAMED[register])

    # -- saturation and floating point --------------------------------------------------------------------------------
    def _saturated(self) -> None:
        self._read("fpsr", 32)
        self._write("fpsr", 32)

    def saturating_add(self, a: Any, b: Any, *, signed: bool) -> Any:
        self._saturated()
        return a

    saturating_subtract = saturating_add

    def saturate(self, a: Any, esize: int, *, source_signed: bool, signed: bool) -> Any:
        self._saturated()
        return _shaped(a, esize)

    def saturated_if(self, condition: AbstractValue) -> None:
        self._saturated()

    def _floating(self) -> None:
        self.effects.floating_point = True
        self._read("fpcr", 32)
        self._saturated()

    def _fp(self, a: Any, *_: Any, **__: Any) -> Any:
        self._floating()
        return a

    fp_add = fp_subtract = fp_multiply = fp_multiply_extended = fp_divide = fp_square_root = _fp
    fp_multiply_add = fp_multiply_add_long = fp_maximum = fp_minimum = fp_maximum_number = fp_minimum_number = _fp
    fp_equal = fp_greater_equal = fp_greater = fp_round_integral = fp_round_integral_sized = _fp
    fp_reciprocal_estimate = fp_reciprocal_step = fp_reciprocal_exponent = _fp
    fp_reciprocal_square_root_estimate = fp_reciprocal_square_root_step = _fp
    bf16_dot = _fp

    def fp_negate(self, a: Any) -> Any:
        self.effects.floating_point = True
        return a

    fp_absolute = fp_negate

    def fp_compare(self, a: Any, b: Any, *, signal: bool, when: Any = None) -> AbstractFlags:
        self._floating()
        return _FLAGS

    def fp_convert(self, a: Any, esize: int, **_: Any) -> Any:
        self._floating()
        return _shaped(a, esize)

    fp_to_fixed = fp_from_fixed = fp_convert

    def fp_to_fixed_javascript(self, a: Any) -> tuple[AbstractValue, AbstractValue]:
        self._floating()
        return AbstractValue(32), AbstractValue(1)

    def unsigned_reciprocal_estimate(self, a: Any) -> Any:
        return a

    unsigned_reciprocal_square_root_estimate = unsigned_reciprocal_estimate

    def bf16_convert(self, a: Any) -> Any:
        self._floating()
        return _shaped(a, 16)


def _shaped(a: Any, esize: int) -> Any:
    return AbstractValue(esize) if isinstance(a, AbstractValue) else AbstractVector(esize, a.lanes)


_NAMED = {FPCR: ("fpcr", 32), FPSR: ("fpsr", 32), NZCV: ("nzcv", 4)}
