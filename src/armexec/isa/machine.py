"""What a semantic function runs on: values with overloaded operators, and a machine that holds the state.

A semantic function is ordinary Python over a `Machine`. Its fields are Python ints, known when it runs; what comes
out of registers and memory are the machine's own `Value`s: Python ints with a width on the reference machine, names of
LLVM values on the one that translates. So a semantic function never asks `if value:` (it raises); it calls
`m.select`. Two machines give the same meaning because they run the same function.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

__all__ = ["Flags", "Machine", "Registers", "Value", "ValueOrInt"]


class Value(Protocol):
    """A bit vector of `width` bits. An int operand is taken modulo 2**width; two Values must be of one width."""

    @property
    def width(self) -> int: ...

    def __add__(self, other: ValueOrInt, /) -> Value: ...
    def __sub__(self, other: ValueOrInt, /) -> Value: ...
    def __mul__(self, other: ValueOrInt, /) -> Value: ...
    def __and__(self, other: ValueOrInt, /) -> Value: ...
    def __or__(self, other: ValueOrInt, /) -> Value: ...
    def __xor__(self, other: ValueOrInt, /) -> Value: ...
    def __invert__(self) -> Value: ...
    def __neg__(self) -> Value: ...

    # A shift by `width` or more has no meaning: mask the amount first.
    def __lshift__(self, amount: ValueOrInt, /) -> Value: ...
    def __rshift__(self, amount: ValueOrInt, /) -> Value:
        """Logical shift right."""

    def asr(self, amount: ValueOrInt, /) -> Value:
        """Arithmetic shift right."""

    def ror(self, amount: ValueOrInt, /) -> Value:
        """Rotate right; here the amount is taken modulo the width."""

    # Comparisons give a Value of one bit.
    def __eq__(self, other: ValueOrInt, /) -> Value: ...  # type: ignore[override]
    def __ne__(self, other: ValueOrInt, /) -> Value: ...  # type: ignore[override]
    def ult(self, other: ValueOrInt, /) -> Value: ...
    def ule(self, other: ValueOrInt, /) -> Value: ...
    def slt(self, other: ValueOrInt, /) -> Value: ...
    def sle(self, other: ValueOrInt, /) -> Value: ...

    def zero_extend(self, width: int, /) -> Value:
        """To `width` bits (at least this one's), filled with zeros."""

    def sign_extend(self, width: int, /) -> Value:
        """To `width` bits (at least this one's), filled with the sign."""

    def bits(self, low: int, width: int, /) -> Value:
        """The `width` bits from bit `low` up, as a Value of that width."""

    def udiv(self, other: ValueOrInt, /) -> Value:
        """Unsigned quotient; by zero it is zero, as UDIV's."""

    def sdiv(self, other: ValueOrInt, /) -> Value:
        """Signed quotient towards zero; by zero it is zero, and the minimum by -1 is the minimum, as SDIV's."""

    def clz(self) -> Value:
        """The count of leading zeros, of the same width."""

    def popcount(self) -> Value: ...

    def reverse_bits(self) -> Value: ...

    def reverse_bytes(self) -> Value: ...


ValueOrInt: TypeAlias = Value | int


class Flags(Protocol):
    """PSTATE.{N, Z, C, V}, each a Value of one bit."""

    @property
    def N(self) -> Value: ...
    @property
    def Z(self) -> Value: ...
    @property
    def C(self) -> Value: ...
    @property
    def V(self) -> Value: ...


class Registers(Protocol):
    """General registers by (size in bits, number). A 32-bit write clears the upper half."""

    def __getitem__(self, key: tuple[int, int], /) -> Value: ...
    def __setitem__(self, key: tuple[int, int], value: Value, /) -> None: ...


class Machine(Protocol):
    """The state an instruction sees and changes."""

    X: Registers
    """Register 31 reads as zero and swallows writes."""
    XSP: Registers
    """Register 31 is the stack pointer."""
    pc: int
    """The address of the instruction."""

    # -- values -------------------------------------------------------------------------------------------------
    def const(self, width: int, value: int, /) -> Value: ...

    def address(self, address: int, /) -> Value:
        """A 64-bit Value of a guest address computed from `pc`: the only way a code address becomes a Value."""

    def select(self, condition: Value, when_true: Any, when_false: Any, /) -> Any:
        """Choose between two Values of one width, or two Flags."""

    # -- flags --------------------------------------------------------------------------------------------------
    NZCV: Flags

    def flags(self, n: ValueOrInt, z: ValueOrInt, c: ValueOrInt, v: ValueOrInt, /) -> Flags: ...

    def add_with_carry(self, x: Value, y: Value, carry: ValueOrInt, /) -> tuple[Value, Flags]:
        """AddWithCarry() of the manual: x + y + carry and its flags."""

    def add_flags(self, x: Value, y: Value, /) -> tuple[Value, Flags]:
        """AddWithCarry(x, y, 0)."""

    def subtract_flags(self, x: Value, y: Value, /) -> tuple[Value, Flags]:
        """AddWithCarry(x, NOT y, 1): said apart because a comparison can be made of it."""

    def logic_flags(self, result: Value, /) -> Flags:
        """N and Z of `result`, C and V clear."""

    def condition(self, cond: int, /) -> Value:
        """ConditionHolds(cond) on the current flags, as one bit. 14 and 15 always hold."""

    # -- memory -------------------------------------------------------------------------------------------------
    # `acquire` and `release` order the access; all are single-copy atomic where the architecture says so.
    def load(self, address: Value, bits: int, /, *, acquire: bool = False) -> Value: ...
    def store(self, address: Value, value: Value, /, *, release: bool = False) -> None: ...
    def check_alignment(self, address: Value, size: int, /) -> None:
        """Alignment fault unless `address` is a multiple of `size` bytes (a power of two)."""

    def check_stack_alignment(self) -> None:
        """CheckSPAlignment(): an access by SP needs it to be a multiple of 16."""

    def load_exclusive(self, address: Value, bits: int, /, *, acquire: bool = False) -> Value:
        """Load and set the exclusive monitor."""

    def store_exclusive(self, address: Value, value: Value, /, *, release: bool = False) -> Value:
        """Store if the monitor still stands; 0 when it did, else 1, in 32 bits."""

    def clear_exclusive(self) -> None: ...

    def atomic(self, operation: str, address: Value, operand: Value, /, *, acquire: bool, release: bool) -> Value:
        """Read, combine, write as one; the old value. `operation`: add clr eor set smax smin umax umin swp."""

    def compare_and_swap(
        self, address: Value, expected: Value, new: Value, /, *, acquire: bool, release: bool
    ) -> Value:
        """Write `new` if memory equals `expected`, as one; the old value."""

    def barrier(self, kind: str, option: int, /) -> None:
        """`kind`: dmb, dsb, isb, sb."""

    def zero_cache_block(self, address: Value, /) -> None:
        """DC ZVA: zero the 64-byte block that holds `address`."""

    def invalidate_instruction_cache(self, address: Value, /) -> None:
        """IC IVAU: code in the line of `address` may have changed."""

    # -- control flow: at most one of these, last -------------------------------------------------------------------
    def branch(self, target: int, /) -> None: ...
    def branch_if(self, condition: Value, target: int, /) -> None: ...
    def call(self, target: int, /) -> None:
        """Branch with link: the semantic function has already set X30."""

    def branch_to(self, target: Value, /) -> None: ...
    def call_to(self, target: Value, /) -> None: ...
    def return_to(self, target: Value, /) -> None: ...

    # -- exceptions ---------------------------------------------------------------------------------------------
    def supervisor_call(self, immediate: int, /) -> None: ...
    def breakpoint(self, immediate: int, /) -> None: ...
    def undefined(self, why: str, /) -> None:
        """The instruction is UNDEFINED here, for instance privileged at EL0."""

    # -- system registers, by op0:op1:CRn:CRm:op2 as one 16-bit number ------------------------------------------------
    def read_system_register(self, register: int, /) -> Value: ...
    def write_system_register(self, register: int, value: Value, /) -> None: ...
