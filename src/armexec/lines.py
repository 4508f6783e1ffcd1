"""Texts of several lines, which notebooks show as lines."""

from __future__ import annotations

from typing import Any

__all__ = ["Lines"]


class Lines(str):
    """A text of several lines. It is a str like any other, but IPython displays its lines instead of its repr."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Display the text; `printer` is IPython's."""
        for number, line in enumerate(self.splitlines()):
            if number:
                printer.break_()
            printer.text(line)
