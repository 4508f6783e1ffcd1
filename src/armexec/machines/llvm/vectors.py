"""The translating machine's operations on integer vectors, and saturation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, overload

from armexec.machines.aes import substitution_box
from armexec.machines.llvm.operations import Operations
from armexec.machines.llvm.shapes import FLOATS, Shapes
from armexec.machines.llvm.values import Value, Vector, const, vector_of

__all__ = ["Vectors"]

Lanes = TypeVar("Lanes", Value, Vector)


class Vectors(Operations):
    """The part of the machine that computes with integer vectors."""

    def vector(self, esize: int, values: Sequence[int]) -> Vector:
        return vector_of(self.builder, esize, values)

    def splat(self, value: Value, lanes: int) -> Vector:
        esize = value.width
        shapes = Shapes(self.builder, lanes * esize, {})
        pending = value.shapes().pending
        if pending is not None and pending.kind == FLOATS.get(esize):
            element = pending.kind
            wide, bits = f"<{lanes} x {element}>", lanes * esize
            first = pending.move(
                f"insertelement {wide} zeroinitializer, {element} {{0}}, i64 0",
                element,
                wide,
                bits,
                (value.shapes(), 1),
                lanes=1,
            )
            mask = f"<{lanes} x i32> zeroinitializer"
            template = f"shufflevector {wide} {{0}}, {wide} poison, {mask}"
            return Vector(
                self.builder, esize, lanes, pending.move(template, wide, wide, bits, (first, (1 << lanes) - 1))
            )
        if value.constant is not None:
            shapes.constant = sum(value.constant << i * esize for i in range(lanes))
        else:
            element, name = value.shapes().any()
            if element != FLOATS.get(esize):
                element, name = f"i{esize}", value.text
            kind = f"<{lanes} x {element}>"
            one = self.line(f"insertelement {kind} poison, {element} {name}, i64 0")
            shapes.texts[kind] = self.line(
                f"shufflevector {kind} {one}, {kind} poison, <{lanes} x i32> zeroinitializer"
            )
        return Vector(self.builder, esize, lanes, shapes)

    def reduce(self, operation: str, vector: Vector) -> Value:
        kind = f"v{vector.lanes}i{vector.esize}"
        if vector.lanes == 1:
            return vector.lane(0)
        return self.emit(
            vector.esize,
            f"call i{vector.esize} @llvm.vector.reduce.{operation}.{kind}({vector.kind} {vector.text})",
        )

    def aes_sub_bytes(self, state: Vector, *, inverse: bool) -> Vector:
        b = self.builder
        if b.host.has("aes"):
            # AESENCLAST and AESDECLAST shift rows too, before it or after: undo that.
            turn = -1 if inverse else 1
            moved = state.shuffle(state, [(i - turn * 4 * (i % 4)) % 16 for i in range(16)])
            name = "aesdeclast" if inverse else "aesenclast"
            pair = moved.view(64).text
            text = self.line(f"call <2 x i64> @llvm.x86.aesni.{name}(<2 x i64> {pair}, <2 x i64> zeroinitializer)")
            return Vector(b, 8, 16, Shapes(b, 128, {"<2 x i64>": text}))
        name = "aes_inverse_box" if inverse else "aes_box"
        box = ", ".join(f"i8 {byte}" for byte in substitution_box(inverse=inverse))
        self.helpers[name] = f"@{name} = internal constant [256 x i8] [{box}]"
        for i in range(16):
            at = state.lane(i).zero_extend(64)
            pointer = self.line(f"getelementptr i8, ptr @{name}, i64 {at.text}")
            state = state.insert(i, self.emit(8, f"load i8, ptr {pointer}"))
        return state

    # -- saturation -------------------------------------------------------------------------------------------------
    @overload
    def _call(self, name: str, a: Value, b: Value | int) -> Value: ...
    @overload
    def _call(self, name: str, a: Vector, b: Vector | int) -> Vector: ...
    def _call(self, name: str, a: Value | Vector, b: Value | Vector | int) -> Value | Vector:
        """An intrinsic of two integers."""
        if isinstance(a, Vector):
            assert not isinstance(b, Value)
            return a._intrinsic_of_two(name, b)
        other = b if isinstance(b, Value) else const(self.builder, a.width, b)  # type: ignore[arg-type]
        kind = f"i{a.width}"
        return self.emit(a.width, f"call {kind} @llvm.{name}.{kind}({kind} {a.text}, {kind} {other.text})")

    def saturating_add(self, a: Lanes, b: Lanes, *, signed: bool) -> Lanes:
        result = self._call("sadd.sat" if signed else "uadd.sat", a, b)
        self._saturated_where_unlike(result, a, b, "add")
        return result

    def saturating_subtract(self, a: Lanes, b: Lanes, *, signed: bool) -> Lanes:
        result = self._call("ssub.sat" if signed else "usub.sat", a, b)
        self._saturated_where_unlike(result, a, b, "sub")
        return result

    def saturate(self, a: Lanes, esize: int, *, source_signed: bool, signed: bool) -> Lanes:
        own = a.width if isinstance(a, Value) else a.esize
        low, high = (-(1 << esize - 1), (1 << esize - 1) - 1) if signed else (0, (1 << esize) - 1)
        result = a
        if source_signed:
            if esize < own:
                result = self._call("smin", result, high)
            if esize < own or not signed:
                result = self._call("smax", result, low)
        elif esize < own or signed:
            result = self._call("umin", result, high)
        if self.strict:
            self._saturated_where_different(result, a)
        if isinstance(result, Value):
            return result.bits(0, esize)
        return result.truncate(esize)

    def _saturated_where_unlike(self, result: Lanes, a: Lanes, b: Lanes, operation: str) -> None:
        """A saturated result is never what the operation modulo 2**esize gives."""
        if self.strict:
            self._saturated_where_different(result, a + b if operation == "add" else a - b)

    def _saturated_where_different(self, a: Lanes, b: Lanes) -> None:
        if isinstance(a, Value):
            self.saturated_if(a != b)
        else:
            different = (a ^ b).value()
            self.saturated_if(different != 0)

    def saturated_if(self, condition: Value) -> None:
        if self.strict:
            self.raise_flags(condition.zero_extend(64) << 27)
