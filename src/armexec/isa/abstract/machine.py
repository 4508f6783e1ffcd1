"""The base of machines for abstract interpretation: it has the whole interface of `isa.machine`.

The domain is what `top`, `constant` and `join` make; here it is TOP alone, with shapes. An analysis overrides these,
and the registers and operations of which it knows more. No exception is caught, and no attribute is made up, so an
error in a semantic function is an error in every analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..machine import Rounding
from .values import AbstractFlags, AbstractValue, AbstractVector, LaneDependence

__all__ = ["AbstractMachine", "ScalarRegisters", "VectorRegisters"]

_FLAGS = AbstractFlags()


class ScalarRegisters:
    """X, XSP and V: values by (size, number), of which nothing is known."""

    def __getitem__(self, key: tuple[int, int]) -> AbstractValue:
        return AbstractValue(key[0])

    def __setitem__(self, key: tuple[int, int], value: Any) -> None:
        pass


class VectorRegisters:
    """Vec: vectors by (size, esize, number), of which nothing is known."""

    def __getitem__(self, key: tuple[int, int, int]) -> AbstractVector:
        size, esize, _ = key
        return AbstractVector(esize, size // esize, LaneDependence.LANEWISE)

    def __setitem__(self, key: tuple[int, int, int], vector: Any) -> None:
        pass


_SCALARS, _VECTORS = ScalarRegisters(), VectorRegisters()


class AbstractMachine:
    """A Machine on which all values are TOP, and nothing has an effect."""

    X: Any = _SCALARS
    XSP: Any = _SCALARS
    V: Any = _SCALARS
    Vec: Any = _VECTORS
    NZCV: Any = _FLAGS
    pc = 0

    # -- the domain -------------------------------------------------------------------------------------------------
    def top(self, width: int) -> AbstractValue:
        """A value of which nothing is known."""
        return AbstractValue(width)

    def constant(self, width: int, value: int) -> AbstractValue:
        """A value that is known; here that is forgotten."""
        return self.top(width)

    def join(self, a: Any, b: Any) -> Any:
        """The join of two values, vectors or flags: what is known of one that may be either."""
        if isinstance(a, AbstractValue):
            return self.top(a.width)
        return a.lane_by_lane(b) if isinstance(a, AbstractVector) else self.top_flags()

    def top_flags(self) -> Any:
        """Flags of which nothing is known."""
        return _FLAGS

    # -- what operations of a kind have in common: a subclass may look at all of them here --------------------------
    def saturating(self, a: Any, *others: Any, esize: int | None = None) -> Any:
        """The result of an operation that may set FPSR.QC, with elements of `esize` bits; by default those of `a`."""
        return _resized(a, others, esize)

    def floating_point(self, a: Any, *others: Any, esize: int | None = None) -> Any:
        """The result of an operation that depends on FPCR and may set flags of FPSR."""
        return _resized(a, others, esize)

    def sign_operation(self, a: Any) -> Any:
        """The result of a floating-point operation on the sign alone."""
        return _resized(a, (), None)

    # -- values -----------------------------------------------------------------------------------------------------
    def const(self, width: int, value: int) -> AbstractValue:
        return self.constant(width, value)

    def address(self, address: int) -> AbstractValue:
        return self.constant(64, address)

    def select(self, condition: Any, when_true: Any, when_false: Any) -> Any:
        return self.join(when_true, when_false)

    # -- flags ------------------------------------------------------------------------------------------------------
    def flags(self, n: Any, z: Any, c: Any, v: Any) -> Any:
        return self.top_flags()

    def add_with_carry(self, x: Any, y: Any, carry: Any) -> tuple[AbstractValue, Any]:
        return self.top(x.width), self.top_flags()

    def add_flags(self, x: Any, y: Any) -> tuple[AbstractValue, Any]:
        return self.top(x.width), self.top_flags()

    def subtract_flags(self, x: Any, y: Any) -> tuple[AbstractValue, Any]:
        return self.top(x.width), self.top_flags()

    def logic_flags(self, result: Any) -> Any:
        return self.top_flags()

    def condition(self, cond: int) -> AbstractValue:
        return self.top(1)

    # -- memory -----------------------------------------------------------------------------------------------------
    def load(self, address: Any, bits: int, *, acquire: bool = False, simd: bool = False) -> AbstractValue:
        return self.top(bits)

    def store(self, address: Any, value: Any, *, release: bool = False) -> None:
        pass

    def check_alignment(self, address: Any, size: int) -> None:
        pass

    def check_stack_alignment(self) -> None:
        pass

    def load_exclusive(self, address: Any, bits: int, *, acquire: bool = False) -> AbstractValue:
        return self.top(bits)

    def store_exclusive(self, address: Any, value: Any, *, release: bool = False) -> AbstractValue:
        return self.top(32)

    def clear_exclusive(self) -> None:
        pass

    def atomic(self, operation: str, address: Any, operand: Any, *, acquire: bool, release: bool) -> AbstractValue:
        return self.top(operand.width)

    def compare_and_swap(self, address: Any, expected: Any, new: Any, *, acquire: bool, release: bool) -> AbstractValue:
        return self.top(new.width)

    def barrier(self, kind: str, option: int) -> None:
        pass

    def zero_cache_block(self, address: Any) -> None:
        pass

    def invalidate_instruction_cache(self, address: Any) -> None:
        pass

    # -- control flow -----------------------------------------------------------------------------------------------
    def branch(self, target: int) -> None:
        pass

    def branch_if(self, condition: Any, target: int) -> None:
        pass

    def call(self, target: int) -> None:
        pass

    def branch_to(self, target: Any) -> None:
        pass

    def call_to(self, target: Any) -> None:
        pass

    def return_to(self, target: Any) -> None:
        pass

    # -- exceptions -------------------------------------------------------------------------------------------------
    def supervisor_call(self, immediate: int) -> None:
        # The result of a system call of Linux, syscall(2).
        self.XSP[64, 0] = self.top(64)

    def breakpoint(self, immediate: int) -> None:
        pass

    def undefined(self, why: str) -> None:
        pass

    # -- system registers -------------------------------------------------------------------------------------------
    def read_system_register(self, register: int) -> AbstractValue:
        return self.top(64)

    def write_system_register(self, register: int, value: Any) -> None:
        pass

    # -- vectors ----------------------------------------------------------------------------------------------------
    def vector(self, esize: int, values: Sequence[int]) -> AbstractVector:
        uniform = len({value & (1 << esize) - 1 for value in values}) == 1
        return AbstractVector(esize, len(values), LaneDependence.UNIFORM if uniform else LaneDependence.MIXED)

    def splat(self, value: Any, lanes: int) -> AbstractVector:
        return AbstractVector(value.width, lanes, LaneDependence.UNIFORM)

    def reduce(self, operation: str, vector: AbstractVector) -> AbstractValue:
        return self.top(vector.esize)

    def aes_sub_bytes(self, state: AbstractVector, *, inverse: bool) -> AbstractVector:
        return state

    # -- saturation -------------------------------------------------------------------------------------------------
    def saturating_add(self, a: Any, b: Any, *, signed: bool) -> Any:
        return self.saturating(a, b)

    def saturating_subtract(self, a: Any, b: Any, *, signed: bool) -> Any:
        return self.saturating(a, b)

    def saturate(self, a: Any, esize: int, *, source_signed: bool, signed: bool) -> Any:
        return self.saturating(a, esize=esize)

    def saturated_if(self, condition: Any) -> None:
        self.saturating(condition)

    # -- floating point ---------------------------------------------------------------------------------------------
    def fp_add(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_subtract(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_multiply(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_multiply_extended(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_divide(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_square_root(self, a: Any) -> Any:
        return self.floating_point(a)

    def fp_multiply_add(self, addend: Any, a: Any, b: Any) -> Any:
        return self.floating_point(addend, a, b)

    def fp_multiply_add_long(self, addend: Any, a: Any, b: Any) -> Any:
        return self.floating_point(addend, a, b)

    def fp_negate(self, a: Any) -> Any:
        return self.sign_operation(a)

    def fp_absolute(self, a: Any) -> Any:
        return self.sign_operation(a)

    def fp_maximum(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_minimum(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_maximum_number(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_minimum_number(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_compare(self, a: Any, b: Any, *, signal: bool, when: Any = None) -> Any:
        self.floating_point(a, b)
        return self.top_flags()

    def fp_equal(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_greater_equal(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_greater(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_convert(self, a: Any, esize: int, *, rounding: Rounding = Rounding.CURRENT) -> Any:
        return self.floating_point(a, esize=esize)

    def fp_to_fixed(self, a: Any, size: int, *, fraction_bits: int = 0, signed: bool, rounding: Rounding) -> Any:
        return self.floating_point(a, esize=size)

    def fp_from_fixed(
        self, a: Any, esize: int, *, fraction_bits: int = 0, signed: bool, rounding: Rounding = Rounding.CURRENT
    ) -> Any:
        return self.floating_point(a, esize=esize)

    def fp_to_fixed_javascript(self, a: Any) -> tuple[AbstractValue, AbstractValue]:
        self.floating_point(a)
        return self.top(32), self.top(1)

    def fp_round_integral(self, a: Any, *, rounding: Rounding, exact: bool) -> Any:
        return self.floating_point(a)

    def fp_round_integral_sized(self, a: Any, *, size: int, rounding: Rounding) -> Any:
        return self.floating_point(a)

    def fp_reciprocal_estimate(self, a: Any) -> Any:
        return self.floating_point(a)

    def fp_reciprocal_step(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def fp_reciprocal_exponent(self, a: Any) -> Any:
        return self.floating_point(a)

    def fp_reciprocal_square_root_estimate(self, a: Any) -> Any:
        return self.floating_point(a)

    def fp_reciprocal_square_root_step(self, a: Any, b: Any) -> Any:
        return self.floating_point(a, b)

    def unsigned_reciprocal_estimate(self, a: Any) -> Any:
        return _resized(a, (), None)

    def unsigned_reciprocal_square_root_estimate(self, a: Any) -> Any:
        return _resized(a, (), None)

    def bf16_convert(self, a: Any) -> Any:
        return self.floating_point(a, esize=16)

    def bf16_dot(self, addend: Any, a: Any, b: Any) -> Any:
        return self.floating_point(addend, a, b)


def _resized(a: Any, others: tuple[Any, ...], esize: int | None) -> Any:
    """TOP with the shape of `a`, but for its elements' size."""
    if isinstance(a, AbstractValue):
        return AbstractValue(a.width if esize is None else esize)
    if esize is not None and esize != a.esize:
        return AbstractVector(esize, a.lanes)
    return a.lane_by_lane(*others)
