"""The same bits as values of several LLVM types: a V register is a vector of some lanes, a float, an integer.

A conversion is made when it is asked for, and once in a block. Bits may be *pending*: a floating-point result that is
right unless it is a NaN, which is looked into later, for several results at once (see `guards`).
"""

from __future__ import annotations

from functools import cache
from typing import Protocol

from armexec.machines.llvm.builder import Builder

__all__ = ["FLOATS", "Pending", "PendingResults", "Shapes", "constant", "parts", "vector_type"]

FLOATS = {16: "half", 32: "float", 64: "double"}
"""The type of a floating-point element, by its bits."""
_SIZES = {name: bits for bits, name in FLOATS.items()}


def vector_type(lanes: int, esize: int) -> str:
    """The type of `lanes` integers."""
    return f"<{lanes} x i{esize}>"


@cache
def parts(kind: str) -> tuple[int, str, int]:
    """A type's lanes (0 if it isn't a vector), its element's type, and that element's bits."""
    lanes, element = 0, kind
    if kind[0] == "<":
        count, _, element = kind[1:-1].partition(" x ")
        lanes = int(count)
    return lanes, element, _SIZES.get(element) or int(element[1:])


@cache
def constant(kind: str, value: int) -> str:
    """Bits as a constant of a type."""
    lanes, element, esize = parts(kind)
    if lanes:
        if not value:
            return "zeroinitializer"
        mask = (1 << esize) - 1
        elements = [constant(element, value >> i * esize & mask) for i in range(lanes)]
        return "<" + ", ".join(f"{element} {text}" for text in elements) + ">"
    if element == "double":
        return f"0x{value:016X}"
    if element == "half":
        return f"0xH{value:04X}"
    if element == "float":
        return f"bitcast (i32 {value} to float)"
    return str(value) if esize > 1 else "true" if value else "false"


class PendingResults(Protocol):
    """The pending results of a block, as each of them sees them."""

    def flush_within_instruction(self) -> None:
        """Make sure of all of them."""

    def move(
        self, template: str, of: str, kind: str, bits: int, *sources: tuple[Shapes, int], lanes: int | None = None
    ) -> Shapes:
        """Move pending elements to other places, by an instruction, from one type to another.

        With each source, as bits, its lanes that are in the result. `lanes`: those of the result that aren't zero.
        """


class Pending:
    """A result that hasn't been looked at.

    `template` makes it of exact arguments: the text of an instruction with `{0}`... in their places. `alone`: its
    lanes, as bits, but for those that make another pending result a NaN if they are one. `propagates_nan`: it is a NaN
    exactly if the right result is one.
    """

    __slots__ = ("alone", "arguments", "kind", "propagates_nan", "raw", "results", "shapes", "template")

    def __init__(
        self,
        results: PendingResults,
        template: str,
        kind: str,
        raw: str,
        arguments: list[str | Pending],
        *,
        propagates_nan: bool,
    ) -> None:
        self.results = results
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

    def flush(self) -> None:
        """Make sure of it, and of the others."""
        self.results.flush_within_instruction()

    def move(
        self, template: str, of: str, kind: str, bits: int, *sources: tuple[Shapes, int], lanes: int | None = None
    ) -> Shapes:
        """Pending elements in other places, which stay pending (`PendingResults.move`)."""
        return self.results.move(template, of, kind, bits, *sources, lanes=lanes)


