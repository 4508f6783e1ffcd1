"""Symbols of an assembly, and the evaluation of expressions of them."""

from __future__ import annotations

from typing import NamedTuple

from armexec.asm.encoding import Relocatable
from armexec.asm.expressions import Tree, operate
from armexec.asm.output.subsections import Subsection
from armexec.asm.where import Where

__all__ = ["Linear", "Symbol", "SymbolTable"]

_DEEPEST = 10
"""Maximum depth of symbols set by .eqv in one value."""
_MAX_STEPS = 20_000
"""Maximum number of references to symbols that one expression follows."""


class Symbol:
    """A symbol of an assembly: a place in a subsection, an expression (.set), or undefined.

    `common` is the size and alignment of a common symbol, `weak_target` the target of a .weakref. An expression that is
    `late` is evaluated anew at each use (.eqv).
    """

    __slots__ = (
        "binding",
        "common",
        "kind",
        "late",
        "offset",
        "section",
        "size",
        "tree",
        "variant_pcs",
        "visibility",
        "weak_target",
        "where",
    )

    def __init__(self) -> None:
        self.section: Subsection | None = None
        self.offset = 0
        self.tree: Tree | None = None
        self.kind = "notype"
        self.binding = ""
        self.visibility = "default"
        self.variant_pcs = False
        self.size: tuple[Tree, Where] | None = None
        self.where: Where | None = None
        self.common: tuple[int, int] | None = None
        self.weak_target = ""
        self.late = False

    @property
    def defined(self) -> bool:
        return self.section is not None or self.tree is not None or self.common is not None


class Linear(NamedTuple):
    """A constant plus symbols, each with a factor."""

    constant: int
    symbols: tuple[tuple[str, int], ...] = ()


