"""The translating machine's floating point: the host's instructions where FPCR is zero and FPSR isn't looked at.

A result that is a NaN has to be the one that the manual says. It would be dear to look at each result, and there is no
need: a NaN operand makes a NaN result. So results stay *pending* while other operations of the block take them, and
those that none took are tested together, where one is stored or the block ends. If one of them is a NaN, the block is
left to run its last instructions again in *nonspeculative* code, which goes on by itself to the function's end. There a
cold path computes all of the pending results again by exact functions, so that NaNs are no reason to leave. Strict code
calls a soft-float function for each operation instead.
"""

from __future__ import annotations

from typing import TypeVar

from armexec.isa.machine import Rounding
from armexec.machines.llvm.exact_nan import FloatType, emit, exact_function, narrow, result_type
from armexec.machines.llvm.flags import Flags, FloatFlags
from armexec.machines.llvm.shapes import FLOATS, Pending, Shapes, vector_type
from armexec.machines.llvm.soft_float.calls import SoftFloat
from armexec.machines.llvm.values import ShapedValue, Value, Vector, select

__all__ = ["FloatingPoint"]

Lanes = TypeVar("Lanes", Value, Vector)

_ROUNDING = {
    Rounding.TIEEVEN: "roundeven",
    Rounding.POSINF: "ceil",
    Rounding.NEGINF: "floor",
    Rounding.ZERO: "trunc",
    Rounding.TIEAWAY: "round",
    Rounding.CURRENT: "roundeven",
}


def float_type(a: Value | Vector) -> FloatType:
    return FloatType(0, a.width) if isinstance(a, Value) else FloatType(a.lanes, a.esize)


