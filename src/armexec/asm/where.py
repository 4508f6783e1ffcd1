"""Places in the source, with the expansions and inclusions that they come from."""

from __future__ import annotations

import re
from typing import NamedTuple

from armexec.errors import AssemblyError

__all__ = ["Expansion", "Where"]

# Of a long chain of expansions only the innermost and the outermost are shown.
_INNERMOST, _OUTERMOST = 6, 3


class Expansion(NamedTuple):
    """The statement that lines come from, at `where`: `what` is "in expansion of macro 'm'", "included", ...

    `macro` tells that it invokes a macro.
    """

    what: str
    where: Where
    macro: bool = False

    def origin(self) -> tuple[int, str] | None:
        """The line and the file of the outermost invocation of a macro, the source line of its instructions."""
        found = None
        expansion: Expansion | None = self
        while expansion is not None:
            if expansion.macro:
                found = expansion.where.line, expansion.where.file
            expansion = expansion.where.within
        return found


class Where(NamedTuple):
    """A place in the source; the line is 0 for a builder call.

    `text` is the line, with the arguments in place if it is a macro's. `within` is the expansion that it belongs to.
    """

    line: int
    column: int
    text: str
    file: str
    within: Expansion | None = None

    def at(self, column: int) -> Where:
        """Another column of the same line."""
        return Where(self.line, column, self.text, self.file, self.within)

    def column_of(self, word: str) -> int:
        """The column of a word among the operands; the statement's own column if it isn't there."""
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
            expansions=self.expansions(),
        )

    def expansions(self) -> tuple[str, ...]:
        """A line of text for each expansion around this place, from the innermost."""
        lines: list[str] = []
        within = self.within
        while within is not None:
            where = within.where
            lines.append(f"{where.file}:{where.line}: {within.what}: {where.text.strip()[:120]}")
            within = where.within
        more = len(lines) - _INNERMOST - _OUTERMOST
        if more > 1:
            lines[_INNERMOST:-_OUTERMOST] = [f"... {more} more ..."]
        return tuple(lines)
