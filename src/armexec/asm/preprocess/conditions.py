"""Conditional assembly: `.if` and its relatives, `.elseif`, `.else`, `.endif`."""

from __future__ import annotations

import re
from collections.abc import Callable

from armexec.asm.context import Context
from armexec.asm.expressions import STRING, SyntaxFailure
from armexec.asm.lines import Statement
from armexec.asm.text import string_bytes
from armexec.asm.where import Where

__all__ = ["CONDITIONS", "Conditions"]

Test = Callable[[Context, Statement, Where], bool]


class _Condition:
    """An open `.if`: its place, whether a branch was taken, and the place of its `.else`."""

    __slots__ = ("has_else", "skips_all", "taken", "where")

    def __init__(self, where: Where, *, taken: bool, skips_all: bool) -> None:
        self.where = where
        self.taken = taken
        self.skips_all = skips_all
        """Whether it is in skipped text, so that all branches are skipped."""
        self.has_else: Where | None = None


_BRANCH = re.compile(r"\s*\.(if\w*|else|elseif|endif)(?![\w.$])\s*(.*)", re.IGNORECASE | re.DOTALL)


class Conditions:
    """The open conditions, and whether lines are skipped now."""

    def __init__(self) -> None:
        self._open: list[_Condition] = []
        self.skipping = False

    @property
    def depth(self) -> int:
        """The number of open conditions."""
        return len(self._open)

    def cut(self, depth: int) -> None:
        """Close conditions until that number is open, as .exitm does."""
        del self._open[depth:]
        self.skipping = False

    def finish(self) -> None:
        """Check at the end that no condition is open. Raises AssemblyError."""
        if self._open:
            raise self._open[-1].where.error("this has no end: expected .endif")

    # -- while lines are skipped ------------------------------------------------------------------------------------
    def skip(self, a: Context, text: str, start: int, where: Where) -> None:
        """Read a skipped statement, in which only conditional directives count."""
        match = _BRANCH.match(text)
        if match is None:
            return
        name = match[1].lower()
        where = where.at(start + match.start(1))
        if name.startswith("if"):
            self._open.append(_Condition(where, taken=True, skips_all=True))
        elif name == "endif":
            self.end(where)
        elif name == "else":
            self.otherwise(where)
        else:
            self.otherwise_if(a, match[2].rstrip(), start + match.start(2) + 1, where)

    # -- directives -------------------------------------------------------------------------------------------------
    def begin(self, a: Context, statement: Statement, where: Where) -> None:
        """`.if` or one of its relatives."""
        holds = _TESTS[statement.name.lower()](a, statement, where)
        self._open.append(_Condition(where, taken=holds, skips_all=False))
        self.skipping = not holds

    def otherwise_if(self, a: Context, text: str, column: int, where: Where) -> None:
        """`.elseif`, whose expression is evaluated only if no branch was taken."""
        condition = self._current(where, ".elseif")
        if condition.taken:
            self.skipping = True
            return
        holds = a.number(text, column, where) != 0
        condition.taken = holds
        self.skipping = not holds

    def otherwise(self, where: Where) -> None:
        """`.else`."""
        condition = self._current(where, ".else")
        condition.has_else = where
        self.skipping = condition.taken
        condition.taken = True

    def end(self, where: Where) -> None:
        """`.endif`."""
        if not self._open:
            raise where.error(".endif without .if")
        condition = self._open.pop()
        self.skipping = condition.skips_all

    def _current(self, where: Where, name: str) -> _Condition:
        if not self._open:
            raise where.error(f"{name} without .if")
        condition = self._open[-1]
        if condition.has_else is not None:
            raise where.error(f"{name} after .else (in line {condition.has_else.line})")
        return condition


# -- what is tested --------------------------------------------------------------------------------------------------
def _of_number(holds: Callable[[int], bool]) -> Test:
    def test(a: Context, statement: Statement, where: Where) -> bool:
        value = a.number(statement.operands, statement.operands_column, where)
        return holds(value - (1 << 64) if value >> 63 == 1 else value)

    return test


def _of_symbol(*, defined: bool) -> Test:
    def test(a: Context, statement: Statement, where: Where) -> bool:
        name = a.name((statement.operands, statement.operands_column))
        symbol = a.output.symbols.get(name)
        return (symbol is not None and symbol.defined) is defined

    return test


def _of_blank(*, blank: bool) -> Test:
    def test(a: Context, statement: Statement, where: Where) -> bool:
        return (not statement.operands) is blank

    return test


_TEXT_PIECE = re.compile(rf"{STRING}|[^,]")


def _of_text(*, same: bool) -> Test:
    def test(a: Context, statement: Statement, where: Where) -> bool:
        text = statement.operands
        position = 0
        while position < len(text) and text[position] != ",":
            match = _TEXT_PIECE.match(text, position)
            assert match is not None
            position = match.end()
        if position == len(text):
            raise where.error("expected two texts and a comma between them")
        return (text[:position].strip() == text[position + 1 :].strip()) is same

    return test


_STRINGS = re.compile(rf"({STRING})\s*,\s*({STRING})")


def _of_strings(*, same: bool) -> Test:
    def test(a: Context, statement: Statement, where: Where) -> bool:
        match = _STRINGS.fullmatch(statement.operands)
        if match is None:
            raise SyntaxFailure(
                "expected two strings in double quotes, and a comma between them", statement.operands_column
            )
        return (string_bytes(match[1][1:-1]) == string_bytes(match[2][1:-1])) is same

    return test


_TESTS: dict[str, Test] = {
    ".if": _of_number(lambda value: value != 0),
    ".ifne": _of_number(lambda value: value != 0),
    ".ifeq": _of_number(lambda value: value == 0),
    ".ifge": _of_number(lambda value: value >= 0),
    ".ifgt": _of_number(lambda value: value > 0),
    ".ifle": _of_number(lambda value: value <= 0),
    ".iflt": _of_number(lambda value: value < 0),
    ".ifdef": _of_symbol(defined=True),
    ".ifndef": _of_symbol(defined=False),
    ".ifnotdef": _of_symbol(defined=False),
    ".ifb": _of_blank(blank=True),
    ".ifnb": _of_blank(blank=False),
    ".ifc": _of_text(same=True),
    ".ifnc": _of_text(same=False),
    ".ifeqs": _of_strings(same=True),
    ".ifnes": _of_strings(same=False),
}
CONDITIONS = frozenset(_TESTS)
"""The directives that begin a condition."""
