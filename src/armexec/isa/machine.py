"""The interface that semantic functions are written against: a machine's state, and values with overloaded operators
(`isa.values`).

A semantic function is ordinary Python over a `Machine`. Its fields are Python ints, known when it runs. Registers and
memory give the machine's own `Value`s: Python ints with a width on the reference machine, names of LLVM values on the
one that translates, TOP on abstract ones. So a semantic function never asks `if value:`, which raises; it calls
`m.select`. Machines agree on the meaning because they run the same function.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Protocol

from .values import Lanes, Value, ValueOrInt, Vector

__all__ = ["Flags", "Machine", "Registers", "Rounding"]


class Rounding(IntEnum):
    """FPRounding of the manual. The first four are FPCR.RMode's numbers; CURRENT means what FPCR says."""

    TIEEVEN = 0
    POSINF = 1
    NEGINF = 2
    ZERO = 3
    TIEAWAY = 4
    ODD = 5
    CURRENT = 6


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


class ScalarRegisters(Protocol):
    """SIMD&FP registers by (size in bits, number): B, H, S, D and Q. A write clears the bits above."""

    def __getitem__(self, key: tuple[int, int], /) -> Value: ...
    def __setitem__(self, key: tuple[int, int], value: Value, /) -> None: ...


class VectorRegisters(Protocol):
    """SIMD&FP registers by (size in bits: 64 or 128, esize in bits, number). A write clears the bits above."""

    def __getitem__(self, key: tuple[int, int, int], /) -> Vector: ...
    def __setitem__(self, key: tuple[int, int, int], vector: Vector, /) -> None: ...