class SymbolTable(dict[str, Symbol]):
    """Symbols by name. Names that begin with \\x00 or \\x01 are those of places and numeric labels."""

    def __init__(self) -> None:
        super().__init__()
        self.constants = False
        """Whether a symbol is a number: then words in operands may be numbers."""
        self.laid_out = False
        """Whether all sections have their final layout."""
        self.mentioned: set[str] = set()
        """The names that expressions refer to, apart from references through a .weakref."""
        self.current: dict[str, str] = {}
        """The names of later values of symbols that are set several times; the symbol's own name is its first value."""
        self._places = 0
        self._steps = 0

    def symbol(self, name: str) -> Symbol:
        """The symbol of a name, made if it is new."""
        found = self.get(name)
        if found is None:
            found = self[name] = Symbol()
        return found

    def place(self, section: Subsection, offset: int) -> str:
        """The name of a new symbol for a place."""
        name = self.unnamed()
        symbol = self[name]
        symbol.section, symbol.offset = section, offset
        return name

    def unnamed(self) -> str:
        """The name of a new symbol without a name in the source."""
        self._places += 1
        name = f"\x00{self._places}"
        self[name] = Symbol()
        return name

    def position(self, name: str) -> int:
        """The offset of a defined label in its section, after layout."""
        symbol = self[name]
        assert symbol.section is not None
        return symbol.section.position(symbol.offset)

    def define(self, name: str, section: Subsection, where: Where) -> None:
        """Define a label at the end of a subsection. Raises AssemblyError if it is defined."""
        symbol = self.symbol(name)
        if symbol.defined:
            first = f" (first in line {symbol.where.line})" if symbol.where and symbol.where.line else ""
            raise where.error(f"the label {name!r} is defined twice{first}")
        symbol.section, symbol.offset, symbol.where = section, section.size, where
        if section.section.thread_local and symbol.kind == "notype":
            symbol.kind = "tls"

    def assign(self, name: str, tree: Tree, where: Where, *, once: bool = False, late: bool = False) -> None:
        """Set a symbol to an expression. With `once` it must be new; with `late` it is evaluated at each use."""
        symbol = self.symbol(name)
        if symbol.section is not None or symbol.common is not None or (once and symbol.defined):
            raise where.error(f"the symbol {name!r} is defined already")
        value = None if late else self.known(tree)
        if symbol.tree is not None:
            # Earlier references mean the earlier value.
            again = self.unnamed()
            self.current = {**self.current, name: again}
            symbol = self[again]
        symbol.late = late
        self.constants = self.constants or late
        # A value that is known now is evaluated now: `.set n, n + 1` counts.
        symbol.tree = tree if value is None else ("number", value)
        symbol.where = where
        self.constants = self.constants or value is not None

    def bound(self, tree: Tree) -> Tree:
        """The tree with the current values of symbols, which may be set anew later."""
        return self.bound_by(self.current, tree) if self.current else tree

    def bound_by(self, current: dict[str, str], tree: Tree, depth: int = 0) -> Tree:
        """The tree with the values of symbols that `current` names."""
        if tree[0] == "number":
            return tree
        if tree[0] == "symbol":
            written: str = tree[1]
            name = current.get(written, written)
            symbol = self.get(name)
            if symbol is not None and symbol.late and symbol.tree is not None and depth < _DEEPEST:
                return self.bound_by(current, symbol.tree, depth + 1)
            return ("symbol", name)
        return (tree[0], tree[1], *(self.bound_by(current, t, depth) for t in tree[2:]))

    def last_values(self) -> dict[str, str]:
        """Set symbols that have several values to the last. Returns the names of their first values."""
        first = {}
        for name, again in self.current.items():
            first[name] = self.unnamed()
            symbol, last = self[name], self[again]
            self[first[name]] = symbol
            last.binding, last.visibility = symbol.binding, symbol.visibility
            last.kind = symbol.kind if last.kind == "notype" else last.kind
            self[name] = last
        return first

    def place_aliases(self) -> None:
        """Define aliases, symbols that are set to places, at these places, so that references keep their names.

        This is done after layout. An alias has the type and the size of the other symbol, unless it has its own.
        """
        for symbol in list(self.values()):
            if symbol.tree is None or symbol.tree[0] == "number" or symbol.weak_target:
                continue
            where = symbol.where or Where(0, 0, "", "<assembly>")
            value = self.linear(symbol.tree, where)
            if len(value.symbols) != 1 or value.symbols[0][1] != 1:
                continue
            target = self.get(value.symbols[0][0])
            if target is None or target.section is None:
                continue
            section = Subsection(target.section.section)
            symbol.section, symbol.offset = section, target.section.position(target.offset) + value.constant
            symbol.tree = None
            if symbol.kind == "notype":
                symbol.kind = target.kind
            if symbol.size is None:
                symbol.size = target.size

    # -- values -----------------------------------------------------------------------------------------------------
    def known(self, tree: Tree, depth: int = 0) -> int | None:
        """The value of an expression of numbers and symbols that have numbers, or None."""
        kind = tree[0]
        if kind == "number":
            return int(tree[1])
        if kind == "symbol":
            name: str = tree[1]
            symbol = self.get(self.current.get(name, name))
            if symbol is None or symbol.tree is None:
                return None
            if symbol.late and depth < _DEEPEST:
                return self.known(symbol.tree, depth + 1)
            return int(symbol.tree[1]) if symbol.tree[0] == "number" else None
        values = [self.known(t, depth) for t in tree[2:]]
        if None in values or (tree[1] in "/%" and values[-1] == 0):
            return None
        return operate(tree[1], *values)  # type: ignore[arg-type]

    def constant(self, tree: Tree, where: Where) -> int:
        """The value of an expression, which must be known here. Raises AssemblyError."""
        linear = self.linear(tree, where)
        if linear.symbols:
            names = ", ".join("this place" if n[0] == "\x00" else repr(n) for n, _ in linear.symbols)
            raise where.error(f"this must be a number by now, and depends on {names}")
        return linear.constant

    def linear(self, tree: Tree, where: Where, depth: int = 0) -> Linear:
        """An expression as a sum of symbols and a number. Raises AssemblyError for other expressions."""
        self._steps = self._steps + 1 if depth else 0
        if depth > 200 or self._steps > _MAX_STEPS:
            raise where.error("the expression refers to itself, or to too many others")
        kind = tree[0]
        if kind == "number":
            return Linear(tree[1])
        if kind == "symbol":
            return self._linear_symbol(tree[1], where, depth)
        operands = [self.linear(t, where, depth + 1) for t in tree[2:]]
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

    def _linear_symbol(self, name: str, where: Where, depth: int) -> Linear:
        symbol = self.get(name)
        if symbol is None or not symbol.weak_target:
            self.mentioned.add(name)
        followed = {name}
        while symbol is not None and symbol.weak_target:
            name = symbol.weak_target
            if name in followed:
                raise where.error(f"the weak reference {name!r} stands for itself")
            followed.add(name)
            symbol = self.symbol(name)
        if symbol is not None and symbol.tree is not None:
            return self.linear(symbol.tree, where, depth + 1)
        return Linear(0, ((name, 1),))

    def _cancel(self, constant: int, symbols: dict[str, int]) -> Linear:
        """Replace differences of labels whose distance is known by numbers."""
        while True:
            plus = [n for n, c in symbols.items() if c > 0]
            minus = [n for n, c in symbols.items() if c < 0]
            found = next(((a, b, d) for a in plus for b in minus if (d := self._distance(a, b)) is not None), None)
            if found is None:
                return Linear(constant, tuple((n, c) for n, c in symbols.items() if c))
            a, b, distance = found
            constant += distance
            symbols[a] -= 1
            symbols[b] += 1
            symbols = {n: c for n, c in symbols.items() if c}

    def _distance(self, first: str, second: str) -> int | None:
        """The distance from the second of two labels to the first in bytes, if it is known."""
        a, b = self.get(first), self.get(second)
        if a is None or b is None or a.section is None or b.section is None:
            return None
        if self.laid_out:
            same = a.section.section is b.section.section
            return a.section.position(a.offset) - b.section.position(b.offset) if same else None
        if a.section is b.section and a.section.fixed_between(a.offset, b.offset):
            return a.offset - b.offset
        return None

    def relocatable(self, linear: Linear, where: Where) -> int | Relocatable:
        """A number, or an address that a relocation can express. Raises AssemblyError for others."""
        if not linear.symbols:
            return linear.constant
        plus = [n for n, c in linear.symbols if c == 1]
        minus = [n for n, c in linear.symbols if c == -1]
        if len(plus) != 1 or len(minus) > 1 or len(plus) + len(minus) != len(linear.symbols):
            raise where.error("an address can only be a symbol, plus a number, less another symbol")
        return Relocatable(plus[0], linear.constant, minus[0] if minus else None)
