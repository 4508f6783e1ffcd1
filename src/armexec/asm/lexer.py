"""Text into statements, and a statement's operands into tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from armexec.asm.expressions import (
    CHARACTER,
    STRING,
    Reader,
    SyntaxFailure,
    Tree,
    quoted_name,
    raw_tokens,
    tree_text,
)
from armexec.isa.syntax import Expression, Register, Token

__all__ = ["Statement", "is_apple", "line_statements", "lines_of", "operand_tokens", "plain_tokens", "split_arguments"]


class Statement(NamedTuple):
    """One statement: its labels are taken off; `name` is the mnemonic or directive as written."""

    labels: tuple[tuple[str, int], ...]
    name: str
    name_column: int
    operands: str
    operands_column: int


_APPLE = re.compile(
    r"^[ \t]*\.(?:build_version|subsections_via_symbols|section[ \t]+__[A-Z])|@(?:GOT)?PAGE", re.MULTILINE
)


def is_apple(text: str) -> bool:
    """Whether this is assembly for Apple's systems, where `;` begins a comment instead of separating statements."""
    return _APPLE.search(text) is not None


def lines_of(text: str) -> list[str]:
    """The lines of a text, as editors count them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


# Most lines: a label, or a name and operands without anything that needs a closer look; and a comment.
_PLAIN = {
    apple: re.compile(
        rf"[ \t]*(?:([A-Za-z_.$][\w.$]*):|([A-Za-z.][\w.]*)(?:[ \t]+([^\"'/;:=%]+))?)?[ \t]*(?:{comment}.*)?$", re.ASCII
    )
    for apple, comment in ((False, "//"), (True, "(?://|;)"))
}
_PIECE = re.compile(rf"{STRING}|{CHARACTER}|//|/\*|;|%%|[^\"'/;%]+|.", re.DOTALL)
_LABEL = re.compile(rf"[ \t]*(?:([A-Za-z_.$][\w.$@]*|\d+)|({STRING}))[ \t]*:(?!\w+:)", re.ASCII)
_NAME = re.compile(r"[ \t]*([A-Za-z_.$][\w.$]*)", re.ASCII)
_QUOTED_NAME = re.compile(rf"[ \t]*({STRING})[ \t]*=")


def line_statements(line: str, comment: bool, *, apple: bool) -> tuple[list[Statement], bool]:
    """The statements of a line. `comment`, also in the answer, is whether a `/*` comment goes on from the line before.

    Comments are `//`, `/* */`, `#` at the start of a line, and `;` in Apple's dialect.

    Raises:
        SyntaxFailure: something that is no statement.
    """
    if not comment:
        match = _PLAIN[apple].match(line)
        if match is not None:
            label, name, operands = match.groups()
            if name:
                operands = (operands or "").rstrip()
                return [Statement((), name, match.start(2) + 1, operands, match.start(3) + 1)], False
            if label:
                return [Statement(((label, match.start(1) + 1),), "", 0, "", 0)], False
            return [], False
        if line.lstrip().startswith("#"):
            return [], False
    parts, comment = _without_comments(line, comment, apple)
    return [_statement(part, start) for start, part in parts if part.strip()], comment


def _without_comments(line: str, comment: bool, apple: bool) -> tuple[list[tuple[int, str]], bool]:
    """The statements of a line with the columns they begin at, and whether a comment goes on in the next line."""
    if not comment and ";" not in line and "/" not in line and "%%" not in line:
        return [(0, line)], False
    parts: list[tuple[int, str]] = []
    current: list[str] = []
    start = position = 0
    if comment:
        end = line.find("*/")
        if end < 0:
            return [], True
        position = end + 2
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
                parts.append((start, "".join(current)))
                return parts, True
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
    return parts, False


def _statement(text: str, start: int) -> Statement:
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


# -- tokens ----------------------------------------------------------------------------------------------------------

_REGISTERS = {
    **{f"{k}{n}": Register(k, n) for k in "xw" for n in range(31)},
    **{f"{k}{n}": Register(k, n) for k in "bhsdqv" for n in range(32)},
    "xzr": Register("x", 31),
    "wzr": Register("w", 31),
    "sp": Register("sp", 31),
    "wsp": Register("wsp", 31),
    "fp": Register("x", 29),
    "lr": Register("x", 30),
    "ip0": Register("x", 16),
    "ip1": Register("x", 17),
}
_VECTOR = re.compile(r"v([12]?\d|3[01])\.(\d*[bhsdq])", re.ASCII)


def register_named(name: str) -> Register | None:
    """The register of a name in lower case, or None."""
    register = _REGISTERS.get(name)
    if register is None and (match := _VECTOR.fullmatch(name)) is not None:
        return Register("v", int(match[1]), match[2])
    return register


_PIECES = re.compile(r"-?[\w.$]+|[^\w.$\s]", re.ASCII)
_NUMBER = re.compile(r"-?(?:0x[0-9a-f]{1,16}|0|[1-9]\d{0,17})", re.ASCII)
_SYMBOL = re.compile(r"[a-z_.$][\w.$]+|[a-z_]", re.ASCII)
_known_pieces: dict[str, Token] = {}
_LIMIT = 1 << 16


def plain_tokens(text: str) -> list[Token] | None:
    """The tokens, without columns, of operands that are only registers, numbers, words and punctuation; else None."""
    tokens = []
    for piece in _PIECES.findall(text):
        token = _known_pieces.get(piece)
        if token is None:
            token = _plain_token(piece)
            if token is None:
                return None
            if len(_known_pieces) >= _LIMIT:
                _known_pieces.clear()
            _known_pieces[piece] = token
        tokens.append(token)
    return tokens


def _plain_token(piece: str) -> Token | None:
    if piece in ",[]!#{}":
        return Token("punctuation", piece, 0, piece)
    lower = piece.lower()
    register = register_named(lower)
    if register is not None:
        return Token("register", register, 0, piece)
    if _NUMBER.fullmatch(lower) is not None:
        return Token("value", int(lower, 0), 0, piece)
    if _SYMBOL.fullmatch(lower) is not None:
        return Token("word", lower, 0, piece)
    return None


def operand_tokens(
    text: str,
    column: int,
    local_label: Callable[[str], str],
    value_of: Callable[[Tree], int | None],
    *,
    apple: bool = False,
) -> list[Token]:
    """The operands of an instruction as tokens.

    `value_of` gives the value of an expression that is known already, else None.

    Raises:
        SyntaxFailure: what is no token, or an expression that can't be read.
    """
    reader = Reader(raw_tokens(text, column), local_label, column, apple=apple)
    tokens: list[Token] = []
    while (raw := reader.next).kind != "end":
        kind, word = raw.kind, raw.text
        register = register_named(word.lower()) if kind in ("register", "name") else None
        if register is not None:
            reader.position += 1
            tokens.append(Token("register", register, raw.column, word))
        elif kind == "name" and "@" not in word and _stands_alone(reader):
            reader.position += 1
            value = value_of(("symbol", word))
            if value is None:
                tokens.append(Token("word", word.lower(), raw.column, word))
            else:
                tokens.append(Token("value", value, raw.column, word))
        elif kind == "float":
            reader.position += 1
            tokens.append(Token("float", _float(word), raw.column, word))
        elif kind == "punctuation" and word in ("-", "+") and reader.following.kind == "float":
            number = reader.following.text
            reader.position += 2
            tokens.append(Token("float", _float(word + number), raw.column, word + number))
        elif word == "-" and reader.following.kind == "register" and tokens and tokens[-1].kind == "register":
            # A range of registers, in a list.
            reader.position += 1
            tokens.append(Token("punctuation", word, raw.column, word))
        elif kind == "punctuation" and (
            word not in ("-", "+", "~", "(", "!")
            # After a register or an address it is no operator.
            or (word == "!" and tokens and (tokens[-1].kind == "register" or tokens[-1].text == "]"))
        ):
            reader.position += 1
            tokens.append(Token("punctuation", word, raw.column, word))
        else:
            start = reader.position
            tree, modifier = reader.modified()
            value = None if modifier else value_of(tree)
            # A number as it was written: to FMOV, 0x70 isn't 112.
            shown = word if kind == "number" and reader.position == start + 1 else tree_text(tree)
            tokens.append(
                Token("value", Expression(shown, modifier, tree) if value is None else value, raw.column, shown)
            )
    return tokens


def _float(text: str) -> float:
    if "x" not in text.lower():
        return float(text)
    try:
        return float.fromhex(text)
    except OverflowError:
        return float("inf")


_OPERATORS = frozenset(["+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "==", "!=", "<>", "<", "<=", ">", ">="])


def _stands_alone(reader: Reader) -> bool:
    """Whether the name at the reader is not the beginning of a longer expression."""
    following = reader.following
    return following.kind != "punctuation" or following.text not in _OPERATORS


_ARGUMENT_PIECE = re.compile(rf"{STRING}|{CHARACTER}|[()\[\],]|[^\"'()\[\],]+|.", re.DOTALL)


def split_arguments(text: str, column: int) -> list[tuple[str, int]]:
    """A directive's arguments at the commas outside strings and parentheses, with their columns."""
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