class Machine(Protocol):
    """The state an instruction sees and changes."""

    X: Registers
    """Register 31 reads as zero and swallows writes."""
    XSP: Registers
    """Register 31 is the stack pointer."""
    V: ScalarRegisters
    Vec: VectorRegisters
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
    def load(self, address: Value, bits: int, /, *, acquire: bool = False, simd: bool = False) -> Value:
        """`simd`: for a SIMD&FP register."""

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

    # -- vectors --------------------------------------------------------------------------------------------------
    def vector(self, esize: int, values: Sequence[int], /) -> Vector:
        """A constant vector; elements are taken modulo 2**esize."""

    def splat(self, value: Value, lanes: int, /) -> Vector:
        """`value` in every lane."""

    def reduce(self, operation: str, vector: Vector, /) -> Value:
        """All lanes combined into one by `operation` (add smin smax umin umax), esize bits wide."""

    def aes_sub_bytes(self, state: Vector, /, *, inverse: bool) -> Vector:
        """AESSubBytes() or AESInvSubBytes(): each of 16 bytes through the substitution box of AES, or its inverse.

        AESE and AESD give it a shuffle of rows: with the opposite shuffle before it, AESENCLAST of x86 is this.
        """

    # Saturating operations set FPSR.QC where a lane didn't fit.
    def saturating_add(self, a: Lanes, b: Lanes, /, *, signed: bool) -> Lanes: ...
    def saturating_subtract(self, a: Lanes, b: Lanes, /, *, signed: bool) -> Lanes: ...
    def saturate(self, a: Lanes, esize: int, /, *, source_signed: bool, signed: bool) -> Lanes:
        """Each element, read as signed or not, to the nearest number of `esize` bits (at most its own)."""

    def saturated_if(self, condition: Value, /) -> None:
        """Set FPSR.QC if the one bit is set: for what the operations above can't say."""

    # -- floating point: elements of 16, 32 or 64 bits, as FP<Operation> of the manual's shared pseudocode, with FPCR's
    # modes, and FPSR's cumulative flags. `a`, `b` are in the order of the pseudocode's operands, on which NaNs depend.
    def fp_add(self, a: Lanes, b: Lanes, /) -> Lanes: ...
    def fp_subtract(self, a: Lanes, b: Lanes, /) -> Lanes: ...
    def fp_multiply(self, a: Lanes, b: Lanes, /) -> Lanes: ...
    def fp_multiply_extended(self, a: Lanes, b: Lanes, /) -> Lanes:
        """FPMulX: zero times infinity is two."""

    def fp_divide(self, a: Lanes, b: Lanes, /) -> Lanes: ...
    def fp_square_root(self, a: Lanes, /) -> Lanes: ...
    def fp_multiply_add(self, addend: Lanes, a: Lanes, b: Lanes, /) -> Lanes:
        """FPMulAdd(addend, a, b): addend + a * b, rounded once."""

    def fp_multiply_add_long(self, addend: Lanes, a: Lanes, b: Lanes, /) -> Lanes:
        """FPMulAddH: a 32-bit addend, 16-bit factors; rounded once (FMLAL)."""

    def fp_negate(self, a: Lanes, /) -> Lanes:
        """The sign bit flipped, of NaNs too."""

    def fp_absolute(self, a: Lanes, /) -> Lanes: ...
    def fp_maximum(self, a: Lanes, b: Lanes, /) -> Lanes:
        """FPMax."""

    def fp_minimum(self, a: Lanes, b: Lanes, /) -> Lanes: ...
    def fp_maximum_number(self, a: Lanes, b: Lanes, /) -> Lanes:
        """FPMaxNum: a quiet NaN loses against a number."""

    def fp_minimum_number(self, a: Lanes, b: Lanes, /) -> Lanes: ...
    def fp_compare(self, a: Value, b: Value, /, *, signal: bool, when: Value | None = None) -> Flags:
        """FPCompare: 0011 unordered, 0110 equal, 1000 less, 0010 greater. `signal`: a quiet NaN is invalid too.

        Where the one bit `when` is clear the instruction doesn't compare: FPSR stays, and the flags have no meaning.
        """

    def fp_equal(self, a: Lanes, b: Lanes, /) -> Lanes:
        """FPCompareEQ as a mask of esize bits."""

    def fp_greater_equal(self, a: Lanes, b: Lanes, /) -> Lanes: ...
    def fp_greater(self, a: Lanes, b: Lanes, /) -> Lanes: ...
    def fp_convert(self, a: Lanes, esize: int, /, *, rounding: Rounding = Rounding.CURRENT) -> Lanes:
        """FPConvert between 16, 32 and 64 bits (FPCR.AHP holds for 16); ODD for FCVTXN."""

    def fp_to_fixed(self, a: Lanes, size: int, /, *, fraction_bits: int = 0, signed: bool, rounding: Rounding) -> Lanes:
        """FPToFixed: a saturated integer of `size` bits."""

    def fp_from_fixed(
        self, a: Lanes, esize: int, /, *, fraction_bits: int = 0, signed: bool, rounding: Rounding = Rounding.CURRENT
    ) -> Lanes:
        """FixedToFP: from an integer to a number of `esize` bits."""

    def fp_to_fixed_javascript(self, a: Value, /) -> tuple[Value, Value]:
        """FPToFixedJS: the 32-bit integer, and one bit for Z (exact)."""

    def fp_round_integral(self, a: Lanes, /, *, rounding: Rounding, exact: bool) -> Lanes:
        """FPRoundInt: to an integral number; `exact` raises Inexact."""

    def fp_round_integral_sized(self, a: Lanes, /, *, size: int, rounding: Rounding) -> Lanes:
        """FPRoundIntN: FRINT32X and its like; out of the range of `size` bits becomes the minimum, and Invalid."""

    def fp_reciprocal_estimate(self, a: Lanes, /) -> Lanes: ...
    def fp_reciprocal_step(self, a: Lanes, b: Lanes, /) -> Lanes:
        """FPRecipStepFused: 2 - a * b."""

    def fp_reciprocal_exponent(self, a: Lanes, /) -> Lanes:
        """FPRecpX."""

    def fp_reciprocal_square_root_estimate(self, a: Lanes, /) -> Lanes: ...
    def fp_reciprocal_square_root_step(self, a: Lanes, b: Lanes, /) -> Lanes:
        """FPRSqrtStepFused: (3 - a * b) / 2."""

    def unsigned_reciprocal_estimate(self, a: Lanes, /) -> Lanes:
        """UnsignedRecipEstimate of 32-bit elements (URECPE)."""

    def unsigned_reciprocal_square_root_estimate(self, a: Lanes, /) -> Lanes:
        """UnsignedRSqrtEstimate of 32-bit elements (URSQRTE)."""

    def bf16_convert(self, a: Lanes, /) -> Lanes:
        """FPConvertBF: 32 bits to bfloat16."""

    def bf16_dot(self, addend: Vector, a: Vector, b: Vector, /) -> Vector:
        """BFDotAdd without FEAT_EBF16: pairs of 16-bit lanes into 32-bit lanes, rounded to odd, flushed."""
