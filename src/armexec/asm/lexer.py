"""Text into statements, and a statement's operands into tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from armexec.isa.syntax import Expression, Register, Token

__all__ = [
    "Statement",
    "SyntaxFailure",
    "Tree",
    "is_apple",
    "operand_tokens",
    "parse_expression",
    "split_arguments",
    "statements",
]

Tree: TypeAlias = "tuple[Any, ...]"
"""An expression: ("number", n), ("symbol", name), ("unary", op, tree), ("binary", op, tree, tree)."""


class SyntaxFailure(Exception):
    """Text that can't be read, at a column counted from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


class Statement(NamedTuple):
    """One statement: its labels are taken off; `name` is the mnemonic or directive as written."""

    line: int
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


_STRING = r'"(?:[^"\\\n]|\\.)*"'
_CHARACTER = r"'(?:[^'\\\n]|\\.)'?"
_PIECE = re.compile(rf"{_STRING}|{_CHARACTER}|//|/\*|;|%%|[^\"'/;%]+|.", re.DOTALL)
_LABEL = re.compile(rf"\s*(?:([A-Za-z_.$][\w.$@]*|\d+)|({_STRING}))\s*:(?!\w+:)")
_NAME = re.compile(r"\s*([A-Za-z_.$][\w.$]*)")


def statements(text: str) -> Iterator[Statement]:
    """The statements of a text. Comments are `//`, `/* */`, `#` at the start of a line, and `;` in Apple's dialect."""
    apple = is_apple(text)
    comment = False
    for number, line in enumerate(text.splitlines(), 1):
        if not comment and line.lstrip().startswith("#"):
            continue
        parts, comment = _without_comments(line, comment, apple)
        for start, part in parts:
            if part.strip():
                yield _statement(number, part, start)
    if comment:
        raise SyntaxFailure("a /* comment doesn't end", 1)


def _without_comments(line: str, comment: bool, apple: bool) -> tuple[list[tuple[int, str]], bool]:
    """The statements of a line with the columns they begin at, and whether a comment goes on in the next line."""
    if not comment and ";" not in line and "/" not in line and "%%" not in line:
        return [(0, line)], False
    parts: list[tuple[int, str]] = []
    current = ""
    start = position = 0
    if comment:
        end = line.find("*/")
        if end < 0:
            return [], True
        position = end + 2
        current = " " * position
    while position < len(line):
        match = _PIECE.match(line, position)
        assert match is not None
        piece = match[0]
        if piece == "//" or (piece == ";" and apple):
            break
        if piece == "/*":
            end = line.find("*/", position + 2)
            if end < 0:
                parts.append((start, current))
                return parts, True
            current += " " * (end + 2 - position)
            position = end + 2
            continue
        position = match.end()
        if piece == ";" or (piece == "%%" and apple):
            parts.append((start, current))
            current, start = "", position
        else:
            current += piece
    parts.append((start, current))
    return parts, False


def _statement(line: int, text: str, start: int) -> Statement:
    labels = []
    position = 0
    while (match := _LABEL.match(text, position)) is not None:
        name = match[1] or match[2][1:-1]
        labels.append((name, start + match.start(1 if match[1] else 2) + 1))
        position = match.end()
    match = _NAME.match(text, position)
    if match is None:
        rest = text[position:].strip()
        if rest:
            column = start + position + len(text[position:]) - len(text[position:].lstrip()) + 1
            raise SyntaxFailure(f"expected an instruction, a directive or a label, not {rest[:20]!r}", column)
        return Statement(line, tuple(labels), "", 0, "", 0)
    operands = text[match.end() :]
    stripped = operands.lstrip()
    column = start + match.end() + len(operands) - len(stripped) + 1
    return Statement(line, tuple(labels), match[1], start + match.start(1) + 1, stripped.rstrip(), column)


