"""The reference machine's floating-point operations: those of `fp`, on values and lane by lane, with FPCR and FPSR."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from armexec.isa.machine import Rounding
from armexec.machines import system
from armexec.machines.fp import arithmetic, bfloat16, comparison, conversion, estimate
from armexec.machines.fp.environment import Environment
from armexec.machines.fp.formats import DOUBLE, FORMATS
from armexec.machines.interpreter.flags import Flags
from armexec.machines.interpreter.values import Bits, Elements

__all__ = ["FloatingPoint"]

_Lanes = TypeVar("_Lanes", Bits, Elements)


class FloatingPoint:
    """The part of the machine that computes with floating-point numbers."""

    system_registers: dict[int, int]

    if TYPE_CHECKING:

        def flags(self, n: Bits | int, z: Bits | int, c: Bits | int, v: Bits | int) -> Flags: ...

    def _lanes(self, operation: Callable[..., int], *operands: _Lanes, width: int = 0) -> _Lanes:
        """`operation(element..., width of an element)` on Values or lane by lane, into elements of `width` bits."""
        first = operands[0]
        if isinstance(first, Bits):
            scalars = [operand.value for operand in operands if isinstance(operand, Bits)]
            return Bits(width or first.width, operation(*scalars, first.width))
        lanes = [operand.values for operand in operands if isinstance(operand, Elements)]
        return Elements(width or first.esize, [operation(*values, first.esize) for values in zip(*lanes, strict=True)])

    def _environment(self) -> Environment:
        return Environment(self.system_registers[system.FPCR])

    def _raise(self, env: Environment) -> None:
        self.system_registers[system.FPSR] |= env.flags

    def _compute(self, operation: Callable[..., int], *operands: _Lanes, width: int = 0, **options: Any) -> _Lanes:
        """`operation` of `fp` in the format of the first operand, into elements of `width` bits."""
        env = self._environment()
        fmt = FORMATS[operands[0].width if isinstance(operands[0], Bits) else operands[0].esize]
        result = self._lanes(lambda *elements: operation(env, fmt, *elements[:-1], **options), *operands, width=width)
        self._raise(env)
        return result

    def _mask(self, operation: Callable[..., bool], a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(lambda *arguments: -operation(*arguments), a, b)

    def fp_add(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(arithmetic.add, a, b)

    def fp_subtract(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(arithmetic.subtract, a, b)

    def fp_multiply(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(arithmetic.multiply, a, b)

    def fp_multiply_extended(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(arithmetic.multiply_extended, a, b)

    def fp_divide(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(arithmetic.divide, a, b)

    def fp_square_root(self, a: _Lanes) -> _Lanes:
        return self._compute(arithmetic.square_root, a)

    def fp_multiply_add(self, addend: _Lanes, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(arithmetic.multiply_add, addend, a, b)

    def fp_multiply_add_long(self, addend: _Lanes, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(arithmetic.multiply_add_long, addend, a, b)

    def fp_negate(self, a: _Lanes) -> _Lanes:
        return self._lanes(lambda x, width: x ^ FORMATS[width].sign, a)

    def fp_absolute(self, a: _Lanes) -> _Lanes:
        return self._lanes(lambda x, width: x & ~FORMATS[width].sign, a)

    def fp_maximum(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(comparison.maximum, a, b)

    def fp_minimum(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(comparison.minimum, a, b)

    def fp_maximum_number(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(comparison.maximum_number, a, b)

    def fp_minimum_number(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(comparison.minimum_number, a, b)

    def fp_compare(self, a: Bits, b: Bits, *, signal: bool, when: Bits | None = None) -> Flags:
        if when is not None and not when.value:
            return self.flags(0, 0, 0, 0)
        nzcv = self._compute(comparison.compare, a, b, width=4, signal=signal)
        return self.flags(nzcv.bits(3, 1), nzcv.bits(2, 1), nzcv.bits(1, 1), nzcv.bits(0, 1))

    def fp_equal(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._mask(comparison.equal, a, b)

    def fp_greater_equal(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._mask(comparison.greater_equal, a, b)

    def fp_greater(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._mask(comparison.greater, a, b)

    def fp_convert(self, a: _Lanes, esize: int, *, rounding: Rounding = Rounding.CURRENT) -> _Lanes:
        return self._compute(conversion.convert, a, width=esize, target=FORMATS[esize], rounding=rounding)

    def fp_to_fixed(self, a: _Lanes, size: int, *, fraction_bits: int = 0, signed: bool, rounding: Rounding) -> _Lanes:
        options = {"size": size, "fraction_bits": fraction_bits, "signed": signed, "rounding": rounding}
        return self._compute(conversion.to_fixed, a, width=size, **options)

    def fp_from_fixed(
        self,
        a: _Lanes,
        esize: int,
        *,
        fraction_bits: int = 0,
        signed: bool,
        rounding: Rounding = Rounding.CURRENT,
    ) -> _Lanes:
        env = self._environment()
        options: dict[str, Any] = {"fraction_bits": fraction_bits, "signed": signed, "rounding": rounding}
        result = self._lanes(
            lambda x, size: conversion.from_fixed(env, FORMATS[esize], x, size=size, **options), a, width=esize
        )
        self._raise(env)
        return result

    def fp_to_fixed_javascript(self, a: Bits) -> tuple[Bits, Bits]:
        env = self._environment()
        integer, exact = conversion.to_fixed_javascript(env, DOUBLE, a.value)
        self._raise(env)
        return Bits(32, integer), Bits(1, exact)

    def fp_round_integral(self, a: _Lanes, *, rounding: Rounding, exact: bool) -> _Lanes:
        return self._compute(conversion.round_integral, a, rounding=rounding, exact=exact)

    def fp_round_integral_sized(self, a: _Lanes, *, size: int, rounding: Rounding) -> _Lanes:
        return self._compute(conversion.round_integral_sized, a, size=size, rounding=rounding)

    def fp_reciprocal_estimate(self, a: _Lanes) -> _Lanes:
        return self._compute(estimate.reciprocal_estimate, a)

    def fp_reciprocal_step(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(arithmetic.reciprocal_step, a, b)

    def fp_reciprocal_exponent(self, a: _Lanes) -> _Lanes:
        return self._compute(estimate.reciprocal_exponent, a)

    def fp_reciprocal_square_root_estimate(self, a: _Lanes) -> _Lanes:
        return self._compute(estimate.reciprocal_square_root_estimate, a)

    def fp_reciprocal_square_root_step(self, a: _Lanes, b: _Lanes) -> _Lanes:
        return self._compute(arithmetic.reciprocal_square_root_step, a, b)

    def unsigned_reciprocal_estimate(self, a: _Lanes) -> _Lanes:
        """UnsignedRecipEstimate, of 32-bit integers."""
        return self._lanes(lambda x, _: estimate.unsigned_reciprocal_estimate(x), a)

    def unsigned_reciprocal_square_root_estimate(self, a: _Lanes) -> _Lanes:
        """UnsignedRSqrtEstimate, of 32-bit integers."""
        return self._lanes(lambda x, _: estimate.unsigned_reciprocal_square_root_estimate(x), a)

    def bf16_convert(self, a: _Lanes) -> _Lanes:
        return self._compute(conversion.convert_to_bfloat16, a, width=16)

    def bf16_dot(self, addend: Elements, a: Elements, b: Elements) -> Elements:
        pairs = [zip(v.values[::2], v.values[1::2], strict=True) for v in (a, b)]
        lanes = zip(addend.values, *pairs, strict=True)
        return Elements(32, [bfloat16.dot(c, a0, a1, b0, b1) for c, (a0, a1), (b0, b1) in lanes])
