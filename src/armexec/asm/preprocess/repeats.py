"""Repetitions: `.rept`, `.irp` and `.irpc`."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Iterator

from armexec.asm.lines import Statement
from armexec.asm.preprocess.arguments import Argument, split, unquoted
from armexec.asm.preprocess.context import PreprocessContext
from armexec.asm.preprocess.frames import Body
from armexec.asm.preprocess.substitution import Substitution
from armexec.asm.where import Expansion, Where

__all__ = ["repeat", "repeat_for_characters", "repeat_for_values"]

_OPENING = frozenset([".rept", ".rep", ".irp", ".irpc"])
_CLOSING = frozenset([".endr"])
_NAME = re.compile(r"([A-Za-z_.$][\w.$]*)\s*(?:,|(?=\s)|$)\s*", re.ASCII)


def repeat(a: PreprocessContext, statement: Statement, where: Where) -> None:
    """`.rept count`, up to `.endr`."""
    body = _body(a, where)
    count = a.number(statement.operands, statement.operands_column, where, default=0)
    if count < 0:
        raise where.error(f"the count {count} is negative")
    count = min(count, sys.maxsize)
    _expand(a, statement, where, body, itertools.repeat(("", ""), count), count)


def repeat_for_values(a: PreprocessContext, statement: Statement, where: Where) -> None:
    """`.irp name, value, value, ...`: once for each value; once without any."""
    body = _body(a, where)
    name, text, column = _named(statement, where)
    evaluate = a.evaluate_at(where) if a.macros.alternate else None
    values = split(text, column, evaluate=evaluate)
    if len(values) > 1 and not values[-1].text:
        values.pop()
    rounds = [(name, unquoted(value.text)) for value in values or [Argument("", column)]]
    _expand(a, statement, where, body, rounds, len(rounds))


def repeat_for_characters(a: PreprocessContext, statement: Statement, where: Where) -> None:
    """`.irpc name, text`: once for each character; once without any."""
    body = _body(a, where)
    name, text, _ = _named(statement, where)
    text = unquoted(text.strip()) if text[:1] == '"' else "".join(text.split())
    rounds = [(name, character) for character in text or [""]]
    _expand(a, statement, where, body, rounds, len(rounds))


def _body(a: PreprocessContext, where: Where) -> Body:
    return a.source.top.take_body(_OPENING, _CLOSING, where, apple=a.apple)


def _named(statement: Statement, where: Where) -> tuple[str, str, int]:
    """The parameter's name, the text after it and its column."""
    match = _NAME.match(statement.operands)
    if match is None:
        raise where.error("expected a name, a comma and values")
    return match[1], statement.operands[match.end() :], statement.operands_column + match.end()


def _expand(
    a: PreprocessContext, statement: Statement, where: Where, body: Body, rounds: Iterable[tuple[str, str]], times: int
) -> None:
    """Read the body next, once for each name and value."""
    alternate = a.macros.alternate
    within = Expansion(f"in expansion of {statement.name.lower()}", where)
    if not alternate and not any("\\" in line for _, line in body.lines):
        # All rounds have the same lines.
        same = itertools.chain.from_iterable(itertools.repeat(body.lines, times))
        a.source.expand(same, body, times, within, a.conditions.depth)
        return

    def lines() -> Iterator[tuple[int, str]]:
        for index, (name, value) in enumerate(rounds):
            substitution = Substitution({name: value}, {"+": str(index)}, alternate=alternate)
            for number, line in body.lines:
                yield number, a.source.measure(substitution.line(line), where)

    a.source.expand(lines(), body, times, within, a.conditions.depth)
