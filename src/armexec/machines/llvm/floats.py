"""The translating machine's floating point: the host's instructions where FPCR is zero and FPSR isn't looked at.

A result that is a NaN has to be the one that the manual says. It would be dear to look at each result, and there is
no need: a NaN operand makes a NaN result. So results stay *pending* while other operations of the block take them, and
those that none took are tested together, where one is stored or the block ends. If one of them is a NaN, the block is
left to run its last instructions again in *careful* code, which goes on by itself to the function's end. There a cold
path computes all of the pending results again by exact functions, so that NaNs are no reason to leave. Strict code
calls a soft-float function for each operation instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from armexec.cpu.registers import has, q
from armexec.isa.machine import Rounding
from armexec.machines.llvm.deferred_stores import FlushBefore
from armexec.machines.llvm.exact_nan import FloatType, emit, exact_function, narrow, result_type
from armexec.machines.llvm.flags import Flags, FloatFlags
from armexec.machines.llvm.shapes import FLOATS, ShapedValue, Shapes, parts, vector_type
from armexec.machines.llvm.soft_float import SoftFloat
from armexec.machines.llvm.values import Value
from armexec.machines.llvm.vectors import Vector

if TYPE_CHECKING:
    from armexec.machines.llvm.machine import LlvmMachine

__all__ = ["FloatingPoint", "Pending"]

Lanes = TypeVar("Lanes", Value, Vector)

_MAX_PENDING = 64
_ROUNDING = {
    Rounding.TIEEVEN: "roundeven",
    Rounding.POSINF: "ceil",
    Rounding.NEGINF: "floor",
    Rounding.ZERO: "trunc",
    Rounding.TIEAWAY: "round",
    Rounding.CURRENT: "roundeven",
}


class Pending:
    """A result that hasn't been looked at.

    `template` makes it of exact arguments: the text of an instruction with `{0}`... in their places. `alone`: its
    lanes, as bits, but for those that make another pending result a NaN if they are one. `propagates_nan`: it is a NaN
    exactly if the right result is one.
    """

    __slots__ = ("alone", "arguments", "kind", "propagates_nan", "raw", "shapes", "template")

    def __init__(
        self, template: str, kind: str, raw: str, arguments: list[str | Pending], *, propagates_nan: bool
    ) -> None:
        self.template = template
        self.kind = kind
        self.raw = raw
        self.arguments = arguments
        self.propagates_nan = propagates_nan
        self.alone = (1 << (parts(kind)[0] or 1)) - 1
        self.shapes: list[Shapes] = []

    @property
    def is_flushed(self) -> bool:
        return self.shapes[0].pending is None


def float_type(a: Value | Vector) -> FloatType:
    return FloatType(0, a.width) if isinstance(a, Value) else FloatType(a.lanes, a.esize)


class FloatingPoint(SoftFloat):
    """The part of the machine that computes with floating-point numbers."""

    _m: LlvmMachine
    pending: list[Pending]
    label: str
    helpers: dict[str, str]

    # -- pending results ------------------------------------------------------------------------------------------
    def _shaped(self, t: FloatType, shapes: Shapes, like: Lanes) -> Lanes:
        if isinstance(like, Value):
            return ShapedValue(self._m, t.esize, shapes)
        return Vector(self._m, t.esize, t.lanes, shapes)

    def choose_number(self, condition: Value, a: ShapedValue, b: ShapedValue) -> ShapedValue | None:
        """One of two numbers of which one is pending."""
        kind = FLOATS.get(a.width, "")
        pair = a.shapes(), b.shapes()
        if not any(s.pending is not None and s.pending.kind == kind for s in pair):
            return None
        template = f"select i1 {condition.text}, {kind} {{0}}, {kind} {{1}}"
        return ShapedValue(self._m, a.width, self.move(template, kind, kind, a.width, (pair[0], 0), (pair[1], 0)))

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
        arguments = [self._argument(operand.shapes(), kind) for operand, kind in zip(operands, kinds, strict=True)]
        # Only now: an operand in another shape has all those tested that are alone.
        for argument in arguments:
            if isinstance(argument, Pending):
                argument.alone = 0
                propagates_nan = propagates_nan and argument.propagates_nan
        raws = [argument.raw if isinstance(argument, Pending) else argument for argument in arguments]
        raw = emit(self._m, operation, t, raws)
        template = ""
        if self._m.careful:
            name, text = exact_function(operation, t)
            self.helpers[name] = text
            passed = ", ".join(f"{kind} {{{i}}}" for i, kind in enumerate(kinds))
            template = f"call preserve_allcc {target.kind} @{name}({passed})"
        shapes = self._suspend(
            template, target.kind, max(target.lanes, 1) * target.esize, raw, arguments, propagates_nan
        )
        return self._shaped(target, shapes, operands[0])

    def _argument(self, shapes: Shapes, kind: str) -> str | Pending:
        """An operand: pending where it is in this type."""
        pending = shapes.pending
        return pending if pending is not None and pending.kind == kind else shapes.get(kind)

    def _suspend(
        self,
        template: str,
        kind: str,
        bits: int,
        raw: str,
        arguments: list[str | Pending],
        propagates_nan: bool,
        lanes: int | None = None,
    ) -> Shapes:
        # Getting an operand in another shape may have settled those before it.
        settled = [a.shapes[0].get(a.kind) if isinstance(a, Pending) and a.is_flushed else a for a in arguments]
        result = Pending(template, kind, raw, settled, propagates_nan=propagates_nan)
        if lanes is not None:
            result.alone = lanes
        shapes = Shapes(self._m, bits, {kind: raw}, pending=result)
        result.shapes.append(shapes)
        self.pending.append(result)
        if len(self.pending) >= _MAX_PENDING and self._m.unchecked is None:
            self.flush_within_instruction()
        return shapes

    def move(
        self, template: str, of: str, kind: str, bits: int, *sources: tuple[Shapes, int], lanes: int | None = None
    ) -> Shapes:
        """Pending elements in other places, by an instruction, from one type to another.

        With each source, as bits, its lanes that are in the result. `lanes`: those of the result that aren't zero.
        """
        arguments = [self._argument(source, of) for source, _ in sources]
        propagates_nan = True
        for argument, (_, taken) in zip(arguments, sources, strict=True):
            if isinstance(argument, Pending):
                argument.alone &= ~taken
                propagates_nan = propagates_nan and argument.propagates_nan
        raws = [a.raw if isinstance(a, Pending) else a for a in arguments]
        raw = self._m.line(template.format(*raws))
        return self._suspend(template, kind, bits, raw, arguments, propagates_nan, lanes)

    def carry(self, shapes: Shapes, esize: int) -> None:
        """Take a register's value for a pending result: it is one of an earlier block."""
        kind = FloatType(shapes.bits // esize if shapes.bits > esize else 0, esize).kind
        result = Pending("", kind, shapes.get(kind), [], propagates_nan=True)
        # It is tested where the part ends that it belongs to.
        result.alone = 0
        shapes.pending = result
        result.shapes.append(shapes)
        self.pending.append(result)

    def end_pending(self) -> dict[int, frozenset[int]]:
        """End a block: test what is pending, or leave that to later blocks.

        Returns the registers that held pending results, with the sizes of their elements.
        """
        m = self._m
        unchecked = {}
        for number, cached in m.vectors.items():
            sizes = frozenset(parts(p.kind)[2] for p in cached.pending)
            if sizes and has(m.dirty, q(number)):
                unchecked[number] = sizes
        if m.unchecked is None or not all(p.propagates_nan for p in self.pending):
            self.flush_guards()
        for p in self.pending:
            for shapes in p.shapes:
                shapes.pending = None
        self.pending = []
        return unchecked

    def flush_within_instruction(self) -> None:
        """Make sure of the pending results: from here on they are what the manual says."""
        if self._m.deferred:
            raise FlushBefore(self._m.pc)
        self.flush_guards()

    def flush_guards(self) -> None:
        """Guard the pending results, and make the stores that wait for that: between two instructions."""
        m = self._m
        if self.pending and m.unchecked is not None:
            m.is_rejected = True
        pending, self.pending = self.pending, []
        if not pending:
            return
        condition = self.any_nan([(p.kind, p.raw) for p in pending if p.alone]) if not m.is_rejected else "false"
        for alias in m.passed_alias():
            condition = m.line(f"or i1 {condition}, {alias}")
        nan, tested = m.block("nan"), m.block("tested")
        if not m.careful:
            m.out += [f"br i1 {condition}, label %{nan}, label %{tested}", f"{tested}:"]
            m.leave_to_careful(nan)
            for p in pending:
                for shapes in p.shapes:
                    shapes.pending = None
            self.label = tested
            m.make_deferred()
            return
        if not self.label:
            self.label = m.block("before")
            m.out += [f"br label %{self.label}", f"{self.label}:"]
        m.out += [f"br i1 {condition}, label %{nan}, label %{tested}", f"{nan}:"]
        exact: dict[int, str] = {}
        for p in pending:
            arguments = [a if isinstance(a, str) else exact[id(a)] for a in p.arguments]
            exact[id(p)] = m.line(p.template.format(*arguments))
        m.out += [f"br label %{tested}", f"{tested}:"]
        for p in pending:
            text = m.line(f"phi {p.kind} [{p.raw}, %{self.label}], [{exact[id(p)]}, %{nan}]")
            for shapes in p.shapes:
                shapes.texts = {p.kind: text}
                shapes.pending = None
        self.label = tested

    def any_nan(self, numbers: list[tuple[str, str]]) -> str:
        """Whether one of some numbers, each a type and a name, is a NaN."""
        m = self._m
        by_kind: dict[str, list[str]] = {}
        for kind, raw in numbers:
            by_kind.setdefault(kind, []).append(raw)
        self._pair_odd(by_kind)
        conditions = []
        for kind, names in by_kind.items():
            lanes = parts(kind)[0]
            bits = f"<{lanes} x i1>" if lanes else "i1"
            # A comparison tests two.
            tests = [
                m.line(f"fcmp uno {kind} {a}, {b}")
                for a, b in zip(names[::2], [*names[1::2], *names[-1:]][: len(names[::2])], strict=True)
            ]
            test = tests[0]
            for other in tests[1:]:
                test = m.line(f"or {bits} {test}, {other}")
            if lanes and lanes < 8 and m.host.has("avx512vl"):
                # KORTEST tests eight.
                mask = ", ".join(f"i32 {min(i, lanes)}" for i in range(8))
                test = m.line(f"shufflevector {bits} {test}, {bits} zeroinitializer, <8 x i32> <{mask}>")
                lanes, bits = 8, "<8 x i1>"
            if lanes:
                word = m.line(f"bitcast {bits} {test} to i{lanes}")
                test = m.line(f"icmp ne i{lanes} {word}, 0")
            conditions.append(test)
        condition = conditions[0]
        for other in conditions[1:]:
            condition = m.line(f"or i1 {condition}, {other}")
        return condition

    def _pair_odd(self, by_kind: dict[str, list[str]]) -> None:
        """Test an odd scalar with an odd vector of as wide elements: there is a place free in its last comparison."""
        m = self._m
        for kind in list(by_kind):
            lanes, element, _ = parts(kind)
            scalars = by_kind.get(element, [])
            if not lanes or len(by_kind[kind]) % 2 == 0 or len(scalars) % 2 == 0:
                continue
            one = m.line(f"insertelement {kind} poison, {element} {scalars.pop()}, i64 0")
            mask = f"<{lanes} x i32> zeroinitializer"
            by_kind[kind].append(m.line(f"shufflevector {kind} {one}, {kind} poison, {mask}"))
            if not scalars:
                del by_kind[element]

    # -- arithmetic -------------------------------------------------------------------------------------------------
    def _host(self, *operands: Value | Vector) -> bool:
        """Whether the host's instructions will do."""
        m = self._m
        return not m.strict and (
            m.host.halves or all((a.width if isinstance(a, Value) else a.esize) != 16 for a in operands)
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
        text = emit(self._m, operation, t, [shapes.get(t.kind)])
        return self._shaped(t, Shapes(self._m, shapes.bits, {t.kind: text}), a)

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
        return FloatFlags(self._m, kind, x, y)

    def _compared(self, a: Lanes, b: Lanes) -> tuple[str, str, str]:
        """Operands of a comparison: a half compares as a single."""
        t = float_type(a)
        x, y = self._raw(a, t.kind), self._raw(b, t.kind)
        if t.esize == 16:
            single = t.sized(32)
            x, y = (self._m.line(f"fpext {t.kind} {v} to {single.kind}") for v in (x, y))
            t = single
        return t.kind, x, y

    def _mask(self, predicate: str, a: Lanes, b: Lanes) -> Lanes:
        if not self._host(a):
            return self._soft(predicate, a, b)
        kind, x, y = self._compared(a, b)
        text = f"fcmp o{predicate} {kind} {x}, {y}"
        if isinstance(a, Value):
            return self._m.emit(1, text).sign_extend(a.width)
        return self._m.mask(a.lanes, a.esize, text)

    def fp_equal(self, a: Lanes, b: Lanes) -> Lanes:
        return self._mask("eq", a, b)

    def fp_greater_equal(self, a: Lanes, b: Lanes) -> Lanes:
        return self._mask("ge", a, b)

    def fp_greater(self, a: Lanes, b: Lanes) -> Lanes:
        return self._mask("gt", a, b)

    # -- conversion -------------------------------------------------------------------------------------------------
    def fp_convert(self, a: Lanes, esize: int, *, rounding: Rounding = Rounding.CURRENT) -> Lanes:
        m = self._m
        t = float_type(a)
        operation = f"to{esize}{'odd' if rounding is Rounding.ODD else ''}"
        if m.strict or (16 in (esize, t.esize) and not m.host.halves):
            return self._soft(operation, a, width=esize)
        return self._compute(operation, a)

    def fp_to_fixed(self, a: Lanes, size: int, *, fraction_bits: int = 0, signed: bool, rounding: Rounding) -> Lanes:
        if not self._host(a):
            name = f"tofixed{size}_{fraction_bits}_{'s' if signed else 'u'}_{rounding.name.lower()}"
            return self._soft(name, a, width=size)
        m = self._m
        t = float_type(a)
        number = self._raw(a, t.kind)
        if t.esize == 16:
            single = t.sized(32)
            number, t = m.line(f"fpext {t.kind} {number} to {single.kind}"), single
        if fraction_bits:
            # Exact, or so large that it saturates.
            number = m.line(f"fmul {t.kind} {number}, {t.number(2.0**fraction_bits)}")
        if rounding is not Rounding.ZERO:
            number = emit(m, _ROUNDING[rounding], t, [number])
        integer = FloatType(t.lanes, size).integer
        suffix = f"v{t.lanes}i{size}" if t.lanes else f"i{size}"
        operation = "fptosi.sat" if signed else "fptoui.sat"
        text = m.line(f"call {integer} @llvm.{operation}.{suffix}.{t.suffix}({t.kind} {number})")
        return self._integers(a, size, text)

    def _integers(self, like: Lanes, size: int, text: str) -> Lanes:
        m = self._m
        if isinstance(like, Value):
            return Value(m, size, text)
        kind = vector_type(like.lanes, size)
        return Vector(m, size, like.lanes, Shapes(m, like.lanes * size, {kind: text}))

    def fp_from_fixed(
        self,
        a: Lanes,
        esize: int,
        *,
        fraction_bits: int = 0,
        signed: bool,
        rounding: Rounding = Rounding.CURRENT,
    ) -> Lanes:
        m = self._m
        if m.strict or (esize == 16 and not m.host.halves):
            return self._soft(f"fromfixed{esize}_{fraction_bits}_{'s' if signed else 'u'}", a, width=esize)
        lanes, size = (0, a.width) if isinstance(a, Value) else (a.lanes, a.esize)
        t = FloatType(lanes, esize)
        wide = t.sized(64) if esize == 16 else t
        if esize == 16 and size == 64:
            a = self._for_double(a, signed=signed)
        kind = f"<{lanes} x i{size}>" if lanes else f"i{size}"
        number = m.line(f"{'si' if signed else 'ui'}tofp {kind} {a.text} to {wide.kind}")
        if fraction_bits:
            # Exact: no denormal comes of it.
            number = m.line(f"fmul {wide.kind} {number}, {wide.number(2.0**-fraction_bits)}")
        if esize == 16:
            number = narrow(m, t, number)
        shapes = Shapes(m, max(lanes, 1) * esize, {t.kind: number})
        if isinstance(a, Value):
            return ShapedValue(m, esize, shapes)
        return Vector(m, esize, lanes, shapes)

    def _for_double(self, a: Lanes, *, signed: bool) -> Lanes:
        """A 64-bit integer that double precision holds: of a large one, bit 12 stands for all bits below it too."""
        m = self._m
        bias = 1 << 52 if signed else 0
        if isinstance(a, Value):
            lost = (a & 0xFFF) != 0
            large = a & ~0xFFF | lost.zero_extend(64) << 12
            return m.select((a + bias).ult(1 << 53), a, large)  # type: ignore[no-any-return]
        return (a + bias).ult(1 << 53).choose(a, a & ~0xFFF | ~(a & 0xFFF).eq(0) & 0x1000)

    def fp_round_integral(self, a: Lanes, *, rounding: Rounding, exact: bool) -> Lanes:
        if not self._host(a):
            return self._soft(f"rint_{rounding.name.lower()}_{int(exact)}", a)
        return self._compute(_ROUNDING[rounding], a)

    def fp_round_integral_sized(self, a: Lanes, *, size: int, rounding: Rounding) -> Lanes:
        if not self._host(a):
            return self._soft(f"rints{size}_{rounding.name.lower()}", a)
        m = self._m
        t = float_type(a)
        number = emit(m, _ROUNDING[rounding], t, [self._raw(a, t.kind)])
        low, high = t.number(-(2.0 ** (size - 1))), t.number(2.0 ** (size - 1))
        above = m.line(f"fcmp oge {t.kind} {number}, {low}")
        below = m.line(f"fcmp olt {t.kind} {number}, {high}")
        inside = m.line(f"and {t.bits} {above}, {below}")
        text = m.line(f"select {t.bits} {inside}, {t.kind} {number}, {t.kind} {low}")
        return self._shaped(t, Shapes(m, max(t.lanes, 1) * t.esize, {t.kind: text}), a)
