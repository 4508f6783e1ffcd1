"""Places in the source."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SourceLine"]


@dataclass(frozen=True)
class SourceLine:
    """A place in the source; `line` and `column` count from 1, 0 means not known."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")
