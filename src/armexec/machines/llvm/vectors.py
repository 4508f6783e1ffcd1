"""The translating machine's vectors: LLVM's own, in the shape that each instruction asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, overload

from armexec.cpu.registers import VECTOR_VIEWS, q, views_of
from armexec.machines.aes import substitution_box
from armexec.machines.llvm.shapes import FLOATS, ShapedValue, Shapes, vector_type
from armexec.machines.llvm.values import Value

if TYPE_CHECKING:
    from armexec.machines.llvm.floats import Pending
    from armexec.machines.llvm.machine import LlvmMachine

__all__ = ["CachedVector", "ScalarRegisters", "Vector", "VectorRegisters", "Vectors"]

Lanes = TypeVar("Lanes", Value, "Vector")


class Vector:
    """`lanes` integers of `esize` bits. `mask`: the same as one bit each, of what a comparison gave."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("_shapes", "esize", "lanes", "machine", "mask")

    def __init__(self, machine: LlvmMachine, esize: int, lanes: int, shapes: Shapes, mask: str = "") -> None:
        self.machine = machine
        self.esize = esize
        self.lanes = lanes
        self._shapes = shapes
        self.mask = mask

    def __bool__(self) -> bool:
        raise TypeError("a machine's vector has no truth: use choose")

    @property
    def kind(self) -> str:
        return vector_type(self.lanes, self.esize)

    @property
    def text(self) -> str:
        return self._shapes.get(vector_type(self.lanes, self.esize))

    def shapes(self) -> Shapes:
        return self._shapes

    def _of(self, text: str, lanes: int = 0, esize: int = 0) -> Vector:
        """The vector that `text` computes."""
        lanes, esize = lanes or self.lanes, esize or self.esize
        m = self.machine
        return Vector(m, esize, lanes, Shapes(m, lanes * esize, {vector_type(lanes, esize): m.line(text)}))

    def _other(self, other: Vector | int) -> str:
        if isinstance(other, int):
            return f"splat (i{self.esize} {other & (1 << self.esize) - 1})"
        if other.esize != self.esize or other.lanes != self.lanes:
            raise TypeError(f"{self.lanes} x {self.esize} bits and {other.lanes} x {other.esize} bits")
        return other.text

    def _binary(self, operation: str, other: Vector | int) -> Vector:
        b = self._other(other)
        return self._of(f"{operation} {self.kind} {self.text}, {b}")

    def _intrinsic(self, name: str, rest: str = "") -> Vector:
        kind = self.kind
        return self._of(f"call {kind} @llvm.{name}.v{self.lanes}i{self.esize}({kind} {self.text}{rest})")

    def _intrinsic_of_two(self, name: str, other: Vector | int) -> Vector:
        return self._intrinsic(name, f", {self.kind} {self._other(other)}")

    def __add__(self, other: Vector | int) -> Vector:
        return self._binary("add", other)

    def __sub__(self, other: Vector | int) -> Vector:
        return self._binary("sub", other)

    def __mul__(self, other: Vector | int) -> Vector:
        return self._binary("mul", other)

    def __and__(self, other: Vector | int) -> Vector:
        return self._binary("and", other)

    def __or__(self, other: Vector | int) -> Vector:
        return self._binary("or", other)

    def __xor__(self, other: Vector | int) -> Vector:
        return self._binary("xor", other)

    def __invert__(self) -> Vector:
        return self._binary("xor", -1)

    def __neg__(self) -> Vector:
        return self._of(f"sub {self.kind} zeroinitializer, {self.text}")

    def _shift(self, operation: str, amount: Vector | int) -> Vector:
        if isinstance(amount, int):
            if not 0 <= amount < self.esize:
                raise ValueError(f"shift of {self.esize} bits by {amount}")
            if amount == 0:
                return self
        return self._binary(operation, amount)

    def __lshift__(self, amount: Vector | int) -> Vector:
        return self._shift("shl", amount)

    def __rshift__(self, amount: Vector | int) -> Vector:
        return self._shift("lshr", amount)

    def asr(self, amount: Vector | int) -> Vector:
        return self._shift("ashr", amount)

    def _compare(self, predicate: str, other: Vector | int) -> Vector:
        b = self._other(other)
        return self.machine.mask(self.lanes, self.esize, f"icmp {predicate} {self.kind} {self.text}, {b}")

    def eq(self, other: Vector | int) -> Vector:
        return self._compare("eq", other)

    def ult(self, other: Vector | int) -> Vector:
        return self._compare("ult", other)

    def ule(self, other: Vector | int) -> Vector:
        return self._compare("ule", other)

    def slt(self, other: Vector | int) -> Vector:
        return self._compare("slt", other)

    def sle(self, other: Vector | int) -> Vector:
        return self._compare("sle", other)

    def choose(self, when_ones: Vector, when_zeros: Vector) -> Vector:
        ones, zeros = self._other(when_ones), self._other(when_zeros)
        bits = f"<{self.lanes} x i1>"
        mask = self.mask or self.machine.line(f"icmp slt {self.kind} {self.text}, zeroinitializer")
        return self._of(f"select {bits} {mask}, {self.kind} {ones}, {self.kind} {zeros}")

    def smin(self, other: Vector | int) -> Vector:
        return self._intrinsic_of_two("smin", other)

    def smax(self, other: Vector | int) -> Vector:
        return self._intrinsic_of_two("smax", other)

    def umin(self, other: Vector | int) -> Vector:
        return self._intrinsic_of_two("umin", other)

    def umax(self, other: Vector | int) -> Vector:
        return self._intrinsic_of_two("umax", other)

    def abs(self) -> Vector:
        return self._intrinsic("abs", ", i1 false")

    def clz(self) -> Vector:
        return self._intrinsic("ctlz", ", i1 false")

    def popcount(self) -> Vector:
        return self._intrinsic("ctpop")

    def reverse_bits(self) -> Vector:
        return self._intrinsic("bitreverse")

    def polynomial_multiply(self, other: Vector) -> Vector:
        m, wide = self.machine, 2 * self.esize
        if self.esize == 64 and m.host.has("pclmul"):
            products = []
            for i in range(self.lanes):
                x, y = (v.lane(i).zero_extend(128).vector(64).text for v in (self, other))
                call = f"call <2 x i64> @llvm.x86.pclmulqdq(<2 x i64> {x}, <2 x i64> {y}, i8 0)"
                products.append(Vector(m, 128, 1, Shapes(m, 128, {"<2 x i64>": m.line(call)})))
            return products[0] if len(products) == 1 else products[0].concat(products[1])
        a, b = self.zero_extend(wide), other.zero_extend(wide)
        result = m.vector(wide, [0] * self.lanes)
        for bit in range(self.esize):
            # All ones where the bit is set.
            ones = (b << (wide - 1 - bit)).asr(wide - 1)
            result = result ^ (a << bit) & ones
        return result

    def zero_extend(self, esize: int) -> Vector:
        return self if esize == self.esize else self._resize("zext", esize)

    def sign_extend(self, esize: int) -> Vector:
        return self if esize == self.esize else self._resize("sext", esize)

    def truncate(self, esize: int) -> Vector:
        return self if esize == self.esize else self._resize("trunc", esize)

    def _resize(self, operation: str, esize: int) -> Vector:
        return self._of(f"{operation} {self.kind} {self.text} to {vector_type(self.lanes, esize)}", 0, esize)

    def view(self, esize: int) -> Vector:
        return Vector(self.machine, esize, self.lanes * self.esize // esize, self._shapes)

    def value(self) -> Value:
        return ShapedValue(self.machine, self.lanes * self.esize, self._shapes)

    def _pending_kind(self) -> str | None:
        """The type of pending floating-point numbers in these lanes."""
        pending = self._shapes.pending
        kind = f"<{self.lanes} x {FLOATS.get(self.esize, '')}>"
        return kind if pending is not None and pending.kind == kind else None

    def lane(self, index: int) -> Value:
        m = self.machine
        if self.lanes == 1:
            return ShapedValue(m, self.esize, self._shapes)
        if not 0 <= index < self.lanes:
            raise IndexError(index)
        if (kind := self._pending_kind()) is not None:
            template = f"extractelement {kind} {{0}}, i64 {index}"
            element = FLOATS[self.esize]
            return ShapedValue(m, self.esize, m.move(template, kind, element, self.esize, (self._shapes, 1 << index)))
        return m.emit(self.esize, f"extractelement {self.kind} {self.text}, i64 {index}")

    def insert(self, index: int, value: Value) -> Vector:
        if value.width != self.esize:
            raise TypeError(f"{value.width} bits into a lane of {self.esize}")
        if not 0 <= index < self.lanes:
            raise IndexError(index)
        return self._of(f"insertelement {self.kind} {self.text}, i{self.esize} {value.text}, i64 {index}")

    def lower(self) -> Vector:
        return self.shuffle(self, range(self.lanes // 2))

    def upper(self) -> Vector:
        return self.shuffle(self, range(self.lanes // 2, self.lanes))

    def concat(self, upper: Vector) -> Vector:
        return self.shuffle(upper, range(2 * self.lanes))

    def shuffle(self, other: Vector, indices: Sequence[int]) -> Vector:
        count = len(indices)
        mask = ", ".join(f"i32 {i}" for i in indices)
        if (kind := self._pending_kind() or other._pending_kind()) is not None:
            m = self.machine
            template = f"shufflevector {kind} {{0}}, {kind} {{1}}, <{count} x i32> <{mask}>"
            result = f"<{count} x {FLOATS[self.esize]}>"
            taken = sum(1 << i for i in set(indices))
            first = (self._shapes, taken & (1 << self.lanes) - 1)
            found = m.move(template, kind, result, count * self.esize, first, (other._shapes, taken >> self.lanes))
            return Vector(m, self.esize, count, found)
        b = self._other(other)
        kind = self.kind
        return self._of(f"shufflevector {kind} {self.text}, {kind} {b}, <{count} x i32> <{mask}>", count)

    def table(self, indices: Vector) -> Vector:
        if self.lanes == 16 and self.machine.host.has("ssse3"):
            return self._table_by_shuffle(indices)
        result = None
        for i in range(indices.lanes):
            index = indices.lane(i)
            inside = index.ult(self.lanes)
            m = self.machine
            at = m.select(inside, index, m.const(8, 0))
            byte = m.emit(8, f"extractelement {self.kind} {self.text}, i8 {at.text}")
            value = m.select(inside, byte, m.const(8, 0))
            result = (result or m.vector(8, [0] * indices.lanes)).insert(i, value)
        assert result is not None
        return result

    def _table_by_shuffle(self, indices: Vector) -> Vector:
        """PSHUFB: a byte whose index has bit 7 set is zero; of the others the lower four bits count."""
        count = indices.lanes
        if count < 16:
            indices = indices.concat(indices)
        # 0 to 15 become 0x70 to 0x7F, what is more at least 0x80.
        safe = indices._intrinsic_of_two("uadd.sat", 0x70)
        kind = "<16 x i8>"
        found = self._of(f"call {kind} @llvm.x86.ssse3.pshuf.b.128({kind} {self.text}, {kind} {safe.text})")
        return found if count == 16 else found.lower()


class CachedVector:
    """What a block knows of a V register: its low bits, and whether those above them are zero.

    It may be a half of a longer value, and is taken out of that when it is asked for.
    """

    __slots__ = ("_half", "_shapes", "narrow", "zero_above")

    def __init__(self, shapes: Shapes | None, *, zero_above: bool, half: tuple[Shapes, int] | None = None) -> None:
        self._shapes = shapes
        self._half = half
        self.zero_above = zero_above
        self.narrow: dict[int, Shapes] = {}

    @property
    def shapes(self) -> Shapes:
        if self._shapes is None:
            assert self._half is not None
            whole, index = self._half
            self._shapes = whole.half(index)
        return self._shapes

    @property
    def whole(self) -> Shapes | None:
        """What it is a half of."""
        return self._half[0] if self._half is not None else None

    @property
    def pending(self) -> list[Pending]:
        """The results that it holds, or is a part of, which haven't been looked at."""
        held = [] if self._shapes is None else [self._shapes, *self.narrow.values()]
        held += [self._half[0]] if self._half is not None else []
        return [shapes.pending for shapes in held if shapes.pending is not None]

    def copy(self) -> CachedVector:
        if self._shapes is None:
            assert self._half is not None
            return CachedVector(None, zero_above=self.zero_above, half=(self._half[0].copy(), self._half[1]))
        other = CachedVector(self._shapes.copy(), zero_above=self.zero_above)
        other.narrow = {bits: shapes.copy() for bits, shapes in self.narrow.items()}
        return other


class ScalarRegisters:
    """B, H, S, D and Q registers."""

    __slots__ = ("machine",)

    def __init__(self, machine: LlvmMachine) -> None:
        self.machine = machine

    def __getitem__(self, key: tuple[int, int]) -> Value:
        size, number = key
        m = self.machine
        shapes = m.read_vector(number, size)
        if shapes.constant is not None:
            return m.const(size, shapes.constant)
        return ShapedValue(m, size, shapes)

    def __setitem__(self, key: tuple[int, int], value: Value) -> None:
        size, number = key
        if value.width != size:
            raise TypeError(f"{value.width} bits into a register of {size}")
        self.machine.write_vector(number, value.shapes())


class VectorRegisters:
    """The same, as vectors."""

    __slots__ = ("machine",)

    def __init__(self, machine: LlvmMachine) -> None:
        self.machine = machine

    def __getitem__(self, key: tuple[int, int, int]) -> Vector:
        size, esize, number = key
        m = self.machine
        return Vector(m, esize, size // esize, m.read_vector(number, size))

    def __setitem__(self, key: tuple[int, int, int], vector: Vector) -> None:
        size, esize, number = key
        if vector.esize != esize or vector.lanes * esize != size:
            raise TypeError(f"{vector.lanes} x {vector.esize} bits into {size // esize} x {esize}")
        self.machine.write_vector(number, vector.shapes())


class Vectors:
    """The part of the machine that has V registers and integer vectors.

    A V register is in three allocas, for its lowest 128, 64 and 32 bits. Where one is never read, LLVM drops it.
    """

    if TYPE_CHECKING:
        dirty: int
        reads: int
        used: int

        def line(self, text: str, /) -> str: ...
        def emit(self, width: int, text: str, /) -> Value: ...

    _m: LlvmMachine
    vectors: dict[int, CachedVector]
    pairs: dict[tuple[int, int], tuple[CachedVector, CachedVector]]

    # -- registers ----------------------------------------------------------------------------------------------
    def read_vector(self, number: int, bits: int) -> Shapes:
        """The low bits of a V register."""
        self._note_read(VECTOR_VIEWS[max(bits, 32)].first + number)
        cached = self.vectors.get(number)
        if cached is None or (cached.shapes.bits < bits and not cached.zero_above):
            size = max(bits, 32, *self._unchecked_sizes(number))
            first, letter, kind = VECTOR_VIEWS[size]
            self.used |= 1 << first + number
            shapes = Shapes(self._m, size, {kind: self.line(f"load {kind}, ptr %{letter}{number}")})
            narrow = {} if cached is None else {**cached.narrow, cached.shapes.bits: cached.shapes}
            cached = self.vectors[number] = CachedVector(shapes, zero_above=False)
            cached.narrow = narrow
            self._carry(number, cached)
        if cached.shapes.bits == bits:
            return cached.shapes
        found = cached.narrow.get(bits)
        if found is None:
            whole = cached.shapes
            found = cached.narrow[bits] = whole.low(bits) if bits < whole.bits else whole.widen(bits)
        return found

    def write_vector(self, number: int, shapes: Shapes) -> None:
        """Set a V register, with zeros above."""
        self._set(number, CachedVector(shapes, zero_above=shapes.bits < 128))

    def _set(self, number: int, cached: CachedVector) -> None:
        self.vectors[number] = cached
        self.dirty |= views_of(number)

    def _note_read(self, view: int) -> None:
        """A view is read: that counts unless it was written before."""
        if not self.dirty >> view & 1:
            self.reads |= 1 << view

    # -- pairs --------------------------------------------------------------------------------------------------
    def pair_registers(self, first: int, second: int) -> None:
        """Two registers have been loaded together."""
        self.pairs[first, second] = self.vectors[first], self.vectors[second]

    def is_pair(self, first: int, second: int) -> bool:
        """Whether what is in two registers was loaded together, or computed together."""
        cached = self.pairs.get((first, second))
        vectors = self.vectors
        return cached is not None and vectors.get(first) is cached[0] and vectors.get(second) is cached[1]

    def pair_value(self, first: int, second: int) -> Shapes | None:
        """What two registers are the halves of, if they were computed together."""
        whole = self.vectors[first].whole if self.is_pair(first, second) else None
        if whole is not None:
            # They count as read all the same.
            for number in (first, second):
                self._note_read(q(number))
        return whole

    def read_pair(self, first: int, second: int) -> Shapes:
        """Two V registers as one value, the first in its lower half."""
        whole = self.pair_value(first, second)
        return whole or self.read_vector(first, 128).joined(self.read_vector(second, 128))

    def write_pair(self, first: int, second: int, shapes: Shapes) -> None:
        """Set two V registers to the halves of a value."""
        for index, number in enumerate((first, second)):
            self._set(number, CachedVector(None, zero_above=False, half=(shapes, index)))
        self.pair_registers(first, second)

    def follow_vectors(self, vectors: dict[int, CachedVector]) -> None:
        self.vectors = {number: cached.copy() for number, cached in vectors.items()}
        for number, cached in self.vectors.items():
            self._carry(number, cached)

    def _unchecked_sizes(self, number: int) -> frozenset[int]:
        unchecked = self._m.unchecked
        return frozenset() if unchecked is None else unchecked.get(number, frozenset())

    def _carry(self, number: int, cached: CachedVector) -> None:
        """A register that may be pending when its block begins is."""
        sizes = self._unchecked_sizes(number)
        if not sizes or cached.shapes.constant is not None:
            return
        if len(sizes) > 1 or cached.shapes.bits < max(sizes):
            self._m.is_rejected = True
            return
        cached.narrow.clear()
        self._m.carry(cached.shapes, max(sizes))

    # -- values ---------------------------------------------------------------------------------------------------
    def mask(self, lanes: int, esize: int, comparison: str) -> Vector:
        """What a comparison gives."""
        bits = self.line(comparison)
        kind = vector_type(lanes, esize)
        text = self.line(f"sext <{lanes} x i1> {bits} to {kind}")
        return Vector(self._m, esize, lanes, Shapes(self._m, lanes * esize, {kind: text}), bits)

    def vector(self, esize: int, values: Sequence[int]) -> Vector:
        constant = sum((value & (1 << esize) - 1) << i * esize for i, value in enumerate(values))
        return Vector(self._m, esize, len(values), Shapes(self._m, len(values) * esize, {}, constant))

    def splat(self, value: Value, lanes: int) -> Vector:
        esize = value.width
        shapes = Shapes(self._m, lanes * esize, {})
        pending = value.shapes().pending
        if pending is not None and pending.kind == FLOATS.get(esize):
            element = pending.kind
            wide, bits = f"<{lanes} x {element}>", lanes * esize
            first = self._m.move(
                f"insertelement {wide} zeroinitializer, {element} {{0}}, i64 0",
                element,
                wide,
                bits,
                (value.shapes(), 1),
                lanes=1,
            )
            mask = f"<{lanes} x i32> zeroinitializer"
            template = f"shufflevector {wide} {{0}}, {wide} poison, {mask}"
            return Vector(self._m, esize, lanes, self._m.move(template, wide, wide, bits, (first, (1 << lanes) - 1)))
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
        return Vector(self._m, esize, lanes, shapes)

    def reduce(self, operation: str, vector: Vector) -> Value:
        kind = f"v{vector.lanes}i{vector.esize}"
        if vector.lanes == 1:
            return vector.lane(0)
        return self.emit(
            vector.esize,
            f"call i{vector.esize} @llvm.vector.reduce.{operation}.{kind}({vector.kind} {vector.text})",
        )

    def aes_sub_bytes(self, state: Vector, *, inverse: bool) -> Vector:
        m = self._m
        if m.host.has("aes"):
            # AESENCLAST and AESDECLAST shift rows too, before it or after: undo that.
            turn = -1 if inverse else 1
            moved = state.shuffle(state, [(i - turn * 4 * (i % 4)) % 16 for i in range(16)])
            name = "aesdeclast" if inverse else "aesenclast"
            pair = moved.view(64).text
            text = self.line(f"call <2 x i64> @llvm.x86.aesni.{name}(<2 x i64> {pair}, <2 x i64> zeroinitializer)")
            return Vector(m, 8, 16, Shapes(m, 128, {"<2 x i64>": text}))
        name = "aes_inverse_box" if inverse else "aes_box"
        box = ", ".join(f"i8 {byte}" for byte in substitution_box(inverse=inverse))
        m.helpers[name] = f"@{name} = internal constant [256 x i8] [{box}]"
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
        other = b if isinstance(b, Value) else self._m.const(a.width, b)  # type: ignore[arg-type]
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
        if self._m.strict:
            self._saturated_where_different(result, a)
        if isinstance(result, Value):
            return result.bits(0, esize)
        return result.truncate(esize)

    def _saturated_where_unlike(self, result: Lanes, a: Lanes, b: Lanes, operation: str) -> None:
        """A saturated result is never what the operation modulo 2**esize gives."""
        if self._m.strict:
            self._saturated_where_different(result, a + b if operation == "add" else a - b)

    def _saturated_where_different(self, a: Lanes, b: Lanes) -> None:
        if isinstance(a, Value):
            self.saturated_if(a != b)
        else:
            different = (a ^ b).value()
            self.saturated_if(different != 0)

    def saturated_if(self, condition: Value) -> None:
        if self._m.strict:
            self._m.raise_flags(condition.zero_extend(64) << 27)
