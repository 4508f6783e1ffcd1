"""Places in the source."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SourceLine"]


class SourceLine(NamedTuple):
    """A place in the source; `line` and `column` count from 1, 0 means not known."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")
