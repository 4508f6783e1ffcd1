"""Where assembled bytes go: sections, symbols, and the places to fill once every label is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from armexec.asm.code import Code, CodeRelocation, CodeSection, CodeSymbol
from armexec.asm.encoding import Candidate, EncodingFailure, Relocatable, encode
from armexec.asm.expressions import Tree, operate, symbols_of, with_place
from armexec.errors import AssemblyError
from armexec.isa.syntax import Expression

__all__ = ["Linear", "Output", "Where"]

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_MAX_SIZE = 1 << 28
"""The most bytes that one text may make."""
_MAX_STEPS = 20_000
"""How much one expression may refer to others."""


class Where(NamedTuple):
    """The place in the source that a message is about; the line is 0 for a builder call."""

    line: int
    column: int
    text: str
    file: str

    def at(self, column: int) -> Where:
        """Another column of the same line."""
        return Where(self.line, column, self.text, self.file)

    def column_of(self, word: str) -> int:
        """The column where a word stands among the operands; the statement's own if it doesn't."""
        found = re.compile(rf"(?<![\w.$]){re.escape(word)}(?![\w.$])").search(self.text, self.column) if word else None
        return self.column if found is None else found.start() + 1

    def error(self, message: str, hint: str = "", column: int | None = None) -> AssemblyError:
        return AssemblyError(
            message,
            line=self.line,
            column=self.column if column is None else column,
            source_line=self.text,
            hint=hint,
            file=self.file,
        )


class _Symbol:
    """A symbol while assembling: a place in a section, or an expression (.set), or only mentioned."""

    __slots__ = ("binding", "kind", "offset", "section", "size", "tree", "where")

    def __init__(self) -> None:
        self.section: CodeSection | None = None
        self.offset = 0
        self.tree: Tree | None = None
        self.kind = "notype"
        self.binding = ""
        self.size: tuple[Tree, Where] | None = None
        self.where: Where | None = None

    @property
    def defined(self) -> bool:
        return self.section is not None or self.tree is not None


class Linear(NamedTuple):
    """constant + sum of symbols, each counted with its sign."""

    constant: int
    symbols: tuple[tuple[str, int], ...] = ()


class _Fixup(NamedTuple):
    section: CodeSection
    offset: int
    where: Where
    fill: Callable[[int, CodeSection, Where], None]


_DATA_RELOCATIONS = {8: "R_AARCH64_ABS64", 4: "R_AARCH64_ABS32", 2: "R_AARCH64_ABS16"}
_PLACE_RELOCATIONS = {8: "R_AARCH64_PREL64", 4: "R_AARCH64_PREL32", 2: "R_AARCH64_PREL16"}


class Output:
    """Collects sections; `finish` fills the gaps and gives the Code."""

    def __init__(self, *, address: int = 0, source: str = "", apple: bool = False) -> None:
        self.apple = apple
        self.address = address
        self.source = source
        self.sections: dict[str, CodeSection] = {}
        self.symbols: dict[str, _Symbol] = {}
        self.relocations: list[CodeRelocation] = []
        self._fixups: list[_Fixup] = []
        self._pools: dict[str, list[tuple[str, int, Tree, Where]]] = {}
        self._anonymous = 0
        self._room = _MAX_SIZE
        self._steps = 0
        self.constants = False
        """Whether a symbol is a number: then words in operands may be numbers."""
        self.section = self.enter(".text", "rx")

    # -- sections ---------------------------------------------------------------------------------------------------
    def enter(self, name: str, flags: str) -> CodeSection:
        """Make the named section the current one."""
        section = self.sections.get(name)
        if section is None:
            section = self.sections[name] = CodeSection(name, flags, align=4 if flags == "rx" else 1)
        self.section = section
        return section

    @property
    def offset(self) -> int:
        return len(self.section.data)

    def reserve(self, size: int, where: Where) -> None:
        """Check that `size` more bytes may be made, before making them."""
        if not 0 <= size <= self._room:
            raise where.error(f"{size} bytes can't be reserved: between 0 and {self._room}")

    def append(self, data: bytes, where: Where) -> None:
        """Append bytes to the current section."""
        self.reserve(len(data), where)
        self._room -= len(data)
        self.section.data += data

    def word(self, word: bytes, line: int, text: str, file: str) -> None:
        """Append an instruction's word."""
        data = self.section.data
        if len(data) & 3 or self._room < 4:
            self._unaligned(Where(line, len(text) - len(text.lstrip()) + 1, text, file))
        self._room -= 4
        data += word

    def _unaligned(self, where: Where) -> None:
        self.reserve(4, where)
        raise where.error("an instruction must be at a multiple of 4 bytes: put .p2align 2 before it")

    def align(self, boundary: int, fill: int | None, where: Where, maximum: int | None = None) -> None:
        """Pad to a multiple of `boundary` bytes, with NOPs in code."""
        if boundary <= 0 or boundary & (boundary - 1) or boundary > 1 << 24:
            raise where.error(f"alignment {boundary} is not a power of two up to 2**24")
        section = self.section
        padding = -len(section.data) % boundary
        if maximum is not None and padding > maximum:
            return
        section.align = max(section.align, boundary)
        if fill is None and section.flags == "rx":
            self.append(bytes(padding % 4) + b"\x1f\x20\x03\xd5" * (padding // 4), where)
        else:
            self.append(bytes([(fill or 0) & 0xFF]) * padding, where)

    # -- symbols ----------------------------------------------------------------------------------------------------
    def symbol(self, name: str) -> _Symbol:
        found = self.symbols.get(name)
        if found is None:
            found = self.symbols[name] = _Symbol()
        return found

    def define(self, name: str, where: Where) -> None:
        """Put a label here."""
        symbol = self.symbol(name)
        if symbol.defined:
            first = f" (first in line {symbol.where.line})" if symbol.where and symbol.where.line else ""
            raise where.error(f"the label {name!r} is defined twice{first}")
        symbol.section, symbol.offset, symbol.where = self.section, len(self.section.data), where

    def assign(self, name: str, tree: Tree, where: Where, *, once: bool = False) -> None:
        """Give a symbol an expression's value (.set, .equ)."""
        symbol = self.symbol(name)
        if symbol.section is not None or (once and symbol.defined):
            raise where.error(f"the symbol {name!r} is defined already")
        tree = self.placed(tree)
        value = self.known(tree)
        # A value known now is kept as it is: `.set n, n + 1` counts.
        symbol.tree = tree if value is None else ("number", value)
        symbol.where = where
        self.constants = self.constants or value is not None

    def placed(self, tree: Tree) -> Tree:
        """The tree with `.` meaning this place, also when it is evaluated later."""
        return with_place(tree, self.here()) if "." in symbols_of(tree) else tree

    def here(self) -> str:
        """A symbol for the current place."""
        return self._anonymous_at(self.section, len(self.section.data))

    # -- expressions ------------------------------------------------------------------------------------------------
    def known(self, tree: Tree) -> int | None:
        """The value of an expression of numbers and symbols that have numbers, or None."""
        kind = tree[0]
        if kind == "number":
            return int(tree[1])
        if kind == "symbol":
            symbol = self.symbols.get(tree[1])
            if symbol is not None and symbol.tree is not None and symbol.tree[0] == "number":
                return int(symbol.tree[1])
            return None
        values = [self.known(t) for t in tree[2:]]
        if None in values or (tree[1] in "/%" and values[-1] == 0):
            return None
        return operate(tree[1], *values)  # type: ignore[arg-type]

    def constant(self, tree: Tree, where: Where) -> int:
        """The value of an expression that must be known by now."""
        linear = self._linear(tree, where)
        if linear.symbols:
            names = ", ".join("this place" if n[0] == "\x00" else repr(n) for n, _ in linear.symbols)
            raise where.error(f"this must be a number by now, and depends on {names}")
        return linear.constant

    def _linear(self, tree: Tree, where: Where, depth: int = 0) -> Linear:
        self._steps = self._steps + 1 if depth else 0
        if depth > 200 or self._steps > _MAX_STEPS:
            raise where.error("the expression refers to itself, or to too many others")
        kind = tree[0]
        if kind == "number":
            return Linear(tree[1])
        if kind == "symbol":
            symbol = self.symbols.get(tree[1])
            if symbol is not None and symbol.tree is not None:
                return self._linear(symbol.tree, where, depth + 1)
            if tree[1] == ".":
                return Linear(0, ((self.here(), 1),))
            return Linear(0, ((tree[1], 1),))
        operands = [self._linear(t, where, depth + 1) for t in tree[2:]]
        if not any(o.symbols for o in operands):
            try:
                return Linear(operate(tree[1], *(o.constant for o in operands)))
            except ZeroDivisionError:
                raise where.error("division by zero") from None
        if tree[1] == "-" and len(operands) == 1:
            return Linear(-operands[0].constant, tuple((n, -c) for n, c in operands[0].symbols))
        if tree[1] in ("+", "-") and len(operands) == 2:
            left, right = operands
            sign = 1 if tree[1] == "+" else -1
            counts: dict[str, int] = dict(left.symbols)
            for name, count in right.symbols:
                counts[name] = counts.get(name, 0) + sign * count
            symbols = {n: c for n, c in counts.items() if c}
            return self._cancel(left.constant + sign * right.constant, symbols)
        raise where.error(
            f"labels can be added and subtracted, but not combined with {tree[1]!r} while they aren't placed"
        )

    def _cancel(self, constant: int, symbols: dict[str, int]) -> Linear:
        """Differences of labels in one section become numbers."""
        while True:
            plus = [n for n, c in symbols.items() if c > 0 and self._section(n)]
            minus = [n for n, c in symbols.items() if c < 0 and self._section(n)]
            pair = next(((a, b) for a in plus for b in minus if self._section(a) is self._section(b)), None)
            if pair is None:
                return Linear(constant, tuple((n, c) for n, c in symbols.items() if c))
            a, b = pair
            constant += self.symbols[a].offset - self.symbols[b].offset
            symbols[a] -= 1
            symbols[b] += 1
            symbols = {n: c for n, c in symbols.items() if c}

    def _section(self, name: str) -> CodeSection | None:
        symbol = self.symbols.get(name)
        return symbol.section if symbol is not None else None

    def _relocatable(self, linear: Linear, where: Where) -> int | Relocatable:
        if not linear.symbols:
            return linear.constant
        plus = [n for n, c in linear.symbols if c == 1]
        minus = [n for n, c in linear.symbols if c == -1]
        if len(plus) != 1 or len(minus) > 1 or len(plus) + len(minus) != len(linear.symbols):
            raise where.error("an address can only be a symbol, plus a number, less another symbol")
        return Relocatable(plus[0], linear.constant, minus[0] if minus else None)

    # -- instructions -----------------------------------------------------------------------------------------------
    def instruction(self, candidates: list[Candidate], where: Where) -> None:
        """Append a word, now or when its labels are known.

        Raises:
            EncodingFailure: the operands' values have no encoding.
        """
        section, offset = self.section, len(self.section.data)
        if offset % 4:
            self._unaligned(where)
        if any(candidate.deferred for candidate in candidates):
            self._fixups.append(_Fixup(section, offset, where, partial(self._fill_word, candidates)))
            self.append(b"\0\0\0\0", where)
        else:
            self.append(encode(candidates, self._never)[0].to_bytes(4, "little"), where)

    @staticmethod
    def _never(expression: Expression) -> int:
        raise AssertionError(f"{expression} should have been deferred")

    def _fill_word(self, candidates: list[Candidate], offset: int, section: CodeSection, where: Where) -> None:
        def evaluate(expression: Expression) -> int | Relocatable:
            tree = expression.tree
            if "." in symbols_of(tree):
                tree = with_place(tree, self._anonymous_at(section, offset))
            result = self._relocatable(self._linear(tree, where), where)
            if isinstance(result, Relocatable) and result.minus is None and self._section(result.symbol) is section:
                symbol = self.symbols[result.symbol]
                return Relocatable(result.symbol, result.addend, None, symbol.offset + result.addend - offset)
            return result

        try:
            word, relocations = encode(candidates, evaluate)
        except EncodingFailure as failure:
            column = failure.column or where.column_of(failure.subject)
            raise where.error(failure.message, failure.hint, column) from None
        section.data[offset : offset + 4] = word.to_bytes(4, "little")
        for kind, target in relocations:
            self._relocate(section, offset, kind, target, where)

    def _anonymous_at(self, section: CodeSection, offset: int) -> str:
        self._anonymous += 1
        name = f"\x00{self._anonymous}"
        symbol = self.symbol(name)
        symbol.section, symbol.offset = section, offset
        return name

    def literal(self, tree: Tree, size: int, where: Where) -> str:
        """A symbol for a value of `size` bytes in the literal pool of the current section."""
        pool = self._pools.setdefault(self.section.name, [])
        for name, other_size, other, _ in pool:
            if other_size == size and other == tree:
                return name
        self._anonymous += 1
        name = f"\x00{self._anonymous}"
        self.symbol(name)
        pool.append((name, size, tree, where))
        return name

    def is_literal(self, name: str) -> bool:
        """Whether the name is that of a literal still to be placed."""
        return any(name == literal[0] for pool in self._pools.values() for literal in pool)

    def flush_literals(self) -> None:
        """Put the current section's literals here (.ltorg)."""
        pool = self._pools.pop(self.section.name, [])
        if pool:
            self.align(4, None, pool[0][3])
        for name, size, tree, where in pool:
            self.align(size, 0, where)
            symbol = self.symbols[name]
            symbol.section, symbol.offset = self.section, len(self.section.data)
            self.data(tree, size, where)

    # -- data -------------------------------------------------------------------------------------------------------
    def data(self, tree: Tree, size: int, where: Where, modifier: str = "") -> None:
        """Append an integer of `size` bytes, or the address of a symbol."""
        section, offset = self.section, len(self.section.data)
        tree = self.placed(tree)
        self.append(bytes(size), where)
        if self.known(tree) is not None:
            self._fill_data(tree, size, modifier, offset, section, where)
        else:
            self._fixups.append(_Fixup(section, offset, where, partial(self._fill_data, tree, size, modifier)))

    def _fill_data(self, tree: Tree, size: int, modifier: str, offset: int, section: CodeSection, where: Where) -> None:
        value = self._relocatable(self._linear(tree, where), where)
        if isinstance(value, int):
            bits = 8 * size
            if not -(1 << bits - 1) <= value < 1 << bits:
                raise where.error(f"{value} does not fit {size} byte{'s' * (size > 1)}")
            section.data[offset : offset + size] = (value & ((1 << bits) - 1)).to_bytes(size, "little")
            return
        kinds = _DATA_RELOCATIONS
        if value.minus is not None and self._section(value.minus) is section:
            # symbol - label here: counted from this place.
            value = value._replace(addend=value.addend + offset - self.symbols[value.minus].offset, minus=None)
            kinds = _PLACE_RELOCATIONS
        kind = kinds.get(size)
        if kind is None:
            raise where.error(f"an address does not fit {size} byte{'s' * (size > 1)}")
        if modifier:
            # Both are counted from this place.
            special = {"plt": "R_AARCH64_PLT32", "gotpcrel": "R_AARCH64_GOTPCREL32", "got": "R_AARCH64_GOTPCREL32"}
            if modifier not in special or size != 4:
                raise where.error(f"the operator {modifier!r} can't stand in {size} bytes of data")
            kind = special[modifier]
        self._relocate(section, offset, kind, value, where)

    def _relocate(self, section: CodeSection, offset: int, kind: str, target: Relocatable, where: Where) -> None:
        for name in (target.symbol, target.minus):
            if name is not None and name.startswith("\x01") and not self.symbol(name).defined:
                number = name[1:].split(" ")[0]
                column = max(where.column_of(f"{number}f"), where.column_of(f"{number}b"))
                raise where.error(f"there is no label {number!r} in that direction", column=column)
        symbol = self.symbol(target.symbol)
        if not symbol.defined and target.symbol.startswith("L" if self.apple else ".L"):
            # Labels of this form aren't seen by other files, so nobody else can define it.
            raise where.error(f"the label {target.symbol!r} is not defined", column=where.column_of(target.symbol))
        if symbol.where is None and not symbol.defined:
            symbol.where = where
        self.relocations.append(CodeRelocation(section.name, offset, kind, target.symbol, target.addend, target.minus))

    # -- the end ----------------------------------------------------------------------------------------------------
    def finish(self) -> Code:
        """Place the remaining literals, fill every gap, and give what was assembled."""
        for name in list(self._pools):
            self.section = self.sections[name]
            self.flush_literals()
        for fixup in self._fixups:
            fixup.fill(fixup.offset, fixup.section, fixup.where)
        self._fixups.clear()
        used = {name for r in self.relocations for name in (r.symbol, r.minus)}
        symbols = []
        for name, symbol in self.symbols.items():
            if name[0] in "\x00\x01" and name not in used:
                continue
            symbols.append(self._finished(name, symbol))
        return Code(list(self.sections.values()), symbols, self.relocations, self.address, self.source)

    def _finished(self, name: str, symbol: _Symbol) -> CodeSymbol:
        where = symbol.where or Where(0, 0, "", "<assembly>")
        binding = symbol.binding or ("local" if symbol.defined else "global")
        size = self.constant(*symbol.size) if symbol.size is not None else 0
        if symbol.section is not None:
            kind = symbol.kind
            if self.apple and name[0] not in "\x00\x01Ll":
                # Mach-O has no types of symbols: what isn't temporary (L) or the linker's own (l) is by its section.
                kind = "function" if symbol.section.flags == "rx" else "object"
            return CodeSymbol(name, symbol.section.name, symbol.offset, kind, binding, size)
        if symbol.tree is not None:
            value = self._relocatable(self._linear(symbol.tree, where), where)
            if isinstance(value, int):
                return CodeSymbol(name, None, value & _MASK, symbol.kind, binding, size)
            section = self._section(value.symbol)
            if section is not None and value.minus is None:
                target = self.symbols[value.symbol]
                # An alias has the type of what it names, unless it has one itself.
                kind = target.kind if symbol.kind == "notype" else symbol.kind
                return CodeSymbol(name, section.name, target.offset + value.addend, kind, binding, size)
            raise where.error(f"{name!r} is set to an address outside of this file")
        return CodeSymbol(name, None, 0, symbol.kind, binding, size, defined=False)