# -- tokens ----------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<register>[xw](?:[12]?\d|30)|[xw]zr|w?sp|[bhsdq](?:[12]?\d|3[01])|v(?:[12]?\d|3[01])(?:\.\d*[bhsdq])?)(?![\w.$@])
    | (?P<float>[-+]?\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w.])
    | (?P<number>0x[0-9a-f]+|0b[01]+|0o[0-7]+|\d+)(?![\w.$])
    | (?P<local>\d+[fb])(?![\w.$])
    | (?P<modifier>:\w+:)
    | (?P<name>[a-z_.$][\w.$]*(?:@\w+)?)
    | (?P<character>{_CHARACTER})
    | (?P<string>{_STRING})
    | (?P<punctuation>&&|\|\||<<|>>|<=|>=|==|!=|<>|[-\[\]{{}},!\#()+*/%&|^~<>=])
    | (?P<end>$)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_REGISTER_NAMES = {
    **{f"{k}{n}": Register(k, n) for k in "xw" for n in range(31)},
    **{f"{k}{n}": Register(k, n) for k in "bhsdqv" for n in range(32)},
    "xzr": Register("x", 31),
    "wzr": Register("w", 31),
    "sp": Register("sp", 31),
    "wsp": Register("wsp", 31),
}
_REGISTER_ALIASES = {
    "fp": Register("x", 29),
    "lr": Register("x", 30),
    "ip0": Register("x", 16),
    "ip1": Register("x", 17),
}
_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "\\": 92, "'": 39, '"': 34, "b": 8, "f": 12}


class _Raw(NamedTuple):
    kind: str
    text: str
    column: int


def _raw_tokens(text: str, column: int) -> list[_Raw]:
    result = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            raise SyntaxFailure(f"unexpected {rest[:1]!r}", column + len(text) - len(rest))
        kind = match.lastgroup
        assert kind is not None
        if kind == "end":
            break
        result.append(_Raw(kind, match[kind], column + match.start(kind)))
        position = match.end()
    return result


class _Reader:
    """Raw tokens into operand tokens; expressions become one token each."""

    def __init__(self, raw: list[_Raw], local_label: Callable[[str], str], column: int) -> None:
        self.raw = raw
        self.position = 0
        self.local_label = local_label
        self.end_column = raw[-1].column + len(raw[-1].text) if raw else column

    @property
    def next(self) -> _Raw:
        if self.position < len(self.raw):
            return self.raw[self.position]
        return _Raw("end", "", self.end_column)

    def take(self) -> _Raw:
        token = self.next
        self.position += 1
        return token

    # Precedence as in GNU as: * / % << >> bind tightest, then | & ^, then + -, then comparisons, && and ||.
    _LEVELS = (
        ("||",),
        ("&&",),
        ("==", "!=", "<>", "<", "<=", ">", ">="),
        ("+", "-"),
        ("|", "&", "^"),
        ("*", "/", "%", "<<", ">>"),
    )

    def expression(self, level: int = 0) -> Tree:
        if level == len(self._LEVELS):
            return self.unary()
        tree = self.expression(level + 1)
        while self.next.kind == "punctuation" and self.next.text in self._LEVELS[level]:
            operator = self.take().text
            tree = ("binary", operator, tree, self.expression(level + 1))
        return tree

    def unary(self) -> Tree:
        token = self.take()
        if token.kind == "number":
            digits = token.text.lower()
            base = 8 if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit() else 0
            try:
                return ("number", int(digits, base))
            except ValueError:
                raise SyntaxFailure(f"{token.text} is not a number", token.column) from None
        if token.kind == "character":
            body = token.text[1:].removesuffix("'") if len(token.text) > 2 else token.text[1:]
            return ("number", _ESCAPES.get(body[1:], ord(body[-1])) if body[0] == "\\" else ord(body))
        if token.kind == "local":
            return ("symbol", self.local_label(token.text))
        if token.kind in ("name", "register"):
            return ("symbol", token.text)
        if token.kind == "string":
            return ("symbol", token.text[1:-1])
        if token.kind == "punctuation":
            if token.text in "-+~!":
                operand = self.unary()
                return ("unary", token.text, operand)
            if token.text == "(":
                tree = self.expression()
                closing = self.take()
                if closing.text != ")":
                    raise SyntaxFailure("expected ')'", closing.column)
                return tree
        shown = repr(token.text) if token.text else "the end of the line"
        raise SyntaxFailure(f"expected an expression, not {shown}", token.column)


def tree_text(tree: Tree) -> str:
    """The expression written out."""
    if tree[0] in ("number", "symbol"):
        return str(tree[1])
    if tree[0] == "unary":
        return f"{tree[1]}{tree_text(tree[2])}"
    return f"({tree_text(tree[2])}{tree[1]}{tree_text(tree[3])})"


def parse_expression(text: str, column: int, local_label: Callable[[str], str]) -> tuple[Tree, str]:
    """An expression that fills `text`, and its relocation operator."""
    reader = _Reader(_raw_tokens(text, column), local_label, column)
    tree, modifier = _modified(reader)
    if reader.next.kind != "end":
        raise SyntaxFailure(f"unexpected {reader.next.text!r}", reader.next.column)
    return tree, modifier


def _modified(reader: _Reader) -> tuple[Tree, str]:
    modifier = ""
    if reader.next.kind == "modifier":
        modifier = reader.take().text[1:-1].lower()
    tree = reader.expression()
    tree, apple = _split_at(tree)
    return tree, modifier or apple


def _split_at(tree: Tree) -> tuple[Tree, str]:
    """Take Apple's `symbol@PAGE` operator out of a tree."""
    if tree[0] == "symbol" and "@" in tree[1]:
        name, _, modifier = tree[1].partition("@")
        return ("symbol", name), modifier.lower()
    if tree[0] == "binary":
        left, modifier = _split_at(tree[2])
        return ("binary", tree[1], left, tree[3]), modifier
    return tree, ""


def operand_tokens(
    text: str, column: int, local_label: Callable[[str], str], value_of: Callable[[Tree], int | None]
) -> list[Token]:
    """The operands of an instruction as tokens.

    `value_of` gives the value of an expression that is known already, else None.
    """
    reader = _Reader(_raw_tokens(text, column), local_label, column)
    tokens: list[Token] = []
    while reader.next.kind != "end":
        raw = reader.next
        kind, word = raw.kind, raw.text
        if kind == "register":
            reader.position += 1
            name, _, lanes = word.lower().partition(".")
            register = _REGISTER_NAMES[name]
            if lanes:
                register = Register("v", register.number, lanes)
            tokens.append(Token("register", register, raw.column, word))
        elif kind == "name" and word.lower() in _REGISTER_ALIASES:
            reader.position += 1
            tokens.append(Token("register", _REGISTER_ALIASES[word.lower()], raw.column, word))
        elif kind == "name" and "@" not in word and _stands_alone(reader):
            reader.position += 1
            value = value_of(("symbol", word))
            if value is None:
                tokens.append(Token("word", word.lower(), raw.column, word))
            else:
                tokens.append(Token("value", value, raw.column, word))
        elif kind == "float":
            reader.position += 1
            tokens.append(Token("float", float(word), raw.column, word))
        elif kind == "punctuation" and word not in "-+~(":
            reader.position += 1
            tokens.append(Token("punctuation", word, raw.column, word))
        else:
            tree, modifier = _modified(reader)
            value = None if modifier else value_of(tree)
            shown = tree_text(tree)
            tokens.append(
                Token("value", Expression(shown, modifier, tree) if value is None else value, raw.column, shown)
            )
    return tokens


def _stands_alone(reader: _Reader) -> bool:
    """Whether the name at the reader is not the beginning of a longer expression."""
    if reader.position + 1 >= len(reader.raw):
        return True
    following = reader.raw[reader.position + 1]
    return not (
        following.kind == "punctuation" and following.text in ("+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^")
    )


def split_arguments(text: str, column: int) -> list[tuple[str, int]]:
    """A directive's arguments at the commas outside strings and parentheses, with their columns."""
    result: list[tuple[str, int]] = []
    depth = 0
    start = 0
    position = 0
    pattern = re.compile(rf"{_STRING}|{_CHARACTER}|.", re.DOTALL)
    while position < len(text):
        match = pattern.match(text, position)
        assert match is not None
        if match[0] in "([":
            depth += 1
        elif match[0] in ")]":
            depth -= 1
        elif match[0] == "," and depth == 0:
            result.append((text[start:position], start))
            start = position + 1
        position = match.end()
    if text.strip():
        result.append((text[start:], start))
    return [(part.strip(), column + at + len(part) - len(part.lstrip())) for part, at in result]