class Shapes:
    """`bits` bits. `texts`: names by type; `constant`: the bits, where they are a constant."""

    __slots__ = ("bits", "builder", "constant", "pending", "texts")

    def __init__(
        self,
        builder: Builder,
        bits: int,
        texts: dict[str, str],
        constant: int | None = None,
        pending: Pending | None = None,
    ) -> None:
        self.builder = builder
        self.bits = bits
        self.texts = texts
        self.constant = constant
        self.pending = pending

    def copy(self) -> Shapes:
        """The same for another block: what is converted there may not be known here."""
        return Shapes(self.builder, self.bits, dict(self.texts), self.constant, self.pending)

    def get(self, kind: str) -> str:
        """The bits as a value of this type, of as many bits."""
        if self.pending is not None:
            self.pending.flush()
        text = self.texts.get(kind)
        if text is None:
            if self.constant is not None:
                text = constant(kind, self.constant)
            else:
                # From what was computed: all others were converted from it.
                source, name = self.any()
                text = self.builder.line(f"bitcast {source} {name} to {kind}")
            self.texts[kind] = text
        return text

    def any(self) -> tuple[str, str]:
        """The bits in some type, and that."""
        if self.pending is not None:
            self.pending.flush()
        if self.constant is not None:
            kind = f"i{self.bits}"
            return kind, constant(kind, self.constant)
        return next(iter(self.texts.items()))

    def low(self, bits: int) -> Shapes:
        """The lowest bits: 8, 16, 32 or 64."""
        if bits == self.bits:
            return self
        if self.constant is not None:
            return Shapes(self.builder, bits, {}, self.constant & (1 << bits) - 1)
        element = FLOATS[bits] if bits > 16 else f"i{bits}"
        kind = f"<{self.bits // bits} x {element}>"
        if self.pending is not None and self.pending.kind == kind:
            return self.pending.move(f"extractelement {kind} {{0}}, i64 0", kind, element, bits, (self, 1))
        return Shapes(
            self.builder, bits, {element: self.builder.line(f"extractelement {kind} {self.get(kind)}, i64 0")}
        )

    def half(self, index: int) -> Shapes:
        """The lower half (0) or the upper one (1)."""
        bits = self.bits // 2
        if self.constant is not None:
            return Shapes(self.builder, bits, {}, self.constant >> index * bits & (1 << bits) - 1)
        pending = self.pending
        kind, name = (pending.kind, "{0}") if pending is not None else self.any()
        lanes, element, _ = parts(kind)
        taken = range(index * lanes // 2, (index + 1) * lanes // 2)
        mask = ", ".join(f"i32 {lane}" for lane in taken)
        target = f"<{lanes // 2} x {element}>"
        text = f"shufflevector {kind} {name}, {kind} poison, <{lanes // 2} x i32> <{mask}>"
        if pending is not None:
            return pending.move(text, kind, target, bits, (self, sum(1 << lane for lane in taken)))
        return Shapes(self.builder, bits, {target: self.builder.line(text)})

    def joined(self, upper: Shapes) -> Shapes:
        """With as many other bits above."""
        if self.constant is not None and upper.constant is not None:
            return Shapes(self.builder, 2 * self.bits, {}, upper.constant << self.bits | self.constant)
        pending = self.pending or upper.pending
        if pending is not None and not parts(pending.kind)[0]:
            pending = None
        kind = pending.kind if pending is not None else (self if self.constant is None else upper).any()[0]
        if not parts(kind)[0]:
            kind = "<2 x i64>"
        lanes, element, _ = parts(kind)
        mask = ", ".join(f"i32 {lane}" for lane in range(2 * lanes))
        template = f"shufflevector {kind} {{0}}, {kind} {{1}}, <{2 * lanes} x i32> <{mask}>"
        target = f"<{2 * lanes} x {element}>"
        if pending is not None:
            taken = (1 << lanes) - 1
            return pending.move(template, kind, target, 2 * self.bits, (self, taken), (upper, taken))
        text = template.format(self.get(kind), upper.get(kind))
        return Shapes(self.builder, 2 * self.bits, {target: self.builder.line(text)})

    def widen(self, bits: int) -> Shapes:
        """With zeros above."""
        if bits == self.bits:
            return self
        if self.constant is not None:
            return Shapes(self.builder, bits, {}, self.constant)
        b = self.builder
        if self.pending is not None and self.pending.kind in ("double", "float"):
            element = self.pending.kind
            wide = f"<{bits // self.bits} x {element}>"
            template = f"insertelement {wide} zeroinitializer, {element} {{0}}, i64 0"
            return self.pending.move(template, element, wide, bits, (self, 1), lanes=1)
        kind, name = self.any()
        lanes, element, esize = parts(kind)
        if lanes and (lanes * 2 * esize < bits or lanes == 1):
            lanes, element, esize = 0, f"i{self.bits}", self.bits
            kind, name = element, self.get(element)
        wide = f"<{bits // esize} x {element}>"
        if not lanes:
            return Shapes(b, bits, {wide: b.line(f"insertelement {wide} zeroinitializer, {kind} {name}, i64 0")})
        mask = ", ".join(f"i32 {i}" for i in range(2 * lanes))
        text = b.line(f"shufflevector {kind} {name}, {kind} zeroinitializer, <{2 * lanes} x i32> <{mask}>")
        return Shapes(b, bits, {wide: text})
