"""The values of the translating machine: names of LLVM values, with the Python int of a constant."""

from __future__ import annotations

from collections.abc import Sequence

from armexec.machines.llvm.builder import Builder
from armexec.machines.llvm.shapes import FLOATS, Pending, Shapes, vector_type

__all__ = ["IMAGE", "ShapedValue", "Value", "Vector", "address_of", "const", "emit", "select", "vector_of"]

IMAGE = "@image"
_ADDRESSES = 0xFFFF_FFFF_FFFF_FFFF
_SIGN = 1 << 63
_LOW = 0xFFFF_FFFF
_SIGN_32 = 1 << 31


def const(builder: Builder, width: int, value: int) -> Value:
    value &= (1 << width) - 1
    if width == 1:
        return Value(builder, 1, "true" if value else "false", value)
    return Value(builder, width, str(value), value)


def address_of(builder: Builder, address: int) -> Value:
    """An address of the guest."""
    address &= _ADDRESSES
    if builder.image_base is None or builder.sandbox:
        return const(builder, 64, address)
    offset = address - builder.image_base
    return Value(builder, 64, f"ptrtoint (ptr getelementptr (i8, ptr {IMAGE}, i64 {offset}) to i64)", None, address)


def emit(builder: Builder, width: int, text: str) -> Value:
    """Append `name = text`."""
    builder.count += 1
    name = f"%v{builder.count}"
    builder.out.append(f"{name} = {text}")
    return Value(builder, width, name)


def select(condition: Value, when_true: Value, when_false: Value) -> Value:
    """One of two values of a width."""
    if condition.constant is not None:
        return when_true if condition.constant else when_false
    kind = f"i{when_true.width}"
    text = f"select i1 {condition.text}, {kind} {when_true.text}, {kind} {when_false.text}"
    return emit(condition.builder, when_true.width, text)


def vector_of(builder: Builder, esize: int, values: Sequence[int]) -> Vector:
    """A constant vector."""
    bits = sum((value & (1 << esize) - 1) << i * esize for i, value in enumerate(values))
    return Vector(builder, esize, len(values), Shapes(builder, len(values) * esize, {}, bits))


