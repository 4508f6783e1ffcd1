"""The stack of frames that are read: the text, included files, expansions of macros and repetitions."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import count
from typing import NamedTuple

from armexec.asm.lines import line_pieces, lines_of
from armexec.asm.where import Expansion, Where

__all__ = ["Body", "Frame", "SourceStack"]

_DEEPEST_EXPANSION = 100
"""Maximum depth of expansions, the same as GNU as's."""
_DEEPEST_INCLUSION = 50
_MOST_LINES = 4_000_000
"""Maximum number of lines in all expansions of one text."""
_MOST_EXPANSIONS = 500_000
_MOST_CHARACTERS = 1 << 28
_LONGEST_LINE = 1 << 20


class Body(NamedTuple):
    """The lines of a macro or repetition, with their numbers in the file."""

    lines: list[tuple[int, str]]
    file: str


class Frame:
    """Lines that are being read. `pending` is the rest of the current line, as `line_pieces` gives it."""

    __slots__ = ("comment", "depth", "expands", "file", "line", "lines", "number", "pending", "place", "within")

    def __init__(
        self, lines: Iterable[tuple[int, str]], file: str, within: Expansion | None, *, expands: bool, depth: int
    ) -> None:
        self.lines: Iterator[tuple[int, str]] = iter(lines)
        self.file = file
        self.within = within
        self.expands = expands
        """Whether .exitm ends it: a macro or a repetition, not a file."""
        self.depth = depth
        """The number of conditions that were open when it began."""
        self.pending: deque[tuple[int, str]] = deque()
        self.number = 0
        self.line = ""
        self.comment: Where | None = None
        """The place of the open comment, if any."""
        self.place = file
        """The file's own name, regardless of line markers."""

    def where(self, column: int) -> Where:
        """A column of the current line."""
        return Where(self.number, column, self.line, self.file, self.within)

    def split(self, number: int, line: str, *, apple: bool) -> None:
        """Begin a line: make its statements pending."""
        self.number, self.line = number, line
        pieces, is_open = line_pieces(line, self.comment is not None, apple=apple)
        if not is_open:
            self.comment = None
        elif self.comment is None or "*/" in line:
            self.comment = self.where(line.rindex("/*") + 1)
        self.pending.extend(pieces)

    def renumber(self, number: int, file: str) -> None:
        """Give the following lines another number and file, as a preprocessor's line marker says."""
        rest = (line for _, line in self.lines)
        self.lines = zip(count(number), rest, strict=False)
        self.file = file

    def take_body(self, opening: frozenset[str], closing: frozenset[str], where: Where, *, apple: bool) -> Body:
        """The lines up to the directive that closes the one at `where`; both may be nested.

        Raises:
            AssemblyError: there is no such directive in this frame.
        """
        body: list[tuple[int, str]] = []
        depth = 0
        while True:
            while self.pending:
                start, text = self.pending.popleft()
                found = _DIRECTIVE.match(text)
                name = found[2].lower() if found is not None else ""
                if name in closing:
                    if not depth:
                        assert found is not None
                        if not found[1].isspace() and found[1]:
                            body.append((self.number, " " * start + found[1]))
                        return Body(body, self.file)
                    depth -= 1
                elif name in opening:
                    depth += 1
                body.append((self.number, " " * start + text))
            following = next(self.lines, None)
            if following is None:
                raise where.error(f"this has no end: expected {' or '.join(sorted(closing))}")
            self.split(*following, apple=apple)


_DIRECTIVE = re.compile(r"(\s*(?:[\w.$\\@()]+:)?)\s*(\.\w+)")


class SourceStack:
    """The stack of frames; it also counts expanded lines."""

    def __init__(self, text: str, file: str) -> None:
        self._lines = 0
        self._expansions = 0
        self._characters = 0
        self.stack = [Frame(enumerate(lines_of(text), 1), file, None, expands=False, depth=0)]

    @property
    def top(self) -> Frame:
        return self.stack[-1]

    def expand(self, lines: Iterable[tuple[int, str]], body: Body, times: int, within: Expansion, depth: int) -> None:
        """Read the lines of an expansion next, which repeats `body` some `times`.

        Raises:
            AssemblyError: there are too many lines or expansions, or they are nested too deeply.
        """
        where = within.where
        deep = sum(frame.expands for frame in self.stack) + 1
        if deep > _DEEPEST_EXPANSION:
            raise where.error(
                f"macros are nested deeper than {_DEEPEST_EXPANSION} levels",
                "a macro that invokes itself must stop: put the invocation into .if, or leave it with .exitm",
            )
        self._lines += times * max(len(body.lines), 1)
        self._expansions += deep
        if self._lines > _MOST_LINES:
            raise where.error(f"the expansions have more than {_MOST_LINES} lines altogether")
        if self._expansions > _MOST_EXPANSIONS:
            raise where.error(
                f"there are more than {_MOST_EXPANSIONS} expansions of macros and repetitions, each counted as often as"
                " it is nested"
            )
        self.stack.append(Frame(lines, body.file, within, expands=True, depth=depth))

    def measure(self, line: str, where: Where) -> str:
        """Count the characters of an expanded line, and return it.

        Raises:
            AssemblyError: the line, or all lines together, are too long.
        """
        self._characters += len(line)
        if len(line) > _LONGEST_LINE or self._characters > _MOST_CHARACTERS:
            what = "a line of an expansion has" if len(line) > _LONGEST_LINE else "the expansions have altogether"
            most = _LONGEST_LINE if len(line) > _LONGEST_LINE else _MOST_CHARACTERS
            raise where.error(f"{what} more than {most} characters")
        return line

    def include(self, text: str, file: str, where: Where, depth: int) -> None:
        """Read a file's text next.

        Raises:
            AssemblyError: inclusions are nested too deeply.
        """
        if sum(not frame.expands for frame in self.stack) > _DEEPEST_INCLUSION:
            raise where.error(f"files include each other more than {_DEEPEST_INCLUSION} levels deep")
        within = Expansion("included here", where)
        self.stack.append(Frame(enumerate(lines_of(text), 1), file, within, expands=False, depth=depth))

    def stop(self) -> None:
        """Read nothing more (.end)."""
        self.stack.clear()

    def leave(self) -> int | None:
        """End the innermost expansion (.exitm). The number of conditions that were open before it; None without one."""
        at = next((i for i in range(len(self.stack) - 1, -1, -1) if self.stack[i].expands), None)
        if at is None:
            return None
        depth = self.stack[at].depth
        del self.stack[at:]
        return depth