class FloatingPoint(SoftFloat):
    """The part of the machine that computes with floating-point numbers."""

    def _shaped(self, t: FloatType, shapes: Shapes, like: Lanes) -> Lanes:
        if isinstance(like, Value):
            return ShapedValue(self.builder, t.esize, shapes)
        return Vector(self.builder, t.esize, t.lanes, shapes)

    def choose_number(self, condition: Value, a: ShapedValue, b: ShapedValue) -> ShapedValue | None:
        """One of two numbers of which one is pending."""
        kind = FLOATS.get(a.width, "")
        pair = a.shapes(), b.shapes()
        if not any(s.pending is not None and s.pending.kind == kind for s in pair):
            return None
        template = f"select i1 {condition.text}, {kind} {{0}}, {kind} {{1}}"
        return ShapedValue(
            self.builder, a.width, self.guards.move(template, kind, kind, a.width, (pair[0], 0), (pair[1], 0))
        )

    def _raw(self, a: Value | Vector, kind: str) -> str:
        """A number that nothing but its being a NaN will be asked of."""
        shapes = a.shapes()
        pending = shapes.pending
        return (
            pending.raw if pending is not None and pending.kind == kind and pending.propagates_nan else shapes.get(kind)
        )

    def _compute(self, operation: str, *operands: Lanes, propagates_nan: bool = True) -> Lanes:
        """An operation of `exact_nan`, of the type of its first operand."""
        t = float_type(operands[0])
        target = result_type(operation, t)
        kinds = [float_type(operand).kind for operand in operands]
        arguments = [
            self.guards.argument(operand.shapes(), kind) for operand, kind in zip(operands, kinds, strict=True)
        ]
        # Only now: an operand in another shape has all those tested that are alone.
        for argument in arguments:
            if isinstance(argument, Pending):
                argument.alone = 0
                propagates_nan = propagates_nan and argument.propagates_nan
        raws = [argument.raw if isinstance(argument, Pending) else argument for argument in arguments]
        raw = emit(self.builder, operation, t, raws)
        template = ""
        if not self.guards.speculates:
            name, text = exact_function(operation, t)
            self.helpers[name] = text
            passed = ", ".join(f"{kind} {{{i}}}" for i, kind in enumerate(kinds))
            template = f"call preserve_allcc {target.kind} @{name}({passed})"
        shapes = self.guards.suspend(
            template, target.kind, max(target.lanes, 1) * target.esize, raw, arguments, propagates_nan
        )
        return self._shaped(target, shapes, operands[0])

    # -- arithmetic -------------------------------------------------------------------------------------------------
    def _host(self, *operands: Value | Vector) -> bool:
        """Whether the host's instructions will do."""
        return not self.strict and (
            self.builder.host.halves or all((a.width if isinstance(a, Value) else a.esize) != 16 for a in operands)
        )

    def _arithmetic(self, operation: str, *operands: Lanes, propagates_nan: bool = True) -> Lanes:
        if self._host(*operands):
            return self._compute(operation, *operands, propagates_nan=propagates_nan)
        return self._soft(operation, *operands)

    def fp_add(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("add", a, b)

    def fp_subtract(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("sub", a, b)

    def fp_multiply(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("mul", a, b)

    def fp_multiply_extended(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("mulx", a, b, propagates_nan=False)

    def fp_divide(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("div", a, b)

    def fp_square_root(self, a: Lanes) -> Lanes:
        return self._arithmetic("sqrt", a)

    def fp_multiply_add(self, addend: Lanes, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("fma", addend, a, b)

    def fp_multiply_add_long(self, addend: Lanes, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("fmal", addend, a, b)

    def _sign(self, operation: str, a: Lanes) -> Lanes:
        t = float_type(a)
        shapes = a.shapes()
        if shapes.pending is not None and shapes.pending.kind == t.kind:
            return self._compute(operation, a)
        if t.esize == 16:
            sign = t.format.sign
            if operation == "neg":
                return a ^ sign
            return a & (sign - 1)
        text = emit(self.builder, operation, t, [shapes.get(t.kind)])
        return self._shaped(t, Shapes(self.builder, shapes.bits, {t.kind: text}), a)

    def fp_negate(self, a: Lanes) -> Lanes:
        return self._sign("neg", a)

    def fp_absolute(self, a: Lanes) -> Lanes:
        return self._sign("abs", a)

    def fp_maximum(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("max", a, b)

    def fp_minimum(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("min", a, b)

    def fp_maximum_number(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("maxnm", a, b, propagates_nan=False)

    def fp_minimum_number(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("minnm", a, b, propagates_nan=False)

    def fp_reciprocal_step(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("recps", a, b, propagates_nan=False)

    def fp_reciprocal_square_root_step(self, a: Lanes, b: Lanes) -> Lanes:
        return self._arithmetic("rsqrts", a, b, propagates_nan=False)

    # -- comparison -------------------------------------------------------------------------------------------------
    def fp_compare(self, a: Value, b: Value, *, signal: bool, when: Value | None = None) -> Flags:
        if not self._host(a):
            return self._soft_compare(a, b, signal=signal, when=when)
        kind, x, y = self._compared(a, b)
        return FloatFlags(self.builder, kind, x, y)

    def _compared(self, a: Lanes, b: Lanes) -> tuple[str, str, str]:
        """Operands of a comparison: a half compares as a single."""
        t = float_type(a)
        x, y = self._raw(a, t.kind), self._raw(b, t.kind)
        if t.esize == 16:
            single = t.sized(32)
            x, y = (self.builder.line(f"fpext {t.kind} {v} to {single.kind}") for v in (x, y))
            t = single
        return t.kind, x, y

    def _mask(self, predicate: str, a: Lanes, b: Lanes) -> Lanes:
        if not self._host(a):
            return self._soft(predicate, a, b)
        kind, x, y = self._compared(a, b)
        text = f"fcmp o{predicate} {kind} {x}, {y}"
        if isinstance(a, Value):
            return self.emit(1, text).sign_extend(a.width)
        return Vector.of_comparison(self.builder, a.lanes, a.esize, text)

    def fp_equal(self, a: Lanes, b: Lanes) -> Lanes:
        return self._mask("eq", a, b)

    def fp_greater_equal(self, a: Lanes, b: Lanes) -> Lanes:
        return self._mask("ge", a, b)

    def fp_greater(self, a: Lanes, b: Lanes) -> Lanes:
        return self._mask("gt", a, b)

    # -- conversion -------------------------------------------------------------------------------------------------
    def fp_convert(self, a: Lanes, esize: int, *, rounding: Rounding = Rounding.CURRENT) -> Lanes:
        b = self.builder
        t = float_type(a)
        operation = f"to{esize}{'odd' if rounding is Rounding.ODD else ''}"
        if self.strict or (16 in (esize, t.esize) and not b.host.halves):
            return self._soft(operation, a, width=esize)
        return self._compute(operation, a)

    def fp_to_fixed(self, a: Lanes, size: int, *, fraction_bits: int = 0, signed: bool, rounding: Rounding) -> Lanes:
        if not self._host(a):
            name = f"tofixed{size}_{fraction_bits}_{'s' if signed else 'u'}_{rounding.name.lower()}"
            return self._soft(name, a, width=size)
        b = self.builder
        t = float_type(a)
        number = self._raw(a, t.kind)
        if t.esize == 16:
            single = t.sized(32)
            number, t = b.line(f"fpext {t.kind} {number} to {single.kind}"), single
        if fraction_bits:
            # Exact, or so large that it saturates.
            number = b.line(f"fmul {t.kind} {number}, {t.number(2.0**fraction_bits)}")
        if rounding is not Rounding.ZERO:
            number = emit(b, _ROUNDING[rounding], t, [number])
        integer = FloatType(t.lanes, size).integer
        suffix = f"v{t.lanes}i{size}" if t.lanes else f"i{size}"
        operation = "fptosi.sat" if signed else "fptoui.sat"
        text = b.line(f"call {integer} @llvm.{operation}.{suffix}.{t.suffix}({t.kind} {number})")
        return self._integers(a, size, text)

    def _integers(self, like: Lanes, size: int, text: str) -> Lanes:
        b = self.builder
        if isinstance(like, Value):
            return Value(b, size, text)
        kind = vector_type(like.lanes, size)
        return Vector(b, size, like.lanes, Shapes(b, like.lanes * size, {kind: text}))

    def fp_from_fixed(
        self,
        a: Lanes,
        esize: int,
        *,
        fraction_bits: int = 0,
        signed: bool,
        rounding: Rounding = Rounding.CURRENT,
    ) -> Lanes:
        b = self.builder
        if self.strict or (esize == 16 and not b.host.halves):
            return self._soft(f"fromfixed{esize}_{fraction_bits}_{'s' if signed else 'u'}", a, width=esize)
        lanes, size = (0, a.width) if isinstance(a, Value) else (a.lanes, a.esize)
        t = FloatType(lanes, esize)
        wide = t.sized(64) if esize == 16 else t
        if esize == 16 and size == 64:
            a = self._for_double(a, signed=signed)
        kind = f"<{lanes} x i{size}>" if lanes else f"i{size}"
        number = b.line(f"{'si' if signed else 'ui'}tofp {kind} {a.text} to {wide.kind}")
        if fraction_bits:
            # Exact: no denormal comes of it.
            number = b.line(f"fmul {wide.kind} {number}, {wide.number(2.0**-fraction_bits)}")
        if esize == 16:
            number = narrow(b, t, number)
        shapes = Shapes(b, max(lanes, 1) * esize, {t.kind: number})
        if isinstance(a, Value):
            return ShapedValue(b, esize, shapes)
        return Vector(b, esize, lanes, shapes)

    def _for_double(self, a: Lanes, *, signed: bool) -> Lanes:
        """A 64-bit integer that double precision holds: of a large one, bit 12 stands for all bits below it too."""
        bias = 1 << 52 if signed else 0
        if isinstance(a, Value):
            lost = (a & 0xFFF) != 0
            large = a & ~0xFFF | lost.zero_extend(64) << 12
            return select((a + bias).ult(1 << 53), a, large)
        return (a + bias).ult(1 << 53).choose(a, a & ~0xFFF | ~(a & 0xFFF).eq(0) & 0x1000)

    def fp_round_integral(self, a: Lanes, *, rounding: Rounding, exact: bool) -> Lanes:
        if not self._host(a):
            return self._soft(f"rint_{rounding.name.lower()}_{int(exact)}", a)
        return self._compute(_ROUNDING[rounding], a)

    def fp_round_integral_sized(self, a: Lanes, *, size: int, rounding: Rounding) -> Lanes:
        if not self._host(a):
            return self._soft(f"rints{size}_{rounding.name.lower()}", a)
        b = self.builder
        t = float_type(a)
        number = emit(b, _ROUNDING[rounding], t, [self._raw(a, t.kind)])
        low, high = t.number(-(2.0 ** (size - 1))), t.number(2.0 ** (size - 1))
        above = b.line(f"fcmp oge {t.kind} {number}, {low}")
        below = b.line(f"fcmp olt {t.kind} {number}, {high}")
        inside = b.line(f"and {t.bits} {above}, {below}")
        text = b.line(f"select {t.bits} {inside}, {t.kind} {number}, {t.kind} {low}")
        return self._shaped(t, Shapes(b, max(t.lanes, 1) * t.esize, {t.kind: text}), a)