class Value:
    """`width` bits: an operand's text, and for a `constant` its Python int.

    `address` is the guest address that a position-independent constant stands for.
    """

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("address", "builder", "constant", "text", "width")

    def __init__(
        self,
        builder: Builder,
        width: int,
        text: str,
        constant: int | None = None,
        address: int | None = None,
    ) -> None:
        self.builder = builder
        self.width = width
        self.text = text
        self.constant = constant
        self.address = address

    def __repr__(self) -> str:
        return f"<i{self.width} {self.text}>"

    def __bool__(self) -> bool:
        raise TypeError("a machine's value has no truth: use out.select")

    def _const(self, value: int) -> Value:
        return const(self.builder, self.width, value)

    def _operand(self, other: Value | int) -> Value:
        if other.__class__ is int:
            return const(self.builder, self.width, other)
        if other.width != self.width:  # type: ignore[union-attr]
            raise TypeError(f"{self.width} bits and {other.width} bits")  # type: ignore[union-attr]
        return other  # type: ignore[return-value]

    def _binary(self, operation: str, other: Value) -> Value:
        b = self.builder
        b.count += 1
        name = f"%v{b.count}"
        b.out.append(f"{name} = {operation} i{self.width} {self.text}, {other.text}")
        return Value(b, self.width, name)

    def _compare(self, predicate: str, other: Value) -> Value:
        b = self.builder
        b.count += 1
        name = f"%v{b.count}"
        b.out.append(f"{name} = icmp {predicate} i{self.width} {self.text}, {other.text}")
        return Value(b, 1, name)

    @property
    def signed(self) -> int:
        """The constant as two's complement."""
        assert self.constant is not None
        sign = 1 << (self.width - 1)
        return (self.constant ^ sign) - sign

    def __add__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant + b.constant)
            if b.constant == 0:
                return self
            if self.address is not None:
                return address_of(self.builder, self.address + b.constant)
            result = self._binary("add", b)
            self._note_sum(result, b.constant)
            return result
        return self._binary("add", b)

    def __sub__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant - b.constant)
            if b.constant == 0:
                return self
            result = self._binary("sub", b)
            self._note_sum(result, -b.constant)
            return result
        return self._binary("sub", b)

    def __mul__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None and self.constant is not None:
            return self._const(self.constant * b.constant)
        return self._binary("mul", b)

    def __and__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant & b.constant)
            if b.constant == 0:
                return b
            if b.constant == (1 << self.width) - 1:
                return self
        return self._binary("and", b)

    def __or__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant | b.constant)
            if b.constant == 0:
                return self
        elif self.constant == 0:
            return b
        return self._binary("or", b)

    def __xor__(self, other: Value | int) -> Value:
        b = self._operand(other)
        if b.constant is not None:
            if self.constant is not None:
                return self._const(self.constant ^ b.constant)
            if b.constant == 0:
                return self
        elif self.constant == 0:
            return b
        return self._binary("xor", b)

    def __invert__(self) -> Value:
        return self ^ ((1 << self.width) - 1)

    def __neg__(self) -> Value:
        return self._const(0) - self

    def _shift(self, operation: str, amount: Value | int) -> Value:
        b = self._operand(amount)
        if b.constant is not None:
            if b.constant >= self.width:
                raise ValueError(f"shift of {self.width} bits by {b.constant}")
            if b.constant == 0:
                return self
            if self.constant is not None:
                if operation == "shl":
                    return self._const(self.constant << b.constant)
                return self._const((self.constant if operation == "lshr" else self.signed) >> b.constant)
        return self._binary(operation, b)

    def __lshift__(self, amount: Value | int) -> Value:
        return self._shift("shl", amount)

    def __rshift__(self, amount: Value | int) -> Value:
        return self._shift("lshr", amount)

    def asr(self, amount: Value | int) -> Value:
        return self._shift("ashr", amount)

    def ror(self, amount: Value | int) -> Value:
        if isinstance(amount, int):
            amount %= self.width
            if amount == 0:
                return self
            if self.constant is not None:
                return self._const(self.constant >> amount | self.constant << (self.width - amount))
        b = self._operand(amount)
        return self._intrinsic("fshr", f", i{self.width} {self.text}, i{self.width} {b.text}")

    def _intrinsic(self, name: str, rest: str = "") -> Value:
        return emit(
            self.builder, self.width, f"call i{self.width} @llvm.{name}.i{self.width}(i{self.width} {self.text}{rest})"
        )

    def __eq__(self, other: Value | int) -> Value:  # type: ignore[override]
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return const(self.builder, 1, self.constant == b.constant)
        return self._compare("eq", b)

    def __ne__(self, other: Value | int) -> Value:  # type: ignore[override]
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return const(self.builder, 1, self.constant != b.constant)
        return self._compare("ne", b)

    def ult(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return const(self.builder, 1, self.constant < b.constant)
        return self._compare("ult", b)

    def ule(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return const(self.builder, 1, self.constant <= b.constant)
        return self._compare("ule", b)

    def slt(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return const(self.builder, 1, self.signed < b.signed)
        return self._compare("slt", b)

    def sle(self, other: Value | int) -> Value:
        b = self._operand(other)
        if self.constant is not None and b.constant is not None:
            return const(self.builder, 1, self.signed <= b.signed)
        return self._compare("sle", b)

    def zero_extend(self, width: int) -> Value:
        if width == self.width:
            return self
        if self.constant is not None:
            return const(self.builder, width, self.constant)
        return emit(self.builder, width, f"zext i{self.width} {self.text} to i{width}")

    def sign_extend(self, width: int) -> Value:
        if width == self.width:
            return self
        if self.constant is not None:
            return const(self.builder, width, self.signed)
        return emit(self.builder, width, f"sext i{self.width} {self.text} to i{width}")

    def bits(self, low: int, width: int) -> Value:
        if self.constant is not None:
            return const(self.builder, width, self.constant >> low)
        source = self >> low
        if width == self.width:
            return source
        return emit(self.builder, width, f"trunc i{self.width} {source.text} to i{width}")

    def udiv(self, other: Value | int) -> Value:
        b = self._operand(other)
        zero = b == 0
        quotient = self._binary("udiv", select(zero, self._const(1), b))
        return select(zero, self._const(0), quotient)

    def sdiv(self, other: Value | int) -> Value:
        b = self._operand(other)
        zero = b == 0
        # The minimum by -1 overflows: dividing it by 1 gives what SDIV gives.
        overflow = (self == 1 << (self.width - 1)) & (b == -1)
        quotient = self._binary("sdiv", select(zero | overflow, self._const(1), b))
        return select(zero, self._const(0), quotient)

    def clz(self) -> Value:
        if self.constant is not None:
            return self._const(self.width - self.constant.bit_length())
        return self._intrinsic("ctlz", ", i1 false")

    def popcount(self) -> Value:
        if self.constant is not None:
            return self._const(self.constant.bit_count())
        return self._intrinsic("ctpop")

    def reverse_bits(self) -> Value:
        if self.constant is not None:
            return self._const(int(f"{self.constant:0{self.width}b}"[::-1], 2))
        return self._intrinsic("bitreverse")

    def reverse_bytes(self) -> Value:
        if self.width == 8:
            return self
        if self.constant is not None:
            return self._const(int.from_bytes(self.constant.to_bytes(self.width // 8, "little"), "big"))
        return self._intrinsic("bswap")

    def vector(self, esize: int) -> Vector:
        return Vector(self.builder, esize, self.width // esize, self.shapes())

    def shapes(self) -> Shapes:
        """The same bits, to be had in other types."""
        return Shapes(self.builder, self.width, {f"i{self.width}": self.text}, self.constant)

    def plain(self) -> Value:
        """One whose text is there already."""
        return self

    def store(self, pointer: str) -> None:
        """Store it, in whatever type it is there."""
        self.builder.store(f"i{self.width}", self.text, pointer, align=1)

    # -- sums with constants ------------------------------------------------------------------------------------
    def root(self) -> tuple[str, int]:
        """The *root* that an address is an offset from, a value's name, `IMAGE`, or "" for none; and the offset."""
        b = self.builder
        if self.address is not None and b.image_base is not None:
            return IMAGE, self.address - b.image_base
        if self.constant is not None:
            return "", self.constant & _LOW if b.sandbox else self.constant
        return b.sums.get(self.text, (self.text, 0)) if b.sums is not None else (self.text, 0)

    def _note_sum(self, result: Value, addend: int) -> None:
        """Remember that a value is this one plus a constant."""
        sums = self.builder.sums
        if sums is not None and self.width == 64:
            root, offset = self.root()
            offset += (addend & _SIGN - 1) - (addend & _SIGN)
            # Addresses that are the same modulo 2**32 have one offset from a root.
            if not self.builder.sandbox or -_SIGN_32 < offset < _SIGN_32:
                sums[result.text] = root, offset


class ShapedValue(Value):
    """A Value that knows its other shapes. It becomes an integer only when it is asked for its text."""

    __slots__ = ("_shapes",)

    def __init__(self, builder: Builder, width: int, shapes: Shapes) -> None:
        self.builder = builder
        self.width = width
        self.constant = None
        self.address = None
        self._shapes = shapes

    @property
    def text(self) -> str:  # type: ignore[override]
        return self._shapes.get(f"i{self.width}")

    def shapes(self) -> Shapes:
        return self._shapes

    def plain(self) -> Value:
        return Value(self.builder, self.width, self.text)

    def store(self, pointer: str) -> None:
        kind, name = self._shapes.any()
        self.builder.store(kind, name, pointer, align=1)


class Vector:
    """`lanes` integers of `esize` bits. `mask`: the same as one bit each, of what a comparison gave."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("_shapes", "builder", "esize", "extended", "lanes", "mask")

    def __init__(self, builder: Builder, esize: int, lanes: int, shapes: Shapes, mask: str = "") -> None:
        self.builder = builder
        self.esize = esize
        self.lanes = lanes
        self._shapes = shapes
        self.mask = mask
        self.extended: tuple[Vector, bool] | None = None
        """The vector whose lanes this one extends, and whether by their signs; None where it extends none."""

    @classmethod
    def of_comparison(cls, builder: Builder, lanes: int, esize: int, comparison: str) -> Vector:
        """The result of a comparison."""
        bits = builder.line(comparison)
        kind = vector_type(lanes, esize)
        text = builder.line(f"sext <{lanes} x i1> {bits} to {kind}")
        return cls(builder, esize, lanes, Shapes(builder, lanes * esize, {kind: text}), bits)

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
        b = self.builder
        return Vector(b, esize, lanes, Shapes(b, lanes * esize, {vector_type(lanes, esize): b.line(text)}))

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
        if isinstance(other, Vector) and self.esize == 32 and self.lanes > 1 and self.builder.host.has("sse2"):
            return self._product_without_pmaddwd(other)
        return self._binary("mul", other)

    def _product_without_pmaddwd(self, other: Vector) -> Vector:
        """The product, where LLVM sees no factors of 16 bits.

        It takes PMADDWD for these. Where some lanes of a factor are known to be zero (those above a scalar), it then
        leaves the same lanes undefined in both (LLVM 20 to 22; docs/decisions/0050-llvms-defects.md).
        """
        if self.extended is not None and other.extended is not None:
            (a, is_signed), (b, is_other_signed) = self.extended, other.extended
            if a.esize == b.esize == 8:
                product = a.resize(16, signed=is_signed) * b.resize(16, signed=is_other_signed)
                return product.resize(32, signed=is_signed or is_other_signed)
            if a.esize == b.esize == 16 and is_signed == is_other_signed:
                return a._widening_product(b, signed=is_signed)
        if self.lanes > (8 if self.builder.host.has("avx") else 4):
            return (self.lower() * other.lower()).concat(self.upper() * other.upper())
        # The text is empty, but what it is given might be anything afterwards.
        whole = self.concat(self) if self.lanes == 2 else self
        hidden = whole._of(f'call {whole.kind} asm "", "=x,0"({whole.kind} {whole.text})')
        return (hidden.lower() if self.lanes == 2 else hidden)._binary("mul", other)

    def _widening_product(self, other: Vector, *, signed: bool) -> Vector:
        """The whole products of 16-bit lanes: both halves of each, put together."""
        if self.lanes > 8:
            lower = self.lower()._widening_product(other.lower(), signed=signed)
            return lower.concat(self.upper()._widening_product(other.upper(), signed=signed))
        x, y = (v if self.lanes == 8 else v.concat(v) for v in (self, other))
        name = "llvm.x86.sse2.pmulh.w" if signed else "llvm.x86.sse2.pmulhu.w"
        high = x._of(f"call {x.kind} @{name}({x.kind} {x.text}, {x.kind} {y.text})")
        pairs = (x * y).shuffle(high, [i for lane in range(self.lanes) for i in (lane, lane + 8)])
        return pairs.view(32)

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
        return Vector.of_comparison(
            self.builder, self.lanes, self.esize, f"icmp {predicate} {self.kind} {self.text}, {b}"
        )

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
        mask = self.mask or self.builder.line(f"icmp slt {self.kind} {self.text}, zeroinitializer")
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
        b, wide = self.builder, 2 * self.esize
        if self.esize == 64 and b.host.has("pclmul"):
            products = []
            for i in range(self.lanes):
                x, y = (v.lane(i).zero_extend(128).vector(64).text for v in (self, other))
                call = f"call <2 x i64> @llvm.x86.pclmulqdq(<2 x i64> {x}, <2 x i64> {y}, i8 0)"
                products.append(Vector(b, 128, 1, Shapes(b, 128, {"<2 x i64>": b.line(call)})))
            return products[0] if len(products) == 1 else products[0].concat(products[1])
        first, second = self.zero_extend(wide), other.zero_extend(wide)
        result = vector_of(b, wide, [0] * self.lanes)
        for bit in range(self.esize):
            # All ones where the bit is set.
            ones = (second << (wide - 1 - bit)).asr(wide - 1)
            result = result ^ (first << bit) & ones
        return result

    def zero_extend(self, esize: int) -> Vector:
        return self.resize(esize, signed=False)

    def sign_extend(self, esize: int) -> Vector:
        return self.resize(esize, signed=True)

    def resize(self, esize: int, *, signed: bool) -> Vector:
        """Extend the lanes."""
        if esize == self.esize:
            return self
        result = self._convert("sext" if signed else "zext", esize)
        result.extended = self, signed
        return result

    def truncate(self, esize: int) -> Vector:
        return self if esize == self.esize else self._convert("trunc", esize)

    def _convert(self, operation: str, esize: int) -> Vector:
        return self._of(f"{operation} {self.kind} {self.text} to {vector_type(self.lanes, esize)}", 0, esize)

    def view(self, esize: int) -> Vector:
        return Vector(self.builder, esize, self.lanes * self.esize // esize, self._shapes)

    def value(self) -> Value:
        return ShapedValue(self.builder, self.lanes * self.esize, self._shapes)

    def _pending(self) -> Pending | None:
        """The pending result, if these lanes are its floating-point numbers."""
        pending = self._shapes.pending
        kind = f"<{self.lanes} x {FLOATS.get(self.esize, '')}>"
        return pending if pending is not None and pending.kind == kind else None

    def lane(self, index: int) -> Value:
        b = self.builder
        if self.lanes == 1:
            return ShapedValue(b, self.esize, self._shapes)
        if not 0 <= index < self.lanes:
            raise IndexError(index)
        pending = self._pending()
        if pending is not None:
            kind = pending.kind
            template = f"extractelement {kind} {{0}}, i64 {index}"
            element = FLOATS[self.esize]
            return ShapedValue(
                b, self.esize, pending.move(template, kind, element, self.esize, (self._shapes, 1 << index))
            )
        return emit(b, self.esize, f"extractelement {self.kind} {self.text}, i64 {index}")

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
        pending = self._pending() or other._pending()
        if pending is not None:
            kind = pending.kind
            template = f"shufflevector {kind} {{0}}, {kind} {{1}}, <{count} x i32> <{mask}>"
            result = f"<{count} x {FLOATS[self.esize]}>"
            taken = sum(1 << i for i in set(indices))
            first = (self._shapes, taken & (1 << self.lanes) - 1)
            found = pending.move(
                template, kind, result, count * self.esize, first, (other._shapes, taken >> self.lanes)
            )
            return Vector(self.builder, self.esize, count, found)
        b = self._other(other)
        kind = self.kind
        return self._of(f"shufflevector {kind} {self.text}, {kind} {b}, <{count} x i32> <{mask}>", count)

    def table(self, indices: Vector) -> Vector:
        if self.lanes == 16 and self.builder.host.has("ssse3"):
            return self._table_by_shuffle(indices)
        b = self.builder
        result = vector_of(b, 8, [0] * indices.lanes)
        for i in range(indices.lanes):
            index = indices.lane(i)
            inside = index.ult(self.lanes)
            at = select(inside, index, const(b, 8, 0))
            byte = emit(b, 8, f"extractelement {self.kind} {self.text}, i8 {at.text}")
            value = select(inside, byte, const(b, 8, 0))
            result = result.insert(i, value)
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
