"""Core dimensions of generalized ufuncs: what the guest gets by address, and sizes.

C code expects elements one after the other. Operands that have them otherwise are copied for each call, to memory that
a loop has from its beginning to its end (support/arrays/core_room.ll).
"""

from __future__ import annotations

from collections.abc import Iterator

from armexec.machines.llvm.builder import Builder
from armexec.translate.array_loops.loop import Loop
from armexec.translate.support.load import load
from armexec.translate.unit_registry import Shape

__all__ = ["Cores"]


class Cores:
    """Writes what loops do with core dimensions; nothing for a ufunc without."""

    def __init__(self, shape: Shape) -> None:
        assert shape.loop is not None
        self.shape = shape
        self.loop: Loop = shape.loop
        self.addressed = [source.number for source in self.loop.sources if source.kind == "address"]

    @property
    def parameters(self) -> str:
        """Further parameters of loops."""
        return ", ptr %dimensions, ptr %rooms" if self.addressed else ""

    def text(self) -> list[str]:
        """The functions that copy."""
        sizes = sorted({self.loop.operands[number].size for number in self.addressed})
        room = [load("arrays/core_room")] if sizes else []
        return [*room, *(load("arrays/cores", BYTES=size) for size in sizes)]

    def length(self, b: Builder, dimension: int) -> str:
        """The size of a core dimension."""
        return b.load("i64", b.line(f"getelementptr i64, ptr %dimensions, i64 {1 + dimension}"))

    def shapes(self, b: Builder) -> dict[int, str]:
        """The arguments that say the rank, the extents and the strides of each operand that is passed by address: in
        the first block of a function."""
        at = len(self.loop.operands)
        found = {}
        for number, operand in enumerate(self.loop.operands):
            rank = len(operand.core)
            if number in self.addressed:
                extents = b.line(f"alloca [{max(rank, 1)} x i64]")
                for k, dimension in enumerate(operand.core):
                    b.store("i64", self.length(b, dimension), b.line(f"getelementptr i64, ptr {extents}, i64 {k}"))
                strides = b.line(f"getelementptr i64, ptr %steps, i64 {at}")
                found[number] = f"i64 {rank}, ptr {extents}, ptr {strides}"
            at += rank
        return found

    def too_long(self) -> Iterator[tuple[int, int]]:
        """The dimensions that may not fit the guest's parameter, with the number of bits for them."""
        for source, argument in zip(self.loop.sources, self.shape.arguments, strict=True):
            if source.kind == "length" and argument.bits < 64:
                yield source.number, argument.bits - argument.signed

    def begin(self, b: Builder) -> None:
        """Check sizes, and get room for copies in `%rooms`; return from the loop where that can't be."""
        for dimension, bits in self.too_long():
            length = self.length(b, dimension)
            fits, long = b.block("fits"), b.block("long")
            b.branch(b.line(f"icmp ult i64 {length}, {1 << bits}"), fits, long)
            b.start(long)
            b.append(f"call void @refuse_length(i64 %word, i64 %flags, i64 {length}, i64 {bits})")
            b.ret()
            b.start(fits)
        if not self.addressed:
            return
        shapes = self.shapes(b)
        count = len(self.loop.operands)
        b.append(f"%rooms = alloca [{count} x ptr]")
        failed = "false"
        for number in range(count):
            room = "null"
            if number in self.addressed:
                size = self.loop.operands[number].size
                got = b.line(f"call ptr @core_room(i64 {size}, {shapes[number]})")
                none = b.line(f"icmp eq ptr {got}, inttoptr (i64 -1 to ptr)")
                failed = b.line(f"or i1 {failed}, {none}")
                room = b.line(f"select i1 {none}, ptr null, ptr {got}")
            b.store("ptr", room, self._room(b, number))
        full, roomy = b.block("full"), b.block("roomy")
        b.branch(failed, full, roomy)
        b.start(full)
        self.end(b)
        b.append("call void @abandon_loop(ptr null, i64 %word, i64 %flags)")
        b.ret()
        b.start(roomy)

    def _room(self, b: Builder, number: int) -> str:
        return b.line(f"getelementptr ptr, ptr %rooms, i64 {number}")

    def end(self, b: Builder) -> None:
        """Give the room back."""
        for number in self.addressed:
            b.append(f"call void @free(ptr {b.load('ptr', self._room(b, number))})")

    def rooms(self, b: Builder) -> dict[int, str]:
        """The room for each operand."""
        return {number: b.load("ptr", self._room(b, number)) for number in self.addressed}

    def address(self, b: Builder, number: int, pointer: str, room: str, shape: str) -> str:
        """What the guest gets for an operand of one call."""
        near = b.line(f"icmp eq ptr {room}, null")
        copy, there = b.block("copy"), b.block("there")
        b.branch(near, there, copy)
        b.start(copy)
        self._copy(b, number, pointer, room, shape, "false")
        b.jump(there)
        b.start(there)
        chosen = b.line(f"select i1 {near}, ptr {pointer}, ptr {room}")
        return b.line(f"ptrtoint ptr {chosen} to i64")

    def put_back(self, b: Builder, number: int, pointer: str, room: str, shape: str) -> None:
        """Copy what the guest has written to where it belongs."""
        if not self.loop.operands[number].is_written:
            return
        back, done = b.block("back"), b.block("done")
        b.branch(b.line(f"icmp eq ptr {room}, null"), done, back)
        b.start(back)
        self._copy(b, number, pointer, room, shape, "true")
        b.jump(done)
        b.start(done)

    def _copy(self, b: Builder, number: int, pointer: str, room: str, shape: str, back: str) -> None:
        size = self.loop.operands[number].size
        b.line(f"call ptr @copy_core{size}(ptr {room}, ptr {pointer}, {shape}, i1 {back})")
