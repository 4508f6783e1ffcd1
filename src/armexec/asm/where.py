"""The place in the source that a message is about."""

from __future__ import annotations

import re
from typing import NamedTuple

from armexec.errors import AssemblyError

__all__ = ["Where"]


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
