"""Subsections, and the layout of sections whose size depends on labels.

A subsection is a run of bytes of a section; GNU as joins those of one section in the order of their numbers. The size
of a *variable* piece, such as `.uleb128 b - a`, is known after layout. Until then the piece is one byte, so that an
offset tells on which side of it a label is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from armexec.asm.contents import CodeSection
from armexec.asm.expressions import Tree
from armexec.asm.where import Where

__all__ = ["Leb128", "Padding", "Subsection", "Variable", "lay_out", "leb128", "padding"]

Evaluate = Callable[[Tree, Where], int]

_NOP = b"\x1f\x20\x03\xd5"
_MOST_ROUNDS = 64


class Variable:
    """A piece whose bytes depend on its place and on labels."""

    def __init__(self, offset: int, where: Where) -> None:
        self.offset = offset
        self.where = where
        self.data = b"\0"

    def made(self, position: int, evaluate: Evaluate) -> bytes:
        """The bytes for a piece that begins at `position` of its section."""
        raise NotImplementedError


class Leb128(Variable):
    """A number in LEB128 (DWARF 5, section 7.6). It only grows, so that the layout terminates."""

    def __init__(self, offset: int, where: Where, tree: Tree, *, signed: bool) -> None:
        super().__init__(offset, where)
        self.tree = tree
        self.signed = signed

    def made(self, position: int, evaluate: Evaluate) -> bytes:
        value = evaluate(self.tree, self.where)
        if value < 0 and not self.signed:
            raise self.where.error(f"{value} is negative: use .sleb128")
        return leb128(value, signed=self.signed, size=len(self.data))


class Padding(Variable):
    """Alignment after another variable piece, or in a subsection whose start isn't known."""

    def __init__(self, offset: int, where: Where, boundary: int, fill: bytes | None, maximum: int | None) -> None:
        super().__init__(offset, where)
        self.boundary = boundary
        self.fill = fill
        self.maximum = maximum

    def made(self, position: int, evaluate: Evaluate) -> bytes:
        return padding(position, self.boundary, self.fill, self.maximum, self.where)


def padding(position: int, boundary: int, fill: bytes | None, maximum: int | None, where: Where) -> bytes:
    """The padding to a multiple of `boundary`: NOPs if `fill` is None, and no bytes if it exceeds `maximum`.

    Raises:
        AssemblyError: the size is no multiple of that of `fill`.
    """
    count = -position % boundary
    if maximum is not None and count > maximum:
        return b""
    if fill is None:
        return bytes(count % 4) + _NOP * (count // 4)
    if count % len(fill):
        raise where.error(f"the padding of {count} bytes is no multiple of the pattern's {len(fill)}")
    return fill * (count // len(fill))


def leb128(value: int, *, signed: bool, size: int = 1) -> bytes:
    """A number in LEB128, of at least `size` bytes."""
    result = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        done = (value == 0 and not (signed and byte & 0x40)) or (value == -1 and signed and bool(byte & 0x40))
        if done and len(result) + 1 >= size:
            result.append(byte)
            return bytes(result)
        result.append(byte | 0x80)


class Subsection:
    """Bytes of a section, with its variable pieces.

    `reserved` counts the bytes of a section without contents (.bss); `marks` are the offsets where code ("x") or data
    ("d") begins, `lines` the source lines of words by their offsets. `state` is the last mark. `fixed_start` tells that
    it begins its section.
    """

    __slots__ = (
        "_shifts",
        "_starts",
        "base",
        "data",
        "fixed_start",
        "lines",
        "marks",
        "nobits",
        "reserved",
        "section",
        "state",
        "variables",
    )

    def __init__(self, section: CodeSection, *, fixed_start: bool = True) -> None:
        self.section = section
        self.fixed_start = fixed_start
        self.state = ""
        self.data = bytearray()
        self.nobits = section.type == "nobits"
        self.reserved = 0
        self.variables: list[Variable] = []
        self.marks: list[tuple[int, str]] = []
        self.lines: list[tuple[int, int, str]] = []
        self.base = 0
        self._starts: list[int] = []
        self._shifts: list[int] = [0]

    @property
    def size(self) -> int:
        """The number of bytes so far."""
        return len(self.data) + self.reserved

    def mark(self, kind: str) -> None:
        """Take note that code ("x") or data ("d") begins here."""
        self.state = kind
        marks = self.marks
        if marks and marks[-1][0] == self.size:
            marks.pop()
        if not marks or marks[-1][1] != kind:
            marks.append((self.size, kind))

    def fixed_between(self, first: int, second: int) -> bool:
        """Whether the distance between two offsets is known before layout."""
        low, high = sorted((first, second))
        return not any(low <= variable.offset < high for variable in self.variables)

    def position(self, offset: int) -> int:
        """The place in the section of an offset in the subsection, after layout."""
        return self.base + offset + self._shifts[bisect_left(self._starts, offset)]

    def place(self, base: int) -> int:
        """Place the subsection at the offset `base` of its section; returns its end."""
        self.base = base
        self._starts = [variable.offset for variable in self.variables]
        self._shifts = [0]
        for variable in self.variables:
            self._shifts.append(self._shifts[-1] + len(variable.data) - 1)
        return base + self.size + self._shifts[-1]

    def bytes(self) -> bytearray:
        """The bytes with the variable pieces as they are now."""
        if not self.variables:
            return self.data
        result = bytearray()
        start = 0
        for variable in self.variables:
            result += self.data[start : variable.offset] + variable.data
            start = variable.offset + 1
        return result + self.data[start:]


def lay_out(subsections: Sequence[Subsection], evaluate: Evaluate) -> None:
    """Join subsections, in order, to their sections, and find sizes of variable pieces that are consistent."""
    last = None
    for _ in range(_MOST_ROUNDS):
        ends: dict[CodeSection, int] = {}
        for subsection in subsections:
            ends[subsection.section] = subsection.place(ends.get(subsection.section, 0))
        changed = False
        for subsection in subsections:
            for variable in subsection.variables:
                made = variable.made(subsection.position(variable.offset), evaluate)
                if made != variable.data:
                    changed, last = True, variable
                    variable.data = made
        if not changed:
            break
    else:
        assert last is not None
        raise last.where.error("its size depends on itself")
    for subsection in subsections:
        _finish(subsection)


def _finish(subsection: Subsection) -> None:
    section = subsection.section
    section.size = subsection.base + subsection.size + sum(len(v.data) - 1 for v in subsection.variables)
    section.data += subsection.bytes()
    for offset, kind in subsection.marks:
        if not section.marks or section.marks[-1][1] != kind:
            section.marks.append((subsection.position(offset), kind))
    section.lines += [(subsection.position(offset), line, file) for offset, line, file in subsection.lines]
