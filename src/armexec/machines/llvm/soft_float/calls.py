"""The translating machine's soft float: for code that sees FPCR or FPSR, and for rare operations."""

from __future__ import annotations

from typing import TypeVar

from armexec.machines.llvm.flags import BitFlags, Flags
from armexec.machines.llvm.operations import Operations
from armexec.machines.llvm.soft_float.by_name import soft_function
from armexec.machines.llvm.values import Value, Vector, const, select, vector_of

__all__ = ["SoftFloat"]

Lanes = TypeVar("Lanes", Value, Vector)


class SoftFloat(Operations):
    """The part of the machine that calls soft-float functions."""

    def _call_soft(self, name: str, operands: list[Value], width: int, when: Value | None = None) -> Value:
        """`when`: flags are raised only where this bit is set."""
        widths = tuple(operand.width for operand in operands)
        self.helpers |= soft_function(name, widths, width)
        fpcr = self.builder.state.load("fpcr") if self.strict else "0"
        arguments = ", ".join(f"i{operand.width} {operand.text}" for operand in operands)
        kind = f"{{i{width}, i64}}"
        both = self.line(f"call {kind} @soft_{name}_{widths[0]}({arguments}, i64 {fpcr})")
        if self.strict and not name.startswith("bf"):
            flags = self.emit(64, f"extractvalue {kind} {both}, 1")
            if when is not None:
                flags = select(when, flags, const(self.builder, 64, 0))
            self.raise_flags(flags)
        return self.emit(width, f"extractvalue {kind} {both}, 0")

    def _soft(self, name: str, *operands: Lanes, width: int = 0) -> Lanes:
        """An operation of `by_name`, lane by lane, into elements of `width` bits."""
        first = operands[0]
        if isinstance(first, Value):
            scalars = [operand for operand in operands if isinstance(operand, Value)]
            return self._call_soft(name, scalars, width or first.width)
        width = width or first.esize
        result: Vector = vector_of(self.builder, width, [0] * first.lanes)
        for i in range(first.lanes):
            lanes = [operand.lane(i) for operand in operands if isinstance(operand, Vector)]
            result = result.insert(i, self._call_soft(name, lanes, width))
        return result

    def _soft_compare(self, a: Value, b: Value, *, signal: bool, when: Value | None) -> Flags:
        nzcv = self._call_soft("cmpe" if signal else "cmp", [a, b], 8, when)
        return BitFlags(self.builder, nzcv.bits(3, 1), nzcv.bits(2, 1), nzcv.bits(1, 1), nzcv.bits(0, 1))

    def fp_to_fixed_javascript(self, a: Value) -> tuple[Value, Value]:
        both = self._call_soft("js", [a], 64)
        return both.bits(0, 32), both.bits(32, 1)

    def fp_reciprocal_estimate(self, a: Lanes) -> Lanes:
        return self._soft("recpe", a)

    def fp_reciprocal_exponent(self, a: Lanes) -> Lanes:
        return self._soft("recpx", a)

    def fp_reciprocal_square_root_estimate(self, a: Lanes) -> Lanes:
        return self._soft("rsqrte", a)

    def unsigned_reciprocal_estimate(self, a: Lanes) -> Lanes:
        return self._soft("urecpe", a)

    def unsigned_reciprocal_square_root_estimate(self, a: Lanes) -> Lanes:
        return self._soft("ursqrte", a)

    def bf16_convert(self, a: Lanes) -> Lanes:
        return self._soft("tobf", a, width=16)

    def bf16_dot(self, addend: Vector, a: Vector, b: Vector) -> Vector:
        products = []
        for index in (0, 1):
            # Factors as single-precision numbers.
            x, y = (v.shuffle(v, range(index, v.lanes, 2)).zero_extend(32) << 16 for v in (a, b))
            products.append(self._soft("bfmul", x, y))
        return self._soft("bfadd", addend, self._soft("bfadd", *products))
