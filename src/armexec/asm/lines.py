"""Lines of text, their statements, and the arguments of directives."""

from __future__ import annotations

import re
from typing import NamedTuple

from armexec.asm.expressions import CHARACTER, STRING, SyntaxFailure, quoted_name

__all__ = ["Statement", "is_apple", "line_pieces", "lines_of", "plain_statement", "split_arguments", "statement_of"]


class Statement(NamedTuple):
    """A statement: its labels, the mnemonic or directive as written, and the operands, with their columns."""

    labels: tuple[tuple[str, int], ...]
    name: str
    name_column: int
    operands: str
    operands_column: int


_APPLE = re.compile(
    r"""^\s*\.(?:build_version|subsections_via_symbols|private_extern|zerofill|section\s+__[A-Z]|globa?l\s+_main\b)
    |@(?:gotpage|page)(?:off)?\b""",
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)
_ELF = re.compile(r"^\s*\.(?:type|size|section\s+[\".])|:lo12:", re.MULTILINE)


def is_apple(text: str) -> bool:
    """Whether a text is in Apple's dialect, in which `;` begins a comment instead of separating statements.

    It is if it has Apple's directives or operators, or a global `_main`, and no directives or operators of ELF.
    """
    return _APPLE.search(text) is not None and _ELF.search(text) is None


def lines_of(text: str) -> list[str]:
    """The lines of a text, as editors count them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


# Most lines: a label, or a name and simple operands, and a comment.
_PLAIN = {
    apple: re.compile(
        rf"\s*(?:([A-Za-z_.$][\w.$]*):|([A-Za-z.][\w.]*)(?:\s+([^\"'/;:=%\\]+))?)?\s*(?:{comment}.*)?$", re.ASCII
    )
    for apple, comment in ((False, "//"), (True, "(?://|;)"))
}
_PIECE = re.compile(rf"{STRING}|{CHARACTER}|//|/\*|;|%%|[^\"'/;%]+|.", re.DOTALL)
_LABEL = re.compile(rf"\s*(?:([A-Za-z_.$][\w.$@]*|\d+)|({STRING}))\s*:(?!\w+:)", re.ASCII)
_NAME = re.compile(r"\s*([A-Za-z_.$][\w.$]*)", re.ASCII)
_QUOTED_NAME = re.compile(rf"\s*({STRING})\s*=")
_NOTHING = Statement((), "", 0, "", 0)


def plain_statement(line: str, *, apple: bool) -> Statement | None:
    """The statement of a simple line, which is only a label or has no label; None for other lines."""
    match = _PLAIN[apple].match(line)
    if match is None:
        return None
    label, name, operands = match.groups()
    if operands:
        return Statement((), name, match.start(2) + 1, operands.rstrip(), match.start(3) + 1)
    if name:
        return Statement((), name, match.start(2) + 1, "", match.end(2) + 1)
    return Statement(((label, match.start(1) + 1),), "", 0, "", 0) if label else _NOTHING


def line_pieces(line: str, comment: bool, *, apple: bool) -> tuple[list[tuple[int, str]], bool]:
    """The statements of a line as text, without comments, each with its offset; and whether a comment is left open.

    `comment` tells that the line begins within a `/*` comment. Comments are `//`, `/* */`, `#` at the start of a line,
    and `;` in Apple's dialect, in which `%%` separates statements.
    """
    if not comment:
        if line.lstrip().startswith("#"):
            return [], False
        if ";" not in line and "/" not in line and "%%" not in line:
            return [(0, line)] if line.strip() else [], False
    parts: list[tuple[int, str]] = []
    current: list[str] = []
    start = position = 0
    if comment:
        end = line.find("*/")
        if end < 0:
            return [], True
        comment, position = False, end + 2
        current.append(" " * position)
    while position < len(line):
        match = _PIECE.match(line, position)
        assert match is not None
        piece = match[0]
        if piece == "//" or (piece == ";" and apple):
            break
        if piece == "/*":
            end = line.find("*/", position + 2)
            if end < 0:
                comment = True
                break
            current.append(" " * (end + 2 - position))
            position = end + 2
            continue
        position = match.end()
        if (piece == ";" and not apple) or (piece == "%%" and apple):
            parts.append((start, "".join(current)))
            current, start = [], position
        else:
            current.append(piece)
    parts.append((start, "".join(current)))
    return [(at, text) for at, text in parts if not text.isspace() and text], comment


def statement_of(text: str, start: int) -> Statement:
    """Parse the text of a statement that begins at an offset of its line.

    Raises:
        SyntaxFailure: it is no statement.
    """
    labels = []
    position = 0
    while (match := _LABEL.match(text, position)) is not None:
        column = start + match.start(1 if match[1] else 2) + 1
        labels.append((match[1] or quoted_name(match[2], column), column))
        position = match.end()
    name = (_NAME.match(text, position) or _QUOTED_NAME.match(text, position)) if text[position:].strip() else None
    if name is None:
        rest = text[position:].strip()
        if rest:
            column = start + position + len(text[position:]) - len(text[position:].lstrip()) + 1
            raise SyntaxFailure(f"expected an instruction, a directive or a label, not {rest[:20]!r}", column)
        return Statement(tuple(labels), "", 0, "", 0)
    column = start + name.start(1) + 1
    written = quoted_name(name[1], column) if name[1][0] == '"' else name[1]
    operands = text[name.end(1) :]
    stripped = operands.lstrip()
    operands_column = start + name.end(1) + len(operands) - len(stripped) + 1
    return Statement(tuple(labels), written, column, stripped.rstrip(), operands_column)


_ARGUMENT_PIECE = re.compile(rf"{STRING}|{CHARACTER}|[()\[\],]|[^\"'()\[\],]+|.", re.DOTALL)


def split_arguments(text: str, column: int) -> list[tuple[str, int]]:
    """A directive's arguments, split at commas outside of strings and parentheses, with their columns."""
    result: list[tuple[str, int]] = []
    depth = 0
    start = 0
    for match in _ARGUMENT_PIECE.finditer(text):
        piece = match[0]
        if piece in ("(", "["):
            depth += 1
        elif piece in (")", "]"):
            depth -= 1
        elif piece == "," and depth <= 0:
            result.append((text[start : match.start()], start))
            start = match.end()
    if text.strip():
        result.append((text[start:], start))
    return [(part.strip(), column + at + len(part) - len(part.lstrip())) for part, at in result]
